import type { Expr } from '../syntax/facts';
import { columnOf, lineOf } from '../syntax/facts';
import { callValue, type Returned } from './call';
import * as bits from './known-bits';
import { runStatements } from './execute';
import type { Frame } from './machine';
import {
  bitsOf,
  bitsValue,
  initial,
  join as joinStates,
  joinValues,
  needing,
  refine,
  replaced,
  type State,
  UNKNOWN,
  type Value,
  withCell,
} from './state';

/** A value in the state that holds after its expression was evaluated. */
export type Evaluated = readonly [state: State, value: Value];

/** The states in which a condition holds and in which it does not; empty: it cannot be so. */
export interface Split {
  readonly yes: readonly State[];
  readonly no: readonly State[];
}

/** Where an lvalue is kept: a cell, and for a field the key of facts about it. */
interface Place {
  readonly cell: string;
  readonly key?: string;
  /** Two reads may differ: memory shared with userspace. */
  readonly shared: boolean;
}

/** Fields of objects that userspace can write at any time. */
const SHARED = new Set(['kvm_run', 'kvm_lapic_state', 'kvm_xen']);

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
      return [after, castTo(frame, x.type, after, value)];
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
  return [joinStates(a, b), joinValues(a, v, b, w)];
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
  const local = `${frame.name}.${x.name}`;
  const cell = state.cells.get(local);
  if (cell !== undefined) return [state, cell];
  if (isLocal(frame, x)) return read(frame, x, state);
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
  if (macro?.params === undefined && macro?.expr !== undefined && macro.expr !== x)
    return evaluate({ ...frame, bound: new Map() }, macro.expr, state);
  return [state, UNKNOWN];
}

export function isLocal(frame: Frame, x: Extract<Expr, { k: 'id' }>): boolean {
  if (!('body' in frame.node.fact)) return false;
  return frame.node.fact.params.some((param) => param.name === x.name) || localsOf(frame).has(x.name);
}

const locals = new WeakMap<object, Set<string>>();

function localsOf(frame: Frame): Set<string> {
  const fact = frame.node.fact;
  let names = locals.get(fact);
  if (names === undefined) {
    names = 'body' in fact ? declaredIn(fact.body) : new Set<string>();
    locals.set(fact, names);
  }
  return names;
}

function declaredIn(body: readonly unknown[], names = new Set<string>()): Set<string> {
  for (const each of body) {
    if (typeof each !== 'object' || each === null) continue;
    const stmt = each as { k?: string; name?: string; variable?: string };
    if (stmt.k === 'decl' && stmt.name !== undefined) names.add(stmt.name);
    if (stmt.k === 'guard' && stmt.variable !== undefined) names.add(stmt.variable);
    for (const value of Object.values(each)) if (Array.isArray(value)) declaredIn(value, names);
  }
  return names;
}

/** The cell that an lvalue names, evaluating what it takes to know the object. */
export function placeOf(frame: Frame, x: Expr, state: State): readonly [State, Place | undefined] {
  switch (x.k) {
    case 'id': {
      const bound = frame.bound?.get(x.name);
      if (bound !== undefined) return placeOf(bound.frame, bound.x, state);
      if (isLocal(frame, x) || state.cells.has(`${frame.name}.${x.name}`))
        return [state, { cell: `${frame.name}.${x.name}`, shared: false }];
      return [state, { cell: `global.${x.name}`, key: x.name, shared: false }];
    }
    case 'member': {
      const type = frame.machine.program.symbols.typeOf(boundExpr(frame, x.x), scopeNode(frame, x.x));
      const tag =
        type === undefined
          ? undefined
          : /(?:struct|union) ([\w.@]+)/.exec(frame.machine.program.symbols.resolveType(type))?.[1];
      const [after, object] = x.arrow ? objectAt(frame, x.x, state) : innerObject(frame, x.x, state);
      if (object === undefined) return [after, undefined];
      return [
        after,
        {
          cell: `${object}.${x.field}`,
          ...(tag === undefined ? {} : { key: `${tag}.${x.field}` }),
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
    default:
      return [state, undefined];
  }
}

function boundExpr(frame: Frame, x: Expr): Expr {
  const bound = x.k === 'id' ? frame.bound?.get(x.name) : undefined;
  return bound === undefined ? x : boundExpr(bound.frame, bound.x);
}

function scopeNode(frame: Frame, x: Expr): Frame['node'] {
  const bound = x.k === 'id' ? frame.bound?.get(x.name) : undefined;
  return bound === undefined ? frame.node : scopeNode(bound.frame, bound.x);
}

/** The object that a pointer points to; an unknown pointer gets an object of its own, the same at each look. */
function objectAt(frame: Frame, pointer: Expr, state: State): readonly [State, string | undefined] {
  const [after, value] = evaluate(frame, pointer, state);
  if (value.k === 'object') return [after, value.id];
  if (value.k === 'symbol') return [after, `*${value.id}`];
  return [after, undefined];
}

function innerObject(frame: Frame, x: Expr, state: State): readonly [State, string | undefined] {
  const [after, place] = placeOf(frame, x, state);
  return [after, place?.cell];
}

function read(frame: Frame, x: Expr, state: State): Evaluated {
  const [after, place] = placeOf(frame, x, state);
  if (place === undefined || place.shared) {
    const fact = place?.key === undefined ? keyFact(frame, x) : undefined;
    return [after, fact ?? freshSymbol(frame)];
  }
  const cell = after.cells.get(place.cell);
  if (cell !== undefined) return [after, cell];
  if (place.key !== undefined) {
    const fact = frame.machine.facts(place.key);
    if (fact !== undefined) {
      frame.read.add(fact.id);
      if (bits.single(fact.bits) !== undefined) return [after, bitsValue(fact.bits)];
      const symbol = initial(place.cell);
      const refined = refine(after, symbol, fact.bits) ?? after;
      return [withCell(refined, place.cell, symbol), symbol];
    }
  }
  // A cell that was looked at is in the state, so that whoever writes to it later finds it there.
  return [withCell(after, place.cell, initial(place.cell)), initial(place.cell)];
}

/** What is known of a field whatever the object: the pointer to it is not known. */
function keyFact(frame: Frame, x: Expr): Value | undefined {
  if (x.k !== 'member') return undefined;
  const type = frame.machine.program.symbols.typeOf(boundExpr(frame, x.x), scopeNode(frame, x.x));
  const tag =
    type === undefined
      ? undefined
      : /(?:struct|union) ([\w.@]+)/.exec(frame.machine.program.symbols.resolveType(type))?.[1];
  const fact = tag === undefined ? undefined : frame.machine.facts(`${tag}.${x.field}`);
  if (fact === undefined) return undefined;
  frame.read.add(fact.id);
  return bitsValue(fact.bits);
}

export function freshSymbol(frame: Frame): Value {
  return { k: 'symbol', id: `#${frame.machine.fresh++}` };
}

function castTo(frame: Frame, type: string, state: State, value: Value): Value {
  const resolved = frame.machine.program.symbols.resolveType(type);
  if (value.k === 'object' || value.k === 'function' || resolved.includes('*')) return value;
  const known = bitsOf(state, value);
  if (/^(?:_Bool|bool)$/.test(resolved)) {
    const is = bits.truth(known);
    return is === undefined ? UNKNOWN : bitsValue(bits.constant(is ? 1n : 0n));
  }
  const width = unsignedWidth(resolved);
  if (width === undefined)
    return /long long|^long$|^unsigned long$/.test(resolved)
      ? value
      : bits.within(known, bits.between(bits.TOP, 0n, 0x7fffffffn))
        ? value
        : UNKNOWN;
  return bits.within(known, bits.between(bits.TOP, 0n, (1n << BigInt(width)) - 1n))
    ? value
    : bitsValue(bits.cut(known, width));
}

function unsignedWidth(type: string): number | undefined {
  if (/^unsigned char$/.test(type)) return 8;
  if (/^unsigned short(?: int)?$/.test(type)) return 16;
  return /^unsigned(?: int)?$/.test(type) ? 32 : undefined;
}

function evaluateUnary(frame: Frame, x: Extract<Expr, { k: 'unary' }>, state: State): Evaluated {
  switch (x.op) {
    case '&': {
      if (x.x.k === 'id') {
        const [after, value] = evaluateName(frame, x.x, state);
        if (value.k === 'function') return [after, value];
      }
      const [after, place] = placeOf(frame, x.x, state);
      return [after, place === undefined ? freshSymbol(frame) : { k: 'object', id: place.cell }];
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
      if (x.op === '-') return [after, n === undefined ? UNKNOWN : bitsValue(bits.constant(-n))];
      return [after, bitsValue(bits.not(known))];
    }
    case '+':
      return evaluate(frame, x.x, state);
    default: {
      const [after, value] = evaluate(frame, x.x, state);
      const one = bits.constant(1n);
      const known = bitsOf(after, value);
      const next = x.op.endsWith('++') ? bits.add(known, one) : bits.subtract(known, one);
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
      return bits.shiftLeft(l, r);
    case '>>':
      return bits.shiftRight(l, r);
    case '+':
      return bits.add(l, r);
    case '-':
      return bits.subtract(l, r);
    case '*':
      return bits.multiply(l, r);
    default:
      return bits.TOP;
  }
}

function evaluateBinary(frame: Frame, x: Extract<Expr, { k: 'binary' }>, state: State): Evaluated {
  if (x.op === ',') return evaluate(frame, x.r, evaluate(frame, x.l, state)[0]);
  if (/^(?:==|!=|<|<=|>|>=|&&|\|\|)$/.test(x.op)) {
    const { yes, no } = split(frame, x, state);
    return joinEvaluated(
      [
        ...yes.map((each) => [each, bitsValue(bits.constant(1n))] as const),
        ...no.map((each) => [each, bitsValue(bits.constant(0n))] as const),
      ],
      state,
    );
  }
  const folded = frame.bound === undefined ? frame.machine.program.symbols.fold(x, frame.node.file) : undefined;
  if (folded !== undefined) return [state, bitsValue(bits.constant(folded))];
  const [afterLeft, l] = evaluate(frame, x.l, state);
  const [after, r] = evaluate(frame, x.r, afterLeft);
  if (l.k === 'object' || r.k === 'object') return [after, freshSymbol(frame)];
  return [after, bitsValue(arithmetic(x.op, bitsOf(after, l), bitsOf(after, r)))];
}

function evaluateAssign(frame: Frame, x: Extract<Expr, { k: 'assign' }>, state: State): Evaluated {
  const [after, right] = evaluate(frame, x.r, state);
  if (x.op === '=') return [assign(frame, x.l, right, after, x.at), right];
  const [read, left] = evaluate(frame, x.l, after);
  const value = bitsValue(arithmetic(x.op.slice(0, -1), bitsOf(read, left), bitsOf(read, right)));
  return [assign(frame, x.l, value, read, x.at), value];
}

/** Stores into an lvalue. An object that may be any of its kind takes the knowledge of the others' field with it. */
export function assign(frame: Frame, l: Expr, value: Value, state: State, at: number): State {
  const [after, place] = placeOf(frame, l, state);
  const key = place?.key ?? storedKey(frame, l);
  if (key !== undefined) frame.onStore?.(key, value, after, at, frame.node, place?.cell);
  let next = after;
  const field = l.k === 'member' ? l.field : undefined;
  if (field !== undefined && place !== undefined && place.cell.includes('*'))
    next = forgetField(next, field, place.cell, frame);
  if (place === undefined) return field === undefined ? next : forgetField(next, field, undefined, frame);
  return withCell(next, place.cell, value);
}

function storedKey(frame: Frame, l: Expr): string | undefined {
  if (l.k !== 'member') return undefined;
  const type = frame.machine.program.symbols.typeOf(boundExpr(frame, l.x), scopeNode(frame, l.x));
  const tag =
    type === undefined
      ? undefined
      : /(?:struct|union) ([\w.@]+)/.exec(frame.machine.program.symbols.resolveType(type))?.[1];
  return tag === undefined ? undefined : `${tag}.${l.field}`;
}

function forgetField(state: State, field: string, but: string | undefined, frame: Frame): State {
  const ending = `.${field}`;
  return replaced(state, (cell) =>
    cell !== but && cell.endsWith(ending) && cell.includes('*') ? freshSymbol(frame) : undefined,
  );
}

function frameBlock(frame: Frame, x: Extract<Expr, { k: 'block' }>, state: State): Evaluated {
  const last = x.body.at(-1);
  const before = last?.k === 'expr' ? x.body.slice(0, -1) : x.body;
  const after = runStatements(frame, before, state);
  if (after === undefined) return [state, bitsValue(bits.NONE)];
  return last?.k === 'expr' ? evaluate(frame, last.x, after) : [after, UNKNOWN];
}

/** The states in which `x` is not zero and in which it is. */
export function split(frame: Frame, x: Expr, state: State): Split {
  switch (x.k) {
    case 'unary':
      if (x.op === '!') {
        const { yes, no } = split(frame, x.x, state);
        return { yes: no, no: yes };
      }
      return splitValue(evaluate(frame, x, state));
    case 'binary':
      return splitBinary(frame, x, state);
    case 'id': {
      const bound = frame.bound?.get(x.name);
      return bound === undefined ? splitValue(evaluate(frame, x, state)) : split(bound.frame, bound.x, state);
    }
    case 'call': {
      const yes: State[] = [];
      const no: State[] = [];
      for (const { state: after, value } of callValue(frame, x, state)) {
        const each = splitValue([after, value]);
        yes.push(...each.yes);
        no.push(...each.no);
      }
      return { yes: few(yes), no: few(no) };
    }
    case 'block': {
      const last = x.body.at(-1);
      if (last?.k !== 'expr') return splitValue(evaluate(frame, x, state));
      const before = runStatements(frame, x.body.slice(0, -1), state);
      return before === undefined ? { yes: [], no: [] } : split(frame, last.x, before);
    }
    default:
      return splitValue(evaluate(frame, x, state));
  }
}

/** At most a few states: the rest joined. */
export function few(states: readonly State[]): readonly State[] {
  if (states.length <= 3) return states;
  return [states.reduce(joinStates)];
}

function splitValue([state, value]: Evaluated): Split {
  if (value.k === 'function') return { yes: [state], no: [] };
  // A pointer's object has an address; what an unknown pointer points to says nothing of whether it is null.
  if (value.k === 'object') return { yes: [state], no: [] };
  const known = bitsOf(state, value);
  if (bits.isNone(known)) return { yes: [], no: [] };
  const is = bits.truth(known);
  if (is === true) return { yes: [state], no: [] };
  if (is === false) return { yes: [], no: [state] };
  const yes = refine(state, value, bits.without(bits.TOP, 0n));
  let no = refine(state, value, bits.constant(0n));
  const failed = allocation(value);
  if (failed !== undefined && no !== undefined) no = needing(no, failed);
  return { yes: yes === undefined ? [] : [yes], no: no === undefined ? [] : [no] };
}

/** Symbols of allocations carry what it means that they are null. */
function allocation(value: Value): string | undefined {
  return value.k === 'symbol' && value.id.startsWith('alloc:') ? value.id.slice(value.id.indexOf(' ') + 1) : undefined;
}

export function allocationSymbol(frame: Frame, name: string, at: number): Value {
  const file = frame.node.file.split('/').at(-1) ?? frame.node.file;
  return { k: 'symbol', id: `alloc:${columnOf(at)} only if ${name}() fails, ${file}:${lineOf(at)}` };
}

function splitBinary(frame: Frame, x: Extract<Expr, { k: 'binary' }>, state: State): Split {
  if (x.op === '&&') {
    const left = split(frame, x.l, state);
    const right = left.yes.map((each) => split(frame, x.r, each));
    return { yes: few(right.flatMap((each) => each.yes)), no: few([...left.no, ...right.flatMap((each) => each.no)]) };
  }
  if (x.op === '||') {
    const left = split(frame, x.l, state);
    const right = left.no.map((each) => split(frame, x.r, each));
    return { yes: few([...left.yes, ...right.flatMap((each) => each.yes)]), no: few(right.flatMap((each) => each.no)) };
  }
  if (x.op === ',') return split(frame, x.r, evaluate(frame, x.l, state)[0]);
  if (!/^(?:==|!=|<|<=|>|>=)$/.test(x.op)) return splitMask(frame, x, state);
  if ((x.op === '==' || x.op === '!=') && isNegation(x.l) && isNegation(x.r)) return splitTruths(frame, x, state);
  const [afterLeft, l] = evaluate(frame, x.l, state);
  const [after, r] = evaluate(frame, x.r, afterLeft);
  const compared = compare(x.op, after, l, r);
  if (compared === true) return { yes: [after], no: [] };
  if (compared === false) return { yes: [], no: [after] };
  const n = bits.single(bitsOf(after, r));
  if (n === undefined || l.k !== 'symbol') return { yes: [after], no: [after] };
  const isEqual = x.op === '==' || x.op === '!=';
  const inside = isEqual ? bits.constant(n) : bounded(x.op, n);
  const outside = isEqual ? bits.without(bits.TOP, n) : bounded(negated(x.op), n);
  if (inside === undefined || outside === undefined) return { yes: [after], no: [after] };
  const yes = refine(after, l, inside);
  const no = refine(after, l, outside);
  let [whenYes, whenNo] = [yes === undefined ? [] : [yes], no === undefined ? [] : [no]];
  if (x.op === '!=') [whenYes, whenNo] = [whenNo, whenYes];
  const failed = n === 0n ? allocation(l) : undefined;
  if (failed !== undefined && x.op === '==') whenYes = whenYes.map((each) => needing(each, failed));
  if (failed !== undefined && x.op === '!=') whenNo = whenNo.map((each) => needing(each, failed));
  return { yes: whenYes, no: whenNo };
}

function isNegation(x: Expr): boolean {
  return x.k === 'unary' && x.op === '!';
}

/** `!a == !b`: each way in which the two can be true and false is a state of its own. */
function splitTruths(frame: Frame, x: Extract<Expr, { k: 'binary' }>, state: State): Split {
  const left = split(frame, x.l, state);
  const ofYes = left.yes.map((each) => split(frame, x.r, each));
  const ofNo = left.no.map((each) => split(frame, x.r, each));
  const same = [...ofYes.flatMap((each) => each.yes), ...ofNo.flatMap((each) => each.no)];
  const other = [...ofYes.flatMap((each) => each.no), ...ofNo.flatMap((each) => each.yes)];
  return x.op === '==' ? { yes: few(same), no: few(other) } : { yes: few(other), no: few(same) };
}

/** `x & mask` with a mask of one bit says of `x` what that bit is. */
function splitMask(frame: Frame, x: Extract<Expr, { k: 'binary' }>, state: State): Split {
  if (x.op !== '&') return splitValue(evaluate(frame, x, state));
  const [afterLeft, l] = evaluate(frame, x.l, state);
  const [after, r] = evaluate(frame, x.r, afterLeft);
  const mask = bits.single(bitsOf(after, r));
  const both = bits.and(bitsOf(after, l), bitsOf(after, r));
  const is = bits.truth(both);
  if (is !== undefined) return is ? { yes: [after], no: [] } : { yes: [], no: [after] };
  if (mask === undefined || l.k !== 'symbol') return { yes: [after], no: [after] };
  const no = refine(after, l, { value: 0n, mask: bits.ALL & ~mask, ranges: bits.TOP.ranges });
  const one = (mask & (mask - 1n)) === 0n;
  const yes = one ? refine(after, l, { value: mask, mask: bits.ALL & ~mask, ranges: bits.TOP.ranges }) : after;
  return { yes: yes === undefined ? [] : [yes], no: no === undefined ? [] : [no] };
}

/**
 * Numbers that compare as `op n`: only for bounds in the non-negative half, where signs make no difference to the
 * side that has an upper bound; the other side keeps everything that a negative number could be.
 */
function bounded(op: string, n: bigint): bits.Bits | undefined {
  if (n > 0x7fffffffn) return undefined;
  switch (op) {
    case '<':
      return unsignedOrNegative(n === 0n ? undefined : [0n, n - 1n]);
    case '<=':
      return unsignedOrNegative([0n, n]);
    case '>':
      return bits.between(bits.TOP, n + 1n, bits.ALL);
    default:
      return bits.between(bits.TOP, n, bits.ALL);
  }
}

function unsignedOrNegative(range: readonly [bigint, bigint] | undefined): bits.Bits {
  const negative: (readonly [bigint, bigint])[] = [
    [0x80000000n, 0xffffffffn],
    [1n << 63n, bits.ALL],
  ];
  return bits.fromRanges(range === undefined ? negative : [range, ...negative]);
}

function negated(op: string): string {
  return { '<': '>=', '<=': '>', '>': '<=', '>=': '<' }[op] ?? op;
}

function compare(op: string, state: State, l: Value, r: Value): boolean | undefined {
  if (l.k === 'symbol' && r.k === 'symbol' && l.id === r.id) return op === '==' || op === '<=' || op === '>=';
  if (l.k === 'function' || r.k === 'function' || l.k === 'object' || r.k === 'object') {
    if (l.k === 'object' && r.k === 'bits' && bits.single(r.bits) === 0n) return op === '!=';
    return undefined;
  }
  const a = bitsOf(state, l);
  const b = bitsOf(state, r);
  const flip = (value: boolean | undefined): boolean | undefined => (value === undefined ? undefined : !value);
  switch (op) {
    case '==':
      return bits.equal(a, b);
    case '!=':
      return flip(bits.equal(a, b));
    case '<':
      return bits.less(a, b);
    case '>':
      return bits.less(b, a);
    case '<=':
      return flip(bits.less(b, a));
    default:
      return flip(bits.less(a, b));
  }
}
