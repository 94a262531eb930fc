import type { Token } from './mask-lex';
import type { MaskText } from './mask-text';

/** So many operators without an operand within so many tokens are no C: a product whose operand was not typed yet is one. */
const MOST = 200;
const WINDOW = 800;

/**
 * Blanks operators that stand without an operand, if they come in hundreds: on such a text the parsing engine takes
 * time that grows with the square of its length, and breaks down at last. Returns the tokens that stay and the fault.
 */
export function blankGarbage(
  mask: MaskText,
  tokens: readonly Token[],
): { tokens: readonly Token[]; faults: readonly { readonly at: number; readonly message: string }[] } {
  const stray: number[] = [];
  let isGarbage = false;
  for (let i = 0; i < tokens.length; i++) {
    if (!isStray(tokens, i)) continue;
    stray.push(i);
    isGarbage ||= i - (stray.at(-MOST) ?? -Infinity) < WINDOW;
  }
  const first = tokens[stray[0] ?? 0];
  if (!isGarbage || first === undefined) return { tokens, faults: [] };
  const dropped = new Set(stray.flatMap((index) => (isDoubled(tokens, index) ? [index - 1, index] : [index])));
  for (const index of dropped) {
    const token = tokens[index];
    if (token !== undefined) mask.rewrite('other', token.start, token.end, '');
  }
  return {
    tokens: tokens.filter((_, index) => !dropped.has(index)),
    faults: [{ at: first.start, message: `not C: ${stray.length} operators without an operand` }],
  };
}

const PREFIXES = new Set(['-', '+', '*', '&', '!', '~', 'sizeof']);
/** With these no operand begins. */
const NO_OPERAND = new Set(['=', ',', ')', '}', ']', ';', '.', '?', ':']);

/** An operator before what no operand begins with; of `x++` and of `int *` it is none. */
function isStray(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index];
  const next = tokens[index + 1];
  if (token === undefined || (token.kind !== 'mark' && token.text !== 'sizeof')) return false;
  const before = tokens[index - 1];
  if (token.text === '.') return before?.text === '=' && next?.kind === 'word';
  if (!PREFIXES.has(token.text)) return false;
  if (next !== undefined && !NO_OPERAND.has(next.text)) return false;
  if (next?.text === '=' && next.start === token.end) return false;
  if (token.text === '*') return before?.kind !== 'word' && before?.text !== '*';
  const operand = isDoubled(tokens, index) ? tokens[index - 2] : undefined;
  return operand === undefined || (operand.kind === 'mark' && operand.text !== ']');
}

/** The second half of `++` or `--`. */
function isDoubled(tokens: readonly Token[], index: number): boolean {
  const [before, token] = [tokens[index - 1], tokens[index]];
  return token !== undefined && /^[-+]$/.test(token.text) && before?.text === token.text && before.end === token.start;
}
