import type { FileFacts } from '../syntax/facts';
import { readCalls } from './calls';
import { Conditions } from './conditions';
import { Constants } from './constants';
import { findDangling } from './dangling';
import { findEntries } from './entries';
import { FunctionTable } from './functions';
import { compareEdges, compareSites, compareText } from './ids';
import { Definitions } from './located';
import type { Edge, FunctionId, Program } from './program';
import { LinkedSymbols } from './symbols';
import { Types } from './types';
import { StaticCalls, type World } from './world';

/**
 * What all files say together. A pure function of the facts: their order does not matter. `version` is that of the top
 * Makefile, or `''`.
 */
export function linkProgram(facts: readonly FileFacts[], version: string): Program {
  const files = new Map([...facts].sort((a, b) => compareText(a.path, b.path)).map((file) => [file.path, file]));
  const world = makeWorld(files);
  const graph = readCalls(world);
  const edges = distinct(graph.edges.sort(compareEdges));
  const live = edges.filter((edge) => isLive(world, edge));
  const entries = findEntries(world, files, graph);
  const callers = groupBy(live, 'calleeId');
  return {
    version,
    files,
    functions: world.functions.nodes,
    edges,
    callees: groupBy(live, 'callerId'),
    callers,
    entries,
    dangling: findDangling(graph.flow, world.functions.nodes, callers, entries),
    unresolved: graph.unresolved.sort((a, b) => compareSites(a.site, b.site) || compareText(a.text, b.text)),
    problems: [...files.values()].flatMap((file) => file.problems),
    symbols: new LinkedSymbols(world, graph.flow, graph.plain),
  };
}

function makeWorld(files: ReadonlyMap<string, FileFacts>): World {
  const definitions = new Definitions(files);
  const conditions = new Conditions(definitions);
  const functions = new FunctionTable(files, conditions, definitions.includes);
  const types: Types = new Types(definitions, functions, () => constants);
  const constants = new Constants(definitions, conditions, (type) => types.resolveType(type));
  return {
    definitions,
    conditions,
    functions,
    constants,
    types,
    staticCalls: new StaticCalls(definitions),
    macros: new Map(),
    entries: new Map(),
  };
}

/** An edge between functions that exists in the reference configuration. */
function isLive(world: World, edge: Edge): boolean {
  const caller = world.functions.nodes.get(edge.callerId);
  const callee = world.functions.nodes.get(edge.calleeId);
  if (caller?.active !== true || callee?.active !== true) return false;
  if (caller.kind === 'macro' || callee.kind === 'macro') return false;
  return edge.when === undefined || world.conditions.isActive([edge.when], edge.site.file) !== false;
}

/** `edges` are sorted, so that equal ones are neighbours. Of a table's edge with and without the index the first stays. */
function distinct(edges: readonly Edge[]): Edge[] {
  const place = (edge: Edge, slot: string): string =>
    `${edge.callerId} ${edge.calleeId} ${edge.site.line}:${edge.site.column} ${slot}`;
  const indexed = new Set<string>();
  for (let i = 0; i < edges.length; i++) {
    const edge = edges[i];
    if (edge?.slot?.endsWith(']') !== true) continue;
    const table = /^(.+)\[[^\]]*\]$/.exec(edge.slot)?.[1];
    if (table !== undefined) indexed.add(place(edge, table));
  }
  const kept: Edge[] = [];
  let before: Edge | undefined;
  for (let i = 0; i < edges.length; i++) {
    const edge = edges[i];
    if (edge === undefined) break;
    const isKnown = before !== undefined && compareEdges(before, edge) === 0;
    before = edge;
    if (!isKnown && (edge.slot === undefined || !indexed.has(place(edge, edge.slot)))) kept.push(edge);
  }
  return kept;
}

function groupBy(edges: readonly Edge[], key: 'callerId' | 'calleeId'): Map<FunctionId, Edge[]> {
  const groups = new Map<FunctionId, Edge[]>();
  let last: FunctionId | undefined;
  let group: Edge[] | undefined;
  for (let i = 0; i < edges.length; i++) {
    const edge = edges[i];
    if (edge === undefined) break;
    // A caller's edges mostly follow one another.
    if (edge[key] !== last) {
      last = edge[key];
      group = groups.get(last);
    }
    if (group === undefined) groups.set(edge[key], (group = [edge]));
    else group.push(edge);
  }
  return groups;
}
