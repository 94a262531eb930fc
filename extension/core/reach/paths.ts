import type { Edge, FunctionId } from '../program/program';
import { type CallersInput, sameEdge } from './callers';
import { type Context, type Step, walkFrom } from './contexts';
import { cutIn, distinctGuards, guardsBefore } from './explain';
import { backwards } from './vendor-graph';
import type { Guard, Path } from './verdict';

export interface PathOptions {
  /** Also the paths that a guard cuts. */
  readonly cut?: boolean;
  /** How many paths at most; 10 unless told. */
  readonly most?: number;
}

const MOST = 10;
/** Partial paths that are looked at before the search ends as truncated. */
const EFFORT = 20_000;

/** Call paths between two functions, shortest first, then those with the fewest indirect edges. */
export function pathsBetween(
  parts: CallersInput,
  from: FunctionId,
  to: FunctionId,
  options: PathOptions,
): { paths: Path[]; truncated: boolean } {
  const most = options.most ?? MOST;
  const closure = backwards(parts.graph, [to]);
  const start = walkFrom({ ...parts.input, closure, sinks: new Set([to]) }, from);
  if (start === undefined || !closure.has(from)) return { paths: [], truncated: false };
  const paths: Path[] = [];
  let effort = EFFORT;
  let level: {
    context: Context | undefined;
    at: FunctionId;
    edges: Edge[];
    steps: (Step | undefined)[];
    cut: Guard | undefined;
    guards: Guard[];
  }[] = [{ context: start, at: from, edges: [], steps: [], cut: undefined, guards: [] }];
  while (level.length > 0 && paths.length < most && effort > 0) {
    const next: typeof level = [];
    for (const here of level) {
      if (here.at === to && here.edges.length > 0) {
        paths.push(pathOf(here));
        continue;
      }
      for (const edge of parts.graph.callees(here.at)) {
        if (
          !closure.has(edge.calleeId) ||
          edge.calleeId === from ||
          here.edges.some((each) => each.calleeId === edge.calleeId)
        )
          continue;
        if (effort-- <= 0) break;
        const step = here.context?.steps.find((each) => sameEdge(each.edge, edge));
        const cut =
          here.cut ?? (step === undefined && here.context !== undefined ? cutIn(here.context, edge) : undefined);
        if (step === undefined && options.cut !== true) continue;
        const guards = here.context === undefined ? here.guards : [...here.guards, ...guardsBefore(here.context, edge)];
        next.push({
          context: step?.to,
          at: edge.calleeId,
          edges: [...here.edges, edge],
          steps: [...here.steps, step],
          cut,
          guards,
        });
      }
    }
    next.sort((a, b) => indirect(a.edges) - indirect(b.edges));
    level = next;
  }
  return { paths: paths.slice(0, most), truncated: level.length > 0 || paths.length > most || effort <= 0 };
}

function indirect(edges: readonly Edge[]): number {
  return edges.filter((edge) => edge.via !== 'call' && edge.via !== 'macro').length;
}

function pathOf(found: { edges: Edge[]; steps: (Step | undefined)[]; cut: Guard | undefined; guards: Guard[] }): Path {
  const conditions = [...new Set(found.steps.flatMap((step) => step?.conditions ?? []))].sort();
  const open = found.steps.every((step) => step !== undefined);
  const first = found.edges[0];
  return {
    verdict: !open ? 'blocked' : conditions.length > 0 ? 'conditional' : 'reachable',
    entry: { kind: 'other', name: first?.caller ?? '', function: first?.caller ?? '' },
    edges: found.edges,
    guards: distinctGuards(found.guards),
    ...(found.cut === undefined ? {} : { cutBy: found.cut, cuts: [found.cut] }),
    conditions,
  };
}
