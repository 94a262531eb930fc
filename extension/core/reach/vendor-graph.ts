import type { Edge, FunctionId, Program, Vendor } from '../program/program';
import { pos } from '../syntax/facts';

/** The call graph as one vendor's module sees it: no edge of the other vendor's tables, no function of its files. */
export interface VendorGraph {
  has(id: FunctionId): boolean;
  callees(id: FunctionId): readonly Edge[];
  callers(id: FunctionId): readonly Edge[];
  /** The edges out of a function by the position of the callee's name. */
  readonly edgesAt: (id: FunctionId) => ReadonlyMap<number, readonly Edge[]>;
}

export function vendorGraph(program: Program, vendor: Vendor): VendorGraph {
  const has = (id: FunctionId): boolean => {
    const of = program.functions.get(id)?.vendor;
    return of === undefined || of === vendor;
  };
  const fits = (edge: Edge): boolean =>
    (edge.vendor === undefined || edge.vendor === vendor) && has(edge.callerId) && has(edge.calleeId);
  const places = new Map<FunctionId, ReadonlyMap<number, readonly Edge[]>>();
  const callees = fitting(program.callees, fits);
  return {
    has,
    callees,
    callers: fitting(program.callers, fits),
    edgesAt(id) {
      let found = places.get(id);
      if (found === undefined) {
        const map = new Map<number, Edge[]>();
        for (const edge of callees(id)) {
          const at = pos(edge.site.line, edge.site.column);
          map.set(at, [...(map.get(at) ?? []), edge]);
        }
        found = map;
        places.set(id, found);
      }
      return found;
    },
  };
}

/** The edges at each function that fit, chosen once. */
function fitting(
  edges: ReadonlyMap<FunctionId, readonly Edge[]>,
  fits: (edge: Edge) => boolean,
): (id: FunctionId) => readonly Edge[] {
  const chosen = new Map<FunctionId, readonly Edge[]>();
  return (id) => {
    let list = chosen.get(id);
    if (list === undefined) {
      list = (edges.get(id) ?? []).filter(fits);
      chosen.set(id, list);
    }
    return list;
  };
}

/** Everything from which one of `to` can be called, `to` included. */
export function backwards(graph: VendorGraph, to: Iterable<FunctionId>): Set<FunctionId> {
  return spread(to, (id) => graph.callers(id).map((edge) => edge.callerId));
}

/** Everything that one of `from` can call, `from` included; `but`: functions that are not gone into. */
export function forwards(
  graph: VendorGraph,
  from: Iterable<FunctionId>,
  but: ReadonlySet<FunctionId> = new Set(),
): Set<FunctionId> {
  return spread(from, (id) => graph.callees(id).flatMap((edge) => (but.has(edge.calleeId) ? [] : [edge.calleeId])));
}

function spread(start: Iterable<FunctionId>, next: (id: FunctionId) => readonly FunctionId[]): Set<FunctionId> {
  const seen = new Set(start);
  const open = [...seen];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const other of next(id)) {
      if (seen.has(other)) continue;
      seen.add(other);
      open.push(other);
    }
  }
  return seen;
}

/** What a function that no call was found of can lead to, with the reason why it is not known whether it runs. */
export function doubtful(program: Program, graph: VendorGraph): ReadonlyMap<FunctionId, string> {
  const found = new Map<FunctionId, string>();
  for (const { functionId, site, place } of program.dangling) {
    const name = program.functions.get(functionId)?.name ?? functionId;
    const why = `${name}() is kept in ${place} (${site.file}:${site.line}), and no call through that was found`;
    for (const id of forwards(graph, [functionId])) if (!found.has(id)) found.set(id, why);
  }
  return found;
}
