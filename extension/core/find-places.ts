import { InputError } from './input-error';
import { nearNames } from './near-names';
import type { Edge, FunctionId, FunctionNode, Program } from './program/program';
import { globalNamed } from './reach/module-parameters';
import type { ResolvedSite } from './reach/reach';

/**
 * The definitions of a function by its name; several if different `#if`s or files define it.
 * @throws InputError that names the functions with near names.
 */
export function functionIds(program: Program, name: string): FunctionId[] {
  const nodes = [...program.functions.values()].filter((node) => node.name === name || node.id === name);
  if (nodes.length > 0) return nodes.sort(byPlace).map((node) => node.id);
  throw new InputError(`no function ${name}() in this tree${didYouMean(program, name)}`);
}

/**
 * The definitions of a function's name that stand in the call graph.
 * @throws InputError also for a macro, over which calls are contracted, and for what is switched off.
 */
export function functionsInGraph(program: Program, text: string): FunctionId[] {
  const name = text.replace(/\(\)$/, '');
  const nodes = functionIds(program, name).flatMap((id) => program.functions.get(id) ?? []);
  const live = nodes.filter((node) => node.kind === 'function' && node.active);
  if (live.length > 0) return live.map((node) => node.id);
  const off = nodes.find((node) => node.kind === 'function');
  if (off === undefined) throw new InputError(`${name}() is a macro: calls go through it; give a function`);
  throw new InputError(`${name}() is switched off in the reference configuration: #if ${off.when ?? ''}`);
}

/**
 * What `FILE:LINE` (of the callee's name in a call) or a function's name means in this program.
 * FILE may leave out leading folders as long as one file is meant.
 * @throws InputError
 */
export function resolveSite(program: Program, text: string): ResolvedSite {
  const place = /^(.+):(\d+)(?::\d+)?$/.exec(text);
  if (place?.[1] === undefined) {
    const name = text.replace(/\(\)$/, '');
    return { kind: 'function', ids: functionIds(program, name), text };
  }
  const file = fileNamed(program, place[1]);
  const line = Number(place[2]);
  const edges = program.edges.filter((edge) => edge.site.file === file && edge.site.line === line);
  if (edges.length > 0) return { kind: 'call', edges, text };
  throw new InputError(`${file}:${line}: no call on that line${nearestCalls(program, file, line)}`);
}

/**
 * A departure from the reference host names the vendor, or a global of KVM such as a module parameter.
 * @throws InputError for a key that is neither, and for a vendor that KVM x86 does not have.
 */
export function checkHost(program: Program, host: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(host)) {
    if (key === 'vendor') {
      if (value !== 'intel' && value !== 'amd') throw new InputError(`vendor=${value}: the vendor is intel or amd`);
      continue;
    }
    const names = new Set([...program.files.values()].flatMap((file) => file.variables.map((one) => one.name)));
    if (!names.has(globalNamed(program, key))) {
      const near = nearNames(key, names);
      const hint = near.length === 0 ? '' : `; near names: ${near.join(', ')}`;
      throw new InputError(`${key}=${value}: this tree has no module parameter or global ${key}${hint}`);
    }
  }
}

function fileNamed(program: Program, text: string): string {
  const wanted = text.replace(/^\.\//, '');
  if (program.files.has(wanted)) return wanted;
  const ending = [...program.files.keys()].filter((path) => path.endsWith(`/${wanted}`)).sort();
  if (ending.length === 1 && ending[0] !== undefined) return ending[0];
  if (ending.length > 1) throw new InputError(`${text} may be any of ${ending.join(', ')}: give more of its path`);
  throw new InputError(`${text} is not among the ${program.files.size} files of the analysis`);
}

function nearestCalls(program: Program, file: string, line: number): string {
  const calls = program.edges.filter((edge) => edge.site.file === file);
  const distance = (edge: Edge): number => Math.abs(edge.site.line - line);
  const nearest = calls.reduce<Edge | undefined>((best, edge) => {
    return best === undefined || distance(edge) < distance(best) ? edge : best;
  }, undefined);
  return nearest === undefined ? '' : `; the nearest is ${nearest.callee}() on line ${nearest.site.line}`;
}

function didYouMean(program: Program, name: string): string {
  const names = [...program.functions.values()].map((node) => node.name);
  const near = nearNames(name, names);
  if (near.length === 0) return '';
  return `; near names: ${near.map((one) => `${one}()`).join(', ')}`;
}

function byPlace(a: FunctionNode, b: FunctionNode): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || (a.id < b.id ? -1 : 1);
}
