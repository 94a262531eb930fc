import type { Analysis } from '../core/analysis';
import type { Site } from '../core/program/program';
import type { Caller, Path, Question, Verdict, Why } from '../core/reach/verdict';
import type { CheckReport } from '../core/report/contract';

/** Verdicts of calls that the editor marks. */
export const MARKED: ReadonlySet<Verdict> = new Set(['reachable', 'conditional', 'unknown']);

/** Whether a path takes the call at `site`. */
export function passes(path: Path, site: Site): boolean {
  return path.edges.some((edge) => samePlace(edge.site, site));
}

export function samePlace(a: Site, b: Site): boolean {
  return a.file === b.file && a.line === b.line && a.column === b.column;
}

/** Of a call in a caller: template instances share their places in the source. */
export function callKey(callerId: string, site: Site): string {
  return `${callerId} ${site.file}:${site.line}:${site.column}`;
}

/**
 * What a report's callers do not say of their calls: a caller has one witness, which takes one of its calls, and no cut
 * if any call is open. By `callKey()`. One answer costs some milliseconds on a real tree. Incomplete if `cancelled` says so.
 */
export function callAnswers(
  analysis: Analysis,
  question: Question,
  report: CheckReport,
  cancelled: () => boolean,
): Map<string, Why> {
  const answers = new Map<string, Why>();
  for (const caller of report.callers) {
    for (const edge of caller.sites) {
      const key = callKey(caller.id, edge.site);
      if (answers.has(key) || isTold(caller, edge)) continue;
      if (cancelled()) return answers;
      const text = `${edge.site.file}:${edge.site.line}`;
      const answer = analysis.why(question, [{ kind: 'call', edges: [edge], text }]);
      if (answer.verdict === edge.verdict) answers.set(key, answer);
    }
  }
  return answers;
}

function isTold(caller: Caller<unknown>, edge: Caller['sites'][number]): boolean {
  if (MARKED.has(edge.verdict)) return caller.witness !== undefined && passes(caller.witness, edge.site);
  return edge.verdict !== 'blocked' || caller.verdict === 'blocked';
}
