import type { Stmt } from '../syntax/facts';
import { classFunctions } from '../syntax/guard-classes';
import { evaluate } from './evaluate';
import { runStatements } from './execute';
import { havocCall } from './havoc';
import type { Frame } from './machine';
import type { State, Value } from './state';
import type { FieldNames } from './written-fields';

/**
 * Runs what a block with cleanups does, and forgets what these may write in every state in which control leaves it:
 * at its end, by a `return`, a `break`, a `continue` or a jump. `undefined`: the block declares none.
 */
export function leavingScope(
  frame: Frame,
  body: readonly Stmt[],
  run: () => State | undefined,
): { readonly end: State | undefined } | undefined {
  if (!body.some(hasCleanup)) return undefined;
  const written = body.flatMap((stmt) => writtenBy(frame, stmt));
  const { flow } = frame;
  const [returns, breaks, continues] = [flow.returns.length, flow.breaks, flow.continues];
  const parked = new Map([...flow.parked].map(([label, states]) => [label, states.length]));
  flow.breaks = [];
  flow.continues = [];
  const end = run();
  const forget = (state: State): State => havocCall(frame, [], state, written);
  flow.returns.forEach((each, i) => {
    if (i >= returns) flow.returns[i] = { ...each, state: forget(each.state) };
  });
  flow.breaks = [...breaks, ...flow.breaks.map(forget)];
  flow.continues = [...continues, ...flow.continues.map(forget)];
  for (const [label, states] of flow.parked) {
    const before = parked.get(label) ?? 0;
    flow.parked.set(
      label,
      states.map((state, i) => (i < before ? state : forget(state))),
    );
  }
  return { end: end === undefined ? undefined : forget(end) };
}

/** `guard(x)(y)`, `scoped_guard(x, y) { }`: what the class's functions may write is forgotten, where they run. */
export function runGuard(frame: Frame, stmt: Extract<Stmt, { k: 'guard' }>, state: State): State | undefined {
  const written = writtenBy(frame, stmt);
  const args: Value[] = [];
  let after = state;
  for (const arg of stmt.args) {
    const [next, value] = evaluate(frame, arg, after);
    after = next;
    args.push(value);
  }
  const entered = written.length === 0 ? after : havocCall(frame, args, after, written);
  if (stmt.body === undefined) return entered;
  const end = runStatements(frame, stmt.body, entered);
  return end === undefined || written.length === 0 ? end : havocCall(frame, args, end, written);
}

function hasCleanup(stmt: Stmt): boolean {
  return stmt.k === 'decl' ? stmt.cleanup !== undefined : stmt.k === 'guard' && stmt.body === undefined;
}

/** What the functions write that run where a variable or a guard begins and ends to live. */
function writtenBy({ machine, node }: Frame, stmt: Stmt): readonly FieldNames[] {
  const named = (name: string): boolean => machine.program.symbols.functionsNamed(name, node.file).length > 0;
  let names: readonly string[] = [];
  if (stmt.k === 'guard') names = classFunctions('guard', stmt.name, named);
  if (stmt.k === 'decl' && stmt.cleanup !== undefined) names = classFunctions('cleanup', stmt.cleanup, named);
  return names
    .flatMap((name) => machine.program.symbols.functionsNamed(name, node.file))
    .map((fn) => machine.writtenBy(fn.id));
}
