import type { Branch, Value } from './branch';
import type { Call } from './call';
import type { Evaluated } from './evaluate';
import type { Frame, Machine } from './machine';
import { pointee, store } from './owned-stores';
import { knownValue } from './values';

const ATOMIC = /^(?:raw_)?(?:atomic(?:64|_long)?)_(inc|dec|add|sub|set)(?:_(return|and_test))?(?:_\w+)?$/;
const BIT = /^(?:__|arch_)*(set|clear)_bit(?:_unlock)?$/;

export function changesWord(name: string): boolean {
  return ATOMIC.test(name) || BIT.test(name) || name === 'WRITE_ONCE';
}

/**
 * `atomic_inc()` and its kin, `__set_bit(n, &x)`, `WRITE_ONCE(x, v)`: a store to what the argument names or points to.
 * `values` are those of the arguments.
 */
export function changeWord(
  machine: Machine,
  frame: Frame,
  name: string,
  x: Call,
  values: readonly Value[],
  branch: Branch,
): Evaluated {
  const [first, second] = x.args;
  if (first === undefined) return [branch, undefined];
  if (name === 'WRITE_ONCE') return [store(machine, frame, first, values[1], branch), values[1]];
  const bit = BIT.exec(name)?.[1];
  if (bit !== undefined) {
    const place = second === undefined ? undefined : pointee(second);
    if (place === undefined) return [branch, undefined];
    const held = number(knownValue(machine, frame, place, branch));
    const nr = number(values[0]);
    const known = held !== undefined && nr !== undefined && nr < 64n;
    const word = known ? (bit === 'set' ? held | (1n << nr) : held & ~(1n << nr)) : undefined;
    return [store(machine, frame, place, word, branch), undefined];
  }
  const [, operation = '', gives] = ATOMIC.exec(name) ?? [];
  // atomic_set(v, i); atomic_add(i, v).
  const inverted = operation === 'add' || operation === 'sub';
  const pointer = inverted ? second : first;
  const place = pointer === undefined ? undefined : pointee(pointer);
  if (place === undefined) return [branch, undefined];
  const operand = operation === 'inc' || operation === 'dec' ? 1n : number(values[inverted ? 0 : 1]);
  const held = number(knownValue(machine, frame, place, branch));
  const now = result(operation, held, operand);
  const value = gives === 'return' ? now : gives === 'and_test' && now !== undefined ? now === 0n : undefined;
  return [store(machine, frame, place, now, branch), value];
}

function result(operation: string, held: bigint | undefined, operand: bigint | undefined): bigint | undefined {
  if (operation === 'set') return operand;
  if (held === undefined || operand === undefined) return undefined;
  return operation === 'inc' || operation === 'add' ? held + operand : held - operand;
}

function number(value: Value): bigint | undefined {
  return typeof value === 'boolean' ? BigInt(value) : typeof value === 'bigint' ? value : undefined;
}
