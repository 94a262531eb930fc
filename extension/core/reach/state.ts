import type { FunctionId } from '../program/program';
import { type Bits, isNone, join as joinBits, meet, TOP, within } from './known-bits';

/**
 * A value of C: a number that is known in part, an unknown number with an identity (so that what a condition says of
 * it holds wherever it was copied to), the address of an object, or a function.
 */
export type Value =
  | { readonly k: 'bits'; readonly bits: Bits }
  | { readonly k: 'symbol'; readonly id: string }
  | { readonly k: 'object'; readonly id: string }
  | { readonly k: 'function'; readonly ids: readonly FunctionId[] };

export const UNKNOWN: Value = { k: 'bits', bits: TOP };

export function bitsValue(bits: Bits): Value {
  return { k: 'bits', bits };
}

/**
 * What holds at one point of an execution. `cells` are locals (`F.name`) and fields of objects (`OBJECT.field`);
 * `known` is what is known of symbols. A state is dead when something that is known holds nothing.
 */
export interface State {
  readonly cells: ReadonlyMap<string, Value>;
  readonly known: ReadonlyMap<string, Bits>;
  /** What neither userspace nor the guest controls and this state needs: a failed allocation, each with its place. */
  readonly conditions: ReadonlySet<string>;
}

export const START: State = { cells: new Map(), known: new Map(), conditions: new Set() };

export function bitsOf(state: State, value: Value): Bits {
  switch (value.k) {
    case 'bits':
      return value.bits;
    case 'symbol':
      return state.known.get(value.id) ?? TOP;
    case 'object':
    case 'function':
      return TOP;
  }
}

export function withCell(state: State, cell: string, value: Value): State {
  const cells = new Map(state.cells);
  cells.set(cell, value);
  return { ...state, cells };
}

export function withoutCells(state: State, drop: (cell: string) => boolean): State {
  const cells = new Map<string, Value>();
  for (const [cell, value] of state.cells) if (!drop(cell)) cells.set(cell, value);
  return cells.size === state.cells.size ? state : { ...state, cells };
}

/** The state in which `value` also lies in `bits`; `undefined`: that cannot be. */
export function refine(state: State, value: Value, bits: Bits): State | undefined {
  const now = meet(bitsOf(state, value), bits);
  if (isNone(now)) return undefined;
  if (value.k !== 'symbol') return state;
  const known = new Map(state.known);
  known.set(value.id, now);
  return { ...state, known };
}

export function needing(state: State, condition: string): State {
  return state.conditions.has(condition) ? state : { ...state, conditions: new Set([...state.conditions, condition]) };
}

/** What a cell holds before anything is written to it: one unknown value. */
export function initial(cell: string): Value {
  return { k: 'symbol', id: cell };
}

function sameValue(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (a.k === 'bits' && b.k === 'bits') return within(a.bits, b.bits) && within(b.bits, a.bits);
  if (a.k === 'symbol' && b.k === 'symbol') return a.id === b.id;
  if (a.k === 'object' && b.k === 'object') return a.id === b.id;
  return a.k === 'function' && b.k === 'function' && a.ids.join() === b.ids.join();
}

/**
 * What holds in both: cells that differ hold the join of what is known of them, conditions are those that both need.
 * A cell that only one side has was not touched on the other, where it has its first value.
 */
export function join(a: State, b: State): State {
  if (a === b) return a;
  const cells = new Map<string, Value>();
  for (const cell of new Set([...a.cells.keys(), ...b.cells.keys()])) {
    const value = a.cells.get(cell) ?? initial(cell);
    const other = b.cells.get(cell) ?? initial(cell);
    if (sameValue(value, other)) cells.set(cell, value);
    else if (value.k === 'function' && other.k === 'function') {
      cells.set(cell, { k: 'function', ids: [...new Set([...value.ids, ...other.ids])].sort() });
    } else if (value.k === 'object' || other.k === 'object' || value.k === 'function' || other.k === 'function')
      cells.set(cell, UNKNOWN);
    else cells.set(cell, bitsValue(joinBits(bitsOf(a, value), bitsOf(b, other))));
  }
  const known = new Map<string, Bits>();
  for (const [id, bits] of a.known) {
    const other = b.known.get(id);
    if (other !== undefined) known.set(id, joinBits(bits, other));
  }
  const conditions = new Set([...a.conditions].filter((each) => b.conditions.has(each)));
  return { cells, known, conditions };
}

export function joinAll(states: readonly State[]): State | undefined {
  return states.length === 0 ? undefined : states.reduce(join);
}
