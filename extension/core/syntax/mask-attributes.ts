import type { Token } from './mask-lex';
import type { MaskText } from './mask-text';
import { attributeKind, takesArguments } from './mask-words';

/** Index of the token that closes the bracket at `open`, or the last index. The list must be complete. */
export function closing(tokens: readonly Token[], open: number): number {
  if (tokens !== paired) {
    partners = pairBrackets(tokens);
    paired = tokens;
  }
  return partners[open] ?? tokens.length - 1;
}

// Paired once per list, as a pass asks about one: looking for each partner anew takes time quadratic in the nesting.
let paired: readonly Token[] = [];
let partners: Int32Array = new Int32Array(0);

function pairBrackets(tokens: readonly Token[]): Int32Array {
  const partners = new Int32Array(tokens.length).fill(tokens.length - 1);
  const open: number[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token?.kind !== 'mark') continue;
    const { text } = token;
    if (text === '(' || text === '[' || text === '{') open.push(i);
    else if (text === ')' || text === ']' || text === '}') {
      const partner = open.pop();
      if (partner !== undefined) partners[partner] = i;
    }
  }
  return partners;
}

/**
 * Blanks attributes, and gives `inline` its standard spelling. Returns the tokens that stay.
 *
 * Beside the kernel's known words the shape decides: `__word(...)` after the `)` of a function's parameters and
 * before its `{` or `;` is an annotation, whatever its name.
 */
export function blankAttributes(mask: MaskText, tokens: readonly Token[]): Token[] {
  const left: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === undefined) break;
    if (token.kind !== 'word') {
      left.push(token);
      continue;
    }
    const text = token.text;
    const kind = attributeKind(text);
    if (kind === 'inline') {
      mask.rewrite('other', token.start, token.end, 'inline');
      left.push({ ...token, text: 'inline' });
    } else if (kind === 'qualifier') {
      mask.rewrite('other', token.start, token.end, text.includes('volatile') ? 'volatile' : '');
    } else if (takesArguments(kind) && tokens[i + 1]?.text === '(') {
      const close = closing(tokens, i + 1);
      mask.rewrite('attribute', token.start, tokens[close]?.end ?? token.end, '');
      i = close;
    } else if (kind === 'plain' || kind === 'either') {
      mask.rewrite('attribute', token.start, token.end, '');
    } else if (text.startsWith('__') && left.at(-1)?.text === ')' && annotates(tokens, i)) {
      const close = tokens[i + 1]?.text === '(' ? closing(tokens, i + 1) : i;
      mask.rewrite('attribute', token.start, tokens[close]?.end ?? token.end, '');
      i = close;
    } else left.push(token);
  }
  return left;
}

/** `) __word {`, `) __a __b(...) {`, `) __word;`: after a parameter list, before a body or a prototype's end. */
function annotates(tokens: readonly Token[], index: number): boolean {
  let at = index;
  for (let words = 0; words < MOST_ANNOTATIONS; words++) {
    const hasArguments = tokens[at + 1]?.text === '(';
    const next = tokens[(hasArguments ? closing(tokens, at + 1) : at) + 1];
    if (next?.text.startsWith('__') !== true) return next?.text === '{' || (next?.text === ';' && !hasArguments);
    at = (hasArguments ? closing(tokens, at + 1) : at) + 1;
  }
  return false;
}

/** Of one function; a longer row is none of annotations. */
const MOST_ANNOTATIONS = 16;
