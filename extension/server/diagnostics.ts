import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Diagnostic, type DiagnosticRelatedInformation, DiagnosticSeverity } from 'vscode-languageserver';
import type { Site } from '../core/program/program';
import type { Path, Verdict } from '../core/reach/verdict';
import type { Abilities } from './abilities';
import type { CallPlace, Findings } from './findings';
import { samePlace } from './call-answers';
import type { Places } from './places';
import { otherEntries, outcomeText } from '../core/report/words';
import { onlyIf, pathText, subject } from './wording';

export const SOURCE = 'kvm-lens';

/** Verdicts that are shown at a call site. The others are answers to a question, no findings. */
const SEVERITY: Partial<Record<Verdict, DiagnosticSeverity>> = {
  reachable: DiagnosticSeverity.Warning,
  conditional: DiagnosticSeverity.Information,
  unknown: DiagnosticSeverity.Hint,
};

/** Longest chain that a message spells out; the related information has all of it. */
const MESSAGE_FUNCTIONS = 4;

/** Diagnostics of one file: one for each call on the way to a sink that is not known to be cut. */
export function diagnosticsOf(findings: Findings, file: string, places: Places, can: Abilities): Diagnostic[] {
  return findings.placesIn(file).flatMap((call) => {
    const severity = SEVERITY[call.verdict];
    if (severity === undefined) return [];
    const diagnostic: Diagnostic = {
      range: places.rangeOf(call.site),
      severity,
      source: SOURCE,
      code: call.verdict,
      message: messageOf(findings, call),
    };
    const page = can.codeDescription ? rulePage(call.verdict) : undefined;
    if (page !== undefined) diagnostic.codeDescription = { href: page };
    const witness = findings.pathThrough(call);
    if (can.relatedInformation && witness !== undefined) {
      diagnostic.relatedInformation = stepsOf(witness, places, call.site);
    }
    return [diagnostic];
  });
}

function messageOf(findings: Findings, call: CallPlace): string {
  const { caller, edges, verdict } = call;
  const { sinks } = findings.report;
  const callees = [...new Set(edges.map((edge) => `${edge.callee}()`))];
  const callee = callees.length === 1 ? (callees[0] ?? '') : `${callees[0] ?? ''} and ${callees.length - 1} more`;
  const isSink = edges.some((edge) => sinks.some((sink) => sink.name === edge.callee));
  const what = isSink ? callee : `${callee} on the way to ${sinks.map((sink) => `${sink.name}()`).join(' or ')}`;
  const condition = verdict === 'conditional' && caller.conditions.length > 0 ? `, ${onlyIf(caller.conditions)}` : '';
  const lines = [`${subject(findings.report)}: ${what} is ${verdict}${condition}`];
  const witness = findings.pathThrough(call);
  if (witness !== undefined) {
    // How many entries reach one of several calls is not known.
    const more = caller.sites.every((edge) => samePlace(edge.site, call.site)) ? otherEntries(caller) : '';
    lines.push(pathText(witness, MESSAGE_FUNCTIONS) + (more === '' ? '' : `, ${more}`));
  }
  if (isSink && caller.outcome !== undefined) lines.push(`outcome: ${outcomeText(caller.outcome)}`);
  return lines.join('\n');
}

/** The witness, call by call, from the entry on; the call that the diagnostic stands at is left out. */
function stepsOf(witness: Path, places: Places, at: Site): DiagnosticRelatedInformation[] {
  return witness.edges
    .filter(({ site }) => !samePlace(site, at))
    .map(({ caller, callee, site, slot }, index) => ({
      location: { uri: places.uriOf(site.file), range: places.rangeOf(site) },
      message:
        (index === 0 ? `${witness.entry.name}: ` : '') +
        `${caller}() calls ${callee}()${slot === undefined ? '' : ` via ${slot}`}`,
    }));
}

/** The page on a verdict that ships beside the bundles, as a file: there is no published one to link to. */
function rulePage(verdict: Verdict): string | undefined {
  const path = join(__dirname, '../docs/rules', `${verdict}.md`);
  return existsSync(path) ? pathToFileURL(path).href : undefined;
}
