import type { Expr, Stmt } from '../syntax/facts';
import { assignedByName } from './assigned';
import { partOf } from './cell-names';
import { freshSymbol } from './evaluate';
import { forgetUnknownTarget } from './forget';
import { cellOf, isLocal } from './locals';
import type { Frame } from './machine';
import { argumentsStored, onlyReads } from './macro-stores';
import { localOf, replaced, type State, withEscaped } from './state';
import type { FieldNames } from './written-fields';

/** What statements may change, told from their text alone: whatever they do in whatever order, nothing else changes. */
export interface Changes {
  /** Variables that are assigned, or whose address is taken. */
  readonly names: Set<string>;
  /** Fields of whatever object. */
  readonly fields: Set<string>;
  readonly calls: Extract<Expr, { k: 'call' }>[];
  /** Pointers that are stored through, as far as they are variables. */
  readonly through: Set<string>;
  /** A store through a pointer that is no variable. */
  unknownTarget: boolean;
}

const read = new WeakMap<object, Changes>();

/** The changes in a list of statements or in an expression; made once for each. */
export function changesIn(code: object): Changes {
  let changes = read.get(code);
  if (changes === undefined) {
    changes = { names: new Set(), fields: new Set(), calls: [], through: new Set(), unknownTarget: false };
    collect(code, changes);
    read.set(code, changes);
  }
  return changes;
}

function collect(value: unknown, changes: Changes): void {
  if (Array.isArray(value)) {
    for (const each of value) collect(each, changes);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const x = value as Expr | Stmt;
  switch (x.k) {
    case 'assign':
      stored(x.l, changes);
      break;
    case 'unary':
      if (x.op === '&') addressed(x.x, changes);
      else if (/\+\+|--/.test(x.op)) stored(x.x, changes);
      break;
    case 'call':
      changes.calls.push(x);
      break;
    case 'decl':
      changes.names.add(x.name);
      break;
    case 'guard':
      if (x.variable !== undefined) changes.names.add(x.variable);
      break;
    case 'each':
      for (const arg of x.args) if (arg.k === 'id') changes.names.add(arg.name);
      break;
    case 'asm':
      for (const output of x.outputs) stored(output, changes);
      break;
    default:
  }
  for (const each of Object.values(value)) if (typeof each === 'object') collect(each, changes);
}

function stored(l: Expr, changes: Changes): void {
  if (l.k === 'id') changes.names.add(l.name);
  else if (l.k === 'member') changes.fields.add(l.field);
  else if (l.k === 'index') stored(l.x, changes);
  else if (l.k === 'cast') stored(l.x, changes);
  else if (l.k === 'unary' && l.op === '*' && l.x.k === 'id') changes.through.add(l.x.name);
  else changes.unknownTarget = true;
}

function addressed(x: Expr, changes: Changes): void {
  if (x.k === 'member' && !x.arrow) addressed(x.x, changes);
  stored(x, changes);
}

/** The state with everything unknown that the changes may touch. */
export function forgetChanges(frame: Frame, state: State, code: object): State {
  const sum = total(frame, code);
  const locals = new Set<string>();
  for (const name of sum.names) for (const cell of cellsNamed(frame, name)) locals.add(cell);
  for (const name of [...sum.through, ...sum.given]) {
    for (const cell of cellsNamed(frame, name)) {
      const held = state.cells.get(cell);
      if (held?.k === 'object') locals.add(localOf(held.id) ?? held.id);
    }
  }
  if (sum.hasCalls || sum.unknownTarget) {
    // Objects whose address is kept in others.
    state.cells.forEach((cell, held) => {
      if (held.k === 'object' && localOf(cell) !== cell) locals.add(localOf(held.id) ?? held.id);
    });
    for (const local of state.escaped) locals.add(local);
  }
  const written = [...new Set(sum.written)];
  const isWritten = (field: string): boolean => sum.fields.has(field) || written.some((each) => each.has(field));
  let next = replaced(state, (cell) => (isTouched(cell, locals, isWritten) ? freshSymbol(frame) : undefined));
  if (sum.unknownTarget || sum.through.size > 0) next = forgetUnknownTarget(frame, next);
  return sum.hasUnknownCall
    ? withEscaped(
        next,
        [...locals].filter((each) => localOf(each) === each),
      )
    : next;
}

function isTouched(cell: string, locals: ReadonlySet<string>, isWritten: (field: string) => boolean): boolean {
  if (locals.has(cell)) return true;
  let dot = cell.indexOf('.');
  const isLocalCell = localOf(cell) !== undefined;
  for (let at = 0; dot >= 0; at++) {
    const end = cell.indexOf('.', dot + 1);
    if (locals.has(end < 0 ? cell : cell.slice(0, end))) return true;
    // The first name of a local is the variable itself.
    if (!(isLocalCell && at === 0) && isWritten(cell.slice(dot + 1, end < 0 ? undefined : end))) return true;
    dot = end;
  }
  return false;
}

function cellsNamed(frame: Frame, name: string): string[] {
  const bound = frame.bound?.get(name);
  if (bound !== undefined) return bound.x.k === 'id' ? cellsNamed(bound.frame, bound.x.name) : [];
  return [cellOf(frame, name), partOf('global', name)];
}

interface Total {
  readonly names: Set<string>;
  readonly fields: Set<string>;
  /** What the calls write. */
  readonly written: FieldNames[];
  readonly through: Set<string>;
  /** Variables that calls are given. */
  readonly given: Set<string>;
  hasCalls: boolean;
  hasUnknownCall: boolean;
  unknownTarget: boolean;
}

/** Own changes and those of what is called. */
function total(frame: Frame, code: object): Total {
  const own = changesIn(code);
  const sum: Total = {
    names: new Set(own.names),
    fields: new Set(own.fields),
    written: [],
    through: new Set(own.through),
    given: new Set(),
    hasCalls: own.calls.length > 0,
    hasUnknownCall: false,
    unknownTarget: own.unknownTarget,
  };
  for (const call of own.calls) addCall(frame, call, sum, new Set());
  return sum;
}

function addCall(frame: Frame, call: Extract<Expr, { k: 'call' }>, sum: Total, seen: Set<object>): void {
  const { program, edgesOf, writtenBy } = frame.machine;
  for (const arg of call.args) for (const name of namesIn(arg)) sum.given.add(name);
  const name = call.fn.k === 'id' ? call.fn.name : '';
  const edges = edgesOf(frame.node.id).get(call.at) ?? [];
  sum.written.push(...edges.map((edge) => writtenBy(edge.calleeId)));
  const functions = program.symbols.functionsNamed(name, frame.node.file);
  if (edges.length === 0) sum.written.push(...functions.map((node) => writtenBy(node.id)));
  if (functions.length > 0 || call.fn.k !== 'id') return;
  const macro = program.symbols.macro(name, frame.node.file);
  if (macro?.params === undefined) {
    sum.hasUnknownCall ||= edges.length === 0 && !onlyReads(name);
    if (edges.length === 0 && assignedByName(program, name)) for (const arg of call.args) stored(arg, asChanges(sum));
    return;
  }
  for (const index of argumentsStored(macro)) {
    const arg = call.args[index];
    if (arg !== undefined) stored(arg, asChanges(sum));
  }
  const code = macro.expr ?? macro.stmts;
  if (code === undefined || seen.has(code)) {
    sum.hasUnknownCall ||= code === undefined && !onlyReads(name);
    return;
  }
  seen.add(code);
  const inner = changesIn(code);
  for (const field of inner.fields) sum.fields.add(field);
  for (const each of inner.names) sum.names.add(each);
  sum.unknownTarget ||= inner.unknownTarget || inner.through.size > 0;
  for (const each of inner.calls) addCall(frame, each, sum, seen);
}

function asChanges(sum: Total): Changes {
  return { ...sum, calls: [] };
}

function namesIn(x: Expr): string[] {
  if (x.k === 'id') return [x.name];
  if (x.k === 'cast' || x.k === 'unary' || x.k === 'member') return namesIn(x.x);
  return x.k === 'binary' ? [...namesIn(x.l), ...namesIn(x.r)] : [];
}

/** Variables that a loop macro advances: those of its arguments that are locals and that it assigns to. */
export function loopCursors(frame: Frame, stmt: Extract<Stmt, { k: 'each' }>): string[] {
  const macro = frame.machine.program.symbols.macro(stmt.macro, frame.node.file);
  const params = 'body' in frame.node.fact ? frame.node.fact.params : [];
  return stmt.args.flatMap((arg, index) => {
    if (arg.k !== 'id' || !isLocal(frame, arg)) return [];
    if (!params.some((param) => param.name === arg.name)) return [arg.name];
    // A parameter is the place to look in, unless the macro says that it is what is moved.
    const name = macro?.params?.[index];
    const moves = name !== undefined && new RegExp(`\\b${name}\\s*\\)?\\s*=[^=]`).test(macro?.text ?? '');
    return moves ? [arg.name] : [];
  });
}
