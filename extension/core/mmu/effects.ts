import type { Expr, Stmt } from '../syntax/facts';
import { isOpaque, walkExprs, walkStmts } from '../syntax/walk';
import type { Call } from './call';
import { type Dispatch, dispatchOf } from './dispatch';
import type { Machine } from './machine';
import { guardMode, operationOf } from './operations';
import { isOwnedField } from './owned-stores';
import { changesNothing, SAYS_WHICH } from './purity';

/**
 * What calling a function may do, as far as the model is concerned. `none`: nothing that the model's state holds.
 * `operation`: an operation that the model knows. `unknown`: calls that it does not know, and no operation.
 */
export type Effect = 'none' | 'operation' | 'unknown';

/** Locks and WARNs this many calls down are a helper's own matter: it balances them itself. */
const OWN_MATTER = 3;
const DEEPEST = 8;

/**
 * The effect of calling `name` from `file`, by the names that its body and theirs call. `away` from the sink a helper's
 * locks, WARNs and requests are its own matter.
 */
export function effectOf(machine: Machine, name: string, file: string, away: boolean, depth = 0): Effect {
  const operation = operationOf(name);
  if (operation !== undefined) {
    switch (operation.kind) {
      case 'nothing':
      case 'value':
        return 'none';
      case 'lock':
      case 'unlock':
      case 'warn-on':
      case 'host-bug-on':
      case 'request':
        return away || depth > OWN_MATTER ? 'none' : 'operation';
      case 'store':
        // Of what the state holds: see `storesOwned()`.
        return 'none';
      default:
        return 'operation';
    }
  }
  if (changesNothing(machine, name, file)) return 'none';
  const key = `${away ? 'away' : Math.min(depth, OWN_MATTER + 1)}:${file}:${name}`;
  const known = machine.effects.get(key);
  if (known !== undefined) return known;
  if (depth > DEEPEST) return 'unknown';
  const before = machine.effects.size;
  // Recursion adds nothing to what the rest does.
  machine.effects.set(key, 'none');
  const effect = effectOfBody(machine, name, file, away, depth);
  // What was found on that ground falls with it.
  if (effect !== 'none') for (const other of [...machine.effects.keys()].slice(before)) machine.effects.delete(other);
  machine.effects.set(key, effect);
  return effect;
}

function effectOfBody(machine: Machine, name: string, file: string, away: boolean, depth: number): Effect {
  const { symbols } = machine.program;
  const nodes = symbols.functionsNamed(name, file).filter((node) => 'body' in node.fact);
  const node = nodes.find((one) => one.active) ?? nodes[0];
  const body = node === undefined ? symbols.macro(name, file) : node.fact;
  if (body === undefined) return 'unknown';
  const calls = new Set<string>();
  const through: Dispatch[] = [];
  const code = 'body' in body ? body.body : (body.stmts ?? asBody(body.expr));
  if (storesOwned(code)) return 'operation';
  collectCalls(code, calls, (x) => {
    const dispatch = node === undefined ? undefined : dispatchOf(machine, node, x);
    if (dispatch !== undefined) through.push(dispatch);
    return dispatch !== undefined;
  });
  let effect: Effect = calls.has('') ? 'unknown' : 'none';
  for (const dispatch of through) {
    if (dispatch.kind === 'empty') continue;
    const inner = effectOf(machine, dispatch.node.name, dispatch.node.file, away, depth + 1);
    if (inner === 'operation') return 'operation';
    if (inner === 'unknown') effect = 'unknown';
  }
  for (const callee of calls) {
    if (callee === '') continue;
    const inner = effectOf(machine, callee, node?.file ?? file, away, depth + 1);
    if (inner === 'operation') return 'operation';
    if (inner === 'unknown') effect = 'unknown';
  }
  return effect;
}

/**
 * Names of functions and macros called in a body; `''` for what has no name: an indirect call that does not lead
 * `through` a table, assembler, unread text.
 */
function collectCalls(body: readonly Stmt[], calls: Set<string>, through: (x: Call) => boolean): void {
  walkStmts(body, (stmt) => {
    if (stmt.k === 'asm' || isOpaque(stmt)) calls.add('');
    if (stmt.k === 'guard') calls.add(guardMode(stmt.name) === undefined ? '' : 'mutex_lock');
  });
  walkExprs(body, (x) => {
    if (isOpaque(x)) calls.add('');
    if (x.k !== 'call') return;
    if (x.fn.k === 'id') {
      if (!SAYS_WHICH.test(x.fn.name)) calls.add(x.fn.name);
    } else if (!through(x)) calls.add('');
  });
}

/** Whether code stores to a field that the state holds, by an assignment or through `&field` in a call that stores. */
function storesOwned(body: readonly Stmt[]): boolean {
  let found = false;
  walkExprs(body, (x) => {
    if (x.k === 'assign') found ||= x.l.k === 'member' && isOwnedField(x.l.field);
    if (x.k !== 'call' || x.fn.k !== 'id' || operationOf(x.fn.name)?.kind !== 'store') return;
    for (const arg of x.args) {
      const place = arg.k === 'unary' && arg.op === '&' ? arg.x : arg;
      found ||= place.k === 'member' && isOwnedField(place.field);
    }
  });
  return found;
}

function asBody(x: Expr | undefined): Stmt[] {
  return x === undefined ? [] : [{ k: 'expr', at: x.at, x }];
}
