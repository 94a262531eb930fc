import type { MacroFact } from '../syntax/facts';
import { type BodyPieces, bodyPieces, filled } from '../syntax/macro-text';
import type { Define } from '../syntax/masked';

/** Macro expansion as text: enough to see which names a macro pastes and calls. */

/** The macro's text with arguments put in and `##` joined; `undefined` if it takes no arguments. */
export function expand(macro: MacroFact, args: readonly string[]): string | undefined {
  if (macro.params === undefined) return undefined;
  let known = pieces.get(macro);
  if (known === undefined) pieces.set(macro, (known = bodyPieces(defineOf(macro))));
  return filled(known, args);
}

const pieces = new WeakMap<MacroFact, BodyPieces>();

/** A macro as the directive that defines it. */
export function defineOf({ name, params, text }: MacroFact): Define {
  return { name, nameStart: 0, body: text, bodyStart: 0, ...(params === undefined ? {} : { params }) };
}

export interface TextCall {
  readonly name: string;
  readonly args: readonly string[];
  /**
   * The call stands behind `.` or `->`: it goes through a field of that name. The names of what it is a field of,
   * outermost first (`c->ops->f()`: `c`, `ops`); `[]` if it is no plain row of fields.
   */
  readonly receiver?: readonly string[];
  /** What the call gives is called in turn, with these arguments: `PASTE(x)(args)`. */
  readonly called?: readonly string[];
}

const KEYWORDS = new Set([
  'if',
  'while',
  'for',
  'switch',
  'return',
  'sizeof',
  'typeof',
  '__typeof__',
  'defined',
  'do',
  'else',
  '__attribute__',
  'asm',
  '_Generic',
  'case',
  'goto',
]);

/** Every `name(args)` in a piece of C, nested ones included. Strings are skipped. */
export function callsIn(text: string): TextCall[] {
  const found: TextCall[] = [];
  const pattern = /"(?:[^"\\]|\\.)*"|(->|\.)?\s*\b([A-Za-z_]\w*)\s*\(/g;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const name = match[2];
    if (name === undefined || KEYWORDS.has(name)) continue;
    const { args, end } = readArguments(text, pattern.lastIndex);
    const again = /\s*\(/y;
    again.lastIndex = end;
    const called = again.test(text) ? { called: argumentsAt(text, again.lastIndex) } : {};
    const receiver = match[1] === undefined ? {} : { receiver: receiverBefore(text, match.index) };
    found.push({ name, args, ...receiver, ...called });
  }
  return found;
}

function receiverBefore(text: string, end: number): readonly string[] {
  const row = /(?:\(\s*([A-Za-z_]\w*)\s*\)|([A-Za-z_]\w*))((?:\s*(?:->|\.)\s*[A-Za-z_]\w*)*)\s*$/.exec(
    text.slice(Math.max(0, end - LONGEST_RECEIVER), end),
  );
  if (row === null) return [];
  return [row[1] ?? row[2] ?? '', ...[...(row[3] ?? '').matchAll(/\w+/g)].map(([name]) => name)];
}

/** Units of text that a row of fields may take. */
const LONGEST_RECEIVER = 120;

/** The arguments of a call whose opening parenthesis ends at `from`. */
export function argumentsAt(text: string, from: number): string[] {
  return readArguments(text, from).args;
}

/** The arguments of such a call; `end`: behind the closing parenthesis. */
export function readArguments(text: string, from: number): { args: string[]; end: number } {
  const args: string[] = [];
  let depth = 0;
  let start = from;
  const pattern = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)+'|[()[\]{},]/g;
  pattern.lastIndex = from;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const c = match[0];
    if (c === '(' || c === '{' || c === '[') depth++;
    else if (depth > 0 && (c === ')' || c === '}' || c === ']')) depth--;
    else if (depth === 0 && (c === ')' || c === ',')) {
      args.push(text.slice(start, match.index).trim());
      if (c === ')') return { args: args.length === 1 && args[0] === '' ? [] : args, end: pattern.lastIndex };
      start = match.index + 1;
    }
  }
  return { args, end: text.length };
}
