import { place } from '../program/place';
import type { Edge } from '../program/program';
import type { NoPath } from '../reach/paths';
import type { Fact, FactWrite, Guard, Path, VmType } from '../reach/verdict';
import type { PathsReport, WhyReport } from './contract';
import { cutText, factText, guardText, oneLine, originText, plural, vmName } from './words';

/** Text of a `why`: the verdict in one line, the path with its guards or the cut, then the proof of every fact. */
export function renderWhy(report: WhyReport, sites: readonly string[], sinks: readonly string[]): string {
  const facts = new Map(report.facts.map((fact) => [fact.id, fact]));
  const to = sinks.map((sink) => `${sink}()`).join(' or ');
  const lines = [
    `${report.verdict}: ${vmName(report.vm)} and the way to ${to} through ${sites.map(siteText).join(', ')}`,
  ];
  if (report.cutBy !== undefined) lines.push(`cut by ${cutText(report.cutBy, facts)}`);
  for (const cut of report.cuts ?? []) {
    if (!sameGuard(cut, report.cutBy)) lines.push(`also cut by ${cutText(cut, facts)}`);
  }
  if (report.conditions.length > 0)
    lines.push(`${report.verdict === 'unknown' ? 'gave up:' : 'only if'} ${report.conditions.join('; ')}`);
  if (report.path !== undefined) lines.push('', ...pathLines(report.path));
  if (report.path === undefined && report.verdict === 'unreachable') lines.push('no entry point leads there');
  if (report.facts.length > 0) lines.push('', 'rests on', ...report.facts.flatMap(factLines));
  return `${lines.join('\n')}\n`;
}

export function renderPaths(report: PathsReport, from: string, to: string): string {
  const lines = [`${plural(report.paths.length, 'path')} from ${from}() to ${to}(), for ${vmName(report.vm)}`];
  if (report.none !== undefined) lines.push(noneText(report.none, report.vm));
  else if (report.truncated) lines.push('There are more: these are the shortest.');
  report.paths.forEach((path, i) => lines.push('', `${i + 1}. ${path.verdict}`, ...pathLines(path)));
  return `${lines.join('\n')}\n`;
}

function noneText(none: NoPath, vm: VmType): string {
  switch (none.why) {
    case 'no way':
      return 'No call leads there, direct or indirect.';
    case 'other vendor':
      return `Calls lead there only in kvm-${none.vendor}, and ${vmName(vm)} runs on the other module.`;
    case 'cut':
      return `Every way is cut: ${none.more ? 'more than ' : ''}${plural(none.ways, 'way')} (--cut shows them).`;
  }
}

/** One line per call, in order, with the guards of its function under it. */
function pathLines(path: Path): string[] {
  const lines: string[] = [];
  if (path.entry.name !== '' && path.entry.name !== path.edges[0]?.caller) {
    lines.push(`  ${path.entry.name} (${path.entry.kind})`);
  }
  const left = [...path.guards];
  for (const edge of path.edges) {
    lines.push(`  ${edge.caller}() -> ${edge.callee}()  ${place(edge.site)}${viaText(edge)}`);
    // A guard belongs under the first call of its function: it stands there only once.
    for (const guard of left.filter((one) => one.site.function === edge.caller)) lines.push(`      ${stateOf(guard)}`);
    left.splice(0, left.length, ...left.filter((guard) => guard.site.function !== edge.caller));
  }
  for (const guard of left) lines.push(`      in ${guard.site.function}(): ${stateOf(guard)}`);
  if (path.cutBy !== undefined) lines.push(`  cut by ${guardText(path.cutBy)}: ${String(path.cutBy.value)}`);
  if (path.conditions.length > 0) lines.push(`  only if ${path.conditions.join('; ')}`);
  return lines;
}

/** A function's name as kernel developers write it; a place as it is. */
function siteText(site: string): string {
  return /^[A-Za-z_]\w*$/.test(site) ? `${site}()` : site;
}

function viaText(edge: Edge): string {
  if (edge.via === 'call') return '';
  return edge.slot === undefined ? `  via ${edge.via}` : `  via ${edge.slot}`;
}

function stateOf(guard: Guard): string {
  const needs = guard.needs ? '' : 'not ';
  if (guard.value === 'unknown') return `open: ${needs}${guardText(guard)}`;
  return `${guard.value === guard.needs ? 'passes' : 'cut by'} ${needs}${guardText(guard)}`;
}

function factLines(fact: Fact): string[] {
  const origin = originText(fact);
  return [
    `  ${factText(fact)}  ${origin}`,
    ...(fact.reason === undefined || fact.reason === origin ? [] : [`      ${fact.reason}`]),
    ...fact.writes.map((write) => `      ${writeText(write)}`),
  ];
}

function writeText(write: FactWrite): string {
  return `${write.effect}: ${oneLine(write.text, 80)}  ${write.site.function}() ${place(write.site)}`;
}

function sameGuard(a: Guard, b: Guard | undefined): boolean {
  return b !== undefined && a.text === b.text && a.site.file === b.site.file && a.site.line === b.site.line;
}
