import { exprText } from '../syntax/expr-text';
import type { FunctionNode } from '../program/program';
import type { Expr, MacroFact, Stmt } from '../syntax/facts';
import { type Branch, forget, isFinal, noteUnmodelled, resumed, say, type Value, withEnv } from './branch';
import { decided, evaluate, type Evaluated, truths } from './evaluate';
import { dispatchOf } from './dispatch';
import { effectOf } from './effects';
import { execute, runBody } from './execute';
import { expansion, type Frame, type Machine, MAX_DEPTH, siteOf } from './machine';
import { isSlotIterator } from './loops';
import { operationOf, walksRmaps } from './operations';
import { perform } from './perform';
import { boundParameters, copiedBack } from './pointers';
import { changesNothing } from './purity';
import { isRootIterator } from './root-iterator';
import { walkExprs, walkStmts } from '../syntax/walk';
import { knownValue } from './values';

/** Helpers this close to the sink are entered in any case; those further down only for the operations that they lead to. */
const SHALLOW = 2;

export type Call = Extract<Expr, { k: 'call' }>;

/**
 * A call: an operation that the model knows, a function that only reads, a helper or macro that is entered, or
 * something that the model does not know, which is noted and never vanishes.
 */
export function call(machine: Machine, frame: Frame, x: Call, branch: Branch): Evaluated[] {
  if (x.fn.k !== 'id') return dispatched(machine, frame, x, branch);
  const { name } = x.fn;
  const { file } = frame.node;
  const operation = operationOf(name);
  if (operation !== undefined) {
    if ('condition' in operation && operation.condition) {
      const [condition] = x.args;
      if (condition === undefined) return unmodelled(frame, x, branch, machine);
      return asserted(machine, frame, x, condition, branch).flatMap(([after, fires]) =>
        perform(machine, frame, operation, x, [fires], after),
      );
    }
    return withArguments(machine, frame, x, branch).flatMap(([after, values]) =>
      after.end === undefined ? perform(machine, frame, operation, x, values, after) : [[after, undefined] as const],
    );
  }
  if (changesNothing(machine, name, file))
    return [[branch, knownValue(machine, frame, x, branch) ?? decided(machine, frame, x)]];
  if (machine.budget-- <= 0 || frame.depth >= MAX_DEPTH) return unmodelled(frame, x, branch, machine);
  if (frame.depth >= SHALLOW) {
    const effect = effectOf(machine, name, file, frame.away === true);
    if (effect === 'none') return aside(machine, frame, x, branch);
    if (effect === 'unknown') return unmodelled(frame, x, branch, machine);
  }
  const target = definitionOf(machine, name, file);
  if (target !== undefined) return enter(machine, frame, target, x, branch);
  const macro = machine.program.symbols.macro(name, file);
  if (macro !== undefined && (macro.expr ?? macro.stmts) !== undefined)
    return expandHere(machine, frame, macro, x, branch);
  return unmodelled(frame, x, branch, machine);
}

/** A call through a table runs what the vendor's table holds; an empty slot does nothing and gives 0. */
function dispatched(machine: Machine, frame: Frame, x: Call, branch: Branch): Evaluated[] {
  const dispatch = frame.use === undefined ? dispatchOf(machine, frame.node, x) : undefined;
  if (dispatch === undefined) return unmodelled(frame, x, branch, machine);
  if (dispatch.kind === 'empty') return withArguments(machine, frame, x, branch).map(([after]) => [after, 0n]);
  const { node } = dispatch;
  if (changesNothing(machine, node.name, node.file))
    return [[branch, knownValue(machine, frame, x, branch) ?? decided(machine, frame, x)]];
  if (machine.budget-- <= 0 || frame.depth >= MAX_DEPTH) return unmodelled(frame, x, branch, machine);
  if (frame.depth >= SHALLOW) {
    const effect = effectOf(machine, node.name, node.file, frame.away === true);
    if (effect === 'none') return aside(machine, frame, x, branch);
    if (effect === 'unknown') return unmodelled(frame, x, branch, machine);
  }
  return enter(machine, frame, node, x, branch);
}

/**
 * The truth of an assertion's condition. One that cannot be decided and stands far from the sink is a helper's own
 * invariant: it is taken to hold, and the trace says so. Closer to the sink both sides are run.
 */
function asserted(
  machine: Machine,
  frame: Frame,
  x: Call,
  condition: Expr,
  branch: Branch,
): readonly (readonly [Branch, boolean])[] {
  const runs = truths(machine, frame, condition, branch);
  if (frame.depth <= SHALLOW || runs.every(([, fires]) => fires) || runs.every(([, fires]) => !fires)) return runs;
  const text = `${exprText(x)}: not decided; a helper's own assertion, taken not to fire`;
  return runs.filter(([, fires]) => !fires).map(([after]) => [say(after, text, siteOf(frame, x.at)), false]);
}

/** A call that changes nothing that the model holds: its value, and what it may have written, are not known. */
function aside(machine: Machine, frame: Frame, x: Call, branch: Branch): Evaluated[] {
  return withArguments(machine, frame, x, branch).map(([after]) => [
    outParameters(forget(after, isMemory), x),
    decided(machine, frame, x),
  ]);
}

/** Whether the identity of a condition names memory that a callee may write. */
function isMemory(key: string): boolean {
  return /->|\*|\[|\(/.test(key);
}

/** The function that `name` means in `file`: the reference configuration's one, if several have a body. */
export function definitionOf(machine: Machine, name: string, file: string): FunctionNode | undefined {
  const nodes = machine.program.symbols.functionsNamed(name, file).filter((node) => 'body' in node.fact);
  return nodes.find((node) => node.active) ?? nodes[0];
}

/** Evaluates the arguments in order. */
function withArguments(
  machine: Machine,
  frame: Frame,
  x: Call,
  branch: Branch,
): (readonly [Branch, readonly Value[]])[] {
  let runs: (readonly [Branch, readonly Value[]])[] = [[branch, []]];
  for (const arg of x.args) {
    runs = runs.flatMap(([run, values]): (readonly [Branch, readonly Value[]])[] =>
      run.end === undefined
        ? evaluate(machine, frame, arg, run).map(([after, value]) => [after, [...values, value]] as const)
        : [[run, values]],
    );
  }
  return runs;
}

/** Runs the body of a helper. */
function enter(machine: Machine, frame: Frame, target: FunctionNode, x: Call, branch: Branch): Evaluated[] {
  return withArguments(machine, frame, x, branch).flatMap(([each, values]): Evaluated[] =>
    each.end === undefined ? inside(machine, frame, target, x, values, each) : [[each, undefined]],
  );
}

/** The body of a helper with its parameters bound to `values`. */
function inside(
  machine: Machine,
  frame: Frame,
  target: FunctionNode,
  x: Call,
  values: readonly Value[],
  branch: Branch,
): Evaluated[] {
  const { fact } = target;
  if (!('body' in fact)) return [[branch, undefined]];
  const env = boundParameters(machine, frame, fact, x, values, branch);
  const inner: Frame =
    frame.away === true && target.id !== machine.sink
      ? { node: target, depth: frame.depth + 1, away: true }
      : { node: target, depth: frame.away === true ? 0 : frame.depth + 1 };
  const assumed = new Map([...branch.assumed].filter(([key]) => !key.startsWith(`${inner.depth}:`)));
  return runBody(machine, inner, fact.body, { ...branch, env, assumed }).map((end): Evaluated => {
    const value = end.end?.kind === 'return' ? end.end.value : undefined;
    if (isFinal(end)) return [{ ...end, env: branch.env }, undefined];
    const back = outParameters({ ...resumed(end), env: branch.env }, x);
    return [copiedBack(machine, frame, fact, x, end.env, back), value];
  });
}

/**
 * Enters a function that the model also knows by its effect, if its body leads to operations that the model can
 * follow: it loops over roots or memslots, or walks rmaps. `undefined`: it does not.
 */
export function enterByName(
  machine: Machine,
  frame: Frame,
  target: FunctionNode,
  x: Call,
  values: readonly Value[],
  branch: Branch,
): Evaluated[] | undefined {
  if (!('body' in target.fact) || !canFollow(target.fact.body)) return undefined;
  return inside(machine, frame, target, x, values, branch);
}

function canFollow(body: readonly Stmt[]): boolean {
  let found = false;
  walkStmts(body, (stmt) => {
    found ||= stmt.k === 'each' && (isRootIterator(stmt.macro) || isSlotIterator(stmt.macro));
  });
  walkExprs(body, (x) => {
    found ||= x.k === 'call' && x.fn.k === 'id' && walksRmaps(x.fn.name);
  });
  return found;
}

/** A macro's body in the place of its use. */
function expandHere(machine: Machine, frame: Frame, macro: MacroFact, x: Call, branch: Branch): Evaluated[] {
  const inner: Frame = { ...frame, depth: frame.depth + 1, use: siteOf(frame, x.at) };
  const body = expansion(machine, macro, x);
  if (body.expr !== undefined) return evaluate(machine, inner, body.expr, branch);
  return execute(machine, inner, body.stmts ?? [], [branch]).map((after) => [after, undefined]);
}

/** A callee may write what it was handed the address of. */
function outParameters(branch: Branch, x: Call): Branch {
  let after = branch;
  for (const arg of x.args)
    if (arg.k === 'unary' && arg.op === '&' && arg.x.k === 'id') after = withEnv(after, arg.x.name, undefined);
  return after;
}

function unmodelled(frame: Frame, x: Call, branch: Branch, machine: Machine): Evaluated[] {
  return withArguments(machine, frame, x, branch).map(([after]) => {
    const site = siteOf(frame, x.at);
    const name = exprText(x.fn);
    const noted = noteUnmodelled(say(after, `calls ${name}(), which the model does not know`, site), name, site);
    return [outParameters(forget(noted, isMemory), x), decided(machine, frame, x)];
  });
}
