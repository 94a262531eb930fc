import { type BinaryOp, type Expr, lineOf } from '../syntax/facts';
import { callValue } from './call';
import { evaluate, type Evaluated } from './evaluate';
import { runStatements } from './execute';
import { featureMask } from './features';
import * as bits from './known-bits';
import type { Frame } from './machine';
import { numberTypeOf } from './number-types';
import { choiceOf, chosen, excluded } from './selectors';
import { bitsOf, join as joinStates, needing, refine, type State, type Value } from './state';

/** The states in which a condition holds and in which it does not; empty: it cannot be so. */
export interface Split {
  readonly yes: readonly State[];
  readonly no: readonly State[];
}

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);

/** An expression that is 1 or 0, whose two outcomes say something of what it is made of. */
export function isTruth(x: Expr): boolean {
  if (x.k === 'unary') return x.op === '!';
  return x.k === 'binary' && (COMPARISONS.has(x.op) || x.op === '&&' || x.op === '||');
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
    case 'cast':
      // `(bool)(a || b)` is true in the same states as `a || b`; a narrower number than x may be 0 where x is not.
      return numberTypeOf(frame.machine.program.symbols, x.type)?.isBool === true
        ? split(frame, x.x, state)
        : splitValue(evaluate(frame, x, state));
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
  return { k: 'symbol', id: `alloc:${frame.machine.fresh++} only if ${name}() fails, ${file}:${lineOf(at)}` };
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
  if (!COMPARISONS.has(x.op)) return splitMask(frame, x, state);
  if ((x.op === '==' || x.op === '!=') && isNegation(x.l) && isNegation(x.r)) return splitTruths(frame, x, state);
  const [afterLeft, l] = evaluate(frame, x.l, state);
  const [after, r] = evaluate(frame, x.r, afterLeft);
  return named(frame, x, l, splitCompared(x.op, after, l, r));
}

/** `x == NAME` says by which name a path goes on. */
function named(frame: Frame, x: Extract<Expr, { k: 'binary' }>, l: Value, { yes, no }: Split): Split {
  const choice = x.op === '==' || x.op === '!=' ? choiceOf(l, x.r) : undefined;
  if (choice === undefined) return { yes, no };
  const { symbols } = frame.machine.program;
  const isChosen = (each: State): State => chosen(symbols, each, choice);
  const isExcluded = (each: State): State => excluded(symbols, each, choice);
  return x.op === '=='
    ? { yes: yes.map(isChosen), no: no.map(isExcluded) }
    : { yes: yes.map(isExcluded), no: no.map(isChosen) };
}

function splitCompared(op: BinaryOp, after: State, l: Value, r: Value): Split {
  const compared = compare(op, after, l, r);
  if (compared === true) return { yes: [after], no: [] };
  if (compared === false) return { yes: [], no: [after] };
  const n = bits.single(bitsOf(after, r));
  if (n === undefined || l.k !== 'symbol') return { yes: [after], no: [after] };
  const isEqual = op === '==' || op === '!=';
  const inside = isEqual ? bits.constant(n) : bounded(op, n);
  const outside = isEqual ? bits.without(bits.TOP, n) : bounded(negated(op), n);
  if (inside === undefined || outside === undefined) return { yes: [after], no: [after] };
  const yes = refine(after, l, inside);
  const no = refine(after, l, outside);
  let [whenYes, whenNo] = [yes === undefined ? [] : [yes], no === undefined ? [] : [no]];
  if (op === '!=') [whenYes, whenNo] = [whenNo, whenYes];
  const failed = n === 0n ? allocation(l) : undefined;
  if (failed !== undefined && op === '==') whenYes = whenYes.map((each) => needing(each, failed));
  if (failed !== undefined && op === '!=') whenNo = whenNo.map((each) => needing(each, failed));
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
  const both =
    featureMask(frame, x, bitsOf(after, l), bitsOf(after, r)) ?? bits.and(bitsOf(after, l), bitsOf(after, r));
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
