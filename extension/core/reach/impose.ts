import type { Edge, FunctionNode } from '../program/program';
import { sameEdge } from './callers';
import { CellMap } from './cell-map';
import { partOf } from './cell-names';
import { type Phase, runFrom, type WalkInput } from './contexts';
import { cutIn } from './explain';
import * as bits from './known-bits';
import type { Seen } from './machine';
import { behind, initial, START, type State, type Value } from './state';
import type { Guard } from './verdict';

/** What is wanted of values at a function's entry, by the names of their symbols (`f.param`, `*f.param.field`). */
type Wants = ReadonlyMap<string, bits.Bits>;

/**
 * The condition earlier on a chain that takes away what its last call wants. A call may be cut because of what an
 * earlier function let pass (an allow-list, then a `switch`): what the call wants of its function's parameters is
 * imposed on the callers before it, one after the other, and the first that cannot go on with it holds the guard.
 * `undefined`: the last call's own function decides alone, or the value does not come through parameters.
 */
export function earlierCut(input: WalkInput, chain: readonly Edge[], phase: Phase): Guard | undefined {
  const last = chain.at(-1);
  if (last === undefined) return undefined;
  let wants = wantedAt(input, last, phase, START);
  for (let i = chain.length - 2; i >= 0 && wants !== undefined && wants.size > 0; i--) {
    const edge = chain[i];
    const callee = edge === undefined ? undefined : input.machine.program.functions.get(edge.calleeId);
    if (edge === undefined || callee === undefined) return undefined;
    const imposed = passedOn(input, edge, callee, phase, wants);
    if (imposed.size === 0) return undefined;
    const start: State = { ...START, known: CellMap.of(imposed) };
    const run = runFrom(input, edge.callerId, phase, start);
    if (run === undefined) return undefined;
    if (!run.seen.some((seen) => sameEdge(seen.edge, edge))) return cutIn(run, edge);
    wants = imposed;
  }
  return undefined;
}

/** What a function's entry values are wherever it makes the call; `undefined`: it never does. */
function wantedAt(input: WalkInput, edge: Edge, phase: Phase, start: State): Wants | undefined {
  const run = runFrom(input, edge.callerId, phase, start);
  const states = (run?.seen ?? []).filter((seen) => sameEdge(seen.edge, edge)).map((seen) => seen.state);
  const [first, ...others] = states;
  if (first === undefined) return undefined;
  const wants = new Map<string, bits.Bits>();
  for (const [id, known] of first.known.entries()) {
    if (!isEntryValue(id)) continue;
    let all: bits.Bits | undefined = known;
    for (const other of others) {
      const there = other.known.get(id);
      all = all === undefined || there === undefined ? undefined : bits.join(all, there);
    }
    if (all !== undefined && !bits.within(bits.TOP, all)) wants.set(id, all);
  }
  return wants;
}

function isEntryValue(id: string): boolean {
  return id.startsWith('f.') || id.startsWith('*f.');
}

/** Wants on a callee's entry values as wants on the caller's, where the call passes those on. */
function passedOn(
  input: WalkInput,
  edge: Edge,
  callee: FunctionNode,
  phase: Phase,
  wants: Wants,
): Map<string, bits.Bits> {
  const found = new Map<string, bits.Bits>();
  const run = runFrom(input, edge.callerId, phase, START);
  const params = 'body' in callee.fact ? callee.fact.params : [];
  for (const seen of run?.seen ?? []) {
    if (!sameEdge(seen.edge, edge)) continue;
    for (const [id, want] of wants) {
      const [name, ...fields] = id
        .replace(/^\*?f\./, '')
        .replace('^', '')
        .split('.');
      const arg = seen.args[params.findIndex((param) => param.name === name)];
      const value = arg === undefined ? undefined : fieldValue(seen, arg, id.startsWith('*'), fields);
      if (value?.k !== 'symbol' || !isEntryValue(value.id)) continue;
      const before = found.get(value.id);
      found.set(value.id, before === undefined ? want : bits.join(before, want));
    }
  }
  return found;
}

function fieldValue(seen: Seen, arg: Value, isPointed: boolean, fields: readonly string[]): Value | undefined {
  if (fields.length === 0) return isPointed ? undefined : arg;
  const object = arg.k === 'object' ? arg.id : arg.k === 'symbol' ? behind(arg) : undefined;
  if (object === undefined) return undefined;
  const cell = partOf(object, fields.join('.'));
  return seen.state.cells.get(cell) ?? initial(cell);
}
