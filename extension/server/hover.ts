import type { Hover, MarkupContent, Range } from 'vscode-languageserver';
import type { Outcome } from '../core/mmu/outcome';
import { worst } from '../core/reach/verdict';
import { bugBlocks, callBlocks, functionBlocks, guardBlocks, sinkBlocks } from './explain';
import type { CallPlace, Findings } from './findings';
import type { Markup } from './markup';

/** A place in a document as it was analysed: 0-based line, and the line's text and column as they are now. */
export interface Spot {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  readonly character: number;
}

export interface Explained {
  readonly content: MarkupContent;
  /** 0-based columns of what is explained, on the line that was asked about. */
  readonly columns: { readonly start: number; readonly end: number };
}

/**
 * What there is to say about a spot. The most exact wins: a call on the way, a function that can call a sink, the sink
 * itself; else the guard or the KVM_BUG_ON() that stands on the line. `undefined`: nothing.
 */
export function explainSpot(findings: Findings, spot: Spot, markup: Markup): Explained | undefined {
  const word = wordAt(spot.text, spot.character);
  if (word !== undefined) {
    const blocks = wordBlocks(findings, spot, word, markup);
    if (blocks !== undefined) return { content: markup.content(blocks), columns: word };
  }
  const line = spot.line + 1;
  const blocks = [
    ...findings.guardsAt(spot.file, line).map((guard) => guardBlocks(findings, guard, markup)),
    ...bugsOn(findings, spot, line).map((outcome) => bugBlocks(outcome, markup)),
  ].flat();
  if (blocks.length === 0) return undefined;
  const start = spot.text.length - spot.text.trimStart().length;
  return { content: markup.content(blocks), columns: { start, end: spot.text.trimEnd().length } };
}

export function toHover({ content, columns }: Explained, line: number): Hover {
  const range: Range = {
    start: { line, character: columns.start },
    end: { line, character: columns.end },
  };
  return { contents: content, range };
}

interface Word {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

function wordBlocks(findings: Findings, spot: Spot, word: Word, markup: Markup): string[] | undefined {
  const call = callAt(findings, spot, word);
  if (call !== undefined) return callBlocks(findings, call, markup);
  if (findings.sinkNamed(word.name) !== undefined) return sinkBlocks(findings, word.name, markup);
  const callers = findings.callersNamed(word.name, spot.file);
  if (callers.length === 0) return undefined;
  return callers.flatMap((caller) => functionBlocks(findings, caller, markup));
}

/**
 * The call whose name the word is. On an edited line columns have moved, so the name alone decides there: calls of one
 * name on one line are told together.
 */
function callAt(findings: Findings, spot: Spot, word: Word): CallPlace | undefined {
  const onLine = findings.callsIn(spot.file).filter(({ site }) => site.line === spot.line + 1);
  const covering = onLine.filter(({ site }) => {
    const { start, end } = findings.columnsAt(site);
    return word.start < end && word.end > start;
  });
  const exact = covering.find(({ site, edges }) => {
    return site.column - 1 === word.start || edges.some((edge) => edge.callee === word.name);
  });
  const named = onLine.filter(({ edges }) => edges.some((edge) => edge.callee === word.name));
  const found = exact ?? named[0] ?? covering[0];
  if (found === undefined || found === exact || named.length < 2) return found;
  const edges = named.flatMap((each) => each.edges);
  return { ...found, edges, verdict: worst(edges.map((edge) => edge.verdict)) };
}

function bugsOn(findings: Findings, spot: Spot, line: number): readonly Outcome[] {
  return /\b(KVM_BUG_ON|KVM_BUG|WARN\w*)\b/.test(spot.text) ? findings.bugsAt(spot.file, line) : [];
}

function wordAt(text: string, character: number): Word | undefined {
  for (const match of text.matchAll(/[A-Za-z_]\w*/g)) {
    const [name] = match;
    const start = match.index;
    if (start <= character && character <= start + name.length) return { name, start, end: start + name.length };
  }
  return undefined;
}
