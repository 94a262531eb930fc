import type { Expr, Stmt } from './facts';

/** Walks over lowered code, for all who look for something in it. Source order; nothing is left out. */

/** The expressions directly in `x`, and the statements of a `({ ... })`. */
export interface Parts {
  readonly exprs: readonly Expr[];
  readonly stmts: readonly Stmt[];
}

const NO_EXPRS: readonly Expr[] = [];
const NO_STMTS: readonly Stmt[] = [];
const NOTHING: Parts = { exprs: NO_EXPRS, stmts: NO_STMTS };

/** What an expression is made of. */
export function partsOfExpr(x: Expr): Parts {
  switch (x.k) {
    case 'id':
    case 'num':
    case 'str':
    case 'type':
    case 'opaque':
      return NOTHING;
    case 'call':
      return { exprs: [x.fn, ...x.args], stmts: NO_STMTS };
    case 'unary':
    case 'member':
    case 'cast':
      return { exprs: [x.x], stmts: NO_STMTS };
    case 'binary':
    case 'assign':
      return { exprs: [x.l, x.r], stmts: NO_STMTS };
    case 'cond':
      return { exprs: x.a === undefined ? [x.c, x.b] : [x.c, x.a, x.b], stmts: NO_STMTS };
    case 'index':
      return { exprs: [x.x, x.i], stmts: NO_STMTS };
    case 'sizeof':
      return { exprs: x.x === undefined ? NO_EXPRS : [x.x], stmts: NO_STMTS };
    case 'init':
      return { exprs: x.items.flatMap(({ index, last, value }) => present(index, last, value)), stmts: NO_STMTS };
    case 'block':
      return { exprs: NO_EXPRS, stmts: x.body };
  }
}

/** What a statement is made of: its expressions come before the statements in it, but for the head of a `for`. */
export function partsOfStmt(s: Stmt): Parts {
  switch (s.k) {
    case 'expr':
      return { exprs: [s.x], stmts: NO_STMTS };
    case 'return':
      return { exprs: present(s.x), stmts: NO_STMTS };
    case 'decl':
      return { exprs: present(s.init), stmts: NO_STMTS };
    case 'if':
      return { exprs: [s.c], stmts: s.else === undefined ? s.then : [...s.then, ...s.else] };
    case 'switch':
      return { exprs: [s.x], stmts: s.body };
    case 'case':
      return { exprs: present(s.lo, s.hi), stmts: NO_STMTS };
    case 'loop':
      return { exprs: present(s.c, s.step), stmts: s.init === undefined ? s.body : [...s.init, ...s.body] };
    case 'each':
      return { exprs: s.args, stmts: s.body };
    case 'guard':
      return { exprs: s.args, stmts: s.body ?? NO_STMTS };
    case 'block':
    case 'when':
      return { exprs: NO_EXPRS, stmts: s.body };
    case 'asm':
      return { exprs: [...s.outputs, ...s.inputs], stmts: NO_STMTS };
    case 'label':
    case 'goto':
    case 'break':
    case 'continue':
    case 'opaque':
      return NOTHING;
  }
}

function present(...list: readonly (Expr | undefined)[]): Expr[] {
  return list.filter((each) => each !== undefined);
}

/** The statements around a place, outermost first: loops, switches, `if`s and `#if` branches alike. */
export type Around = readonly Stmt[];

/** Calls `visit` for each statement in `body`, at any depth (those inside `({ ... })` too), outer ones first. */
export function walkStmts(body: readonly Stmt[], visit: (s: Stmt, around: Around) => void): void {
  walkBody(body, [], { visitStmt: visit });
}

/** Calls `visit` for each expression in `body`, at any depth, outer ones first; `around` ends with its own statement. */
export function walkExprs(body: readonly Stmt[], visit: (x: Expr, around: Around) => void): void {
  walkBody(body, [], { visitExpr: visit });
}

/** The same below one expression, itself included. */
export function walkExpr(x: Expr, visit: (x: Expr, around: Around) => void): void {
  walkOne(x, [], { visitExpr: visit });
}

interface Visitor {
  readonly visitStmt?: (s: Stmt, around: Around) => void;
  readonly visitExpr?: (x: Expr, around: Around) => void;
}

function walkBody(body: readonly Stmt[], around: Around, visitor: Visitor): void {
  for (const stmt of body) {
    visitor.visitStmt?.(stmt, around);
    const inner = [...around, stmt];
    const { exprs, stmts } = partsOfStmt(stmt);
    for (const x of exprs) walkOne(x, inner, visitor);
    walkBody(stmts, inner, visitor);
  }
}

function walkOne(x: Expr, around: Around, visitor: Visitor): void {
  visitor.visitExpr?.(x, around);
  const { exprs, stmts } = partsOfExpr(x);
  for (const each of exprs) walkOne(each, around, visitor);
  walkBody(stmts, around, visitor);
}

export function isOpaque(x: Expr | Stmt): boolean {
  return x.k === 'opaque';
}
