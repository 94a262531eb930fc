import type { FunctionId, FunctionNode, Program, Site, Vendor } from '../program/program';
import { columnOf, lineOf, type Expr, type MacroFact } from '../syntax/facts';
import { substituted } from '../syntax/substitute';
import type { Effect } from './effects';
import type { Dispatch } from './dispatch';
import type { MmuState } from './mmu-state';
import type { Rules } from './rules';

/** The truth of a condition in a function, for the VM of the question, at any time after its creation. */
export type Decide = (fn: FunctionId, condition: Expr) => true | false | 'unknown';

/** What all runs through a sink share. */
export interface Machine {
  readonly program: Program;
  readonly decide: Decide;
  readonly vendor: Vendor;
  readonly rules: Rules;
  /** The state before the sink runs. */
  readonly start: MmuState;
  /** The sink of the question. */
  readonly sink?: FunctionId;
  /** Statements and calls left, over all runs. */
  budget: number;
  /** Expressions left that are evaluated without being run. */
  reads: number;
  /** See `effectOf()`. */
  readonly effects: Map<string, Effect>;
  /** Whether calling a function or macro changes nothing, by name and file: see `changesNothing()`. */
  readonly quiet: Map<string, boolean>;
  /** See `dispatchOf()`. */
  readonly dispatches: Map<string, Dispatch | undefined>;
  /** Bodies of macros with the arguments of a use put in. */
  readonly expansions: WeakMap<Expr, ReturnType<typeof substituted>>;
}

/** The function whose code is being run. */
export interface Frame {
  readonly node: FunctionNode;
  /** 0: the sink itself. */
  readonly depth: number;
  /** Inside a macro: the place of its use, which stands for all places in the macro's body. */
  readonly use?: Site;
  /** KVM's code away from the sink: helpers' own locks and WARNs do not matter there. Whoever calls the sink is back at it. */
  readonly away?: boolean;
}

/** A macro's body with the arguments of a use put in, made once for each use. */
export function expansion(
  machine: Machine,
  macro: MacroFact,
  x: Extract<Expr, { k: 'call' }>,
): ReturnType<typeof substituted> {
  const body = machine.expansions.get(x) ?? substituted(macro, x.args);
  machine.expansions.set(x, body);
  return body;
}

export const MAX_DEPTH = 8;

export function siteOf(frame: Frame, at: number): Site {
  return frame.use ?? { file: frame.node.file, line: lineOf(at), column: columnOf(at), function: frame.node.name };
}
