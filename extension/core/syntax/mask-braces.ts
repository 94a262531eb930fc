import type { Token } from './mask-lex';
import type { MaskText } from './mask-text';

/**
 * Closes braces that a function leaves open, as while it is being typed: a `}` in the first column ends a function, so
 * what is open then is closed before the function's last statement. Without this the grammar takes the rest of the file
 * for a part of that function. Only files that have more `{` than `}` are touched, and each function is a fault.
 */
export function closeBraces(
  mask: MaskText,
  tokens: readonly Token[],
): { tokens: readonly Token[]; faults: readonly { readonly at: number; readonly message: string }[] } {
  const faults: { at: number; message: string }[] = [];
  if (countBraces(tokens) <= 0) return { tokens, faults };
  const left: Token[] = [];
  let depth = 0;
  let outermost = 0;
  for (const token of tokens) {
    if (token.text === '{') {
      if (depth === 0) outermost = left.length;
      depth += 1;
    } else if (token.text === '}') {
      if (depth > 1 && isFirstInLine(mask, token)) {
        insertBraces(mask, left, outermost, depth - 1);
        faults.push({ at: token.start, message: 'a { before this } is not closed' });
        depth = 1;
      }
      depth = Math.max(0, depth - 1);
    }
    left.push(token);
  }
  return { tokens: left, faults };
}

function countBraces(tokens: readonly Token[]): number {
  let count = 0;
  for (const { kind, text } of tokens) if (kind === 'mark') count += text === '{' ? 1 : text === '}' ? -1 : 0;
  return count;
}

function isFirstInLine(mask: MaskText, token: Token): boolean {
  return token.start === 0 || mask.unit(token.start - 1) === 10;
}

/** Writes `count` braces into the indentation of the last statement whose indentation has room for them. */
function insertBraces(mask: MaskText, left: Token[], from: number, count: number): void {
  for (let i = left.length - 1; i > from; i--) {
    const statement = left[i];
    if (statement === undefined || !/^[;{}]$/.test(left[i - 1]?.text ?? '')) continue;
    let start = statement.start;
    while (start > statement.start - count && isLayout(mask.unit(start - 1))) start -= 1;
    if (start > statement.start - count) continue;
    mask.rewrite('other', start, statement.start, '}'.repeat(count));
    const braces: Token[] = [];
    for (let at = start; at < statement.start; at++) braces.push({ kind: 'mark', start: at, end: at + 1, text: '}' });
    left.splice(i, 0, ...braces);
    return;
  }
}

function isLayout(unit: number): boolean {
  return unit === 32 || unit === 9;
}
