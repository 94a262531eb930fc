import type { AppliedFile } from '../patch/apply';
import { type Change, gotWorse } from '../patch/changes';
import { place } from '../program/place';
import { VERDICTS } from '../reach/verdict';
import type { PatchReport } from './contract';
import { outcomeText, plural, vmName } from './words';

/** Text of a patch: better or worse, where it applies, the outcome before and after, then each change with its reason. */
export function renderPatch(report: PatchReport, sink: string): string {
  const { changes, outcome } = report;
  const worse = changes.filter(gotWorse);
  const rest = changes.filter((change) => !gotWorse(change));
  const before = outcomeText(outcome.before);
  const after = outcomeText(outcome.after);
  return [
    answer(report, worse.length, sink),
    ...report.files.map(fileLine),
    '',
    before === after ? `outcome, as before: ${after}` : `outcome before: ${before}`,
    ...(before === after ? [] : [`outcome after:  ${after}`]),
    callersLine(report),
    ...(changes.length > 0 ? [''] : []),
    ...[...worse, ...rest].flatMap(changeLines),
    '',
  ].join('\n');
}

function answer({ vm, changes }: PatchReport, worse: number, sink: string): string {
  const who = `${sink}() and ${vmName(vm)}`;
  if (changes.length === 0) return `${who}: no call path changes.`;
  const others = changes.length - worse;
  if (worse === 0) return `${who}: nothing gets worse, ${plural(others, 'call site')} ${others === 1 ? 'changes' : 'change'}.`;
  const more = others === 0 ? '' : `, ${others} other${others === 1 ? ' changes' : 's change'}`;
  return `${who}: ${plural(worse, 'call site')} ${worse === 1 ? 'gets' : 'get'} worse${more}.`;
}

function fileLine({ path, hunks }: AppliedFile): string {
  if (hunks.length === 0) return `applies to ${path}`;
  const places = hunks.map(({ line, offset, fuzz }) => {
    const notes = [
      ...(offset === 0 ? [] : [`offset ${offset}`]),
      ...(fuzz === 0 ? [] : [`fuzz ${fuzz}`]),
    ];
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

function changeLines(change: Change): string[] {
  const kind = change.kind === 'path' ? `${change.after ?? change.before ?? ''}, by other paths` : verdictStep(change);
  return [
    `${gotWorse(change) ? 'worse ' : '      '} ${kind}   ${change.function}() calls ${change.callee}()   ${place(change)}`,
    `         ${change.because}`,
  ];
}

function verdictStep({ before, after }: Change): string {
  if (before === null) return `new, ${after ?? ''}`;
  if (after === null) return `gone, was ${before}`;
  return `${before} -> ${after}`;
}
