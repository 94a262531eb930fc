import type { Edge } from '../core/program/program';
import type { Guard } from '../core/reach/verdict';
import type { Finding, Findings } from './findings';
import type { Places } from './places';
import type { PathResult, PathStep } from './protocol';
import { place } from '../core/program/place';
import { lensTitle } from './wording';

/** The calls of a caller's witness and the guards that cut it, in order: what a client steps along. */
export function pathResult(findings: Findings, caller: Finding, places: Places): PathResult {
  const { witness } = caller;
  const calls = (witness?.edges ?? []).map((edge, index) =>
    callStep(edge, index === 0 ? witness?.entry.name : undefined, places),
  );
  const cuts = (caller.cutBy ?? []).map((guard) => cutStep(guard, places));
  return { title: `${caller.function}() · ${lensTitle(findings.report, caller)}`, steps: [...calls, ...cuts] };
}

/** The caller whose function `line` (0-based, as analysed) of the file lies in: the nearest that begins above it. */
export function callerAround(findings: Findings, file: string, line: number): Finding | undefined {
  return findings
    .callersIn(file)
    .filter((caller) => caller.line - 1 <= line)
    .reduce<Finding | undefined>(
      (best, each) => (best === undefined || each.line > best.line ? each : best),
      undefined,
    );
}

function callStep({ caller, callee, slot, site }: Edge, entry: string | undefined, places: Places): PathStep {
  const detail = [entry, slot === undefined ? undefined : `via ${slot}`]
    .filter((part) => part !== undefined)
    .join(', ');
  return {
    label: `${caller}() calls ${callee}()`,
    place: place(site),
    ...(detail === '' ? {} : { detail }),
    uri: places.uriOf(site.file),
    range: places.rangeOf(site),
  };
}

function cutStep({ site, text, value, needs }: Guard, places: Places): PathStep {
  return {
    label: `cut by ${text}`,
    place: place(site),
    detail: `${value === 'unknown' ? 'not decided' : String(value)}, the path needs ${String(needs)}`,
    uri: places.uriOf(site.file),
    range: places.rangeOf(site),
  };
}
