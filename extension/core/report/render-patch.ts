import type { AppliedFile } from '../patch/apply';
import { type Change, gotWorse } from '../patch/changes';
import { place } from '../program/place';
import { VERDICTS } from '../reach/verdict';
import type { PatchReport } from './contract';
import { outcomeText, plural, vmName } from './words';

/** Calls that are listed under one reason. */
const MOST_SITES = 6;

/** Text of a patch: better or worse, where it applies, the outcome before and after, then each change with its reason. */
export function renderPatch(
  report: PatchReport,
  sinks: readonly string[],
  options: { readonly full: boolean },
): string {
  const { changes, outcome } = report;
  const worse = changes.filter(gotWorse);
  const rest = changes.filter((change) => !gotWorse(change));
  const most = options.full ? changes.length : MOST_SITES;
  const before = outcomeText(outcome.before);
  const after = outcomeText(outcome.after);
  return [
    answer(report, worse.length, before !== after, sinks.map((sink) => `${sink}()`).join(' or ')),
    ...report.files.map(fileLine),
    '',
    before === after ? `outcome, as before: ${after}` : `outcome before: ${before}`,
    ...(before === after ? [] : [`outcome after:  ${after}`]),
    callersLine(report),
    ...[...groups(worse, sinks), ...groups(rest, sinks)].flatMap((group) => ['', ...groupLines(group, most)]),
    '',
  ].join('\n');
}

function answer({ vm, changes }: PatchReport, worse: number, outcomeDiffers: boolean, sink: string): string {
  const who = `${sink} and ${vmName(vm)}`;
  const outcome = outcomeDiffers ? '; the outcome changes' : '';
  if (changes.length === 0) return `${who}: no call path changes${outcome}.`;
  const others = changes.length - worse;
  if (worse === 0) {
    return `${who}: nothing gets worse, ${plural(others, 'call site')} ${others === 1 ? 'changes' : 'change'}${outcome}.`;
  }
  const more = others === 0 ? '' : `, ${others} other${others === 1 ? ' changes' : 's change'}`;
  return `${who}: ${plural(worse, 'call site')} ${worse === 1 ? 'gets' : 'get'} worse${more}${outcome}.`;
}

function fileLine({ path, hunks }: AppliedFile): string {
  if (hunks.length === 0) return `applies to ${path}`;
  const places = hunks.map(({ line, offset, fuzz }) => {
    const notes = [...(offset === 0 ? [] : [`offset ${offset}`]), ...(fuzz === 0 ? [] : [`fuzz ${fuzz}`])];
    return `${line}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`;
  });
  return `applies to ${path} at line ${places.join(', ')}`;
}

function callersLine({ before, after }: PatchReport): string {
  const counts = VERDICTS.map((verdict) => [verdict, before.counts[verdict], after.counts[verdict]] as const)
    .filter(([, old, now]) => old > 0 || now > 0)
    .map(([verdict, old, now]) => `${verdict} ${old === now ? now : `${old} -> ${now}`}`);
  return `functions on the way to the sink: ${counts.length === 0 ? 'none' : counts.join(', ')}`;
}

/** Changes of one kind for one reason: a guard that goes opens every call on the way to it. */
function groups(changes: readonly Change[], sinks: readonly string[]): Change[][] {
  const found = new Map<string, Change[]>();
  const direct = (change: Change): number => Number(sinks.includes(change.callee));
  for (const change of [...changes].sort((a, b) => direct(b) - direct(a))) {
    const key = `${stepText(change)} ${change.because}`;
    found.set(key, [...(found.get(key) ?? []), change]);
  }
  return [...found.values()];
}

function groupLines(group: readonly Change[], most: number): string[] {
  const [first] = group;
  if (first === undefined) return [];
  const lines = [`${gotWorse(first) ? 'worse: ' : ''}${stepText(first)}: ${first.because}`];
  for (const change of group.slice(0, most)) {
    lines.push(`  ${change.function}() calls ${change.callee}()   ${place(change)}`);
  }
  if (group.length > most)
    lines.push(`  and ${plural(group.length - most, 'more call')} on the way (--full lists them)`);
  return lines;
}

function stepText({ kind, before, after }: Change): string {
  if (before === null) return `new, ${after ?? ''}`;
  if (after === null) return `gone, was ${before}`;
  return kind === 'path' ? `${after} as before` : `${before} -> ${after}`;
}
