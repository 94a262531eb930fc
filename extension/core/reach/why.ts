import type { Edge, FunctionId } from '../program/program';
import { sameEdge, type CallersInput } from './callers';
import type { Context, Step } from './contexts';
import { walkFrom } from './contexts';
import { entryOf, renamed } from './entries';
import { cutIn, distinctGuards, guardsBefore } from './explain';
import { earlierCut } from './impose';
import type { ResolvedSite } from './reach';
import type { Entry, Guard, Path, Why } from './verdict';

/** How far a path has come: a context, and how many of the sites it has passed. */
interface Progress {
  readonly context: Context;
  readonly passed: number;
  readonly entry: Entry;
  readonly from?: Progress;
  readonly step?: Step;
  readonly free: boolean;
}

/** The verdict for paths that start at an entry point, pass `sites` in this order and end at a sink. */
export function whyPasses(parts: CallersInput, sites: readonly ResolvedSite[]): Omit<Why, 'facts'> {
  const free = search(parts, sites, true);
  if (free !== undefined) return { verdict: 'reachable', path: pathTo(free), conditions: [] };
  const open = search(parts, sites, false);
  if (open !== undefined) {
    const path = pathTo(open);
    return { verdict: 'conditional', path, conditions: path.conditions };
  }
  const doubt = doubtAbout(parts, sites);
  if (doubt !== undefined) return { verdict: 'unknown', conditions: [doubt] };
  const chain = structural(parts, sites);
  if (chain === undefined) return { verdict: 'unreachable', conditions: [] };
  const { cuts, gaveUp } = cutsAlong(parts, chain);
  const first = cuts[0];
  if (first === undefined && gaveUp !== undefined) return { verdict: 'unknown', conditions: [gaveUp] };
  return { verdict: 'blocked', ...(first === undefined ? {} : { cutBy: first }), cuts, conditions: [] };
}

/** Why it is not known whether the sites are passed: all lie behind a function that may run without a known call. */
function doubtAbout({ doubtful, input }: CallersInput, sites: readonly ResolvedSite[]): string | undefined {
  const reasons = sites.map((site) =>
    (site.kind === 'function' ? site.ids : site.edges.map((edge) => edge.callerId))
      .filter((id) => input.closure.has(id))
      .flatMap((id) => doubtful.get(id) ?? []),
  );
  return reasons.every((one) => one.length > 0) ? reasons[0]?.[0] : undefined;
}

function advance(sites: readonly ResolvedSite[], passed: number, id: FunctionId, edge: Edge | undefined): number {
  let next = passed;
  for (let site = sites[next]; site !== undefined; site = sites[next]) {
    const hit =
      site.kind === 'function'
        ? site.ids.includes(id)
        : edge !== undefined && site.edges.some((each) => sameEdge(each, edge));
    if (!hit) break;
    next += 1;
    // A call is passed once, by one step.
    if (site.kind === 'call') break;
  }
  return next;
}

/** Breadth first, so that the path found is a shortest one. */
function search(parts: CallersInput, sites: readonly ResolvedSite[], onlyFree: boolean): Progress | undefined {
  const seen = new Map<Context, Set<number>>();
  const queue: Progress[] = [];
  const arrive = (progress: Progress): void => {
    const at = seen.get(progress.context) ?? new Set();
    seen.set(progress.context, at);
    if (at.has(progress.passed)) return;
    at.add(progress.passed);
    queue.push(progress);
  };
  for (const { entry, context } of parts.walk.roots) {
    arrive({ context, passed: advance(sites, 0, context.node.id, undefined), entry: entryOf(entry), free: true });
  }
  for (let i = 0; i < queue.length; i++) {
    const here = queue[i];
    if (here === undefined) break;
    if (parts.input.sinks.has(here.context.node.id)) {
      if (here.passed === sites.length) return here;
      continue;
    }
    for (const step of here.context.steps) {
      if (onlyFree && step.conditions.length > 0) continue;
      arrive({
        context: step.to,
        passed: advance(sites, here.passed, step.to.node.id, step.edge),
        entry: renamed(here.entry, step, parts.walk.dispatched)[0] ?? here.entry,
        from: here,
        step,
        free: here.free && step.conditions.length === 0,
      });
    }
  }
  return undefined;
}

function pathTo(end: Progress): Path {
  const edges: Edge[] = [];
  const guards: Guard[] = [];
  const conditions = new Set<string>();
  for (let at = end; at.from !== undefined && at.step !== undefined; at = at.from) {
    edges.unshift(at.step.edge);
    guards.unshift(...guardsBefore(at.from.context, at.step.edge));
    for (const condition of at.step.conditions) conditions.add(condition);
  }
  return {
    verdict: conditions.size > 0 ? 'conditional' : 'reachable',
    entry: end.entry,
    edges,
    guards: distinctGuards(guards),
    conditions: [...conditions].sort(),
  };
}

interface ChainNode {
  readonly id: FunctionId;
  /** The context that the calls so far lead to; absent behind a call that none takes. */
  readonly context?: Context;
  readonly passed: number;
  readonly from?: ChainNode;
  readonly edge?: Edge;
}

/**
 * A chain in the vendor's call graph that passes the sites, whether or not a VM can take it: one with the fewest calls
 * that cannot be taken, so that what cuts it is what matters.
 */
function structural(parts: CallersInput, sites: readonly ResolvedSite[]): Edge[] | undefined {
  const done = new Map<Context | FunctionId, Set<number>>();
  const buckets: ChainNode[][] = [[]];
  for (const { context } of parts.walk.roots) {
    const { id } = context.node;
    buckets[0]?.push({ id, context, passed: advance(sites, 0, id, undefined) });
  }
  for (let cost = 0; cost < buckets.length; cost++) {
    const bucket = buckets[cost] ?? [];
    for (let i = 0; i < bucket.length; i++) {
      const here = bucket[i];
      if (here === undefined) break;
      const passed = done.get(here.context ?? here.id) ?? new Set();
      done.set(here.context ?? here.id, passed);
      if (passed.has(here.passed)) continue;
      passed.add(here.passed);
      if (parts.input.sinks.has(here.id)) {
        if (here.passed === sites.length) return edgesTo(here);
        continue;
      }
      for (const edge of parts.graph.callees(here.id)) {
        if (!parts.input.closure.has(edge.calleeId)) continue;
        const { calleeId: id } = edge;
        const next = { id, passed: advance(sites, here.passed, id, edge), from: here, edge };
        const taken = here.context?.steps.filter((step) => sameEdge(step.edge, edge)) ?? [];
        for (const { to } of taken) bucket.push({ ...next, context: to });
        if (taken.length > 0) continue;
        const at = here.context === undefined && canBeTaken(parts, edge) ? cost : cost + 1;
        if (at === cost) bucket.push(next);
        else (buckets[at] ??= []).push(next);
      }
    }
  }
  return undefined;
}

function edgesTo(end: ChainNode): Edge[] {
  const edges: Edge[] = [];
  for (let at: ChainNode | undefined = end; at?.edge !== undefined; at = at.from) edges.unshift(at.edge);
  return edges;
}

/** Some context makes the call. */
function canBeTaken(parts: CallersInput, edge: Edge): boolean {
  return (parts.walk.contexts.get(edge.callerId) ?? []).some((context) =>
    context.steps.some((step) => sameEdge(step.edge, edge)),
  );
}

/** Follows a chain with the contexts that take it; where none does, the guard is noted and the next function starts afresh. */
function cutsAlong(parts: CallersInput, chain: readonly Edge[]): { cuts: Guard[]; gaveUp?: string } {
  const first = chain[0];
  const cuts: Guard[] = [];
  let gaveUp: string | undefined;
  let current: readonly Context[] = parts.walk.roots
    .filter((root) => root.context.node.id === first?.callerId)
    .map((root) => root.context);
  let begun = 0;
  for (const [index, edge] of chain.entries()) {
    const taken = current.flatMap((context) =>
      context.steps.filter((step) => sameEdge(step.edge, edge)).map((step) => step.to),
    );
    if (taken.length > 0) {
      current = [...new Set(taken)];
      continue;
    }
    const cut = current.map((context) => cutIn(context, edge)).find((guard) => guard !== undefined);
    const earlier = earlierCut(parts.input, chain.slice(begun, index + 1), current[0]?.phase ?? 'created');
    for (const guard of [earlier, cut]) if (guard !== undefined) cuts.push(guard);
    begun = index + 1;
    gaveUp ??= current.find((context) => context.gaveUp !== undefined)?.gaveUp;
    const fresh = walkFrom(parts.input, edge.calleeId);
    current = fresh === undefined ? [] : [fresh];
  }
  return { cuts: distinctGuards(cuts), ...(gaveUp === undefined ? {} : { gaveUp }) };
}
