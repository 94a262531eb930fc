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

// Sticky, so that one scan is linear; a unit that fits nothing is a mark.
const TOKEN =
  /\s+|([A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*)|(\.?\d(?:[eEpP][+-]|[\w.])*)|((?:"(?:\\[\s\S]|[^"\\\n])*"?)|(?:'(?:\\[\s\S]|[^'\\\n])*'?))|(\.\.\.|->|##|::|[\s\S])/y;

/** The tokens of a text without comments and directives. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const [all, word, number, string, mark] = match;
    const end = TOKEN.lastIndex;
    const start = end - all.length;
    if (word !== undefined) tokens.push({ kind: 'word', start, end, text: word });
    else if (number !== undefined) tokens.push({ kind: 'number', start, end, text: number });
    else if (string !== undefined) tokens.push({ kind: 'string', start, end, text: string });
    else if (mark !== undefined) tokens.push({ kind: 'mark', start, end, text: mark });
    if (end >= text.length) break;
  }
  return tokens;
}
