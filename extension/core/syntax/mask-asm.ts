import { closing } from './mask-attributes';
import type { Token } from './mask-lex';
import type { MaskText } from './mask-text';

const ASM = new Set(['asm', '__asm__', '__asm']);

/** `asm`, `__asm__`, and macros in their manner (`asm_inline`, `asm_volatile_goto`) whose first argument is a template. */
function isAsm(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index];
  if (token?.kind !== 'word') return false;
  const { text } = token;
  if (ASM.has(text)) return true;
  return (
    text.startsWith('asm_') &&
    /^asm_\w+$/.test(text) &&
    (/^(?:volatile|goto)$/.test(tokens[index + 1]?.text ?? '') || tokens[index + 2]?.kind === 'string')
  );
}

/**
 * Makes each asm statement a call of its operands' expressions, outputs first; templates, constraints and clobbers
 * are blanked. Returns the tokens with those of an asm statement replaced by the call's.
 */
export function rewriteAsm(mask: MaskText, tokens: readonly Token[]): Token[] {
  const left: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === undefined) break;
    if (!isAsm(tokens, i)) {
      left.push(token);
      continue;
    }
    let open = i + 1;
    while (/^(?:volatile|__volatile__|goto|inline|__inline)$/.test(tokens[open]?.text ?? '')) open += 1;
    if (tokens[open]?.text !== '(') {
      left.push(token);
      continue;
    }
    const close = closing(tokens, open);
    const end = tokens[close]?.end ?? token.end;
    const operands = operandsOf(tokens, open, close);
    const source = mask.source;
    const outputs = operands.filter((operand) => operand.section === 1).length;
    mask.rewrite('asm', token.start, end, '', outputs);
    // The name needs three units, the least that `asm` has.
    mask.write(token.start, '_a_');
    const parenAt = Math.max(token.start + 3, token.end);
    mask.write(parenAt, '(');
    left.push(
      { kind: 'word', start: token.start, end: token.start + 3, text: '_a_' },
      { kind: 'mark', start: parenAt, end: parenAt + 1, text: '(' },
    );
    for (const [index, operand] of operands.entries()) {
      mask.write(operand.start, source.slice(operand.start, operand.end));
      if (index > 0) mask.write(operand.start - 1, ',');
      if (index > 0) left.push({ kind: 'mark', start: operand.start - 1, end: operand.start, text: ',' });
      left.push(...tokens.slice(operand.from, operand.to));
    }
    mask.write(end - 1, ')');
    left.push({ kind: 'mark', start: end - 1, end, text: ')' });
    i = close;
  }
  return left;
}

interface Operand {
  readonly section: number;
  /** Of the parenthesised expression, parentheses included. */
  readonly start: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
}

/** `"=r" (x)` in the sections after the first (outputs) and second (inputs) colon. Macros as operands are passed over. */
function operandsOf(tokens: readonly Token[], open: number, close: number): Operand[] {
  const operands: Operand[] = [];
  let section = 0;
  for (let i = open + 1; i < close; i++) {
    const token = tokens[i];
    if (token === undefined) break;
    if (token.text === ':') section += 1;
    else if (token.text === '::') section += 2;
    else if (token.text === '(') {
      const end = closing(tokens, i);
      const before = tokens[i - 1];
      const last = tokens[end];
      const ends = tokens[end + 1]?.text;
      if (
        (section === 1 || section === 2) &&
        before?.kind === 'string' &&
        last !== undefined &&
        /^[,:)]|::$/.test(ends ?? '')
      ) {
        operands.push({ section, start: token.start, end: last.end, from: i, to: end + 1 });
      }
      i = end;
    } else if (token.text === '[') i = closing(tokens, i);
  }
  return operands;
}
