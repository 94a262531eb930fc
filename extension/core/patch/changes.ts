import type { Edge } from '../program/program';
import { type Caller, type Entry, type Verdict, VERDICTS } from '../reach/verdict';
import { becauseGone, becauseNew, becausePaths, becauseVerdict } from './because';
import type { Side, SideSite } from './side';
import { sitesOf } from './side';

/** How the callers of a sink fare: the short form of a `check` report. */
export interface Summary {
  readonly counts: Readonly<Record<Verdict, number>>;
  readonly callers: readonly { readonly function: string; readonly verdict: Verdict }[];
}

/**
 * One call site on the way to the sink that differs between two trees. `site`: its verdict differs, it is new (`before`
 * null) or gone (`after` null); `path`: the verdict is the same, but its entries or conditions differ.
 */
export interface Change {
  readonly kind: 'site' | 'path';
  readonly function: string;
  readonly callee: string;
  /** Of the after side; of the before side if the site is gone. */
  readonly file: string;
  readonly line: number;
  readonly before: Verdict | null;
  readonly after: Verdict | null;
  /** One sentence that names the guard or the edge that made the difference. */
  readonly because: string;
}

export function summary(callers: readonly Caller<unknown>[]): Summary {
  const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
  for (const { verdict } of callers) counts[verdict]++;
  return { counts, callers: callers.map(({ function: name, verdict }) => ({ function: name, verdict })) };
}

/**
 * What differs between two sides, call site by call site; sorted by place. A site is the same on both sides if file
 * (after renames), function, callee and the ordinal of that callee in the function are.
 */
export function compareSides(before: Side, after: Side): Change[] {
  const old = sitesOf(before);
  const now = sitesOf(after);
  const changes: Change[] = [];
  for (const [key, site] of now) {
    const was = old.get(key);
    if (was === undefined) {
      changes.push(change('site', site, null, site.edge.verdict, becauseNew(before, after, site)));
    } else if (was.edge.verdict !== site.edge.verdict) {
      changes.push(change('site', site, was.edge.verdict, site.edge.verdict, becauseVerdict(before, after, was, site)));
    } else if (!samePaths(was.caller, site.caller)) {
      const because = becausePaths(was.caller, site.caller);
      changes.push(change('path', site, was.edge.verdict, site.edge.verdict, because));
    }
  }
  for (const [key, site] of old) {
    if (!now.has(key)) changes.push(change('site', site, site.edge.verdict, null, becauseGone(after, site)));
  }
  return changes.sort(byPlace);
}

/** A change towards a verdict that makes a finding; a change of paths alone never is one. */
export function gotWorse({ kind, before, after }: Change): boolean {
  if (kind === 'path' || after === null || rank(after) > rank('unknown')) return false;
  return before === null || rank(after) < rank(before);
}

function rank(verdict: Verdict): number {
  return VERDICTS.indexOf(verdict);
}

function change(
  kind: Change['kind'],
  { edge }: { edge: Edge },
  before: Verdict | null,
  after: Verdict | null,
  because: string,
): Change {
  const { file, line } = edge.site;
  return { kind, function: edge.caller, callee: edge.callee, file, line, before, after, because };
}

function samePaths(a: SideSite['caller'], b: SideSite['caller']): boolean {
  const entries = (list: readonly (Entry & { verdict: Verdict })[]): string =>
    list
      .map((entry) => `${entry.kind} ${entry.name} ${entry.function} ${entry.verdict}`)
      .sort()
      .join('\n');
  return (
    entries(a.entries) === entries(b.entries) &&
    [...a.conditions].sort().join('\n') === [...b.conditions].sort().join('\n')
  );
}

function byPlace(a: Change, b: Change): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  if (a.line !== b.line) return a.line - b.line;
  return `${a.function} ${a.callee} ${a.after ?? ''}` < `${b.function} ${b.callee} ${b.after ?? ''}` ? -1 : 1;
}
