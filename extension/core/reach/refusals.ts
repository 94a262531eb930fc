import type { Edge, FunctionId, FunctionNode, Program } from '../program/program';
import { type Expr, lineOf, type Pos, type Stmt } from '../syntax/facts';
import { walkExpr, walkStmts } from '../syntax/walk';
import { GLOBAL, lastName } from './globals';
import type * as bits from './known-bits';
import type { VendorGraph } from './vendor-graph';
import type { Writes } from './writes';

/** What is looked at to find refusals. */
export interface Refusing {
  readonly program: Program;
  readonly graph: VendorGraph;
  readonly writes: Writes;
}

/** An arm of an `if`: see `armKey()`. */
export interface Arm {
  readonly fn: FunctionId;
  readonly at: Pos;
  readonly taken: boolean;
}

/** What is needed of globals, by cell. */
type Demands = readonly (readonly [cell: string, needs: bits.Bits])[];

export interface Gates {
  /** Arms that a store which meets a demand stands in. */
  readonly arms: readonly Arm[];
  /** The globals that these conditions read, by cell. */
  readonly globals: ReadonlySet<string>;
}

/** Where what creation demands is granted. */
export function gatesOf(input: Refusing, demands: Demands): Gates {
  const arms: Arm[] = [];
  const globals = new Set<string>();
  for (const [cell, needs] of demands) {
    for (const { arm, stmt } of storesTo(input, cell, needs)) {
      arms.push(arm);
      for (const name of namesIn(stmt.c)) globals.add(`${GLOBAL}${name}`);
    }
  }
  return { arms, globals };
}

/** The `if`s around those stores to a global that may give it what is needed. */
function storesTo(input: Refusing, cell: string, needs: bits.Bits): { arm: Arm; stmt: Extract<Stmt, { k: 'if' }> }[] {
  const field = lastName(cell);
  const found: { arm: Arm; stmt: Extract<Stmt, { k: 'if' }> }[] = [];
  for (const node of input.program.functions.values()) {
    if (!node.active || !('body' in node.fact) || !input.graph.has(node.id)) continue;
    if (!input.writes.ownFields(node.id).has(field)) continue;
    walkStmts(node.fact.body, (stmt, around) => {
      if (stmt.k !== 'expr' || stmt.x.k !== 'assign') return;
      const { l, r } = stmt.x;
      if ((l.k === 'member' ? l.field : l.k === 'id' ? l.name : '') !== field) return;
      const value = input.program.symbols.fold(r, node.file);
      if (value !== undefined && (value & needs.value) !== needs.value) return;
      for (const outer of around) {
        if (outer.k !== 'if') continue;
        const arm = { fn: node.id, at: outer.at, taken: contains(outer.then, stmt) };
        found.push({ arm, stmt: outer });
      }
    });
  }
  return found;
}

function contains(body: readonly Stmt[], stmt: Stmt): boolean {
  let is = false;
  walkStmts(body, (each) => {
    if (each === stmt) is = true;
  });
  return is;
}

function namesIn(x: Expr): Set<string> {
  const names = new Set<string>();
  walkExpr(x, (each) => {
    if (each.k === 'id') names.add(each.name);
  });
  return names;
}

/**
 * Arms of conditions on globals that may be refusals: those that leave their place in a function which stores to what
 * a gate reads or demands (`stored`, by name), and those that pass by a gate. If the set-up with such an arm taken cannot end with the
 * demands met, the arm was not taken. Only conditions that one set-up meets at most once can be told so.
 */
export function candidates(
  input: Refusing,
  roots: readonly FunctionNode[],
  gates: Gates,
  stored: ReadonlySet<string>,
): Arm[] {
  const arms: Arm[] = [];
  const once = meetsOnce(input.graph, new Set(roots.map((node) => node.id)), input.program);
  for (const node of input.program.functions.values()) {
    if (!node.active || !('body' in node.fact) || !input.graph.has(node.id)) continue;
    const own = input.writes.ownFields(node.id);
    if (![...stored].some((name) => own.has(name)) || !once(node.id)) continue;
    const { body } = node.fact;
    walkStmts(body, (stmt, around) => {
      if (stmt.k !== 'if' || around.some((outer) => outer.k === 'loop' || outer.k === 'each')) return;
      const isOnGlobal = [...namesIn(stmt.c)].some(
        (name) => input.program.symbols.variable(name, node.file) !== undefined,
      );
      if (!isOnGlobal || hasJumpBack(body)) return;
      const isGate = gates.arms.find((gate) => gate.fn === node.id && gate.at === stmt.at);
      for (const taken of [true, false]) {
        const leaves = /^(?:return|goto)$/.test((taken ? stmt.then : stmt.else)?.at(-1)?.k ?? '');
        if (leaves || isGate?.taken === !taken) arms.push({ fn: node.id, at: stmt.at, taken });
      }
    });
  }
  return arms;
}

/** Whether a function runs at most once in one set-up: it is called from one place, once, on the whole way from a root. */
function meetsOnce(graph: VendorGraph, roots: ReadonlySet<FunctionId>, program: Program): (id: FunctionId) => boolean {
  const isSingle = (id: FunctionId, seen: ReadonlySet<FunctionId>): boolean => {
    if (roots.has(id)) return graph.callers(id).length === 0;
    const [edge, ...others] = graph.callers(id);
    if (edge === undefined || others.length > 0 || seen.has(id) || edge.via === 'argument') return false;
    const caller = program.functions.get(edge.callerId);
    if (caller === undefined || !('body' in caller.fact) || isRepeated(caller.fact.body, edge)) return false;
    return isSingle(edge.callerId, new Set([...seen, id]));
  };
  return (id) => isSingle(id, new Set());
}

function isRepeated(body: readonly Stmt[], edge: Edge): boolean {
  if (hasJumpBack(body)) return true;
  let is = false;
  walkStmts(body, (stmt) => {
    if (stmt.k !== 'loop' && stmt.k !== 'each') return;
    walkStmts([stmt], (inner) => {
      if (lineOf(inner.at) === edge.site.line) is = true;
    });
    if (lineOf(stmt.at) <= edge.site.line && edge.site.line <= lastLine(stmt)) is = true;
  });
  return is;
}

function lastLine(stmt: Stmt): number {
  let last = lineOf(stmt.at);
  walkStmts([stmt], (inner) => {
    last = Math.max(last, lineOf(inner.at));
  });
  return last;
}

function hasJumpBack(body: readonly Stmt[]): boolean {
  const labels = new Map<string, Pos>();
  walkStmts(body, (stmt) => {
    if (stmt.k === 'label') labels.set(stmt.name, stmt.at);
  });
  let is = false;
  walkStmts(body, (stmt) => {
    if (stmt.k === 'goto' && (labels.get(stmt.label) ?? Infinity) < stmt.at) is = true;
  });
  return is;
}
