import type { FunctionNode } from '../program/program';
import type { Expr } from '../syntax/facts';
import { nameOf, partOf } from './cell-names';
import { evaluate, type Evaluated, freshId, freshSymbol } from './evaluate';
import { tagBehind } from './exposed';
import { forgetField, forgetOverlays, forgetParts, forgetUnknownTarget } from './forget';
import * as bits from './known-bits';
import { cellOf, isLocal, isShadowed } from './locals';
import type { Frame, KnownFact } from './machine';
import { converted, type PlaceType, placeType } from './number-types';
import { behind, bitsValue, initial, refine, type State, type Value, withCell } from './state';
import { placedAt, whereaboutsRead } from './whereabouts';

/** Where an lvalue is kept: a cell, and for a field the key of facts about it. */
export interface Place {
  readonly cell: string;
  readonly key?: string;
  /** The struct or union that the field is in. */
  readonly tag?: string;
  /** Two reads may differ: memory shared with userspace. */
  readonly shared: boolean;
}

/** Fields of objects that userspace can write at any time. */
const SHARED = new Set(['kvm_run', 'kvm_lapic_state', 'kvm_xen']);

/** The cell that an lvalue names, evaluating what it takes to know the object. */
export function placeOf(frame: Frame, x: Expr, state: State): readonly [State, Place | undefined] {
  switch (x.k) {
    case 'id': {
      const bound = frame.bound?.get(x.name);
      if (bound !== undefined) return placeOf(bound.frame, bound.x, state);
      if (isShadowed(frame, x.name)) return [state, undefined];
      const local = cellOf(frame, x.name);
      if (isLocal(frame, x) || state.cells.has(local)) return [state, { cell: local, shared: false }];
      return [state, { cell: partOf('global', x.name), key: x.name, shared: false }];
    }
    case 'member': {
      const tag = tagOf(frame, x.x);
      const [after, object] = x.arrow ? objectAt(frame, x.x, state) : innerObject(frame, x.x, state);
      if (object === undefined) return [after, undefined];
      return [
        after,
        {
          cell: partOf(object, x.field),
          ...(tag === undefined ? {} : { key: `${tag}.${x.field}`, tag }),
          shared: tag !== undefined && SHARED.has(tag),
        },
      ];
    }
    case 'unary': {
      if (x.op !== '*') return [state, undefined];
      const [after, pointer] = evaluate(frame, x.x, state);
      return [after, pointer.k === 'object' ? { cell: pointer.id, shared: false } : undefined];
    }
    case 'cast':
      return placeOf(frame, x.x, state);
    case 'index': {
      // Elements have no cells; what is called in the index runs all the same.
      const [afterArray] = x.x.k === 'id' ? [state] : evaluate(frame, x.x, state);
      return [evaluate(frame, x.i, afterArray)[0], undefined];
    }
    default:
      return [evaluate(frame, x, state)[0], undefined];
  }
}

/**
 * An lvalue of a macro's body in the words of the macro's user, on which its type depends: a parameter may be called
 * like one of the user's own variables. What the macro itself declares has no type.
 */
export function inUsersWords(frame: Frame, x: Expr): Expr {
  if (frame.bound === undefined) return x;
  switch (x.k) {
    case 'id': {
      const bound = frame.bound.get(x.name);
      if (bound !== undefined) return inUsersWords(bound.frame, bound.x);
      return frame.own?.names.has(x.name) === true ? { k: 'opaque', at: x.at, text: x.name } : x;
    }
    case 'member':
    case 'unary':
    case 'index': {
      const inner = inUsersWords(frame, x.x);
      return inner === x.x ? x : { ...x, x: inner };
    }
    default:
      return x;
  }
}

const tags = new WeakMap<FunctionNode, WeakMap<Expr, string | undefined>>();

/** The tag of the struct or union that an expression is, or points to. */
export function tagOf(frame: Frame, expression: Expr): string | undefined {
  return tagIn(frame, inUsersWords(frame, expression));
}

/** The same of an expression that is in the user's words already. */
export function tagIn({ machine, node }: Frame, x: Expr): string | undefined {
  const known = tags.get(node) ?? new WeakMap<Expr, string | undefined>();
  tags.set(node, known);
  if (known.has(x)) return known.get(x);
  const { symbols } = machine.program;
  const tag = tagBehind(symbols, symbols.typeOf(x, node));
  known.set(x, tag);
  return tag;
}

/** The object that a pointer points to. */
function objectAt(frame: Frame, pointer: Expr, state: State): readonly [State, string | undefined] {
  const [after, value] = evaluate(frame, pointer, state);
  if (value.k === 'object') return [after, value.id];
  if (value.k !== 'symbol') return [after, undefined];
  if (value.back !== undefined) frame.read.add(value.back.fact);
  return [after, behind(value)];
}

function innerObject(frame: Frame, x: Expr, state: State): readonly [State, string | undefined] {
  const [after, place] = placeOf(frame, x, state);
  return [after, place?.cell];
}

export function read(frame: Frame, x: Expr, state: State): Evaluated {
  const [after, place] = placeOf(frame, x, state);
  if (place === undefined || place.shared) {
    const fact = place?.key === undefined ? keyFact(frame, x) : undefined;
    return [after, fact ?? placedAt(freshSymbol(frame), whereaboutsRead(frame, x, after))];
  }
  const cell = after.cells.get(place.cell);
  if (cell !== undefined) {
    frame.read.addAll(cell.facts);
    const [known, value] = identified(frame, x, after, place, cell);
    return [known, leadingBack(frame, place, value)];
  }
  const of = typeOfPlace(frame, x, place).number?.range;
  if (place.key !== undefined) {
    const fact = frame.machine.facts(place.key) ?? globalFact(frame, place);
    if (fact !== undefined) {
      frame.read.add(fact.id);
      if (bits.single(fact.bits) !== undefined) return [after, bitsValue(fact.bits)];
      const symbol = initial(place.cell, of);
      const refined = refine(after, symbol, fact.bits) ?? after;
      return [withCell(refined, place.cell, symbol), symbol];
    }
  }
  // A cell that was looked at is in the state, so that whoever writes to it later finds it there.
  const value = placedAt(leadingBack(frame, place, initial(place.cell, of)), whereaboutsRead(frame, x, after));
  return [withCell(after, place.cell, value), value];
}

/** A pointer that was read from a field, with what is known of the object behind it. */
function leadingBack(frame: Frame, { cell, key }: Place, value: Value): Value {
  if (value.k !== 'symbol' || value.back !== undefined || key === undefined) return value;
  const back = frame.machine.backPointers?.behind(cell, key);
  return back === undefined ? value : { ...value, back };
}

/** In a set-up an unknown number that is looked at gets an identity, so that what a condition says of it holds for its copies. */
export function identified(frame: Frame, x: Expr, state: State, place: Place, value: Value): Evaluated {
  if (frame.setUp === undefined) return [state, value];
  if (value.k === 'symbol' && value.of === undefined) {
    const of = typeOfPlace(frame, x, place).number?.range;
    const typed = of === undefined ? value : { ...value, of };
    return [withCell(state, place.cell, typed), typed];
  }
  if (value.k !== 'bits' || bits.single(value.bits) !== undefined) return [state, value];
  const symbol = freshSymbol(frame, value.bits);
  return [withCell(state, place.cell, symbol), symbol];
}

/** What is known of this one object, and of no other of its type. */
function globalFact(frame: Frame, place: Place): KnownFact | undefined {
  return place.cell.startsWith('global.') ? frame.machine.facts(place.cell) : undefined;
}

function typeOfPlace(frame: Frame, l: Expr, place: Place | undefined): PlaceType {
  return placeType(frame.machine.program.symbols, inUsersWords(frame, l), frame.node, place?.tag);
}

/** What is known of a field whatever the object: the pointer to it is not known. */
function keyFact(frame: Frame, x: Expr): Value | undefined {
  if (x.k !== 'member') return undefined;
  const tag = tagOf(frame, x.x);
  const fact = tag === undefined ? undefined : frame.machine.facts(`${tag}.${x.field}`);
  if (fact === undefined) return undefined;
  frame.read.add(fact.id);
  return bitsValue(fact.bits);
}

/**
 * Stores into an lvalue what its type leaves of the value. A store through a pointer takes with it what is known of the
 * same field of other objects, one of a whole struct what is known of its fields, one in a union what lies over it.
 */
export function assign(frame: Frame, l: Expr, stored: Value, state: State, at: number): State {
  const [after, place] = placeOf(frame, l, state);
  const type = typeOfPlace(frame, l, place);
  const value = converted(type.number, after, stored, () => freshId(frame));
  const key = place?.key ?? storedKey(frame, l);
  if (key !== undefined) frame.onStore?.(key, value, after, at, frame.node, place?.cell);
  const x = inUsersWords(frame, l);
  if (place === undefined) {
    if (x.k === 'member') return forgetField(frame, after, x.field, undefined, type.hasParts);
    return x.k === 'unary' || x.k === 'index' ? forgetUnknownTarget(frame, after) : after;
  }
  if (frame.setUp?.given.has(place.cell) === true) return after;
  let next = type.hasParts ? forgetParts(frame, after, place.cell) : after;
  if (nameOf(place.cell).isPointed || x.k === 'unary') {
    const { field } = nameOf(place.cell);
    next = forgetField(frame, next, field, place.cell, type.hasParts);
  }
  next = forgetOverlays(frame, next, x, place);
  return withCell(next, place.cell, value);
}

function storedKey(frame: Frame, l: Expr): string | undefined {
  if (l.k !== 'member') return undefined;
  const tag = tagOf(frame, l.x);
  return tag === undefined ? undefined : `${tag}.${l.field}`;
}
