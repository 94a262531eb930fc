import type { Flow } from './flow';
import type { Edge, EntryPoint, FunctionId, FunctionNode, Site } from './program';

/** A function whose address is kept where no call through it was found. Who calls it, and whether anyone does, is not known. */
export interface Dangling {
  readonly functionId: FunctionId;
  /** Where it was put. */
  readonly site: Site;
  /** `kvm_x86_ops.get_entry_info`, or the name of the variable or parameter that holds it. */
  readonly place: string;
}

/** By id, sorted: functions that are put somewhere, and that neither an edge nor an entry point leads to. */
export function findDangling(
  flow: Flow,
  nodes: ReadonlyMap<FunctionId, FunctionNode>,
  callers: ReadonlyMap<FunctionId, readonly Edge[]>,
  entries: readonly EntryPoint[],
): Dangling[] {
  const isEntry = new Set(entries.map((entry) => entry.functionId));
  const found = new Map<FunctionId, Dangling>();
  for (const cell of flow.cells())
    for (const { fn, site } of flow.at(cell)) {
      if (found.has(fn) || isEntry.has(fn) || callers.has(fn) || nodes.get(fn)?.active !== true) continue;
      found.set(fn, {
        functionId: fn,
        site,
        place: cell[0] === 'f' ? cell.slice(2) : cell.slice(cell.lastIndexOf(':') + 1),
      });
    }
  return [...found.values()].sort((a, b) => (a.functionId < b.functionId ? -1 : 1));
}
