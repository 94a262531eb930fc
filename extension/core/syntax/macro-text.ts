import { foldSpace } from './lower-context';
import type { Define } from './masked';

/** Macro calls and bodies as text: what can be said of them without a syntax tree. */
export interface MacroCall {
  readonly name: string;
  /** Offset of the name in the text that was read. */
  readonly nameStart: number;
  /** Arguments as written, without comments, white space folded; `[]` for `f()`. */
  readonly args: readonly string[];
  /** Offset behind the closing parenthesis. */
  readonly end: number;
}

/** The macro call that a text begins with, `static`, attributes and the like passed over; `undefined`: it begins with none. */
export function readMacroCall(text: string, from = 0): MacroCall | undefined {
  const head = /\s*(?:[A-Za-z_]\w*\s+)*([A-Za-z_]\w*)\s*\(/y;
  head.lastIndex = from;
  const match = head.exec(text);
  const name = match?.[1];
  if (match === null || name === undefined) return undefined;
  const open = head.lastIndex;
  const args: string[] = [];
  let start = open;
  let depth = 1;
  const pattern = new RegExp(TOKEN);
  pattern.lastIndex = open;
  for (let token = pattern.exec(text); token !== null; token = pattern.exec(text)) {
    if (opens(token[0])) depth += 1;
    else if (closes(token[0])) depth -= 1;
    const isComma = depth === 1 && token[0] === ',';
    if (!isComma && depth > 0) continue;
    args.push(foldSpace(text.slice(start, token.index)));
    start = token.index + 1;
    if (isComma) continue;
    const nameStart = from + match[0].lastIndexOf(name);
    return { name, nameStart, args: args.length === 1 && args[0] === '' ? [] : args, end: start };
  }
  return undefined;
}

/** Words, marks, and strings and comments as a whole. */
const TOKEN = /"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|\/\*[\s\S]*?\*\/|\/\/[^\n]*|\w+|##|\S/g;

/**
 * A macro's body as C that parses, unit for unit: `#x` becomes a string of that length, `, ##__VA_ARGS__` loses its
 * `##`. `undefined` if names are pasted or brackets do not pair: such a body is no C by itself.
 */
export function bodyAsC(body: string): string | undefined {
  const open: string[] = [];
  let text = '';
  let reached = 0;
  let before = '';
  const pattern = new RegExp(TOKEN);
  for (let match = pattern.exec(body); match !== null; match = pattern.exec(body)) {
    const token = match[0];
    if (token === '##') {
      if (before !== ',') return undefined;
      text += `${body.slice(reached, match.index)}  `;
      reached = pattern.lastIndex;
    } else if (token === '#') {
      const word = /^\s*\w+/.exec(body.slice(pattern.lastIndex))?.[0];
      if (word === undefined) return undefined;
      text += `${body.slice(reached, match.index)}"${'_'.repeat(word.length - 1)}"`;
      reached = pattern.lastIndex + word.length;
      pattern.lastIndex = reached;
    } else if (opens(token)) open.push(token);
    else if (closes(token) && !isPair(open.pop(), token)) return undefined;
    before = token;
  }
  return open.length === 0 ? text + body.slice(reached) : undefined;
}

function opens(token: string): boolean {
  return token === '(' || token === '[' || token === '{';
}

function closes(token: string): boolean {
  return token === ')' || token === ']' || token === '}';
}

function isPair(open: string | undefined, close: string): boolean {
  return (open === '(' && close === ')') || (open === '[' && close === ']') || (open === '{' && close === '}');
}

/** A macro's body cut at its parameters: texts, and what stands for an argument. */
export type BodyPieces = readonly (string | Parameter)[];

interface Parameter {
  readonly index: number;
  /** It takes all arguments from its own on. */
  readonly isRest: boolean;
  /** `#x`: the argument as a string. */
  readonly quoted: boolean;
}

/** The body with its parameters replaced by arguments; `#x` a string, `a##b` one word. */
export function substitute(define: Define, args: readonly string[]): string {
  return filled(bodyPieces(define), args);
}

/** What `filled()` needs of a macro. */
export function bodyPieces({ params = [], body }: Define): BodyPieces {
  const named = new Map<string, { index: number; isRest: boolean }>();
  for (const [index, param] of params.entries()) {
    const name = param === '...' ? '__VA_ARGS__' : param.replace(/\s*\.\.\.$/, '');
    named.set(name, { index, isRest: param.endsWith('...') });
  }
  const pieces: (string | Parameter)[] = [];
  const pattern = /"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|\s*##\s*|#\s*(\w+)|\b[A-Za-z_]\w*\b/g;
  let reached = 0;
  for (let match = pattern.exec(body); match !== null; match = pattern.exec(body)) {
    const quoted = match[1] !== undefined;
    const param = named.get(match[1] ?? match[0]);
    if (param === undefined && (quoted || match[0].trim() !== '##')) continue;
    pieces.push(body.slice(reached, match.index));
    if (param !== undefined) pieces.push({ ...param, quoted });
    reached = pattern.lastIndex;
  }
  pieces.push(body.slice(reached));
  return pieces;
}

export function filled(pieces: BodyPieces, args: readonly string[]): string {
  let text = '';
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      text += piece;
      continue;
    }
    const value = piece.isRest ? args.slice(piece.index).join(', ') : (args[piece.index] ?? '');
    text += piece.quoted ? `"${value.replace(/["\\]/g, '\\$&')}"` : value;
  }
  return text;
}
