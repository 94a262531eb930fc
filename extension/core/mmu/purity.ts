import type { Program } from '../program/program';
import type { Expr, Stmt } from '../syntax/facts';
import { operationOf } from './operations';

/**
 * Whether calling `name` changes nothing that the model tracks: its own source (and that of what it calls) writes
 * through no pointer and calls no operation but those that observe. A function without a body in the tree is not known
 * to be harmless.
 */
export function changesNothing(
  program: Program,
  name: string,
  from: string,
  depth = 0,
  seen = new Set<string>(),
): boolean {
  const operation = operationOf(name);
  if (operation !== undefined) return operation.kind === 'nothing' || operation.kind === 'value';
  if (seen.has(name)) return true;
  seen.add(name);
  if (depth > 8) return false;
  const harmless = (inner: string, file: string): boolean => changesNothing(program, inner, file, depth + 1, seen);
  const functions = program.symbols.functionsNamed(name, from).filter((node) => 'body' in node.fact);
  if (functions.length > 0) {
    return functions.every(
      (node) => 'body' in node.fact && quiet(node.fact.body, (inner) => harmless(inner, node.file)),
    );
  }
  const macro = program.symbols.macro(name, from);
  if (macro === undefined)
    return /^__builtin_|^offsetof$|^container_of$|^min(?:_t)?$|^max(?:_t)?$|^atomic\w*_read$|^refcount_read$/.test(
      name,
    );
  if (macro.expr !== undefined) return quietExpr(macro.expr, (inner) => harmless(inner, from));
  return macro.stmts !== undefined && quiet(macro.stmts, (inner) => harmless(inner, from));
}

type Harmless = (name: string) => boolean;

function quiet(body: readonly Stmt[], harmless: Harmless): boolean {
  return body.every((stmt) => {
    switch (stmt.k) {
      case 'expr':
        return quietExpr(stmt.x, harmless);
      case 'decl':
        return stmt.init === undefined || quietExpr(stmt.init, harmless);
      case 'if':
        return quietExpr(stmt.c, harmless) && quiet(stmt.then, harmless) && quiet(stmt.else ?? [], harmless);
      case 'switch':
        return quietExpr(stmt.x, harmless) && quiet(stmt.body, harmless);
      case 'loop':
        return (
          quiet(stmt.init ?? [], harmless) &&
          [stmt.c, stmt.step].every((x) => x === undefined || quietExpr(x, harmless)) &&
          quiet(stmt.body, harmless)
        );
      case 'each':
        return stmt.args.every((x) => quietExpr(x, harmless)) && quiet(stmt.body, harmless);
      case 'block':
      case 'when':
        return quiet(stmt.body, harmless);
      case 'return':
        return stmt.x === undefined || quietExpr(stmt.x, harmless);
      case 'guard':
      case 'asm':
      case 'opaque':
        return false;
      default:
        return true;
    }
  });
}

function quietExpr(x: Expr, harmless: Harmless): boolean {
  switch (x.k) {
    case 'call':
      return x.fn.k === 'id' && x.args.every((arg) => quietExpr(arg, harmless)) && harmless(x.fn.name);
    case 'assign':
      return x.l.k === 'id' && quietExpr(x.r, harmless);
    case 'unary':
      return (!/\+\+|--/.test(x.op) || x.x.k === 'id') && quietExpr(x.x, harmless);
    case 'binary':
      return quietExpr(x.l, harmless) && quietExpr(x.r, harmless);
    case 'cond':
      return [x.c, x.a, x.b].every((each) => each === undefined || quietExpr(each, harmless));
    case 'member':
    case 'cast':
      return quietExpr(x.x, harmless);
    case 'index':
      return quietExpr(x.x, harmless) && quietExpr(x.i, harmless);
    case 'block':
      return quiet(x.body, harmless);
    case 'init':
      return x.items.every((item) => quietExpr(item.value, harmless));
    case 'opaque':
      return false;
    default:
      return true;
  }
}
