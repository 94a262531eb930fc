import type { Pos, Stmt } from '../syntax/facts';
import { walkExpr, walkStmts } from '../syntax/walk';

/**
 * The position in a function's body behind which nothing bears on what happens at `places`: control that has got there
 * does not come back. Code that was not understood counts as a place. `Infinity`: all of the body may bear on them.
 */
export function horizon(body: readonly Stmt[], places: ReadonlySet<Pos>): Pos {
  let last = Math.max(-Infinity, ...places);
  let firstLabel = Infinity;
  walkStmts(body, (stmt) => {
    if (stmt.k === 'opaque') last = Math.max(last, stmt.at);
    if (stmt.k === 'label') firstLabel = Math.min(firstLabel, stmt.at);
    if (stmt.k !== 'loop' || stmt.step === undefined) return;
    walkExpr(stmt.step, (x) => {
      // The step of a `for` stands before the body and runs behind it.
      if (places.has(x.at)) firstLabel = -Infinity;
    });
  });
  return firstLabel <= last ? Infinity : last;
}
