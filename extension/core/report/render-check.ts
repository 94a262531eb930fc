import type { Outcome } from '../mmu/outcome';
import { vendorOfFile } from '../program/ids';
import { place } from '../program/place';
import { type Caller, type Fact, type Verdict, VERDICTS, vendorOf } from '../reach/verdict';
import type { CheckReport } from './contract';
import {
  cutText,
  factText,
  guardText,
  linuxName,
  oneLine,
  otherEntries,
  outcomeText,
  pathNames,
  plural,
  proofText,
  reachedText,
  thousands,
  vmIn,
  wrap,
} from './words';

type CheckedCaller = Caller<Outcome>;

const INDENT = ' '.repeat(13);
const WIDTH = 110;

/** Text of a check: the answer, each direct caller with its proof, then the rest; `full` lists every function on the way. */
export function renderCheck(report: CheckReport, options: { readonly full: boolean }): string {
  const direct = report.callers.filter((caller) => caller.direct);
  const indirect = report.callers.filter((caller) => !caller.direct);
  const facts = new Map(report.facts.map((fact) => [fact.id, fact]));
  const widest = Math.max(...direct.map((caller) => caller.function.length + 2), 0);
  return [
    heading(report),
    ...hostLine(report),
    answer(report, direct),
    '',
    ...direct.flatMap((caller) => callerLines(caller, report, facts, widest)),
    ...indirectLines(indirect, options.full),
    ...outcomeLines(report.outcome),
    ...problemLine(report),
    ...timingLine(report),
    '',
  ].join('\n');
}

function heading(report: CheckReport): string {
  const { tree, vm } = report;
  const sinks = sinkNames(report).join(', ');
  const counts = `${thousands(tree.functions)} functions, ${plural(tree.entryPoints, 'entry point')}`;
  return `${sinks} and ${vmIn(vm, tree)}, ${linuxName(tree.version)} (${counts}${totalTime(report)})`;
}

function sinkNames(report: CheckReport): string[] {
  return [...new Set(report.sinks.map((sink) => `${sink.name}()`))];
}

function totalTime({ timings }: CheckReport): string {
  if (timings === undefined) return '';
  const ms = Object.values(timings).reduce((sum, one) => sum + one, 0);
  return `, ${(ms / 1000).toFixed(1)} s`;
}

function hostLine({ host }: CheckReport): string[] {
  const departures = Object.entries(host).map(([key, value]) => `${key}=${value}`);
  return departures.length === 0 ? [] : [`On a host with ${departures.join(', ')}.`];
}

function answer(report: CheckReport, direct: readonly CheckedCaller[]): string {
  const count = (verdict: Verdict): number => direct.filter((caller) => caller.verdict === verdict).length;
  if (direct.length === 0) return `Nothing in this tree calls ${sinkNames(report).join(' or ')}.`;
  const parts = [reachedText(direct)];
  if (count('conditional') > 0) parts.push(`${count('conditional')} under a condition`);
  if (count('unknown') > 0) parts.push(`${count('unknown')} not decided`);
  return `${parts.join(', ')}.`;
}

function callerLines(
  caller: CheckedCaller,
  report: CheckReport,
  facts: ReadonlyMap<string, Fact>,
  width: number,
): string[] {
  const worstSite = caller.sites.find((site) => site.verdict === caller.verdict) ?? caller.sites[0];
  const where = worstSite === undefined ? caller : worstSite.site;
  const head = `${caller.verdict.padEnd(12)} ${`${caller.function}()`.padEnd(width)}  ${where.file}:${where.line}`;
  return [`${head}${headNote(caller, report)}`, ...proofLines(caller, facts).map((line) => `${INDENT}${line}`)];
}

/** What fits behind the caller's place. */
function headNote(caller: CheckedCaller, report: CheckReport): string {
  if (caller.verdict === 'conditional' && caller.conditions.length > 0)
    return `   only if ${caller.conditions.join('; ')}`;
  if (caller.verdict === 'unreachable') return `   ${unreachableNote(caller, report)}`;
  return '';
}

/** Only code of the other vendor is there for that vendor alone; what is this VM's own vendor's is dead. */
function unreachableNote(caller: CheckedCaller, { vm, host }: CheckReport): string {
  const other = vendorOf(vm, host) === 'intel' ? 'amd' : 'intel';
  const isOther = vendorOfFile(caller.file) === other || caller.sites.every((site) => site.vendor === other);
  return isOther && caller.sites.length > 0 ? `kvm-${other} only` : 'no entry point leads there';
}

function proofLines(caller: CheckedCaller, facts: ReadonlyMap<string, Fact>): string[] {
  switch (caller.verdict) {
    case 'reachable':
    case 'conditional':
    case 'unknown':
      return openLines(caller, facts);
    case 'blocked':
      return cutLines(caller, facts);
    case 'unreachable':
      return [];
  }
}

function openLines(caller: CheckedCaller, facts: ReadonlyMap<string, Fact>): string[] {
  const { witness, outcome } = caller;
  const lines: string[] = [];
  if (witness !== undefined) {
    const also = otherEntries(caller);
    const path = wrap(pathNames(witness), ' -> ', WIDTH - INDENT.length, `${INDENT}  `);
    lines.push(also === '' ? path : `${path}     ${also}`);
    const passed = witness.guards.filter((guard) => guard.value === guard.needs && guard.facts.length > 0);
    for (const guard of passed.slice(-2)) lines.push(`passes ${cutText(guard, facts)}`);
    const open = witness.guards.filter((guard) => guard.value === 'unknown').length;
    if (open > 0) lines.push(`${plural(open, 'condition')} on the way ${open === 1 ? 'is' : 'are'} left open`);
  }
  if (caller.verdict === 'unknown') lines.push(...caller.conditions.map((reason) => `gave up: ${reason}`));
  if (outcome !== undefined) lines.push(`outcome: ${outcomeText(outcome)}`);
  return lines;
}

function cutLines(caller: CheckedCaller, facts: ReadonlyMap<string, Fact>): string[] {
  const cuts = caller.cutBy ?? [];
  const lines = cuts.slice(0, 3).map((guard) => `cut by ${cutText(guard, facts)}`);
  if (cuts.length > 3)
    lines.push(
      `and by ${plural(cuts.length - 3, 'more guard')} on other paths: ${cuts.slice(3, 6).map(guardText).join(', ')}`,
    );
  // That the VM is of its type needs no proof.
  const rests = [...new Set(cuts.slice(0, 3).flatMap((guard) => guard.facts))]
    .map((id) => facts.get(id))
    .filter((fact) => fact !== undefined)
    .filter((fact) => fact.from !== 'axiom');
  for (const fact of rests) lines.push(rests.length === 1 ? proofText(fact) : `${factText(fact)}: ${proofText(fact)}`);
  return lines;
}

function indirectLines(indirect: readonly CheckedCaller[], full: boolean): string[] {
  if (indirect.length === 0) return [];
  const counts = VERDICTS.map(
    (verdict) => [indirect.filter((caller) => caller.verdict === verdict).length, verdict] as const,
  );
  const summary = counts.filter(([n]) => n > 0).map(([n, verdict]) => `${thousands(n)} ${verdict}`);
  const title = `${plural(indirect.length, 'function')} lead${indirect.length === 1 ? 's' : ''} there through these: ${summary.join(', ')}`;
  if (!full) return ['', `${title} (--full lists them)`];
  return ['', title, ...indirect.map(indirectLine)];
}

function indirectLine(caller: CheckedCaller): string {
  const entries = caller.entries.filter((entry) => entry.verdict === caller.verdict).map((entry) => entry.name);
  const distinct = [...new Set(entries)];
  const from = caller.verdict === 'unreachable' || distinct.length === 0 ? '' : `  ${distinct.slice(0, 2).join(', ')}`;
  const more = distinct.length > 2 ? ` and ${distinct.length - 2} more` : '';
  const cut =
    caller.verdict === 'blocked' && caller.cutBy?.[0] !== undefined ? `  cut by ${guardText(caller.cutBy[0])}` : '';
  return `${caller.verdict.padEnd(12)} ${caller.function}()  ${place(caller)}${cut === '' ? `${from}${more}` : cut}`;
}

function outcomeLines(outcome: Outcome): string[] {
  return [
    '',
    `If ${outcome.sink}() runs (VM ${outcome.scenario}): ${outcomeText(outcome)}`,
    `  guest: ${outcome.guest}`,
    `  userspace: ${outcome.userspace}`,
    ...outcome.unmodelled.slice(0, 3).map((call) => `  not modelled: ${oneLine(call.text, 80)} ${place(call)}`),
  ];
}

function problemLine({ problems, tree }: CheckReport): string[] {
  const [first] = problems;
  if (first === undefined) return [];
  const where = first.line === undefined ? first.file : place({ file: first.file, line: first.line });
  const rest = problems.length > 1 ? ', the first' : '';
  return [
    '',
    `${plural(problems.length, 'problem')} in ${plural(tree.files, 'file')}${rest}: ${where}: ${oneLine(first.message, 100)}`,
  ];
}

function timingLine({ timings }: CheckReport): string[] {
  if (timings === undefined) return [];
  return [
    '',
    Object.entries(timings)
      .map(([step, ms]) => `${step} ${ms} ms`)
      .join(', '),
  ];
}
