import type { Edge, Program } from '../program/program';
import type { Caller, Fact, Verdict } from '../reach/verdict';

/** One side of a comparison. */
export interface Side {
  readonly program: Program;
  readonly callers: readonly Caller<unknown>[];
  readonly facts: readonly Fact[];
  /** What a file of this side is called on the after side. */
  readonly newName: (path: string) => string;
  /** Texts of the files that differ between the sides, by their path on this side. */
  readonly texts: ReadonlyMap<string, string | null>;
}

/** A call site on the way to the sink, with the caller that it lies in. */
export interface SideSite {
  readonly edge: Edge & { readonly verdict: Verdict };
  readonly caller: Caller<unknown>;
}

/** The sites of a side by their identity: file after renames, function, callee, ordinal of that callee in the function. */
export function sitesOf(side: Side): Map<string, SideSite> {
  const sites = side.callers.flatMap((caller) => caller.sites.map((edge) => ({ edge, caller })));
  sites.sort((a, b) => compareSites(a.edge, b.edge));
  const ordinals = new Map<string, number>();
  const found = new Map<string, SideSite>();
  for (const site of sites) {
    const name = edgeName(side, site.edge);
    const ordinal = ordinals.get(name) ?? 0;
    ordinals.set(name, ordinal + 1);
    found.set(`${name} ${ordinal}`, site);
  }
  return found;
}

/** How often each call stands in a side's program, whether it leads to the sink or not. */
export function edgeCounts(side: Side): ReadonlyMap<string, number> {
  let counts = countsOf.get(side);
  if (counts === undefined) {
    const made = new Map<string, number>();
    for (const edge of side.program.edges) {
      const name = edgeName(side, edge);
      made.set(name, (made.get(name) ?? 0) + 1);
    }
    countsOf.set(side, made);
    counts = made;
  }
  return counts;
}

const countsOf = new WeakMap<Side, ReadonlyMap<string, number>>();

/** A call without its ordinal. The callee is its name alone: a static one may move to another file. */
export function edgeName(side: Side, edge: Edge): string {
  const inFile = edge.callerId.slice(edge.callerId.indexOf(':') + 1);
  return `${side.newName(edge.site.file)} ${inFile} ${edge.callee}`;
}

function compareSites(a: Edge, b: Edge): number {
  if (a.site.file !== b.site.file) return a.site.file < b.site.file ? -1 : 1;
  return a.site.line - b.site.line || a.site.column - b.site.column || (a.calleeId < b.calleeId ? -1 : 1);
}
