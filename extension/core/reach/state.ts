import type { FunctionId } from '../program/program';
import type { Back } from './back-pointers';
import { CellMap } from './cell-map';
import { nameOf, pointee } from './cell-names';
import type { Whereabouts } from './devices';
import { ALL, and, type Bits, holds, isNone, join as joinBits, meet, TOP, without, within } from './known-bits';

/**
 * A value of C: a number that is known in part, an unknown number with an identity (so that what a condition says of
 * it holds wherever it was copied to), the address of an object, or a function.
 */
export type Value = Content & {
  /** Ids of the facts that it rests on: those that were read to make it. */
  readonly facts?: readonly string[];
};

type Content =
  | { readonly k: 'bits'; readonly bits: Bits }
  /** `of`: the numbers that it can be by its type; all, if absent. `where`: of a pointer to a device. `back`: of one whose object is known. */
  | {
      readonly k: 'symbol';
      readonly id: string;
      readonly of?: Bits;
      readonly where?: Whereabouts;
      readonly back?: Back;
    }
  | { readonly k: 'object'; readonly id: string; readonly where?: Whereabouts }
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
  readonly cells: CellMap<Value>;
  readonly known: CellMap<Bits>;
  /** What neither userspace nor the guest controls and this state needs: a failed allocation, each with its place. */
  readonly conditions: ReadonlySet<string>;
  /** Locals whose address is known to code that is not followed: stores through unknown pointers may change them. */
  readonly escaped: ReadonlySet<string>;
}

/** Nothing is known, and nothing has been done. */
export const START: State = {
  cells: CellMap.empty(),
  known: CellMap.empty(),
  conditions: new Set(),
  escaped: new Set(),
};

export function bitsOf(state: State, value: Value): Bits {
  switch (value.k) {
    case 'bits':
      return value.bits;
    case 'symbol': {
      const known = state.known.get(value.id) ?? value.of ?? TOP;
      const whole = wholeOf(value);
      return whole === undefined ? known : meet(known, and(bitsOf(state, whole), TOP));
    }
    case 'object':
    case 'function':
      return TOP;
  }
}

const SUBSET = /^sub:\d+:/;

/** A number with no other bits than those of `whole`. */
export function subsetOf(whole: Value & { k: 'symbol' }, fresh: number): Value & { k: 'symbol' } {
  return { k: 'symbol', id: `sub:${fresh}:${whole.id}` };
}

function wholeOf(value: Value & { k: 'symbol' }): (Value & { k: 'symbol' }) | undefined {
  return value.id.startsWith('sub:') ? { k: 'symbol', id: value.id.replace(SUBSET, '') } : undefined;
}

/** The value with the facts that were read to make it. */
export function restingOn(value: Value, facts: readonly string[] | undefined): Value {
  return facts === undefined || value.facts === facts ? value : { ...value, facts };
}

function bothFacts(a: Value, b: Value): readonly string[] | undefined {
  if (a.facts === undefined || b.facts === undefined || a.facts === b.facts) return a.facts ?? b.facts;
  return [...new Set([...a.facts, ...b.facts])].sort();
}

export function withCell(state: State, cell: string, value: Value): State {
  const cells = state.cells.set(cell, value);
  return cells === state.cells ? state : { ...state, cells };
}

/** Gives every cell that `changes` names another value. */
export function replaced(state: State, changes: (cell: string) => Value | undefined): State {
  const cells = state.cells.changed((cell, value) => changes(cell) ?? value);
  return cells === state.cells ? state : { ...state, cells };
}

/** `after` without the cells that `before` did not have and that begin with one of the prefixes: a frame's locals. */
export function withoutLocals(after: State, before: State, prefixes: readonly string[]): State {
  const isLocal = (name: string): boolean => prefixes.some((prefix) => name.startsWith(prefix));
  const cells = after.cells.merged(before.cells, (cell, mine) => (isLocal(cell) ? undefined : mine));
  const known = after.known.merged(before.known, (id, mine, others) =>
    isLocal(id) && others === undefined ? undefined : mine,
  );
  return { ...after, cells, known };
}

/** The state in which `value` also lies in `bits`; `undefined`: that cannot be. */
export function refine(state: State, value: Value, bits: Bits): State | undefined {
  const now = meet(bitsOf(state, value), bits);
  if (isNone(now)) return undefined;
  if (value.k !== 'symbol') return state;
  const narrowed = { ...state, known: state.known.set(value.id, now) };
  const whole = wholeOf(value);
  if (whole === undefined) return narrowed;
  // What is set in a part is set in the whole.
  const ones = { value: now.value, mask: ALL & ~now.value, ranges: TOP.ranges };
  return refine(narrowed, whole, holds(now, 0n) ? ones : without(ones, 0n));
}

export function needing(state: State, condition: string): State {
  return state.conditions.has(condition) ? state : { ...state, conditions: new Set([...state.conditions, condition]) };
}

/** What a cell holds before anything is written to it: one unknown value, of the numbers that its type can hold. */
export function initial(cell: string, of?: Bits): Value {
  return of === undefined ? { k: 'symbol', id: cell } : { k: 'symbol', id: cell, of };
}

/** The object behind a pointer; an unknown one gets an object of its own, the same at each look. */
export function behind(pointer: Value & { k: 'symbol' }): string {
  return pointer.back?.to ?? pointee(pointer.id);
}

/** The local that an object is, or is a part of (`F.name` of `F.name.field`); `undefined` for anything else. */
export function localOf(id: string): string | undefined {
  return nameOf(id).local;
}

export function withEscaped(state: State, locals: Iterable<string>): State {
  const more = [...locals].filter((each) => !state.escaped.has(each));
  return more.length === 0 ? state : { ...state, escaped: new Set([...state.escaped, ...more]) };
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
  const lost: string[] = [];
  const cells = a.cells.merged(b.cells, (cell, mine, others) => {
    const value = joinValues(a, mine ?? initial(cell), b, others ?? initial(cell));
    if (value.k !== 'object') {
      // A pointer to either of two objects is one to an unknown object.
      for (const each of [mine, others]) if (each?.k === 'object') lost.push(each.id);
    }
    return value;
  });
  const known = a.known.merged(b.known, (_id, mine, others) =>
    mine === undefined || others === undefined ? undefined : joinBits(mine, others),
  );
  const conditions =
    a.conditions === b.conditions ? a.conditions : new Set([...a.conditions].filter((each) => b.conditions.has(each)));
  const joined: State = { cells, known, conditions, escaped: a.escaped };
  const others = a.escaped === b.escaped ? [] : b.escaped;
  return withEscaped(joined, [...others, ...lost.flatMap((id) => localOf(id) ?? [])]);
}

/** What a value is that is `value` in state `a` and `other` in state `b`. */
export function joinValues(a: State, value: Value, b: State, other: Value): Value {
  return restingOn(joinContents(a, value, b, other), bothFacts(value, other));
}

function joinContents(a: State, value: Value, b: State, other: Value): Value {
  if (sameValue(value, other))
    return whereOf(value) !== whereOf(other)
      ? withoutWhere(value)
      : other.k === 'symbol' && other.of !== undefined && isUntyped(value)
        ? other
        : value;
  if (value.k === 'function' && other.k === 'function') {
    return { k: 'function', ids: [...new Set([...value.ids, ...other.ids])].sort() };
  }
  if (value.k === 'object' || other.k === 'object' || value.k === 'function' || other.k === 'function') return UNKNOWN;
  return bitsValue(joinBits(bitsOf(a, value), bitsOf(b, other)));
}

function whereOf(value: Value): Whereabouts | undefined {
  return value.k === 'symbol' || value.k === 'object' ? value.where : undefined;
}

function withoutWhere(value: Value): Value {
  if (value.k !== 'symbol' && value.k !== 'object') return value;
  const { where: _where, ...rest } = value;
  return rest;
}

function isUntyped(value: Value): boolean {
  return value.k === 'symbol' && value.of === undefined;
}

export function joinAll(states: readonly State[]): State | undefined {
  return states.length === 0 ? undefined : states.reduce(join);
}
