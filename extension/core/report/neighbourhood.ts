import type { Edge, FunctionId, Program } from '../program/program';

export const DIRECTIONS = ['callers', 'callees', 'both'] as const;
export type Direction = (typeof DIRECTIONS)[number];

export interface Bounds {
  readonly direction: Direction;
  /** How many calls away from the middle at most. */
  readonly depth: number;
  /** How many functions at most, those of the middle included. */
  readonly most: number;
}

/** A part of the call graph. Calls through macros are contracted, as everywhere in it. */
export interface Neighbourhood {
  /** Nearest first, then by id; with the number of neighbours in the direction asked for that are not in this part. */
  readonly functions: ReadonlyMap<FunctionId, { readonly away: number; readonly hidden: number }>;
  /** The edges between them, in the order of the program. */
  readonly edges: readonly Edge[];
  /** Functions within the depth that are left out because there are too many. */
  readonly tooMany: number;
  /** Functions that lie one call beyond the depth. */
  readonly beyond: number;
}

/** What lies around some functions in the call graph of both vendors, as far as the bounds allow. */
export function neighbourhood(program: Program, middle: readonly FunctionId[], bounds: Bounds): Neighbourhood {
  const callers = (id: FunctionId): FunctionId[] => (program.callers.get(id) ?? []).map((edge) => edge.callerId);
  const callees = (id: FunctionId): FunctionId[] => (program.callees.get(id) ?? []).map((edge) => edge.calleeId);
  const next = (id: FunctionId): FunctionId[] => {
    if (bounds.direction === 'callers') return callers(id);
    return bounds.direction === 'callees' ? callees(id) : [...callers(id), ...callees(id)];
  };
  const away = new Map<FunctionId, number>();
  let level = [...new Set(middle)].sort();
  for (let depth = 0; depth <= bounds.depth && level.length > 0; depth++) {
    for (const id of level) away.set(id, depth);
    level = [...new Set(level.flatMap(next))].filter((id) => !away.has(id)).sort();
  }
  const kept = [...away].slice(0, bounds.most);
  const shown = new Set(kept.map(([id]) => id));
  const hidden = (id: FunctionId): number => new Set(next(id).filter((other) => !shown.has(other))).size;
  return {
    functions: new Map(kept.map(([id, n]) => [id, { away: n, hidden: hidden(id) }])),
    edges: kept.flatMap(([id]) => program.callees.get(id) ?? []).filter((edge) => shown.has(edge.calleeId)),
    tooMany: away.size - kept.length,
    beyond: level.length,
  };
}
