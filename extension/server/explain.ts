import type { Outcome } from '../core/mmu/outcome';
import type { Entry, Fact, Guard, Path } from '../core/reach/verdict';
import { factText, outcomeText, plural, proofText, reachedText, vmIn } from '../core/report/words';
import { MARKED } from './call-answers';
import type { CallPlace, Finding, Findings, GuardPlace } from './findings';
import type { Markup } from './markup';
import { lensTitle, onlyIf, subject, vmLabel } from './wording';

/** How much of a list a hover shows; the rest is counted. */
const SHOWN = { entries: 5, guards: 4, facts: 4, writes: 6, functions: 8, trace: 12 };

/** A function that can call a sink: verdict, shortest witness or cut with its proof, outcome. */
export function functionBlocks(findings: Findings, caller: Finding, markup: Markup): string[] {
  const title = markup.strong(lensTitle(findings.report, caller));
  const head = `${title}, ${markup.code(`${caller.function}()`)}`;
  const { witness, outcome, cutBy } = caller;
  if (!MARKED.has(caller.verdict)) return [head, ...cutBlocks(findings, cutBy ?? [], markup)];
  if (witness === undefined) return [head];
  return [head, ...pathBlocks(witness, outcome, markup, alsoFrom(caller, witness.entry, markup))];
}

/** A call on the way to a sink. */
export function callBlocks(findings: Findings, call: CallPlace, markup: Markup): string[] {
  const { caller, edges, site, verdict } = call;
  const callees = edges.map(({ callee, slot }) => {
    return markup.code(`${callee}()`) + (slot === undefined ? '' : ` via ${markup.code(slot)}`);
  });
  const condition = verdict === 'conditional' && caller.conditions.length > 0 ? `, ${onlyIf(caller.conditions)}` : '';
  const title = markup.strong(`${subject(findings.report)}: ${verdict}${condition}`);
  const names = shorten([...new Set(callees)], SHOWN.functions);
  const head = `${title}, call of ${names} in ${markup.code(`${site.function}()`)}`;
  const path = findings.pathThrough(call);
  if (!MARKED.has(verdict)) return [head, ...cutBlocks(findings, findings.cutsOf(call), markup)];
  return path === undefined ? [head] : [head, ...pathBlocks(path, caller.outcome, markup)];
}

/** A condition on the way: its value, the facts that it rests on and every write to them, and what it decides. */
export function guardBlocks(findings: Findings, { guard, passedBy, cuts }: GuardPlace, markup: Markup): string[] {
  const vm = subject(findings.report);
  const value = guard.value === 'unknown' ? 'not decided' : String(guard.value);
  const decides = [
    ...(cuts.length > 0 ? [`cuts the way to the sink of ${functionList(cuts, markup)}`] : []),
    ...(passedBy.length > 0 ? [`lets pass ${functionList(passedBy, markup)}`] : []),
  ];
  return [
    `${markup.strong(`${vm}: ${value}`)}, ${markup.code(guard.text)}`,
    ...(decides.length > 0 ? [`The path needs ${String(guard.needs)}: it ${decides.join(', and ')}.`] : []),
    ...asList(findings.factsOf(guard).flatMap((fact) => factItems(fact, markup, 0, SHOWN.writes))),
  ];
}

export function sinkBlocks(findings: Findings, sink: string, markup: Markup): string[] {
  const { callers, outcome, vm, tree } = findings.report;
  return [
    `${markup.strong(reachedText(callers.filter((caller) => caller.direct)))} by ${vmIn(vm, tree)}, ${markup.code(`${sink}()`)}`,
    ...(outcome.sink === sink ? [markup.text(`outcome: ${outcomeText(outcome)}`)] : []),
  ];
}

/** A KVM_BUG_ON() in the sink: what the model says happens for this VM. */
export function bugBlocks(outcome: Outcome, markup: Markup): string[] {
  const steps = outcome.trace.map(
    ({ text, site }) => markup.text(text) + (site === undefined ? '' : ` ${markup.link(site)}`),
  );
  return [
    `${markup.strong(`${vmLabel(outcome.vm)}: ${outcomeText(outcome)}`)}, ${markup.code(`${outcome.sink}()`)}, ${outcome.scenario}`,
    ...[outcome.guest, outcome.userspace].filter((sentence) => sentence !== '').map((text) => markup.text(text)),
    ...asList(limited(steps, SHOWN.trace, 'step').map((step) => markup.item(step))),
  ];
}

function pathBlocks(path: Path, outcome: Outcome | undefined, markup: Markup, alsoFrom = ''): string[] {
  const passed = path.guards.filter((guard) => guard.value !== 'unknown' && guard.facts.length > 0);
  const lines = passed.map((guard) => `passes ${markup.code(guard.text)} ${markup.link(guard.site)}`);
  return [
    chain(path, markup) + alsoFrom,
    ...asList(limited(lines, SHOWN.guards, 'guard').map((line) => markup.item(line))),
    ...(outcome === undefined ? [] : [markup.text(`outcome: ${outcomeText(outcome)}`)]),
  ];
}

function cutBlocks(findings: Findings, cuts: readonly Guard[], markup: Markup): string[] {
  return asList(cuts.flatMap((guard) => cutItems(findings, guard, markup)));
}

function cutItems(findings: Findings, guard: Guard, markup: Markup): string[] {
  const value = guard.value === 'unknown' ? 'not decided' : String(guard.value);
  const facts = findings.factsOf(guard);
  return [
    markup.item(
      `cut by ${markup.code(guard.text)} ${markup.link(guard.site)}: ${value}, the path needs ${String(guard.needs)}`,
    ),
    ...limited(facts, SHOWN.facts, 'fact').flatMap((fact) =>
      typeof fact === 'string' ? [markup.item(fact, 1)] : factItems(fact, markup, 1, 0),
    ),
  ];
}

/** A fact with its proof, and the first `most` of its writes one by one. */
function factItems(fact: Fact, markup: Markup, depth: number, most: number): string[] {
  const head = markup.item(`${markup.code(factText(fact))}: ${markup.text(proofText(fact))}`, depth);
  if (most === 0) return [head];
  const lines = fact.writes.map(({ site, text, effect }) => `${markup.link(site)} ${effect}: ${markup.code(text)}`);
  return [head, ...limited(lines, most, 'write').map((line) => markup.item(line, depth + 1))];
}

/** `KVM_SET_MSRS -> f() -> g()`: each function leads to the call that the path takes in it. */
function chain(path: Path, markup: Markup): string {
  const calls = path.edges.map((edge) => markup.codeLink(edge.site, `${edge.caller}()`));
  const sink = path.edges.at(-1)?.callee;
  return [markup.code(path.entry.name), ...calls, ...(sink === undefined ? [] : [markup.code(`${sink}()`)])].join(
    ' -> ',
  );
}

function alsoFrom(caller: Finding, shown: Entry, markup: Markup): string {
  const others = caller.entries.filter((entry) => {
    return entry.verdict === caller.verdict && !(entry.name === shown.name && entry.function === shown.function);
  });
  const names = [...new Set(others.map((entry) => markup.code(entry.name)))];
  return names.length === 0 ? '' : `; also from ${shorten(names, SHOWN.entries)}`;
}

function functionList(callers: readonly Finding[], markup: Markup): string {
  const names = callers.map((caller) => markup.codeLink({ ...caller, column: 1 }, `${caller.function}()`));
  return shorten([...new Set(names)], SHOWN.functions);
}

function shorten(names: readonly string[], most: number): string {
  const shown = names.slice(0, most).join(', ');
  return names.length <= most ? shown : `${shown} and ${names.length - most} more`;
}

/** The first `most`, and what was left out as a count. */
function limited<T>(items: readonly T[], most: number, noun: string): (T | string)[] {
  if (items.length <= most) return [...items];
  return [...items.slice(0, most), plural(items.length - most, `more ${noun}`)];
}

/** A list is one block. */
function asList(items: readonly string[]): string[] {
  return items.length === 0 ? [] : [items.join('\n')];
}
