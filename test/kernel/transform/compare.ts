import type { Program, Site } from '../../../extension/core/program/program';
import type { Caller } from '../../../extension/core/reach/verdict';

type Place = Pick<Site, 'file' | 'line' | 'column'>;

/** How names and places of a transformed tree are read as those of the original; what is not given is the same. */
export interface Original {
  readonly restore?: (text: string) => string;
  readonly place?: (site: Place) => string;
}

const exactly = ({ file, line, column }: Place): string => `${file}:${line}:${column}`;
/** Where names have other lengths. */
export const onLine = ({ file, line }: Place): string => `${file}:${line}`;

/** The graph as sorted lines of text, in the original's names. */
export function graphLines(program: Program, { restore = (text) => text, place = exactly }: Original = {}): string[] {
  const at = (site: Site): string => `${place(site)} ${site.function}`;
  const lines = [
    ...[...program.functions.values()].map((fn) => [
      'function',
      fn.id,
      fn.kind,
      fn.static,
      fn.active,
      fn.vendor,
      fn.when,
      place({ ...fn, column: 0 }),
    ]),
    ...program.edges.map((edge) => [
      'edge',
      edge.callerId,
      edge.calleeId,
      edge.via,
      edge.slot,
      edge.vendor,
      edge.when,
      at(edge.site),
    ]),
    // Of several registrations the first in the file is an entry's site.
    ...program.entries.map((entry) => [
      'entry',
      entry.kind,
      entry.name,
      entry.functionId,
      entry.selector,
      entry.inside,
      entry.vendor,
    ]),
    ...program.unresolved.map((one) => ['unresolved', one.text, one.why, at(one.site)]),
  ];
  return lines.map((line) => restore(line.join(' '))).sort();
}

/** Callers' verdicts with the ways in, as sorted lines of text, in the original's names. */
export function verdictLines(callers: readonly Caller[], { restore = (text) => text }: Original = {}): string[] {
  return callers
    .map((each) => {
      const entries = each.entries.map((entry) => restore(`${entry.kind} ${entry.name} ${entry.verdict}`)).sort();
      return restore(`${each.id} ${each.verdict} `) + `${entries.length}: ${entries.join(', ')}`;
    })
    .sort();
}

/** What two sorted lists do not have in common, each once for each time: `- ` only in `before`, `+ ` only in `after`. */
export function difference(before: readonly string[], after: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of after) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const line of before) counts.set(line, (counts.get(line) ?? 0) - 1);
  return [...counts]
    .flatMap(([line, count]) => Array.from({ length: Math.abs(count) }, () => `${count > 0 ? '+' : '-'} ${line}`))
    .sort((a, b) => (a.slice(2) < b.slice(2) ? -1 : 1));
}
