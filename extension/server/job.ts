import type { Question, Why } from '../core/reach/verdict';
import type { CheckReport } from '../core/report/contract';

/**
 * What the server's protocol loop and its analysis thread tell each other. Of all jobs that were posted only the newest
 * counts: its number stands in `LatestJob`, shared memory, and the thread gives up all others.
 */
export interface Job {
  readonly number: number;
  readonly question: Question;
  /** Open buffers: path in the tree -> text. They stand over what is on the disk. */
  readonly buffers: ReadonlyMap<string, string>;
}

export type JobReport =
  | { readonly kind: 'progress'; readonly number: number; readonly done: number; readonly total: number }
  | { readonly kind: 'done'; readonly number: number; readonly analysed: Analysed }
  | { readonly kind: 'cancelled'; readonly number: number }
  /** `input`: one clear line for the user. `defect`: a stack for the log. */
  | { readonly kind: 'failed'; readonly number: number; readonly fault: 'input' | 'defect'; readonly message: string };

/** A result with what is needed to show it. */
export interface Analysed {
  readonly report: CheckReport;
  /** What the report does not say of calls, see `callAnswers()`. */
  readonly calls: ReadonlyMap<string, Why>;
  /** By file: the hash (`textHash`) of the text that was analysed. */
  readonly hashes: ReadonlyMap<string, string>;
  /** By `FILE:LINE` (1-based): the source lines that report and calls name. */
  readonly lines: ReadonlyMap<string, string>;
}

/** What the thread is started with. */
export interface ThreadData {
  readonly root: string;
  /** Of one `Int32`: the number of the newest job. */
  readonly latest: SharedArrayBuffer;
}
