import type { CodeLens, Command } from 'vscode-languageserver';
import type { Finding, Findings } from './findings';
import { byPlace, type Places } from './places';
import { type PathParams, SHOW_PATH } from './protocol';
import { lensTitle } from './wording';

/** A lens on each function of the file that can call a sink. It can be clicked if the client carries out the command. */
export function codeLensesOf(findings: Findings, file: string, places: Places, canShowPath: boolean): CodeLens[] {
  const lenses = new Map<string, CodeLens>();
  for (const caller of findings.callersIn(file)) {
    const title = lensTitle(findings.report, caller);
    const { start } = places.rangeOf({ ...caller, column: 1 });
    // Instances of a template share their source, and mostly what is to be said of them.
    const key = `${start.line}:${title}`;
    if (lenses.has(key)) continue;
    lenses.set(key, { range: { start, end: start }, command: commandOf(caller, title, places, canShowPath) });
  }
  return [...lenses.values()].sort(byPlace);
}

function commandOf(caller: Finding, title: string, places: Places, canShowPath: boolean): Command {
  // A lens has to have a command to be shown; an empty name is one that does nothing.
  if (!canShowPath) return { title, command: '' };
  const argument: PathParams = { uri: places.uriOf(caller.file), id: caller.id };
  return { title, command: SHOW_PATH, arguments: [argument] };
}
