import type { FunctionNode, Symbols } from '../program/program';
import { CellMap } from './cell-map';
import { partOf, pointee } from './cell-names';
import * as bits from './known-bits';
import { OUTERMOST, type Seen } from './machine';
import { converted, numberTypeOf } from './number-types';
import { IOCTL_NAMES, isIoctl } from './selectors';
import { behind, bitsOf, bitsValue, initial, START, type State, type Value } from './state';
import { placedAt, whereaboutsOf } from './whereabouts';

/** What a callee knows of its parameters: the caller's knowledge under the callee's names. */
export function calleeState(symbols: Symbols, callee: FunctionNode, seen: Seen): State {
  if (!('body' in callee.fact)) return START;
  const cells = new Map<string, Value>();
  const known = new Map<string, bits.Bits>();
  for (const [index, param] of callee.fact.params.entries()) {
    const given = seen.args[index];
    if (param.name === '' || given === undefined) continue;
    const cell = partOf(OUTERMOST, param.name);
    const type = numberTypeOf(symbols, param.type);
    const arg = converted(type, seen.state, given, () => `${cell}#`);
    if (arg.k === 'function') cells.set(cell, arg);
    else if (arg.k === 'bits') {
      if (!bits.within(type?.range ?? bits.TOP, arg.bits)) cells.set(cell, arg);
    } else if (arg.k === 'symbol') {
      const isSelector = isIoctl(arg);
      const names = isSelector ? seen.state.known.get(IOCTL_NAMES) : undefined;
      if (isSelector) cells.set(cell, arg);
      else if (arg.where !== undefined) cells.set(cell, placedAt(initial(cell), arg.where));
      if (names !== undefined) known.set(IOCTL_NAMES, names);
      const of = bitsOf(seen.state, arg);
      if (!bits.within(type?.range ?? bits.TOP, of)) known.set(isSelector ? arg.id : cell, of);
      copyObject(seen.state, behind(arg), pointee(cell), cells, known);
    } else {
      // The object has a name of its own: the parameter is the pointer to it.
      const object = `${cell}^`;
      cells.set(cell, placedAt({ k: 'object', id: object }, arg.where));
      copyObject(seen.state, arg.id, object, cells, known);
    }
  }
  return { ...START, cells: CellMap.of(cells), known: CellMap.of(known) };
}

/** Fields of an object about which something is known: numbers and functions, not further objects. */
function copyObject(
  state: State,
  from: string,
  to: string,
  cells: Map<string, Value>,
  known: Map<string, bits.Bits>,
): void {
  for (const [cell, value] of state.cells.entries()) {
    if (cell !== from && !cell.startsWith(`${from}.`)) continue;
    const target = `${to}${cell.slice(from.length)}`;
    if (value.k === 'function') cells.set(target, value);
    if (value.k !== 'bits' && value.k !== 'symbol') continue;
    if (value.k === 'symbol' && !state.known.has(value.id)) continue;
    const of = bitsOf(state, value);
    if (bits.within(bits.TOP, of)) continue;
    if (bits.single(of) !== undefined) cells.set(target, bitsValue(of));
    else {
      cells.set(target, initial(target, value.k === 'symbol' ? value.of : undefined));
      known.set(target, of);
    }
  }
}

/** What tells one start from another. */
export function stateKey(state: State): string {
  const cells = state.cells
    .entries()
    .map(([cell, value]) => `${cell}=${valueKey(state, value)}`)
    .sort();
  const known = state.known
    .entries()
    .filter(([id]) => !state.cells.has(id))
    .map(([id, of]) => `${id}~${bitsKey(of)}`);
  return [...cells, ...known.sort()].join(' ');
}

function valueKey(state: State, value: Value): string {
  if (value.k === 'function') return value.ids.join('|');
  const where = whereaboutsOf(value);
  if (value.k === 'object') return `&${value.id}${where === undefined ? '' : `@${where}`}`;
  const of = `${bitsKey(bitsOf(state, value))}${where === undefined ? '' : `@${where}`}`;
  return isIoctl(value) ? `ioctl${of}` : of;
}

function bitsKey(of: bits.Bits): string {
  if (of.mask === bits.ALL && of.ranges.length === 1 && of.ranges[0]?.[0] === 0n && of.ranges[0][1] === bits.ALL)
    return '';
  return `${of.value.toString(16)}/${of.mask.toString(16)}[${of.ranges.map(([low, high]) => `${low.toString(16)}-${high.toString(16)}`).join()}]`;
}
