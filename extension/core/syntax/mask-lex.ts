import type { MaskText } from './mask-text';

export type TokenKind = 'word' | 'number' | 'string' | 'mark';

/** `[start, end)` of the text; `text` as written. Marks are one unit long, but for `...`, `->`, `##` and `::`. */
export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A preprocessor line with its continuations: `[start, end)` from the `#` to before the line's break. */
export interface DirectiveLine {
  readonly start: number;
  readonly end: number;
}

export interface Layout {
  readonly directives: readonly DirectiveLine[];
  readonly faults: readonly { readonly at: number; readonly message: string }[];
}

const NEWLINE = 10;
const SLASH = 47;
const STAR = 42;
const BACKSLASH = 92;
const HASH = 35;
const DOUBLE_QUOTE = 34;
const SINGLE_QUOTE = 39;
const CARRIAGE_RETURN = 13;
const DOLLAR = 36;
const PLUS = 43;
const MINUS = 45;
const DOT = 46;
const COLON = 58;
const GREATER = 62;

/** Blanks comments and finds the directive lines. One pass over the units, strings and characters respected. */
export function readLayout(mask: MaskText): Layout {
  const source = mask.source;
  const directives: DirectiveLine[] = [];
  const faults: { at: number; message: string }[] = [];
  let lineIsBlank = true;
  let directive = -1;
  let i = 0;
  const endDirective = (end: number): void => {
    if (directive >= 0) directives.push({ start: directive, end });
    directive = -1;
  };
  while (i < source.length) {
    const unit = source.charCodeAt(i);
    if (unit === NEWLINE) {
      const before = source.charCodeAt(i - 1) === CARRIAGE_RETURN ? i - 2 : i - 1;
      if (source.charCodeAt(before) !== BACKSLASH) {
        endDirective(i);
        lineIsBlank = true;
      }
      i += 1;
    } else if (unit === SLASH && source.charCodeAt(i + 1) === STAR) {
      const close = source.indexOf('*/', i + 2);
      if (close < 0) faults.push({ at: i, message: 'a comment is not closed' });
      const end = close < 0 ? source.length : close + 2;
      mask.blank(i, end);
      i = end;
    } else if (unit === SLASH && source.charCodeAt(i + 1) === SLASH) {
      const end = endOfLineComment(source, i);
      mask.blank(i, end);
      i = end;
    } else if (unit === HASH && lineIsBlank) {
      directive = i;
      lineIsBlank = false;
      i += 1;
    } else if (unit === DOUBLE_QUOTE || unit === SINGLE_QUOTE) {
      lineIsBlank = false;
      i = endOfLiteral(source, i, unit);
    } else {
      if (unit !== 32 && unit !== 9 && unit !== CARRIAGE_RETURN) lineIsBlank = false;
      i += 1;
    }
  }
  endDirective(source.length);
  return { directives, faults };
}

/** Before the line's break; a line continued by a backslash takes the next one along. */
function endOfLineComment(source: string, start: number): number {
  let end = source.indexOf('\n', start);
  while (end >= 0) {
    const last = source.charCodeAt(end - 1) === CARRIAGE_RETURN ? end - 2 : end - 1;
    if (source.charCodeAt(last) !== BACKSLASH) return end;
    end = source.indexOf('\n', end + 1);
  }
  return source.length;
}

/** After the closing quote; a literal ends with its line at the latest (an apostrophe in `#error don't`). */
function endOfLiteral(source: string, start: number, quote: number): number {
  let i = start + 1;
  while (i < source.length) {
    const unit = source.charCodeAt(i);
    if (unit === BACKSLASH) i += 2;
    else if (unit === quote) return i + 1;
    else if (unit === NEWLINE) return i;
    else i += 1;
  }
  return source.length;
}

/** What a unit begins. */
const SPACE = 1;
const LETTER = 2;
const DIGIT = 3;
const QUOTE = 4;
const MARK = 5;
const CLASSES = new Uint8Array(128).map((_, unit) => classOfText(String.fromCharCode(unit)));

function classOfText(text: string): number {
  if (/\s/.test(text)) return SPACE;
  if (/[A-Za-z_$\u0080-\uffff]/.test(text)) return LETTER;
  if (/\d/.test(text)) return DIGIT;
  return /["']/.test(text) ? QUOTE : MARK;
}

function classOf(unit: number): number {
  return CLASSES[unit] ?? classOfText(String.fromCharCode(unit));
}

/** Letters, digits, and whatever is no ASCII. */
function isWordUnit(unit: number): boolean {
  const begins = CLASSES[unit] ?? LETTER;
  return begins === LETTER || begins === DIGIT;
}

/** The tokens of a text whose comments and directives are blank. A unit that fits nothing is a mark. */
export function tokenize(mask: MaskText): Token[] {
  const tokens: Token[] = [];
  const { source } = mask;
  for (let start = 0; start < source.length;) {
    const unit = mask.unit(start);
    const begins = classOf(unit);
    if (begins === SPACE) {
      start += 1;
      continue;
    }
    let kind: TokenKind = 'mark';
    let end = start + 1;
    if (begins === LETTER) {
      kind = 'word';
      end = endOfWord(mask, end);
    } else if (begins === DIGIT || (unit === DOT && classOf(mask.unit(end)) === DIGIT)) {
      kind = 'number';
      end = endOfNumber(mask, end);
    } else if (begins === QUOTE) {
      kind = 'string';
      end = endOfLiteral(source, start, unit);
    } else end = endOfMark(mask, start);
    tokens.push({ kind, start, end, text: source.slice(start, end) });
    start = end;
  }
  return tokens;
}

function endOfWord(mask: MaskText, from: number): number {
  let end = from;
  while (isWordUnit(mask.unit(end))) end += 1;
  return end;
}

/** A preprocessing number: also `1e+5`, `0x7fULL`, and what is no number. */
function endOfNumber(mask: MaskText, from: number): number {
  let end = from;
  for (;;) {
    const unit = mask.unit(end);
    const next = mask.unit(end + 1);
    if (isExponent(unit) && (next === PLUS || next === MINUS)) end += 2;
    else if (unit === DOT || (unit < 128 && unit !== DOLLAR && isWordUnit(unit))) end += 1;
    else return end;
  }
}

/** `e` and `p` in either case. */
function isExponent(unit: number): boolean {
  return (unit | 32) === 101 || (unit | 32) === 112;
}

/** Of `...`, `->`, `##`, `::`, or of one unit. */
function endOfMark(mask: MaskText, start: number): number {
  const [unit, next] = [mask.unit(start), mask.unit(start + 1)];
  if (unit === DOT) return next === DOT && mask.unit(start + 2) === DOT ? start + 3 : start + 1;
  const isPair = (unit === MINUS && next === GREATER) || ((unit === HASH || unit === COLON) && next === unit);
  return isPair ? start + 2 : start + 1;
}
