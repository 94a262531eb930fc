import type { Edge, FunctionId, FunctionNode, Program } from '../program/program';
import { lineOf } from '../syntax/facts';
import { backwards as vendorBackwards, type VendorGraph } from './vendor-graph';
import type { ContextGraph, Way } from './context-graph';
import type { Context, Walk, WalkInput } from './contexts';
import { cutIn, distinctGuards, guardsBefore } from './explain';
import { passedBy } from './passed';
import type { Caller, Entry, Guard, Path, Verdict } from './verdict';
import { worst } from './verdict';

export interface CallersInput {
  readonly program: Program;
  readonly graph: VendorGraph;
  readonly walk: Walk;
  readonly contexts: ContextGraph;
  readonly input: WalkInput;
  /** Functions that some entry point reaches in the vendor's call graph. */
  readonly live: ReadonlySet<FunctionId>;
  /** Functions that may run without an entry point that was found, and why. */
  readonly doubtful: ReadonlyMap<FunctionId, string>;
}

/** Guards shown for one caller: more would say no more. */
const MOST_CUTS = 6;

/** Every function that can call a sink under any vendor, with its verdict; by place. */
export function callersOf(parts: CallersInput): Caller[] {
  const { program, input } = parts;
  const all = new Set<FunctionId>(input.sinks);
  const open = [...all];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const edge of program.callers.get(id) ?? []) {
      if (all.has(edge.callerId)) continue;
      all.add(edge.callerId);
      open.push(edge.callerId);
    }
  }
  return [...all]
    .filter((id) => !input.sinks.has(id))
    .flatMap((id) => program.functions.get(id) ?? [])
    .sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || (a.id < b.id ? -1 : 1)))
    .map((node) => callerOf(parts, node, all));
}

function callerOf(parts: CallersInput, node: FunctionNode, all: ReadonlySet<FunctionId>): Caller {
  const { program, input, contexts } = parts;
  const own = parts.walk.contexts.get(node.id) ?? [];
  const open = own.filter((context) => contexts.isOpen(context));
  const verdict = verdictOf(parts, node, own);
  const leading = (program.callees.get(node.id) ?? []).filter((edge) => all.has(edge.calleeId));
  const way = cheapest(open.flatMap((context) => contexts.wayThrough(context) ?? []));
  const witness = way === undefined ? undefined : { ...pathOf(way), ...argumentsOn(program, way) };
  const cutBy = open.length > 0 || verdict === 'unreachable' ? undefined : cutsOf(parts, node, own);
  return {
    function: node.name,
    id: node.id,
    file: node.file,
    line: 'at' in node.fact ? lineOf(node.fact.at) : node.line,
    direct: leading.some((edge) => input.sinks.has(edge.calleeId)),
    verdict,
    sites: leading.map((edge) => ({ ...edge, verdict: siteVerdict(parts, own, edge, verdict) })),
    entries: entriesOf(parts, own, open),
    ...(witness === undefined ? {} : { witness }),
    ...(cutBy === undefined ? {} : { cutBy }),
    conditions:
      verdict === 'conditional' ? (witness?.conditions ?? []) : verdict === 'unknown' ? doubts(parts, node) : [],
  };
}

function doubts({ doubtful }: CallersInput, node: FunctionNode): string[] {
  const why = doubtful.get(node.id);
  return why === undefined ? [] : [why];
}

function verdictOf(parts: CallersInput, node: FunctionNode, own: readonly Context[]): Verdict {
  const { contexts, doubtful, input, live, walk } = parts;
  if (own.some((context) => contexts.isFree(context))) return 'reachable';
  if (own.some((context) => contexts.isOpen(context))) return 'conditional';
  if (doubtful.has(node.id) && input.closure.has(node.id)) return 'unknown';
  if (!live.has(node.id) || !input.closure.has(node.id)) return 'unreachable';
  // An execution that was not finished may have missed the call that leads here, or the one that leads on.
  const nearby = vendorBackwards(parts.graph, [node.id]);
  for (const [id, list] of walk.contexts) {
    if (!nearby.has(id) && id !== node.id) continue;
    if (list.some((context) => contexts.reached(context) && context.gaveUp !== undefined)) return 'unknown';
  }
  return 'blocked';
}

function siteVerdict(parts: CallersInput, own: readonly Context[], edge: Edge, caller: Verdict): Verdict {
  const { contexts, graph } = parts;
  const taken = own.flatMap((context) =>
    context.steps.filter((step) => sameEdge(step.edge, edge)).map((step) => ({ context, step })),
  );
  if (taken.some(({ context, step }) => contexts.stepIsFree(context, step))) return 'reachable';
  if (taken.some(({ context, step }) => contexts.stepIsOpen(context, step))) return 'conditional';
  if (!graph.callees(edge.callerId).some((each) => sameEdge(each, edge))) return 'unreachable';
  return caller === 'unknown' || caller === 'unreachable' ? caller : 'blocked';
}

export function sameEdge(a: Edge, b: Edge): boolean {
  return (
    a.callerId === b.callerId &&
    a.calleeId === b.calleeId &&
    a.site.line === b.site.line &&
    a.site.column === b.site.column
  );
}

function cheapest(ways: readonly Way[]): Way | undefined {
  return ways.reduce<Way | undefined>(
    (best, way) => (best === undefined || way.cost < best.cost ? way : best),
    undefined,
  );
}

/** A way as the contract's path, with the guards on it. */
export function pathOf(way: Way): Path {
  const guards: Guard[] = [];
  let context = way.first;
  for (const step of way.steps) {
    guards.push(...guardsBefore(context, step.edge));
    context = step.to;
  }
  const conditions = [...new Set(way.steps.flatMap((step) => step.conditions))].sort();
  return {
    verdict: conditions.length > 0 ? 'conditional' : 'reachable',
    entry: way.entry,
    edges: way.steps.map((step) => step.edge),
    guards: distinctGuards(guards),
    conditions,
  };
}

/** What the last two calls of a way pass on: to the sink, and to whoever calls it. */
function argumentsOn(program: Program, { steps }: Way): Pick<Path, 'passes' | 'given'> {
  const [last, before] = [steps.at(-1), steps.at(-2)];
  return {
    ...(last === undefined ? {} : { passes: passedBy(program, last) }),
    ...(before === undefined ? {} : { given: passedBy(program, before) }),
  };
}

function entriesOf(
  parts: CallersInput,
  own: readonly Context[],
  open: readonly Context[],
): (Entry & { verdict: Verdict })[] {
  const { contexts } = parts;
  const found = new Map<string, Entry & { verdict: Verdict }>();
  for (const context of open.length > 0 ? open : own.filter((each) => contexts.reached(each))) {
    const verdict: Verdict = contexts.isFree(context)
      ? 'reachable'
      : contexts.isOpen(context)
        ? 'conditional'
        : 'blocked';
    for (const entry of contexts.entries(context)) {
      const key = `${entry.name} ${entry.kind}`;
      const before = found.get(key);
      found.set(key, { ...entry, verdict: before === undefined ? verdict : worst([before.verdict, verdict]) });
    }
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}

/**
 * The guards that keep a function from the sink: where its own contexts stop, if the function is reached, else where
 * the contexts stop that would lead to it.
 */
function cutsOf(parts: CallersInput, node: FunctionNode, own: readonly Context[]): Guard[] {
  const { contexts, graph, input, walk } = parts;
  const cuts: Guard[] = [];
  const reached = own.filter((context) => contexts.reached(context));
  if (reached.length > 0) {
    const seen = new Set<Context>(reached);
    const open = [...reached];
    for (let context = open.shift(); context !== undefined; context = open.shift()) {
      cuts.push(...frontier(parts, context, input.closure));
      for (const step of context.steps) {
        if (seen.has(step.to)) continue;
        seen.add(step.to);
        open.push(step.to);
      }
    }
  } else {
    // Nearest first: from the function backwards to where contexts exist.
    const before = vendorBackwards(graph, [node.id]);
    const distance = distances(parts, node.id);
    const stops = [...walk.contexts]
      .filter(([id]) => before.has(id))
      .flatMap(([, list]) => list.filter((context) => contexts.reached(context)))
      .sort((a, b) => (distance.get(a.node.id) ?? 0) - (distance.get(b.node.id) ?? 0));
    for (const context of stops) cuts.push(...frontier(parts, context, before));
  }
  return distinctGuards(cuts).slice(0, MOST_CUTS);
}

/** The guards of the calls towards `wanted` that a context cannot take. */
function frontier(parts: CallersInput, context: Context, wanted: ReadonlySet<FunctionId>): Guard[] {
  const guards: Guard[] = [];
  for (const edge of parts.graph.callees(context.node.id)) {
    if (!wanted.has(edge.calleeId) || context.steps.some((step) => sameEdge(step.edge, edge))) continue;
    const cut = cutIn(context, edge);
    if (cut !== undefined) guards.push(cut);
  }
  return guards;
}

function distances(parts: CallersInput, to: FunctionId): Map<FunctionId, number> {
  const distance = new Map([[to, 0]]);
  const open = [to];
  for (let id = open.shift(); id !== undefined; id = open.shift()) {
    for (const edge of parts.graph.callers(id)) {
      if (distance.has(edge.callerId)) continue;
      distance.set(edge.callerId, (distance.get(id) ?? 0) + 1);
      open.push(edge.callerId);
    }
  }
  return distance;
}
