import type { Edge, FunctionId } from '../program/program';
import { Queue } from './context-graph';
import type { Context, Step } from './contexts';
import { cutIn } from './explain';
import type { VendorGraph } from './vendor-graph';

/** A function as a path comes to it: with what is known of its arguments; behind a call that is not made, its id alone. */
export type Stop = Context | FunctionId;

/** A call out of a stop. `step` absent: the stop does not make it. */
export interface Move {
  readonly edge: Edge;
  readonly to: Stop;
  readonly step?: Step;
}

/** Which way paths can go: the graph's edges inside a closure, made by contexts; with `all` also those that none makes. */
export interface Terrain {
  readonly graph: VendorGraph;
  /** Functions from which a goal can be reached, goals included. */
  readonly closure: ReadonlySet<FunctionId>;
  readonly goals: ReadonlySet<FunctionId>;
  readonly all: boolean;
}

/** Partial paths that are looked at before a search ends as incomplete. Counted, never timed. */
const EFFORT = 20_000;
/** Length first, then indirect edges. No path has a thousand of those. */
const EDGE = 1000;

export function idOf(stop: Stop): FunctionId {
  return typeof stop === 'string' ? stop : stop.node.id;
}

/** A path that is being built. Paths with the same edges are one, whatever contexts make them. */
interface Partial {
  readonly stops: readonly Stop[];
  readonly cost: number;
  readonly edge?: Edge;
  readonly before?: Partial;
}

/** Searches for the shortest paths from `starts` to the goals of a terrain: best first, with the true distance as guide. */
export class PathSearch {
  private readonly moves = new Map<Stop, readonly Move[]>();
  private readonly left: ReadonlyMap<Stop, number>;

  constructor(
    private readonly terrain: Terrain,
    private readonly starts: readonly Stop[],
  ) {
    this.left = this.distances();
  }

  /**
   * At most `most` paths, shortest first, then those with the fewest indirect edges, then in the order of the sites.
   * No function stands on a path twice, unless there is a way only so: then one such path is found.
   */
  find(most: number): { readonly ways: readonly Edge[][]; readonly more: boolean } {
    const found = this.search(most, false);
    if (found.ways.length > 0 || !this.starts.some((stop) => this.left.has(stop))) return found;
    return { ways: this.search(1, true).ways, more: true };
  }

  /** The calls out of a stop towards a goal, each edge once for every context it leads to. */
  movesFrom(stop: Stop): readonly Move[] {
    let moves = this.moves.get(stop);
    if (moves === undefined) {
      moves = this.findMoves(stop);
      this.moves.set(stop, moves);
    }
    return moves;
  }

  private findMoves(stop: Stop): Move[] {
    const { graph, closure, all } = this.terrain;
    const edges = new Map<string, Edge>();
    for (const edge of graph.callees(idOf(stop))) {
      const key = callKey(edge);
      if (closure.has(edge.calleeId) && !edges.has(key)) edges.set(key, edge);
    }
    if (typeof stop === 'string') return [...edges.values()].map((edge) => ({ edge, to: edge.calleeId }));
    const steps = grouped(stop.steps, (step) => callKey(step.edge));
    return [...edges].flatMap(([key, edge]): Move[] => {
      const made = steps.get(key);
      if (made !== undefined) return made.map((step) => ({ edge, to: step.to, step }));
      // What a function that was not understood does not do is no proof.
      const isOpen = all || (stop.gaveUp !== undefined && cutIn(stop, edge) === undefined);
      return isOpen ? [{ edge, to: edge.calleeId }] : [];
    });
  }

  private search(most: number, repeats: boolean): { ways: Edge[][]; more: boolean } {
    const queue = new Queue<Partial>();
    for (const [, stops] of grouped(this.starts, idOf)) this.offer(queue, { stops, cost: 0 });
    const ways: Edge[][] = [];
    let effort = EFFORT;
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const here = next.item;
      const at = here.stops[0];
      if (at === undefined) continue;
      if (this.terrain.goals.has(idOf(at)) && here.edge !== undefined) {
        if (ways.length === most) return { ways, more: true };
        ways.push(edgesOf(here));
        continue;
      }
      if (effort-- === 0) return { ways, more: true };
      for (const [edge, moves] of grouped(
        here.stops.flatMap((stop) => this.movesFrom(stop)),
        (move) => move.edge,
      )) {
        if (!repeats && passes(here, edge.calleeId) && !this.terrain.goals.has(edge.calleeId)) continue;
        const made = moves.filter((move) => move.step !== undefined);
        const stops = [...new Set((made.length > 0 ? made : moves).map((move) => move.to))];
        this.offer(queue, { stops, cost: here.cost + costOf(edge), edge, before: here });
      }
    }
    return { ways, more: false };
  }

  private offer(queue: Queue<Partial>, partial: Partial): void {
    const left = Math.min(...partial.stops.map((stop) => this.left.get(stop) ?? Infinity));
    if (left < Infinity) queue.push(partial, partial.cost + left);
  }

  /** Of everything that the starts lead to: the cost of the cheapest way to a goal. */
  private distances(): Map<Stop, number> {
    const into = new Map<Stop, { from: Stop; cost: number }[]>();
    const seen = new Set(this.starts);
    for (const stop of seen) {
      if (this.terrain.goals.has(idOf(stop)) && !this.starts.includes(stop)) continue;
      for (const { edge, to } of this.movesFrom(stop)) {
        const list = into.get(to) ?? [];
        into.set(to, list);
        list.push({ from: stop, cost: costOf(edge) });
        seen.add(to);
      }
    }
    const left = new Map<Stop, number>();
    const queue = new Queue<Stop>();
    for (const stop of seen) if (this.terrain.goals.has(idOf(stop))) queue.push(stop, 0);
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (left.has(next.item)) continue;
      left.set(next.item, next.cost);
      for (const { from, cost } of into.get(next.item) ?? []) queue.push(from, next.cost + cost);
    }
    return left;
  }
}

export function isIndirect(edge: Edge): boolean {
  return edge.via !== 'call' && edge.via !== 'macro';
}

function costOf(edge: Edge): number {
  return EDGE + (isIndirect(edge) ? 1 : 0);
}

/** One call site and one callee are one move, though several slots may name it. */
function callKey(edge: Edge): string {
  return `${edge.site.line}:${edge.site.column} ${edge.calleeId}`;
}

function passes(partial: Partial, id: FunctionId): boolean {
  for (let at: Partial | undefined = partial; at !== undefined; at = at.before)
    if (at.stops[0] !== undefined && idOf(at.stops[0]) === id) return true;
  return false;
}

function edgesOf(partial: Partial): Edge[] {
  const edges: Edge[] = [];
  for (let at: Partial | undefined = partial; at?.edge !== undefined; at = at.before) edges.unshift(at.edge);
  return edges;
}

function grouped<Item, Key>(items: Iterable<Item>, keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
