import type { Stmt } from '../syntax/facts';
import { stretch, within } from './branches';
import { changesIn, forgetChanges, loopCursors } from './changes';
import { type Split, split } from './conditions';
import { evaluate, freshSymbol } from './evaluate';
import { runStatements } from './execute';
import { cellOf } from './locals';
import type { Frame } from './machine';
import { joinAll, type State, withCell } from './state';

/**
 * A loop: what its text may change is forgotten, and it is run once. What holds then holds in every turn.
 * `of`: the statement whose turns these are, if the first one was entered at a label inside.
 */
export function runLoop(
  frame: Frame,
  stmt: Extract<Stmt, { k: 'loop' | 'each' }>,
  start: State,
  of?: Extract<Stmt, { k: 'loop' | 'each' }>,
): State | undefined {
  let state: State | undefined = start;
  if (of === undefined && stmt.k === 'loop' && stmt.init !== undefined) state = runStatements(frame, stmt.init, start);
  if (state === undefined) return undefined;
  if (stmt.k === 'each') {
    state = stmt.args.reduce((each, arg) => (arg.k === 'id' ? each : evaluate(frame, arg, each)[0]), state);
    for (const name of loopCursors(frame, stmt)) state = withCell(state, cellOf(frame, name), freshSymbol(frame));
  }
  const widened = forgetChanges(frame, state, loopCode(of ?? stmt));
  const { next, left } = turn(frame, stmt, widened);
  if (stmt.k === 'loop') return joinAll(left);
  return joinAll([...left, widened, ...(next === undefined ? [] : [next])]);
}

const codes = new WeakMap<Stmt, object>();

/** What of a loop runs again and again. */
function loopCode(stmt: Extract<Stmt, { k: 'loop' | 'each' }>): object {
  let code = codes.get(stmt);
  if (code === undefined) {
    code = stmt.k === 'each' ? stmt.body : [stmt.c, stmt.step, stmt.body];
    codes.set(stmt, code);
    changesIn(code);
  }
  return code;
}

/** One turn: the state at its end, and those in which the loop is left. */
export function turn(
  frame: Frame,
  stmt: Extract<Stmt, { k: 'loop' | 'each' }>,
  state: State | undefined,
): { next: State | undefined; left: State[] } {
  const outer = { breaks: frame.flow.breaks, continues: frame.flow.continues };
  frame.flow.breaks = [];
  frame.flow.continues = [];
  const left: State[] = [];
  let enter = state;
  if (state !== undefined && stmt.k === 'loop' && stmt.c !== undefined && stmt.form !== 'do') {
    const { yes, no }: Split = split(frame, stmt.c, state);
    enter = joinAll(yes);
    left.push(...no);
  }
  let end = within(frame, stretch(stmt.body)?.to, () => runStatements(frame, stmt.body, enter));
  end = joinAll([...(end === undefined ? [] : [end]), ...frame.flow.continues]);
  left.push(...frame.flow.breaks);
  frame.flow.breaks = outer.breaks;
  frame.flow.continues = outer.continues;
  if (end !== undefined && stmt.k === 'loop' && stmt.step !== undefined) end = evaluate(frame, stmt.step, end)[0];
  if (end !== undefined && stmt.k === 'loop' && stmt.form === 'do' && stmt.c !== undefined) {
    const { yes, no } = split(frame, stmt.c, end);
    left.push(...no);
    end = joinAll(yes);
  }
  return { next: end, left };
}
