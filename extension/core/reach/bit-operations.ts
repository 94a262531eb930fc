import type { Expr } from '../syntax/facts';
import { evaluate, freshSymbol } from './evaluate';
import { addressedBy } from './exposed';
import * as bits from './known-bits';
import type { Frame } from './machine';
import { tagOf } from './places';
import { bitsOf, bitsValue, initial, type State, subsetOf, type Value, withCell } from './state';

type Call = Extract<Expr, { k: 'call' }>;

const CHANGES = /^(?:__|arch_)*(set|clear)_bit(?:_unlock)?$/;
const OPERATIONS = /^(?:__|arch_)*(?:(?:test_and_)?(set|clear|change)_bit|(test)_bit)(?:_lock|_unlock|_acquire)?$/;

/** What an operation on one bit of a bitmap does to it: `set_bit(nr, map)`, `test_and_clear_bit(nr, map)`, `test_bit(nr, map)`. */
export function bitOperation(
  x: Call,
): { readonly does: 'set' | 'clear' | 'test'; readonly nr: Expr; readonly map: Expr } | undefined {
  const match = x.fn.k === 'id' ? OPERATIONS.exec(x.fn.name) : null;
  const [nr, map] = x.args;
  if (match === null || nr === undefined || map === undefined || x.args.length !== 2) return undefined;
  return { does: match[2] === 'test' ? 'test' : match[1] === 'clear' ? 'clear' : 'set', nr, map };
}

/** The key of a fact about one bit of a field: `kvm_vcpu.requests[3]`. */
export function bitKey(field: string, bit: bigint): string {
  return `${field}[${bit}]`;
}

export function isBitKey(key: string): boolean {
  return key.endsWith(']');
}

/** `test_bit(n, &x->f)`: other CPUs change bits at any time, so that only facts say something of one. */
export function testBit(frame: Frame, x: Call, state: State): readonly [State, Value] | undefined {
  const operation = bitOperation(x);
  const map = operation?.does === 'test' ? addressedBy(operation.map) : undefined;
  if (operation === undefined || map?.k !== 'member') return undefined;
  const [afterNr, nr] = evaluate(frame, operation.nr, state);
  const [after] = evaluate(frame, operation.map, afterNr);
  const position = bits.single(bitsOf(after, nr));
  const tag = tagOf(frame, map.x);
  if (position === undefined || position > 63n || tag === undefined) return undefined;
  const fact = frame.machine.facts(bitKey(`${tag}.${map.field}`, position));
  if (fact === undefined) return undefined;
  frame.read.add(fact.id);
  return [after, bitsValue(fact.bits)];
}

/**
 * `__set_bit(n, &x)` and `__clear_bit(n, &x)` on one word of which the object is known; `undefined`: some other call,
 * or a bitmap of more than a word. What is left after clearing is a subset of what was there.
 */
export function changeBit(frame: Frame, x: Call, state: State): State | undefined {
  const change = x.fn.k === 'id' ? CHANGES.exec(x.fn.name)?.[1] : undefined;
  const [nr, pointer] = x.args;
  if (change === undefined || nr === undefined || pointer === undefined) return undefined;
  const [afterNr, n] = evaluate(frame, nr, state);
  const [after, object] = evaluate(frame, pointer, afterNr);
  if (object.k !== 'object') return undefined;
  const held = after.cells.get(object.id) ?? initial(object.id);
  const position = bits.single(bitsOf(after, n));
  const isKnown = position !== undefined && position < 64n;
  // Bits beyond the first word lie in the next element: nothing is known of which, and of this word nothing changes.
  if (position !== undefined && !isKnown) return undefined;
  if (change === 'set') {
    const mask = isKnown ? bits.constant(1n << position) : bits.TOP;
    return withCell(after, object.id, bitsValue(bits.or(bitsOf(after, held), mask)));
  }
  const left = bits.and(bitsOf(after, held), isKnown ? bits.not(bits.constant(1n << position)) : bits.TOP);
  const value: Value = held.k === 'symbol' ? subsetOf(held, frame.machine.fresh++) : bitsValue(left);
  const cleared = withCell(after, object.id, value);
  return value.k === 'symbol' ? { ...cleared, known: cleared.known.set(value.id, left) } : cleared;
}

/** `atomic_read(&x)`: another CPU may have changed it since, so that only facts say something of it. */
export function atomicRead(frame: Frame, x: Call, state: State): readonly [State, Value] | undefined {
  if (x.fn.k !== 'id' || !/^(?:atomic|atomic64|atomic_long|refcount)_read$/.test(x.fn.name)) return undefined;
  const arg = x.args[0];
  if (arg?.k !== 'unary' || arg.op !== '&') return undefined;
  const [after, value] = evaluate(frame, arg.x, state);
  // A value that is known for good comes from a fact, or was stored by code that nobody else runs at the same time.
  return [after, value.k === 'bits' && bits.single(value.bits) !== undefined ? value : freshSymbol(frame)];
}
