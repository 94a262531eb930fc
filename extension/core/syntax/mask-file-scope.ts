import { closing } from './mask-attributes';
import type { Token } from './mask-lex';
import type { MaskText } from './mask-text';

/**
 * Blanks macro calls that stand where a declaration is expected: `module_init(f);`, `EXPORT_SYMBOL(f);`,
 * `KVM_X86_OP(x)`, `static DEFINE_MUTEX(m);`, with or without a semicolon. Returns the tokens that stay.
 *
 * The shape decides: a name, at file scope the first of its item (but for `static` and `extern`), with parentheses
 * behind which neither a body nor a declarator goes on. Within a struct the same shape is a field-making macro.
 */
export function blankFileScopeCalls(mask: MaskText, tokens: readonly Token[]): Token[] {
  const left: Token[] = [];
  let i = 0;
  while (i < tokens.length) {
    const call = macroCall(tokens, i);
    if (call !== undefined) {
      const first = tokens[i];
      const last = tokens[call];
      if (first !== undefined && last !== undefined) mask.rewrite('file-scope-call', first.start, last.end, '');
      i = call + 1;
      continue;
    }
    const end = endOfItem(tokens, i);
    pushItem(mask, tokens, i, end, left);
    i = end + 1;
  }
  return left;
}

const LINKAGE = new Set(['static', 'extern', 'inline']);

/** Index of the last token of the macro call that begins at `start`, its `;` included; `undefined`: it is none. */
function macroCall(tokens: readonly Token[], start: number): number | undefined {
  let name = start;
  while (LINKAGE.has(tokens[name]?.text ?? '')) name += 1;
  const word = tokens[name];
  if (word?.kind !== 'word' || tokens[name + 1]?.text !== '(') return undefined;
  if (word.text === 'typeof' || word.text === '__typeof__') return undefined;
  if (word.text === '_Static_assert' || word.text === 'static_assert') return endOfItem(tokens, start);
  const close = closing(tokens, name + 1);
  const next = tokens[close + 1];
  if (next === undefined) return close;
  if (next.text === ';') return close + 1;
  // `FNAME(walk)(...)`: a template's function; `NAME(x) {`: a body follows; `NAME(x) = ...`: a variable's initialiser.
  if (next.text === '(' || next.text === '{') return undefined;
  if (next.text === '=' || next.text === '[') return endOfItem(tokens, start);
  // `FOP_FUNC(f) "asm text" FOP_RET(f) FOP_END;`: assembler, to the end of the item.
  if (next.kind === 'string') return endOfItem(tokens, start);
  return next.kind === 'word' ? close : undefined;
}

/** The last token of the item that begins at `start`: its `;`, or the `}` of a function's body. */
function endOfItem(tokens: readonly Token[], start: number): number {
  for (let i = start; i < tokens.length; i++) {
    const text = tokens[i]?.text;
    if (text === ';') return i;
    if (text === '(' || text === '[') i = closing(tokens, i);
    else if (text === '{') {
      const close = closing(tokens, i);
      const before = tokens[i - 1]?.text;
      // A body ends the item; an initialiser, a struct or an enum goes on to its `;`.
      if (before === ')' && tokens[close + 1]?.text !== ';') return close;
      if (before === ')' && !hasAssignment(tokens, start, i)) return close;
      i = close;
    }
  }
  return tokens.length - 1;
}

function hasAssignment(tokens: readonly Token[], from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (tokens[i]?.text === '=') return true;
  return false;
}

/** Copies an item; directly in a struct's body macro calls that make fields are blanked. */
function pushItem(mask: MaskText, tokens: readonly Token[], start: number, end: number, left: Token[]): void {
  /** For each open brace whether it is a struct's or a union's. */
  const braces: boolean[] = [];
  for (let i = start; i <= end; i++) {
    const token = tokens[i];
    if (token === undefined) break;
    if (token.kind === 'mark') {
      if (token.text === '{') braces.push(opensStruct(tokens, start, i));
      else if (token.text === '}') braces.pop();
    }
    if (braces.at(-1) === true && token.kind === 'word' && tokens[i + 1]?.text === '(') {
      const close = closing(tokens, i + 1);
      const before = left.at(-1);
      const end = tokens[close + 1];
      if (end?.text === ';' && /^[{;}]$/.test(before?.text ?? '') && token.text !== 'struct_group') {
        mask.rewrite('other', token.start, end.end, '');
        i = close + 1;
        continue;
      }
      const [name, last] = [tokens[i + 2], tokens[close]];
      // `u8 HINT(name);`: the macro names the field, or deters from using it.
      if (
        end?.text === ';' &&
        before?.kind === 'word' &&
        name?.kind === 'word' &&
        last !== undefined &&
        close === i + 3
      ) {
        mask.rewrite('other', token.start, name.start, '');
        mask.rewrite('other', last.start, last.end, '');
        left.push(name);
        i = close;
        continue;
      }
    }
    left.push(token);
  }
}

/** `struct name {`, `union {`: the item is a type's definition so far. */
function opensStruct(tokens: readonly Token[], start: number, brace: number): boolean {
  const before = tokens[brace - 1]?.text ?? '';
  const twoBefore = tokens[brace - 2]?.text ?? '';
  return brace >= start && (/^(?:struct|union)$/.test(before) || /^(?:struct|union)$/.test(twoBefore));
}
