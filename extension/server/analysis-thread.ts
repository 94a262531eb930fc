import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { Analysis, Cancelled } from '../core/analysis';
import { InputError } from '../core/input-error';
import { FactsStore } from '../core/program/load';
import { overlay } from '../core/source/tree';
import type { CParser } from '../core/syntax/parser';
import { DiskTree } from '../node/disk-tree';
import { loadParser } from '../node/parser';
import { callAnswers } from './call-answers';
import type { Analysed, Job, JobReport, ThreadData } from './job';
import { namedLines } from './source-lines';

/** Progress is told in steps of this many files, so that the protocol loop is not flooded. */
const PROGRESS_STEP = 8;

/** The analysis of one tree, off the protocol's loop. Facts are kept from job to job: an edit costs one file's parse. */
export function runAnalysisThread(): void {
  const port = parentPort;
  if (port === null) throw new Error('not in a thread');
  const thread = new AnalysisThread(port, workerData as ThreadData);
  let queue = Promise.resolve();
  port.on('message', (job: Job) => {
    queue = queue.then(() => thread.run(job));
  });
}

class AnalysisThread {
  private readonly latest: Int32Array;
  private parser: CParser | undefined;
  private store = new FactsStore();

  constructor(
    private readonly port: MessagePort,
    private readonly data: ThreadData,
  ) {
    this.latest = new Int32Array(data.latest);
  }

  async run(job: Job): Promise<void> {
    const { number } = job;
    try {
      const analysed = this.superseded(number) ? undefined : await this.analyse(job);
      this.tell(analysed === undefined ? { kind: 'cancelled', number } : { kind: 'done', number, analysed });
    } catch (error) {
      this.tell(faultOf(error, number));
    }
  }

  private async analyse({ number, question, buffers }: Job): Promise<Analysed | undefined> {
    const parser = (this.parser ??= await loadParser());
    const tree = overlay(new DiskTree(this.data.root), buffers);
    const analysis = await Analysis.open(tree, parser, {
      store: this.store,
      cancelled: () => this.superseded(number),
      progress: (done, total) => {
        if (done % PROGRESS_STEP === 0) this.tell({ kind: 'progress', number, done, total });
      },
    });
    const report = analysis.check(question);
    const calls = callAnswers(analysis, question, report, () => this.superseded(number));
    const lines = await namedLines([report, [...calls.values()]], tree);
    if (this.superseded(number)) return undefined;
    this.keepFactsOf(analysis);
    return { report, calls, hashes: hashesOf(analysis), lines };
  }

  private superseded(number: number): boolean {
    return Atomics.load(this.latest, 0) !== number;
  }

  /** Facts of texts that no longer exist are dropped, or each edit would add to what the thread holds. */
  private keepFactsOf(analysis: Analysis): void {
    const store = new FactsStore();
    for (const facts of analysis.program.files.values()) store.add(facts);
    this.store = store;
  }

  private tell(report: JobReport): void {
    this.port.postMessage(report);
  }
}

function hashesOf(analysis: Analysis): Map<string, string> {
  return new Map([...analysis.program.files.values()].map(({ path, hash }) => [path, hash]));
}

function faultOf(error: unknown, number: number): JobReport {
  if (error instanceof Cancelled) return { kind: 'cancelled', number };
  if (error instanceof InputError) return { kind: 'failed', number, fault: 'input', message: error.message };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { kind: 'failed', number, fault: 'defect', message };
}
