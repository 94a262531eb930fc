import type { Token } from './mask-lex';
import type { Conditional } from './mask-directives';
import type { MaskText } from './mask-text';
import type { Branch } from './masked';
import { referenceValue } from './mask-condition';

/** Where a token stands: the brackets that are open before it. */
interface Depths {
  readonly braces: Int32Array;
  readonly parens: Int32Array;
}

/**
 * Keeps every branch of an `#if` whose text stands on its own, and one branch where they split a statement (an
 * expression, a function's head, an `else`); the others are blanked. Returns all branches and the tokens that stay.
 *
 * @param conditionals inner ones before the outer ones
 */
export function settleBranches(
  mask: MaskText,
  conditionals: readonly Conditional[],
  tokens: readonly Token[],
): { branches: Branch[]; tokens: readonly Token[] } {
  const branches: Branch[] = [];
  let left: readonly Token[] = tokens;
  let depths = openBrackets(left);
  for (const conditional of conditionals) {
    const kept = splits(conditional, left, depths) ? chosenArm(conditional) : undefined;
    const dropped: { start: number; end: number }[] = [];
    for (const [index, arm] of conditional.arms.entries()) {
      const drop = kept !== undefined && index !== kept;
      const chosen = index === kept ? ({ chosen: true } as const) : {};
      branches.push({ start: arm.start, end: arm.end, when: arm.when, dropped: drop, ...chosen });
      if (!drop) continue;
      mask.blank(arm.start, arm.end);
      dropped.push(arm);
    }
    if (dropped.length > 0) {
      left = left.filter((token) => !dropped.some((arm) => token.start >= arm.start && token.start < arm.end));
      depths = openBrackets(left);
    }
  }
  branches.sort((a, b) => a.start - b.start || b.end - a.end);
  return { branches, tokens: left };
}

/** The first arm that the reference configuration does not switch off; -1: none, all are dropped. */
function chosenArm({ arms }: Conditional): number {
  return arms.findIndex((arm) => referenceValue(arm.when) !== false);
}

function splits({ arms }: Conditional, tokens: readonly Token[], depths: Depths): boolean {
  const first = arms[0];
  const last = arms.at(-1);
  if (first === undefined || last === undefined) return false;
  const from = firstAt(tokens, first.start);
  const to = firstAt(tokens, last.end);
  const before = tokens[from - 1];
  const after = tokens[to];
  const full = arms.filter((arm) => firstAt(tokens, arm.start) < firstAt(tokens, arm.end));
  if (full.length === 0) return false;
  if ((depths.parens[from] ?? 0) > 0) return true;
  const atFileScope = (depths.braces[from] ?? 0) <= 0;
  if (!endsStatement(before, atFileScope)) return true;
  return full.some((arm) => {
    const start = firstAt(tokens, arm.start);
    const end = firstAt(tokens, arm.end);
    if (!balanced(tokens, start, end)) return true;
    const head = tokens[start]?.text ?? '';
    if (head === 'else' || /^[-+*/%&|^?=<>.]$/.test(head) || head === ')' || head === ']') {
      // `.field = x` begins an initialiser's entry, `*p = x` and `&`... a statement.
      if (!(head === '.' || head === '*' || head === '&' || head === '-' || head === '+')) return true;
      if ((head === '-' || head === '+') && tokens[start + 1]?.text !== head) return true;
    }
    const tail = tokens[end - 1];
    if (tail?.text === ')' && atFileScope) return after?.text === '{';
    // The last entry of a list needs no comma, if there is only one such arm.
    if (after?.text === '}' && full.length === 1) return false;
    return !endsStatement(tail, atFileScope);
  });
}

function endsStatement(token: Token | undefined, atFileScope: boolean): boolean {
  if (token === undefined) return true;
  if (token.text === ')') return atFileScope;
  return /^[;{},:]$/.test(token.text);
}

/** Index of the first token at or after `offset`. */
function firstAt(tokens: readonly Token[], offset: number): number {
  let low = 0;
  let high = tokens.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tokens[middle]?.start ?? Infinity) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The brackets that are open before each token, counted from the file's start. */
function openBrackets(tokens: readonly Token[]): Depths {
  const braces = new Int32Array(tokens.length + 1);
  const parens = new Int32Array(tokens.length + 1);
  let brace = 0;
  let paren = 0;
  for (const [index, { text }] of tokens.entries()) {
    if (text === '{') brace += 1;
    else if (text === '}') brace -= 1;
    else if (text === '(' || text === '[') paren += 1;
    else if (text === ')' || text === ']') paren -= 1;
    braces[index + 1] = brace;
    parens[index + 1] = paren;
  }
  return { braces, parens };
}

function balanced(tokens: readonly Token[], from: number, to: number): boolean {
  let braces = 0;
  let parens = 0;
  for (let i = from; i < to; i++) {
    const text = tokens[i]?.text;
    if (text === '{') braces += 1;
    else if (text === '}') braces -= 1;
    else if (text === '(' || text === '[') parens += 1;
    else if (text === ')' || text === ']') parens -= 1;
    if (braces < 0 || parens < 0) return false;
  }
  return braces === 0 && parens === 0;
}
