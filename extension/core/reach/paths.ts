import type { Edge, FunctionId, Vendor } from '../program/program';
import { sameEdge } from './callers';
import { runFrom, walk, walkFrom, type WalkInput } from './contexts';
import { entryOf, renamed } from './entries';
import { cutIn, distinctGuards, guardsBefore } from './explain';
import { idOf, type Move, PathSearch, type Stop } from './path-search';
import { START } from './state';
import { backwards, vendorGraph } from './vendor-graph';
import type { Entry, Guard, Path } from './verdict';

export interface PathOptions {
  /** Also the paths that a guard cuts. */
  readonly cut?: boolean;
  /** How many paths at most; 10 unless told. */
  readonly most?: number;
}

/** Why there is no path: no way along the call graph, one in the other vendor's only, or ways that guards cut. */
export type NoPath =
  | { readonly why: 'no way' }
  | { readonly why: 'other vendor'; readonly vendor: Vendor }
  /** `more`: there are more than those counted. */
  | { readonly why: 'cut'; readonly ways: number; readonly more: boolean };

export interface Paths {
  readonly paths: Path[];
  readonly truncated: boolean;
  /** There if `paths` is empty. */
  readonly none?: NoPath;
}

const MOST = 10;
/** Cut ways are counted up to here. */
const MOST_COUNTED = 100;

/** A function where a path may begin; its entry point if it is one. */
interface Start {
  readonly stop: Stop;
  readonly entry: Entry;
}

/**
 * Call paths from one of `from` to one of `to`, shortest first, then those with the fewest indirect edges. Nothing is
 * known of the arguments of the first function, but that an ioctl's number is one.
 */
export function pathsBetween(
  input: WalkInput,
  from: readonly FunctionId[],
  to: readonly FunctionId[],
  options: PathOptions,
): Paths {
  const { program, vendor } = input.machine;
  const graph = vendorGraph(program, vendor);
  const goals = new Set(to.filter((id) => graph.has(id)));
  const closure = backwards(graph, goals);
  const between: WalkInput = { ...input, closure, sinks: new Set([...goals].filter((id) => !from.includes(id))) };
  const starts = from.filter((id) => graph.has(id)).flatMap((id) => startsAt(between, id));
  const search = (all: boolean): PathSearch =>
    new PathSearch(
      { graph, closure, goals, all },
      starts.map(({ stop }) => stop),
    );
  const searched = search(options.cut === true);
  const { ways, more } = searched.find(options.most ?? MOST);
  if (ways.length > 0) {
    const teller = new Teller(between, searched, starts);
    return { paths: ways.map((edges) => teller.path(edges)), truncated: more };
  }
  const cut = search(true).find(MOST_COUNTED);
  if (cut.ways.length > 0)
    return { paths: [], truncated: more, none: { why: 'cut', ways: cut.ways.length, more: cut.more } };
  const other: Vendor = vendor === 'intel' ? 'amd' : 'intel';
  const there = backwards(vendorGraph(program, other), to);
  const isThere = from.some((id) =>
    vendorGraph(program, other)
      .callees(id)
      .some((edge) => there.has(edge.calleeId)),
  );
  return { paths: [], truncated: false, none: isThere ? { why: 'other vendor', vendor: other } : { why: 'no way' } };
}

function startsAt(input: WalkInput, id: FunctionId): Start[] {
  if (!input.closure.has(id)) return [];
  const entries = input.entries.filter((entry) => entry.functionId === id);
  if (entries.length > 0)
    return walk({ ...input, entries }).roots.map(({ context, entry }) => ({ stop: context, entry: entryOf(entry) }));
  const stop = walkFrom(input, id);
  const name = input.machine.program.functions.get(id)?.name ?? '';
  return stop === undefined ? [] : [{ stop, entry: { kind: 'other', name, function: name } }];
}

/** A stop of a path and how it was come to. */
interface Trail {
  readonly stop: Stop;
  readonly start: Start;
  readonly moves: readonly Move[];
  readonly conditions: number;
}

/** Tells of a way along edges what stands on it: guards, conditions, cuts, and the verdict. */
class Teller {
  constructor(
    private readonly input: WalkInput,
    private readonly search: PathSearch,
    private readonly starts: readonly Start[],
  ) {}

  path(edges: Edge[]): Path {
    const { start, moves } = this.follow(edges);
    const guards: Guard[] = [];
    const cuts: Guard[] = [];
    const doubts: string[] = [];
    let entry = start.entry;
    let isCut = false;
    let stop = start.stop;
    for (const { edge, to, step } of moves) {
      // Behind a call that is not made nothing is known, but what the function itself says.
      const here = typeof stop === 'string' ? runFrom(this.input, stop, 'created', START) : stop;
      stop = to;
      if (step !== undefined) entry = renamed(entry, step, this.input.dispatched)[0] ?? entry;
      if (here === undefined) continue;
      guards.push(...guardsBefore(here, edge));
      if (step !== undefined || ('seen' in here && here.seen.some((seen) => sameEdge(seen.edge, edge)))) continue;
      const cut = cutIn(here, edge);
      if (cut !== undefined) cuts.push(cut);
      else if (here.gaveUp !== undefined) doubts.push(here.gaveUp);
      isCut ||= cut !== undefined || here.gaveUp === undefined;
    }
    const conditions = [...new Set([...doubts, ...moves.flatMap(({ step }) => step?.conditions ?? [])])].sort();
    const open = doubts.length > 0 ? 'unknown' : conditions.length > 0 ? 'conditional' : 'reachable';
    const all = distinctGuards(cuts);
    return {
      verdict: isCut ? 'blocked' : open,
      entry,
      edges,
      guards: distinctGuards(guards),
      ...(all[0] === undefined ? {} : { cutBy: all[0], cuts: all }),
      conditions,
    };
  }

  /** The contexts that go along `edges` with the fewest conditions. */
  private follow(edges: readonly Edge[]): Trail {
    let trails: Trail[] = this.starts
      .filter(({ stop }) => idOf(stop) === edges[0]?.callerId)
      .map((start) => ({ stop: start.stop, start, moves: [], conditions: 0 }));
    for (const edge of edges) {
      const next = new Map<Stop, Trail>();
      for (const trail of trails) {
        for (const move of this.search.movesFrom(trail.stop)) {
          if (move.edge !== edge) continue;
          const conditions = trail.conditions + (move.step?.conditions.length ?? 0);
          const known = next.get(move.to);
          if (known !== undefined && known.conditions <= conditions) continue;
          next.set(move.to, { stop: move.to, start: trail.start, moves: [...trail.moves, move], conditions });
        }
      }
      const made = [...next.values()].filter(({ moves }) => moves.at(-1)?.step !== undefined);
      trails = made.length > 0 ? made : [...next.values()];
    }
    const [first, ...others] = trails;
    if (first === undefined) throw new Error('a path that was found cannot be followed');
    return others.reduce((best, trail) => (trail.conditions < best.conditions ? trail : best), first);
  }
}
