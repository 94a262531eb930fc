import type { FunctionNode } from '../program/program';
import type { Expr, Stmt } from '../syntax/facts';
import type { Call } from './call';
import { dispatchOf } from './dispatch';
import type { Machine } from './machine';
import { operationOf } from './operations';
import { isOwnedCall } from './owned-values';

/** Functions and macros that live outside the analysed files and only compute. */
const COMPUTES =
  /^__builtin_\w+$|^offsetof$|^container_of(?:_const)?$|^_*(?:min|max)(?:_t|3)?$|^clamp(?:_t)?$|^BIT(?:_ULL)?$|^GENMASK(?:_ULL)?$|^IS_ENABLED$|^ARRAY_SIZE$|^(?:atomic\w*|refcount)_read$|^test_bit$|^round_(?:up|down)$|^ALIGN(?:_DOWN)?$|^hweight\w*$|^f[lf]s\w*$|^__f[lf]s\w*$|^need_resched$|^rwlock_needbreak$|^list_empty$|^cpu_feature_enabled$|^(?:static|boot)_cpu_has$|^static_branch_(?:un)?likely$/;

/**
 * Whether calling `name` changes nothing that the model tracks: its own source, and that of what it calls, writes
 * through no pointer, takes no lock and performs no operation but those that observe. A function without a body in
 * the tree is not known to be harmless.
 */
export function changesNothing(machine: Machine, name: string, from: string, depth = 0): boolean {
  if (isOwnedCall(name)) return true;
  const operation = operationOf(name);
  if (operation !== undefined) return operation.kind === 'nothing' || operation.kind === 'value';
  const key = `${from}:${name}`;
  const known = machine.quiet.get(key);
  if (known !== undefined) return known;
  if (depth > 8) return false;
  const before = machine.quiet.size;
  // Recursion is harmless if the rest is.
  machine.quiet.set(key, true);
  const answer = readsOnly(machine, name, from, depth);
  // What was found harmless on that ground falls with it.
  if (!answer) for (const other of [...machine.quiet.keys()].slice(before)) machine.quiet.delete(other);
  if (!answer) machine.quiet.set(key, false);
  return answer;
}

function readsOnly(machine: Machine, name: string, from: string, depth: number): boolean {
  const { symbols } = machine.program;
  const harmless = (inner: string, file: string): boolean => changesNothing(machine, inner, file, depth + 1);
  const inside = (file: string, node?: FunctionNode): Harmless => ({
    named: (inner) => harmless(inner, file),
    through: (x) => {
      const dispatch = node === undefined ? undefined : dispatchOf(machine, node, x);
      return dispatch?.kind === 'function' ? harmless(dispatch.node.name, dispatch.node.file) : dispatch !== undefined;
    },
  });
  const functions = symbols.functionsNamed(name, from).filter((node) => 'body' in node.fact);
  if (functions.length > 0)
    return functions.every((node) => 'body' in node.fact && quiet(node.fact.body, inside(node.file, node)));
  if (COMPUTES.test(name)) return true;
  const macro = symbols.macro(name, from);
  if (macro?.expr !== undefined) return quietExpr(macro.expr, inside(from));
  return macro?.stmts !== undefined && quiet(macro.stmts, inside(from));
}

/** Whether evaluating `x` in a function changes nothing but locals. */
export function isQuiet(machine: Machine, x: Expr, node: FunctionNode): boolean {
  return quietExpr(x, {
    named: (name) => changesNothing(machine, name, node.file),
    through: (call) => {
      const dispatch = dispatchOf(machine, node, call);
      return dispatch?.kind === 'function'
        ? changesNothing(machine, dispatch.node.name, dispatch.node.file)
        : dispatch !== undefined;
    },
  });
}

/** Whether a call changes nothing: by the name of what is called, and of one through a table. */
interface Harmless {
  readonly named: (name: string) => boolean;
  readonly through: (x: Call) => boolean;
}

/** The inner call of `kvm_x86_call(name)(...)`, which only says which slot is meant. */
export const SAYS_WHICH = /^kvm_x86_call$|^static_call(?:_cond)?$/;

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
      case 'case':
      case 'label':
      case 'goto':
      case 'break':
      case 'continue':
        return true;
    }
  });
}

function quietExpr(x: Expr, harmless: Harmless): boolean {
  switch (x.k) {
    case 'call':
      return (
        x.args.every((arg) => quietExpr(arg, harmless)) &&
        (x.fn.k === 'id' ? harmless.named(x.fn.name) : harmless.through(x))
      );
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
    case 'id':
    case 'num':
    case 'str':
    case 'sizeof':
    case 'type':
      return true;
  }
}
