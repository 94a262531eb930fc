import type { Pos, Stmt } from '../syntax/facts';
import { walkStmts } from '../syntax/walk';
import { changesIn } from './changes';

/**
 * The position in a function's body behind which nothing bears on what happens at `places`: control that has got there
 * does not come back. Code that was not understood counts as a place. `Infinity`: all of the body may bear on them.
 */
export function horizon(body: readonly Stmt[], places: Iterable<Pos>): Pos {
  let last = Math.max(-Infinity, ...places);
  let firstLabel = Infinity;
  walkStmts(body, (stmt) => {
    if (stmt.k === 'opaque') last = Math.max(last, stmt.at);
    if (stmt.k === 'label') firstLabel = Math.min(firstLabel, stmt.at);
    // The step of a `for` stands before the body and runs behind it.
    if (stmt.k === 'loop' && stmt.step !== undefined && changesIn(stmt.step).calls.length > 0) firstLabel = -Infinity;
  });
  return firstLabel <= last ? Infinity : last;
}
