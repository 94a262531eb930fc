import type { FunctionFact } from '../syntax/facts';
import { type Branch, pointeeKey, type Value, withEnv, withPointee } from './branch';
import type { Call } from './call';
import type { Frame, Machine } from './machine';
import { pointee, store } from './owned-stores';
import { knownValue } from './values';

/**
 * Parameters of a call and what they point to: a callee that is handed `&x` reads and writes a copy of `x`, which is
 * copied back when it returns. No two parameters of KVM's helpers point to the same thing.
 */
export function boundParameters(
  machine: Machine,
  frame: Frame,
  fact: FunctionFact,
  x: Call,
  values: readonly Value[],
  branch: Branch,
): Map<string, Value> {
  const env = new Map<string, Value>();
  fact.params.forEach((param, i) => {
    env.set(param.name, values[i]);
    const arg = x.args[i];
    const place = arg === undefined || !param.type.endsWith('*') ? undefined : pointee(arg);
    if (place === undefined || typeof values[i] === 'object') return;
    const held = knownValue(machine, frame, place, branch);
    if (typeof held !== 'object') env.set(pointeeKey(param.name), held);
  });
  return env;
}

/** The run goes on in the caller, with what the callee left in what it was handed the address of. */
export function copiedBack(
  machine: Machine,
  frame: Frame,
  fact: FunctionFact,
  x: Call,
  inner: ReadonlyMap<string, Value>,
  branch: Branch,
): Branch {
  let after = branch;
  fact.params.forEach((param, i) => {
    const arg = x.args[i];
    const key = pointeeKey(param.name);
    if (arg === undefined || !inner.has(key)) return;
    const value = inner.get(key);
    if (arg.k === 'unary' && arg.op === '&') {
      if (arg.x.k === 'id') after = withEnv(after, arg.x.name, value);
      else if (knownValue(machine, frame, arg.x, after) !== value) after = store(machine, frame, arg.x, value, after);
    } else if (arg.k === 'id') after = withPointee(after, arg.name, value);
  });
  return after;
}
