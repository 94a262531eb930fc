import { place } from '../program/place';
import type { Edge } from '../program/program';
import type { Caller, Entry, Guard, Verdict } from '../reach/verdict';
import { edgeCounts, edgeName, type Side, type SideSite } from './side';

/** Sentences for the changes of a patch. Each names the guard or the call that made the difference. */

/** A call site that was not on the way to the sink before. */
export function becauseNew(before: Side, after: Side, site: SideSite): string {
  const { edge, caller } = site;
  const cut = caller.verdict === 'blocked' ? caller.cutBy?.[0] : undefined;
  const but = cut === undefined ? '' : `, cut by ${guardText(cut)}`;
  if (isNewCall(before, after, edge)) return `${callText(edge)}, is new${but}`;
  const made = newCallAfter(before, after, caller, edge);
  if (made !== undefined) return `${callText(made)}, is new, and makes ${edge.callee}() lead to the sink${but}`;
  return `${edge.callee}() leads to the sink now${but}`;
}

export function becauseGone(after: Side, { edge }: SideSite): string {
  const still = edgeCounts(after).get(edgeName(after, edge)) ?? 0;
  if (still === 0) return `${callText(edge)}, is gone`;
  return `${edge.callee}() no longer leads to the sink, or is called there less often`;
}

/** A call site with another verdict. */
export function becauseVerdict(before: Side, after: Side, was: SideSite, now: SideSite): string {
  const gone = guardsOf(was.caller).find((guard) => !stands(before, after, guard));
  if (isCut(was.edge.verdict) && !isCut(now.edge.verdict)) {
    if (gone !== undefined) return `the guard ${guardText(gone)}, is gone`;
    const made = newCallOnWitness(before, after, now.caller);
    if (made !== undefined) return `${callText(made)}, is new, and no guard stands on that path`;
    const weak = guardsOf(was.caller)[0];
    if (weak !== undefined) return weakened(before, after, weak);
    return `${entryNames(now.caller.entries)} leads there now`;
  }
  const added = guardsOf(now.caller).find((guard) => !stands(after, before, guard));
  if (added !== undefined) return `the guard ${guardText(added)}, is new`;
  const cut = guardsOf(now.caller)[0];
  if (cut !== undefined && isCut(now.edge.verdict)) return `${guardText(cut)}, cuts every path now`;
  if (now.edge.verdict === 'unreachable') return 'no entry point leads there any more';
  if (gone !== undefined) return `the guard ${guardText(gone)}, is gone`;
  return becausePaths(was.caller, now.caller);
}

/** Same verdict by other paths. */
export function becausePaths(was: Caller<unknown>, now: Caller<unknown>): string {
  const key = (entry: Entry & { verdict: Verdict }): string =>
    `${entry.kind} ${entry.name} ${entry.function} ${entry.verdict}`;
  const old = new Set(was.entries.map(key));
  const fresh = new Set(now.entries.map(key));
  const added = now.entries.filter((entry) => !old.has(key(entry)));
  const lost = was.entries.filter((entry) => !fresh.has(key(entry)));
  const parts: string[] = [];
  if (added.length > 0) parts.push(`${entryNames(added)} leads there now`);
  if (lost.length > 0) parts.push(`${entryNames(lost)} led there before`);
  const needs = now.conditions.filter((condition) => !was.conditions.includes(condition));
  const dropped = was.conditions.filter((condition) => !now.conditions.includes(condition));
  if (needs.length > 0) parts.push(`needs ${needs.join(' and ')} now`);
  if (dropped.length > 0) parts.push(`no longer needs ${dropped.join(' and ')}`);
  return parts.length === 0 ? 'another path decides' : parts.join('; ');
}

/** A guard that stands as it stood, and no longer cuts: what it rests on is written otherwise now. */
function weakened(before: Side, after: Side, guard: Guard): string {
  const old = new Set(
    before.facts.flatMap((fact) => fact.writes.map((write) => `${write.site.file} ${write.text} ${write.effect}`)),
  );
  for (const fact of after.facts) {
    const write = fact.writes.find(
      (one) =>
        (one.effect === 'breaks' || one.effect === 'unknown') && !old.has(`${one.site.file} ${one.text} ${one.effect}`),
    );
    if (write !== undefined && guard.facts.includes(fact.id)) {
      return `${guardText(guard)}, no longer cuts: ${folded(write.text)} in ${write.site.function}(), ${place(write.site)}, breaks ${fact.text}`;
    }
  }
  return `${guardText(guard)}, no longer cuts every path`;
}

/** The guard's text still stands on `other`'s side. Files that are the same on both sides need no look. */
function stands(side: Side, other: Side, guard: Guard): boolean {
  if (!side.texts.has(guard.site.file)) return true;
  const newName = side.newName(guard.site.file);
  for (const [path, text] of other.texts) {
    if (
      other.newName(path) === newName &&
      text !== null &&
      functionText(other, path, text, guard).includes(bare(guard.text))
    ) {
      return true;
    }
  }
  return false;
}

function functionText(side: Side, path: string, text: string, guard: Guard): string {
  const lines = text.split('\n');
  const bodies = [...side.program.functions.values()]
    .filter((node) => node.file === path && node.name === guard.site.function)
    .map((node) => lines.slice(node.line - 1, node.lastLine).join('\n'));
  return bare(bodies.join('\n'));
}

function newCallOnWitness(before: Side, after: Side, caller: Caller<unknown>): Edge | undefined {
  return caller.witness?.edges.find((edge) => isNewCall(before, after, edge));
}

function newCallAfter(before: Side, after: Side, caller: Caller<unknown>, edge: Edge): Edge | undefined {
  const edges = caller.witness?.edges ?? [];
  const at = edges.findIndex((one) => edgeName(after, one) === edgeName(after, edge));
  const onWitness = edges.slice(at + 1).find((one) => isNewCall(before, after, one));
  if (onWitness !== undefined) return onWitness;
  // The witness of this caller goes another way: any new call on the way down from the callee will do.
  const seen = new Set<string>();
  const queue = [edge.calleeId];
  const leads = new Set(after.callers.map((one) => one.id));
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    for (const next of after.program.callees.get(id) ?? []) {
      if (isNewCall(before, after, next)) return next;
      if (seen.has(next.calleeId) || !leads.has(next.calleeId)) continue;
      seen.add(next.calleeId);
      queue.push(next.calleeId);
    }
  }
  return undefined;
}

function isNewCall(before: Side, after: Side, edge: Edge): boolean {
  const name = edgeName(after, edge);
  return (edgeCounts(before).get(name) ?? 0) < (edgeCounts(after).get(name) ?? 0);
}

function guardsOf(caller: Caller<unknown>): readonly Guard[] {
  return caller.cutBy ?? [];
}

function isCut(verdict: Verdict): boolean {
  return verdict === 'blocked' || verdict === 'unreachable';
}

function callText(edge: Edge): string {
  return `the call of ${edge.callee}() in ${edge.caller}(), ${place(edge.site)}`;
}

function guardText(guard: Guard): string {
  return `${folded(guard.text)} in ${guard.site.function}(), ${place(guard.site)}`;
}

function entryNames(entries: readonly Entry[]): string {
  const names = [...new Set(entries.map((entry) => entry.name))];
  if (names.length === 0) return 'another path';
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return `${names.slice(0, 3).join(', ')}${more}`;
}

function folded(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 100 ? `${line.slice(0, 97)}...` : line;
}

function bare(text: string): string {
  return text.replace(/\s+/g, '');
}
