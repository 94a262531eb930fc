import { basename } from 'node:path';
import type { Connection } from 'vscode-languageserver';
import type { Question } from '../core/reach/verdict';
import { textHash } from '../core/syntax/text-hash';
import { Analyst } from './analyst';
import { Findings } from './findings';
import type { Analysed, JobReport } from './job';
import { LineMap } from './line-map';
import { ProgressDisplay } from './progress';
import type { StatusParams } from './protocol';
import { reachedText, vmIn } from '../core/report/words';
import { vmLabel } from './wording';

/** An edit is analysed when no other followed it for this long, in milliseconds. */
const DEBOUNCE = 300;

/** What a session needs of the server around it. */
export interface SessionSurroundings {
  readonly connection: Connection;
  question(): Question;
  /** The open documents of the tree: path in the tree -> text. */
  buffers(root: string): ReadonlyMap<string, string>;
  /** The session's findings are new, or gone. */
  changed(session: TreeSession): void;
  status(status: StatusParams): void;
}

/**
 * One kernel tree that is open: its last finished result, and the analysis that will replace it. The result stands
 * until the next one is there, so that nothing flickers and no answer waits.
 */
export class TreeSession {
  private readonly analyst: Analyst;
  private last:
    { readonly findings: Findings; readonly question: string; readonly texts: Map<string, string> } | undefined;
  private running: { readonly question: string; readonly buffers: ReadonlyMap<string, string> } | undefined;
  private timer: NodeJS.Timeout | undefined;
  private progress: ProgressDisplay | undefined;

  constructor(
    readonly root: string,
    private readonly around: SessionSurroundings,
  ) {
    this.analyst = new Analyst(root, (report) => {
      this.heard(report);
    });
    this.schedule(0);
  }

  get findings(): Findings | undefined {
    return this.last?.findings;
  }

  /** Something changed: what runs is out of date, and an analysis follows when the changes pause. */
  schedule(delay = DEBOUNCE): void {
    clearTimeout(this.timer);
    this.stop();
    this.timer = setTimeout(() => {
      this.analyse();
    }, delay);
  }

  /**
   * The tree shows this text for a file, because a document was opened or closed. Nothing to do if it is what was
   * analysed, nor if the analysis did not need the file; one that is under way is compared when it is done.
   */
  shows(file: string, text: string): void {
    if (this.last === undefined || this.running !== undefined || this.timer !== undefined) return;
    const { findings, texts } = this.last;
    const hash = findings.analysed.hashes.get(file);
    if (hash === undefined || texts.get(file) === text) return;
    if (hash === textHash(text)) texts.set(file, text);
    else this.schedule();
  }

  /** Where the lines of the last result stand in `text`, what `file` holds now. */
  lineMap(file: string, text: string): LineMap {
    const analysed = this.last?.texts.get(file);
    return analysed === undefined ? LineMap.SAME : LineMap.between(analysed, text);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.stop();
    this.analyst.dispose();
    this.last = undefined;
  }

  private analyse(): void {
    this.timer = undefined;
    const question = this.around.question();
    const buffers = this.around.buffers(this.root);
    this.running = { question: JSON.stringify(question), buffers };
    this.tell('analysing', `${basename(this.root)}: analysing for ${vmLabel(question.vm)}`);
    this.progress = new ProgressDisplay(this.around.connection, `KVM Lens: ${basename(this.root)}`, () => {
      this.cancelled();
    });
    this.analyst.analyse(question, buffers);
  }

  private stop(): void {
    this.analyst.cancel();
    this.progress?.end();
    this.progress = undefined;
    this.running = undefined;
  }

  /** By the user, in the progress. */
  private cancelled(): void {
    this.stop();
    this.tell('failed', `${basename(this.root)}: cancelled`);
  }

  private heard(report: JobReport): void {
    const job = this.running;
    if (report.kind === 'progress') {
      this.progress?.report(report.done, report.total);
      return;
    }
    this.stop();
    if (job === undefined) return;
    if (report.kind === 'done') this.done(report.analysed, job);
    else if (report.kind === 'failed') this.failed(report.fault, report.message, job.question);
  }

  private done(
    analysed: Analysed,
    job: { readonly question: string; readonly buffers: ReadonlyMap<string, string> },
  ): void {
    const findings = new Findings(analysed);
    this.last = { findings, question: job.question, texts: new Map(job.buffers) };
    const { callers, vm, tree, problems } = findings.report;
    if (problems.length > 0) this.around.connection.console.info(problemsText(findings));
    this.around.changed(this);
    this.tell('ready', `${reachedText(callers.filter((caller) => caller.direct))} by ${vmIn(vm, tree)}`);
    for (const [file, text] of this.around.buffers(this.root)) this.shows(file, text);
  }

  private failed(fault: 'input' | 'defect', message: string, question: string): void {
    // A tree that is being edited may lack its sink for a while; an answer to another question is none.
    if (this.last !== undefined && this.last.question !== question) {
      this.last = undefined;
      this.around.changed(this);
    }
    this.around.connection.console.error(message);
    this.tell('failed', fault === 'input' ? message : 'the analysis failed, see the output of KVM Lens');
  }

  private tell(state: StatusParams['state'], message: string): void {
    const report = this.last?.findings.report;
    this.around.status({
      state,
      message,
      tree: this.root,
      vm: this.around.question().vm,
      ...(report === undefined ? {} : { counts: tally(report.callers.map((caller) => caller.verdict)) }),
    });
  }
}

function problemsText(findings: Findings): string {
  const { problems, tree } = findings.report;
  const lines = problems.map(
    ({ file, line, message }) => `  ${file}${line === undefined ? '' : `:${line}`}: ${message}`,
  );
  return [`Linux ${tree.version}: ${problems.length} places could not be understood in full`, ...lines].join('\n');
}

function tally<T extends string>(values: readonly T[]): Partial<Record<T, number>> {
  const counts: Partial<Record<T, number>> = {};
  for (const value of [...values].sort()) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
