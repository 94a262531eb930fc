import type { Range } from 'vscode-languageserver';
import type { Verdict, VmType } from '../core/reach/verdict';

/**
 * What the server speaks beside the language server protocol. A client gets these only if it declares them in the
 * experimental part of its capabilities (`ExperimentalCapabilities`), so that a plain client never sees them.
 */
export interface ExperimentalCapabilities {
  /** The client handles `kvmLens/status`. */
  readonly kvmLensStatus?: boolean;
  /** Commands that the client carries out for a code lens, as other servers' clients declare theirs. */
  readonly commands?: { readonly commands: readonly string[] };
}

/** Notification to the client: what the analysis of a tree is at. Sent at each change of state. */
export const STATUS = 'kvmLens/status';

export interface StatusParams {
  readonly state: 'analysing' | 'ready' | 'failed';
  /** One line. */
  readonly message: string;
  /** Callers by verdict; with `ready`, and with the other states if an older result still stands. */
  readonly counts?: Readonly<Partial<Record<Verdict, number>>>;
  /** The top of the tree as a path; absent if no tree was found. */
  readonly tree?: string;
  readonly vm?: VmType;
}

/** Notification to the server: analyse all trees again, also those whose files have not changed. No parameters. */
export const ANALYSE = 'kvmLens/analyse';

/** Command of a code lens, carried out by the client. Its one argument is a `PathParams`. */
export const SHOW_PATH = 'kvmLens.showPath';

/** Request to the server: the witness of a caller, or what cuts it, step by step. `null` if that is not known (any more). */
export const PATH = 'kvmLens/path';

export interface PathParams {
  /** Of any file of the tree. */
  readonly uri: string;
  /** A caller's id; absent: the caller that `line` (0-based) of the file belongs to. */
  readonly id?: string;
  readonly line?: number;
}

export interface PathResult {
  /** What a code lens says of the caller, with its name. */
  readonly title: string;
  readonly steps: readonly PathStep[];
}

export interface PathStep {
  readonly label: string;
  /** Where it stands, short. */
  readonly place: string;
  readonly detail?: string;
  readonly uri: string;
  readonly range: Range;
}
