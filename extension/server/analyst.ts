import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Question } from '../core/reach/verdict';
import type { Job, JobReport, ThreadData } from './job';

/** A thread that still sits on a superseded job after this many milliseconds is ended and started again. */
const PATIENCE = 20_000;

/**
 * The analysis thread of one tree, from the protocol's side. It is started with the first job and again after it died.
 * Reports of superseded jobs are dropped here.
 */
export class Analyst {
  private readonly shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  private readonly latest = new Int32Array(this.shared);
  private worker: Worker | undefined;
  /** The newest job, until it is reported or given up. */
  private pending: Job | undefined;
  /** Superseded jobs that the thread has not answered yet. */
  private readonly superseded = new Set<number>();
  private impatience: NodeJS.Timeout | undefined;

  constructor(
    private readonly root: string,
    private readonly report: (report: JobReport) => void,
  ) {}

  /** Gives up whatever runs and analyses this instead. */
  analyse(question: Question, buffers: ReadonlyMap<string, string>): void {
    this.cancel();
    this.post({ number: Atomics.load(this.latest, 0), question, buffers });
  }

  /** What runs is given up at the thread's next look; nothing of it is reported any more. */
  cancel(): void {
    Atomics.add(this.latest, 0, 1);
    if (this.pending === undefined) return;
    this.superseded.add(this.pending.number);
    this.pending = undefined;
    this.impatience ??= setTimeout(() => {
      this.startAgain();
    }, PATIENCE);
  }

  dispose(): void {
    this.pending = undefined;
    this.end();
  }

  private post(job: Job): void {
    this.pending = job;
    this.worker ??= this.start();
    this.worker.postMessage(job);
  }

  private start(): Worker {
    const workerData: ThreadData = { root: this.root, latest: this.shared };
    // The server's bundle is that of its threads too, see main.ts.
    const worker = new Worker(join(__dirname, 'server.js'), { workerData, stdout: true });
    // The process's own standard output belongs to the protocol.
    worker.stdout.pipe(process.stderr, { end: false });
    worker.on('message', (report: JobReport) => {
      if (worker === this.worker) this.heard(report);
    });
    worker.on('error', (error) => {
      this.died(worker, error.stack ?? error.message);
    });
    worker.on('exit', (code) => {
      this.died(worker, `the analysis thread ended with code ${code}`);
    });
    return worker;
  }

  private heard(report: JobReport): void {
    const { kind, number } = report;
    const isNewest = number === this.pending?.number;
    if (kind !== 'progress') {
      if (isNewest) this.pending = undefined;
      this.superseded.delete(number);
      if (this.superseded.size === 0) this.calmDown();
    }
    if (isNewest) this.report(report);
  }

  private died(worker: Worker, message: string): void {
    if (worker !== this.worker) return;
    const lost = this.pending;
    this.dispose();
    if (lost !== undefined) this.report({ kind: 'failed', number: lost.number, fault: 'defect', message });
  }

  private startAgain(): void {
    this.end();
    if (this.pending !== undefined) this.post(this.pending);
  }

  private end(): void {
    const worker = this.worker;
    this.worker = undefined;
    this.superseded.clear();
    this.calmDown();
    void worker?.terminate();
  }

  private calmDown(): void {
    clearTimeout(this.impatience);
    this.impatience = undefined;
  }
}
