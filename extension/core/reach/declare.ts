import type { Expr, Stmt } from '../syntax/facts';
import { partOf } from './cell-names';
import { convertedTo, evaluate, freshSymbol } from './evaluate';
import { alive } from './execute';
import { overlaps } from './forget';
import * as bits from './known-bits';
import { cellOf, isShadowed } from './locals';
import type { Frame } from './machine';
import { restingOn, type State, withCell } from './state';

export function declare(frame: Frame, stmt: Extract<Stmt, { k: 'decl' }>, state: State): State | undefined {
  const cell = cellOf(frame, stmt.name);
  if (isShadowed(frame, stmt.name)) return stmt.init === undefined ? state : alive(evaluate(frame, stmt.init, state));
  const type = stmt.type;
  const clean = withoutParts(state, cell);
  if (stmt.static || stmt.init === undefined) {
    return withCell(clean, cell, convertedTo(frame, type, clean, freshSymbol(frame)));
  }
  if (stmt.init.k !== 'init' || type.includes('*') || type.includes('[')) {
    const before = frame.read.now();
    const [after, given] = evaluate(frame, stmt.init, clean);
    const value = restingOn(given, frame.read.since(before));
    if (value.k === 'bits' && bits.isNone(value.bits)) return undefined;
    return withCell(after, cell, convertedTo(frame, type, after, value));
  }
  return initialised(frame, cell, type, stmt.init, clean);
}

/** `struct msr_data msr = { .index = i }`: the named fields, the others zero, but for those that lie over named ones. */
function initialised(
  frame: Frame,
  cell: string,
  type: string,
  init: Extract<Expr, { k: 'init' }>,
  state: State,
): State {
  const { symbols } = frame.machine.program;
  const fields = symbols.struct(symbols.resolveType(type))?.fields ?? [];
  let after = state;
  const named = new Set<string>();
  const allNamed = init.items.every((item) => item.fields !== undefined);
  for (const item of init.items) {
    const before = frame.read.now();
    const [next, given] = evaluate(frame, item.value, after);
    const value = restingOn(given, frame.read.since(before));
    const field = item.fields?.length === 1 ? fields.find((each) => each.name === item.fields?.[0]) : undefined;
    after = next;
    if (item.fields?.[0] !== undefined) named.add(item.fields[0]);
    if (field !== undefined && item.value.k !== 'init' && field.bits === undefined)
      after = withCell(after, partOf(cell, field.name), convertedTo(frame, field.type, after, value));
  }
  if (!allNamed) return after;
  const written = fields.filter((field) => named.has(field.name));
  for (const field of fields) {
    if (named.has(field.name) || /^(?:struct|union)\b(?!.*\*)/.test(symbols.resolveType(field.type))) continue;
    if (written.some((other) => overlaps(field, other))) continue;
    after = withCell(after, partOf(cell, field.name), { k: 'bits', bits: bits.constant(0n) });
  }
  return after;
}

/** A variable that comes to life anew has no fields of which something is known. */
function withoutParts(state: State, cell: string): State {
  const prefix = `${cell}.`;
  const isPart = (name: string): boolean => name === cell || name.startsWith(prefix);
  const cells = state.cells.changed((each, value) => (isPart(each) ? undefined : value));
  const known = state.known.changed((id, of) => (isPart(id) ? undefined : of));
  const escaped = state.escaped.has(cell) ? new Set([...state.escaped].filter((each) => each !== cell)) : state.escaped;
  return { ...state, cells, known, escaped };
}
