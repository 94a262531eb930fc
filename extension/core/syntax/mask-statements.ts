import { closing } from './mask-attributes';
import type { Token } from './mask-lex';
import { type Positions, readPositions } from './mask-positions';
import type { MaskText } from './mask-text';
import { isAlignof, isConditionKeyword, isControlKeyword, isTypeKeyword, isTypeof } from './mask-words';

/**
 * Rewrites what only macros make possible inside function bodies and expressions: loop macros, type arguments, case
 * ranges, label macros, template names, a trailing comma. Works on the tokens that earlier passes left.
 */
export function rewriteStatements(mask: MaskText, tokens: readonly Token[]): void {
  const positions = readPositions(tokens);
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === undefined) break;
    if (token.kind === 'word') rewriteWord(mask, tokens, i, token, positions);
    // `"r"(x)`: an asm operand as a macro's argument.
    else if (token.kind === 'string' && tokens[i + 1]?.text === '(') mask.rewrite('other', token.start, token.end, '');
    // `3DNOW` as a macro's argument.
    else if (token.kind === 'number' && /^\d+[A-Za-z_]\w*$/.test(token.text) && !isNumber(token.text))
      mask.rewrite('other', token.start, token.start + 1, '_');
    else if (token.text === '...' && positions.inCase[i] === 1)
      mask.rewrite('case-range', token.start, token.end, '|| ');
    else if (token.text === ',' && tokens[i + 1]?.text === ')') mask.rewrite('other', token.start, token.end, '');
  }
}

function isNumber(text: string): boolean {
  return /^(?:0[xX][\da-fA-F]+|0[bB][01]+|\d+)(?:[uU]|[lL]{1,2}|[uU][lL]{1,2}|[lL]{1,2}[uU])?$|^[\d.]+(?:[eE][+-]?\d+)?[fFlL]?$/.test(
    text,
  );
}

function rewriteWord(mask: MaskText, tokens: readonly Token[], i: number, token: Token, positions: Positions): void {
  if (tokens[i + 1]?.text !== '(') {
    // `static DEFINE_MUTEX(lock);` declares by macro: without `static` it is a call as `DECLARE_BITMAP(map, 64);` is.
    const declares = token.text === 'static' && tokens[i + 1]?.kind === 'word' && tokens[i + 2]?.text === '(';
    if (declares && positions.inBody[i] === 1 && tokens[closing(tokens, i + 2) + 1]?.text === ';')
      mask.rewrite('other', token.start, token.end, '');
    if (token.text === '__alignof__' || token.text === '_Alignof')
      mask.rewrite('other', token.start, token.end, 'alignof_');
    return;
  }
  const close = closing(tokens, i + 1);
  const namesType = isTypeof(token.text);
  if (namesType || token.text === 'FNAME') {
    const last = tokens[close];
    if (last?.text !== ')') return;
    const kind = namesType ? 'type-argument' : 'template-name';
    mask.rewrite(kind, token.start, last.end, asWord(mask.source.slice(token.start, last.end)));
    return;
  }
  if (token.text === 'offsetof' || token.text === '__builtin_offsetof')
    mask.rewrite('other', token.start, token.end, asWord('offset_f'));
  if (isAlignof(token.text)) mask.rewrite('other', token.start, token.end, 'align_f');
  if (isControlKeyword(token.text) || positions.inBody[i] === 0) return;
  if (positions.beginsStatement[i] === 1) {
    const next = tokens[close + 1];
    if (isLoopHead(tokens, close + 1) && token.text.length >= 5) {
      mask.rewrite('loop', token.start, token.end, 'while');
      if (close === i + 2) mask.note('other', token.end, token.end);
    } else if (next?.text === ':' && tokens[close + 2]?.text !== ':') {
      const end = tokens[close]?.end ?? token.end;
      mask.rewrite('label-macro', token.start, end, `case _${asWord(mask.source.slice(token.start, end)).slice(6)}`);
      return;
    } else if (next?.text === '}' && isInBlock(tokens, i, positions)) {
      mask.note('bare-call', token.start, token.end);
      for (const [at, mark] of [
        [tokens[i + 1]?.start ?? 0, close === i + 2 ? ' ' : ','],
        [tokens[close]?.start ?? 0, ';'],
      ] as const)
        mask.rewrite('other', at, at + 1, mark);
    }
  }
  rewriteTypeArguments(mask, tokens, i + 1, close);
}

/** A body or a statement follows the parentheses where an operator or a `;` would if it were a call. */
function isLoopHead(tokens: readonly Token[], index: number): boolean {
  const next = tokens[index];
  if (next === undefined) return false;
  // `(void)f(x)` as a loop's body.
  if (next.text === '(' && tokens[index + 1]?.text === 'void' && tokens[index + 2]?.text === ')') return true;
  // A product whose value is dropped is none: `for_each_x(p) *(u64 *)q += 1;`.
  return next.text === '{' || next.kind === 'word' || next.text === '*';
}

/** What begins a statement at `i` does: it stands behind another one, or first in a block (in an initialiser it does not). */
function isInBlock(tokens: readonly Token[], i: number, { opened }: Positions): boolean {
  const before = tokens[i - 1]?.text;
  if (before !== '{') return before === ';' || before === '}';
  if (/^(?:else|do)$/.test(tokens[i - 2]?.text ?? '')) return true;
  const head = tokens[(opened[i - 2] ?? -1) - 1];
  return head?.kind === 'word' && (isConditionKeyword(head.text) || !isControlKeyword(head.text));
}

/** Arguments that are types become words of the same length: `struct foo *`, `unsigned long`, `u8 *`. */
function rewriteTypeArguments(mask: MaskText, tokens: readonly Token[], open: number, close: number): void {
  let from = open + 1;
  for (let i = open + 1; i <= close; i++) {
    const text = tokens[i]?.text;
    if (text === ',' || i === close) {
      if (isType(tokens, from, i)) {
        const first = tokens[from];
        const last = tokens[i - 1];
        if (first !== undefined && last !== undefined) {
          mask.rewrite('type-argument', first.start, last.end, asWord(mask.source.slice(first.start, last.end)));
        }
      }
      from = i + 1;
    } else if (text === '(' || text === '[' || text === '{') i = closing(tokens, i);
  }
}

function isType(tokens: readonly Token[], from: number, to: number): boolean {
  const first = tokens[from];
  if (first?.kind !== 'word' || from >= to) return false;
  let end = to;
  while (end > from && tokens[end - 1]?.text === '*') end -= 1;
  for (let i = from; i < end; i++) if (tokens[i]?.kind !== 'word') return false;
  return isTypeKeyword(first.text) || (end < to && end === from + 1);
}

function asWord(text: string): string {
  return text.replace(/[^\w\n]/g, '_');
}
