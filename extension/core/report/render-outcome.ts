import { place } from '../program/place';
import type { ExploredOutcome, GraphReport, OutcomeReport } from './contract';
import { explorationLines } from './render-exploration';
import { linuxName, oneLine, outcomeText, plural, thousands, vmName } from './words';

/** Text of an outcome: per VM type the answer, what guest and userspace see, and the events in order. */
export function renderOutcome(report: OutcomeReport): string {
  return report.outcomes.map((outcome) => `${outcomeLines(outcome).join('\n')}\n`).join('\n');
}

function outcomeLines(outcome: ExploredOutcome): string[] {
  return [
    `${outcome.sink}() for ${vmName(outcome.vm)}, ${outcome.scenario}: ${outcomeText(outcome)}`,
    `  classes: ${outcome.classes.join(', ')}`,
    `  guest: ${outcome.guest}`,
    `  userspace: ${outcome.userspace}`,
    ...outcome.trace.map((event, i) => {
      const where = event.site === undefined ? '' : `  ${place(event.site)}`;
      return `  ${String(i + 1).padStart(2)}. ${oneLine(event.text, 110)}${where}`;
    }),
    ...outcome.unmodelled.map((call) => `  not modelled: ${oneLine(call.text, 80)}  ${place(call)}`),
    ...(outcome.exploration === undefined ? [] : explorationLines(outcome.exploration)),
  ];
}

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
