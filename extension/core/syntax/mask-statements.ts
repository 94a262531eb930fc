import { closing } from './mask-attributes';
import type { Token } from './mask-lex';
import type { MaskText } from './mask-text';
import { isControlKeyword, isTypeKeyword } from './mask-words';

/**
 * Rewrites what only macros make possible inside function bodies and expressions: loop macros, type arguments, case
 * ranges, label macros, template names, a trailing comma. Works on the tokens that earlier passes left.
 */
export function rewriteStatements(mask: MaskText, tokens: readonly Token[]): void {
  const scopes = functionScopes(tokens);
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === undefined) break;
    if (token.kind === 'word') rewriteWord(mask, tokens, i, token, scopes);
    // `"r"(x)`: an asm operand as a macro's argument.
    else if (token.kind === 'string' && tokens[i + 1]?.text === '(') mask.rewrite('other', token.start, token.end, '');
    // `3DNOW` as a macro's argument.
    else if (token.kind === 'number' && /^\d+[A-Za-z_]\w*$/.test(token.text) && !isNumber(token.text))
      mask.rewrite('other', token.start, token.start + 1, '_');
    else if (token.text === '...' && inCase(tokens, i)) mask.rewrite('case-range', token.start, token.end, '|| ');
    else if (token.text === ',' && tokens[i + 1]?.text === ')') mask.rewrite('other', token.start, token.end, '');
  }
}

function isNumber(text: string): boolean {
  return /^(?:0[xX][\da-fA-F]+|0[bB][01]+|\d+)(?:[uU]|[lL]{1,2}|[uU][lL]{1,2}|[lL]{1,2}[uU])?$|^[\d.]+(?:[eE][+-]?\d+)?[fFlL]?$/.test(
    text,
  );
}

/** Returns the index of the last token that it took: those of a name or type that became one word are done. */
function rewriteWord(mask: MaskText, tokens: readonly Token[], i: number, token: Token, inBody: Uint8Array): number {
  const open = tokens[i + 1]?.text === '(';
  if (!open) {
    if (token.text === '__alignof__' || token.text === '_Alignof')
      mask.rewrite('other', token.start, token.end, 'alignof_');
    return i;
  }
  const close = closing(tokens, i + 1);
  const isTypeof = /^(?:typeof|__typeof__|typeof_unqual|__typeof)$/.test(token.text);
  if (isTypeof || token.text === 'FNAME') {
    const last = tokens[close];
    if (last?.text !== ')') return i;
    const kind = isTypeof ? 'type-argument' : 'template-name';
    mask.rewrite(kind, token.start, last.end, asWord(mask.source.slice(token.start, last.end)));
    return close;
  }
  if (token.text === 'offsetof' || token.text === '__builtin_offsetof')
    mask.rewrite('other', token.start, token.end, asWord('offset_f'));
  if (/^(?:__alignof__|_Alignof|alignof)$/.test(token.text)) mask.rewrite('other', token.start, token.end, 'align_f');
  if (isControlKeyword(token.text) || inBody[i] === 0) return i;
  if (beginsStatement(tokens, i)) {
    const next = tokens[close + 1];
    if (isLoopHead(tokens, close + 1) && token.text.length >= 5) {
      mask.rewrite('loop', token.start, token.end, 'while');
      if (close === i + 2) mask.note('other', token.end, token.end);
    } else if (next?.text === ':' && tokens[close + 2]?.text !== ':') {
      const end = tokens[close]?.end ?? token.end;
      mask.rewrite('label-macro', token.start, end, `case _${asWord(mask.source.slice(token.start, end)).slice(6)}`);
      return i;
    }
  }
  rewriteTypeArguments(mask, tokens, i + 1, close);
  return i;
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

function beginsStatement(tokens: readonly Token[], i: number): boolean {
  const before = tokens[i - 1]?.text;
  if (before === undefined) return false;
  if (/^[;{}]$/.test(before) || before === 'else' || before === 'do') return true;
  if (before === ':') return !inTernary(tokens, i - 1);
  return before === ')' && closesControl(tokens, i - 1);
}

/** The `)` ends the head of an `if`, `while`, `for`, `switch` or of a loop macro at a statement's start. */
function closesControl(tokens: readonly Token[], close: number): boolean {
  let depth = 0;
  for (let i = close; i >= 0; i--) {
    const text = tokens[i]?.text;
    if (text === ')' || text === ']' || text === '}') depth += 1;
    else if (text === '(' || text === '[' || text === '{') {
      depth -= 1;
      if (depth > 0) continue;
      const name = tokens[i - 1];
      if (name?.kind !== 'word') return false;
      if (/^(?:if|while|for|switch)$/.test(name.text)) return true;
      return !isControlKeyword(name.text) && beginsStatement(tokens, i - 1);
    }
  }
  return false;
}

/** A `?` stands before the `:` in the same statement. */
function inTernary(tokens: readonly Token[], colon: number): boolean {
  for (let i = colon - 1; i >= 0; i--) {
    const text = tokens[i]?.text ?? '';
    if (text === '?') return true;
    if (/^[;{}]$/.test(text) || text === 'case' || text === 'default') return false;
  }
  return false;
}

/** `...` between `case` and its `:`. */
function inCase(tokens: readonly Token[], index: number): boolean {
  for (let i = index - 1; i >= 0 && i > index - 200; i--) {
    const text = tokens[i]?.text ?? '';
    if (text === 'case') return true;
    if (/^[;{}]$/.test(text)) return false;
  }
  return false;
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
  const words = tokens.slice(from, end);
  if (words.some((token) => token.kind !== 'word')) return false;
  return isTypeKeyword(first.text) || (end < to && words.length === 1);
}

function asWord(text: string): string {
  return text.replace(/[^\w\n]/g, '_');
}

/**
 * For each token whether it lies where statements or expressions are: in a function's body or in an initialiser, but
 * not in a struct's or in a parameter list, where `name(struct x *)` declares.
 */
function functionScopes(tokens: readonly Token[]): Uint8Array {
  const inside = new Uint8Array(tokens.length);
  const stack: boolean[] = [];
  for (const [i, token] of tokens.entries()) {
    if (token.text === '{') {
      const before = tokens[i - 1]?.text ?? '';
      const outer = stack.at(-1) ?? false;
      const twoBefore = tokens[i - 2]?.text ?? '';
      const type = /^(?:struct|union|enum)$/.test(before) || /^(?:struct|union|enum)$/.test(twoBefore);
      stack.push(outer || !type);
    } else if (token.text === '}') stack.pop();
    inside[i] = stack.at(-1) === true ? 1 : 0;
  }
  return inside;
}
