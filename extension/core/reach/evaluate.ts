import type { Expr } from '../syntax/facts';
import { callValue, type Returned } from './call';
import { isTruth, split } from './conditions';
import { runStatements } from './execute';
import { featureMask } from './features';
import { forgetParts } from './forget';
import * as bits from './known-bits';
import { cellOf, isLocal, isShadowed } from './locals';
import type { Frame } from './machine';
import { withMacro } from './macros';
import { asNarrow, converted, isUnsigned64, numberTypeOf } from './number-types';
import { assign, identified, inUsersWords, placeOf, read } from './places';
import {
  bitsOf,
  bitsValue,
  initial,
  join as joinStates,
  joinValues,
  localOf,
  restingOn,
  type State,
  UNKNOWN,
  type Value,
  withCell,
  withEscaped,
} from './state';
import { addressOf, placedAt } from './whereabouts';

/** A value in the state that holds after its expression was evaluated. */
export type Evaluated = readonly [state: State, value: Value];

export function evaluate(frame: Frame, x: Expr, state: State): Evaluated {
  switch (x.k) {
    case 'num':
    case 'sizeof': {
      const n = frame.machine.program.symbols.fold(x, frame.node.file);
      return [state, n === undefined ? UNKNOWN : bitsValue(bits.constant(n))];
    }
    case 'id':
      return evaluateName(frame, x, state);
    case 'member':
    case 'index':
      return read(frame, x, state);
    case 'cast': {
      const [after, value] = evaluate(frame, x.x, state);
      return castTo(frame, x, after, value);
    }
    case 'unary':
      return evaluateUnary(frame, x, state);
    case 'binary':
      return evaluateBinary(frame, x, state);
    case 'assign':
      return evaluateAssign(frame, x, state);
    case 'cond': {
      const { yes, no } = split(frame, x.c, state);
      const arm = x.a;
      const ends: Evaluated[] = [
        ...yes.map((each) => (arm === undefined ? ([each, UNKNOWN] as const) : evaluate(frame, arm, each))),
        ...no.map((each) => evaluate(frame, x.b, each)),
      ];
      return joinEvaluated(ends, state);
    }
    case 'call':
      return joinReturned(callValue(frame, x, state), state);
    case 'block':
      return frameBlock(frame, x, state);
    case 'init':
      return [x.items.reduce((each, item) => evaluate(frame, item.value, each)[0], state), UNKNOWN];
    default:
      return [state, UNKNOWN];
  }
}

/** Joined over the ways an expression can end; the values too. */
export function joinEvaluated(ends: readonly Evaluated[], otherwise: State): Evaluated {
  const first = ends[0];
  if (first === undefined) return [otherwise, bitsValue(bits.NONE)];
  return ends.slice(1).reduce<Evaluated>(([a, v], [b, w]) => joinTwo(a, v, b, w), first);
}

function joinTwo(a: State, v: Value, b: State, w: Value): Evaluated {
  const value = joinValues(a, v, b, w);
  const joined = joinStates(a, b);
  if (value.k === 'object') return [joined, value];
  // A pointer to either of two objects is one to an unknown object.
  const lostObjects = [v, w].flatMap((each) => (each.k === 'object' ? (localOf(each.id) ?? []) : []));
  return [withEscaped(joined, lostObjects), value];
}

function joinReturned(ends: readonly Returned[], otherwise: State): Evaluated {
  return joinEvaluated(
    ends.map(({ state, value }) => [state, value] as const),
    otherwise,
  );
}

function evaluateName(frame: Frame, x: Extract<Expr, { k: 'id' }>, state: State): Evaluated {
  const bound = frame.bound?.get(x.name);
  if (bound !== undefined) return evaluate(bound.frame, bound.x, state);
  const { symbols } = frame.machine.program;
  if (isShadowed(frame, x.name)) return [state, freshSymbol(frame)];
  if (isLocal(frame, x)) {
    const cell = cellOf(frame, x.name);
    const value = state.cells.get(cell);
    frame.read.addAll(value?.facts);
    return value === undefined ? read(frame, x, state) : identified(frame, x, state, { cell, shared: false }, value);
  }
  if (x.name === 'true') return [state, bitsValue(bits.constant(1n))];
  if (x.name === 'false' || x.name === 'NULL') return [state, bitsValue(bits.constant(0n))];
  const n = symbols.constant(x.name, frame.node.file);
  if (n !== undefined) return [state, bitsValue(bits.constant(n))];
  if (symbols.variable(x.name, frame.node.file) !== undefined) return read(frame, x, state);
  const functions = symbols
    .functionsNamed(x.name, frame.node.file)
    .filter((node) => node.active && node.kind === 'function');
  if (functions.length > 0) return [state, { k: 'function', ids: functions.map((node) => node.id) }];
  const macro = symbols.macro(x.name, frame.node.file);
  if (macro?.params === undefined && macro?.expr !== undefined && frame.expanding?.has(macro) !== true)
    return evaluate({ ...frame, bound: new Map(), expanding: withMacro(frame, macro) }, macro.expr, state);
  return [state, UNKNOWN];
}

/** What is left of a value that is stored in an object of a type. */
export function convertedTo(frame: Frame, type: string, state: State, value: Value): Value {
  return converted(numberTypeOf(frame.machine.program.symbols, type), state, value, () => freshId(frame));
}

export function freshId(frame: Frame): string {
  return `#${frame.machine.fresh++}`;
}

/** The value of an expression of constants; in a macro's body one that none of its parameters is in. */
export function foldIn(frame: Frame, x: Expr): bigint | undefined {
  if (frame.bound !== undefined && namesBound(x, frame.bound)) return undefined;
  return frame.machine.program.symbols.fold(x, frame.node.file);
}

function namesBound(x: unknown, bound: ReadonlyMap<string, unknown>): boolean {
  if (Array.isArray(x)) return x.some((each) => namesBound(each, bound));
  if (typeof x !== 'object' || x === null) return false;
  const { k, name } = x as { k?: unknown; name?: unknown };
  if (k === 'id' && typeof name === 'string') return bound.has(name);
  return Object.values(x).some((each) => typeof each === 'object' && namesBound(each, bound));
}

export function freshSymbol(frame: Frame, of?: bits.Bits): Value {
  return initial(freshId(frame), of);
}

/** A cast: to a narrower number what is left of it; to another kind of object an unknown pointer to it. */
function castTo(frame: Frame, x: Extract<Expr, { k: 'cast' }>, state: State, value: Value): Evaluated {
  if (value.k === 'object' && x.type.includes('*')) {
    const { symbols } = frame.machine.program;
    const from = symbols.typeOf(inUsersWords(frame, x.x), frame.node);
    const isSame = from !== undefined && symbols.resolveType(from) === symbols.resolveType(x.type);
    if (isSame || /^(?:void|(?:unsigned |signed )?char|u8) \*$/.test(x.type)) return [state, value];
    return [lost(frame, state, value.id), freshSymbol(frame)];
  }
  return [state, convertedTo(frame, x.type, state, value)];
}

/** The state after the address of an object went where it cannot be followed: nothing more is known of the object. */
function lost(frame: Frame, state: State, id: string): State {
  const local = localOf(id);
  const next = forgetParts(frame, state, local ?? id);
  return local === undefined ? next : withEscaped(next, [local]);
}

function evaluateUnary(frame: Frame, x: Extract<Expr, { k: 'unary' }>, state: State): Evaluated {
  switch (x.op) {
    case '&': {
      if (x.x.k === 'id') {
        const [after, value] = evaluateName(frame, x.x, state);
        if (value.k === 'function') return [after, value];
      }
      const [after, place] = placeOf(frame, x.x, state);
      if (place === undefined) return [after, freshSymbol(frame)];
      return [after, placedAt({ k: 'object', id: place.cell }, addressOf(frame, x.x))];
    }
    case '*': {
      const [after, pointer] = evaluate(frame, x.x, state);
      if (pointer.k === 'function') return [after, pointer];
      if (pointer.k !== 'object') return [after, freshSymbol(frame)];
      const held = after.cells.get(pointer.id) ?? initial(pointer.id);
      return [withCell(after, pointer.id, held), held];
    }
    case '!': {
      const { yes, no } = split(frame, x.x, state);
      return joinEvaluated(
        [
          ...yes.map((each) => [each, bitsValue(bits.constant(0n))] as const),
          ...no.map((each) => [each, bitsValue(bits.constant(1n))] as const),
        ],
        state,
      );
    }
    case '~':
    case '-': {
      const [after, value] = evaluate(frame, x.x, state);
      const known = bitsOf(after, value);
      const n = bits.single(known);
      if (x.op === '-') return [after, n === undefined ? UNKNOWN : bitsValue(asNarrow(bits.constant(-n)))];
      return [after, bitsValue(isWide(frame, x.x) ? bits.not(known) : asNarrow(bits.not(known)))];
    }
    case '+':
      return evaluate(frame, x.x, state);
    default: {
      const [after, value] = evaluate(frame, x.x, state);
      const one = bits.constant(1n);
      const known = bitsOf(after, value);
      const next = asNarrow(x.op.endsWith('++') ? bits.add(known, one) : bits.subtract(known, one));
      const stored = assign(frame, x.x, bitsValue(next), after, x.at);
      return [stored, x.op.startsWith('post') ? value : bitsValue(next)];
    }
  }
}

function arithmetic(op: string, l: bits.Bits, r: bits.Bits): bits.Bits {
  switch (op) {
    case '&':
      return bits.and(l, r);
    case '|':
      return bits.or(l, r);
    case '^':
      return bits.xor(l, r);
    case '<<':
      return asNarrow(bits.shiftLeft(l, r));
    case '>>':
      // Whether the uppermost bit is a sign is not known.
      return bits.holds(bits.shiftRight(l, bits.constant(63n)), 1n) ? bits.TOP : bits.shiftRight(l, r);
    case '+':
      return asNarrow(bits.add(l, r));
    case '-':
      return asNarrow(bits.subtract(l, r));
    case '*':
      return asNarrow(bits.multiply(l, r));
    default:
      return bits.TOP;
  }
}

function evaluateBinary(frame: Frame, x: Extract<Expr, { k: 'binary' }>, state: State): Evaluated {
  if (x.op === ',') return evaluate(frame, x.r, evaluate(frame, x.l, state)[0]);
  if (isTruth(x)) {
    const { yes, no } = split(frame, x, state);
    return joinEvaluated(
      [
        ...yes.map((each) => [each, bitsValue(bits.constant(1n))] as const),
        ...no.map((each) => [each, bitsValue(bits.constant(0n))] as const),
      ],
      state,
    );
  }
  const folded = foldIn(frame, x);
  if (folded !== undefined) return [state, bitsValue(bits.constant(folded))];
  const [afterLeft, l] = evaluate(frame, x.l, state);
  const [after, r] = evaluate(frame, x.r, afterLeft);
  if (l.k === 'object' || r.k === 'object') {
    const moved = [l, r].reduce((each, value) => (value.k === 'object' ? lost(frame, each, value.id) : each), after);
    return [moved, freshSymbol(frame)];
  }
  const [left, right] = [bitsOf(after, l), bitsOf(after, r)];
  if (x.op === '>>' && isWide(frame, x.l)) return [after, bitsValue(bits.shiftRight(left, right))];
  return [after, bitsValue(featureMask(frame, x, left, right) ?? arithmetic(x.op, left, right))];
}

/** Whether an expression is a 64-bit number without a sign by its suffix, its cast or its declared type. */
function isWide(frame: Frame, x: Expr): boolean {
  if (x.k === 'num') return /u/i.test(x.text) && /l/i.test(x.text);
  if (x.k !== 'id' && x.k !== 'member' && x.k !== 'cast') return false;
  const { symbols } = frame.machine.program;
  const type = x.k === 'cast' ? x.type : symbols.typeOf(inUsersWords(frame, x), frame.node);
  return type !== undefined && isUnsigned64(symbols, type);
}

function evaluateAssign(frame: Frame, x: Extract<Expr, { k: 'assign' }>, state: State): Evaluated {
  const before = frame.read.now();
  const [after, given] = evaluate(frame, x.r, state);
  if (x.op === '=') {
    const right = restingOn(given, frame.read.since(before));
    return [assign(frame, x.l, right, after, x.at), right];
  }
  const [read, left] = evaluate(frame, x.l, after);
  const result = bitsValue(arithmetic(x.op.slice(0, -1), bitsOf(read, left), bitsOf(read, given)));
  const value = restingOn(result, frame.read.since(before));
  return [assign(frame, x.l, value, read, x.at), value];
}

function frameBlock(frame: Frame, x: Extract<Expr, { k: 'block' }>, state: State): Evaluated {
  const last = x.body.at(-1);
  const before = last?.k === 'expr' ? x.body.slice(0, -1) : x.body;
  const after = runStatements(frame, before, state);
  if (after === undefined) return [state, bitsValue(bits.NONE)];
  return last?.k === 'expr' ? evaluate(frame, last.x, after) : [after, UNKNOWN];
}
