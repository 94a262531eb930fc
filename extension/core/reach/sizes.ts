import type { FunctionNode } from '../program/program';
import { walkStmts } from '../syntax/walk';

/** How much a function holds, however it is laid out: its statements, and the arguments of calls that are statements. */
export function sizeOf(node: FunctionNode): number {
  let size = known.get(node);
  if (size === undefined) {
    let found = 0;
    if ('body' in node.fact)
      walkStmts(node.fact.body, (stmt) => {
        found += 1;
        if (stmt.k === 'expr' && stmt.x.k === 'call') found += stmt.x.args.length;
      });
    size = found;
    known.set(node, size);
  }
  return size;
}

const known = new WeakMap<FunctionNode, number>();
