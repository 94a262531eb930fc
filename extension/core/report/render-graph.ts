import { place } from '../program/place';
import type { GraphReport } from './contract';
import { linuxName, oneLine, plural, thousands } from './words';

/** Text of a graph: its size, since nobody reads all of it; JSON has every edge. */
export function renderGraph({ tree, edges, unresolved }: GraphReport): string {
  const perVia = new Map<string, number>();
  for (const { via } of edges) perVia.set(via, (perVia.get(via) ?? 0) + 1);
  const kinds = [...perVia].sort(([a], [b]) => (a < b ? -1 : 1)).map(([via, n]) => `${via} ${thousands(n)}`);
  return [
    `${linuxName(tree.version)}: ${plural(tree.functions, 'function')} in ${plural(tree.files, 'file')} (${plural(tree.lines, 'line')})`,
    `${plural(tree.edges, 'edge')}: ${kinds.join(', ')}`,
    `${plural(tree.entryPoints, 'entry point')}, ${plural(unresolved.length, 'call site')} unresolved`,
    ...unresolved.map(({ site, text, why }) => `  ${place(site)} ${oneLine(text, 60)}: ${why}`),
    'All edges: --format json',
    '',
  ].join('\n');
}
