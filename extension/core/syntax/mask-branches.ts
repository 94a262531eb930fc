import { referenceValue } from './reference-value';
import type { Arm, Conditional } from './mask-directives';
import type { Token } from './mask-lex';
import type { MaskText } from './mask-text';
import type { Branch } from './masked';

/** The tokens of a file, those of dropped branches marked, and the brackets that are open before each of them. */
interface Scan {
  readonly tokens: readonly Token[];
  readonly dropped: Uint8Array;
  /** Valid up to the token where the last conditional ended. */
  readonly braces: Int32Array;
  readonly parens: Int32Array;
}

/**
 * Keeps every branch of an `#if` whose text stands on its own, and one branch where they split a statement (an
 * expression, a function's head, an `else`); the others are blanked. Returns all branches and the tokens that stay.
 *
 * @param conditionals sorted by end: inner ones before the outer ones
 */
export function settleBranches(
  mask: MaskText,
  conditionals: readonly Conditional[],
  tokens: readonly Token[],
): { branches: Branch[]; tokens: readonly Token[] } {
  const branches: Branch[] = [];
  const scan: Scan = {
    tokens,
    dropped: new Uint8Array(tokens.length),
    braces: new Int32Array(tokens.length + 1),
    parens: new Int32Array(tokens.length + 1),
  };
  let measured = 0;
  for (const conditional of conditionals) {
    const end = firstAt(tokens, conditional.arms.at(-1)?.end ?? 0);
    measure(scan, measured, end);
    measured = end;
    const chosen = splits(scan, conditional) ? chosenArm(conditional) : undefined;
    for (const [index, arm] of conditional.arms.entries()) {
      const drop = chosen !== undefined && index !== chosen;
      branches.push({
        start: arm.start,
        end: arm.end,
        when: arm.when,
        dropped: drop,
        ...(index === chosen ? { chosen: true } : {}),
      });
      if (!drop) continue;
      mask.blank(arm.start, arm.end);
      scan.dropped.fill(1, firstAt(tokens, arm.start), firstAt(tokens, arm.end));
    }
    if (chosen !== undefined) measure(scan, firstAt(tokens, conditional.arms[0]?.start ?? 0), end);
  }
  branches.sort((a, b) => a.start - b.start || b.end - a.end);
  const hasDropped = branches.some((branch) => branch.dropped);
  return { branches, tokens: hasDropped ? tokens.filter((_, index) => scan.dropped[index] === 0) : tokens };
}

/** The first arm that the reference configuration does not switch off; -1: none, all are dropped. */
function chosenArm({ arms }: Conditional): number {
  return arms.findIndex((arm) => referenceValue(arm.when) !== false);
}

/** Whether a branch is no list of whole statements, items or entries. */
function splits(scan: Scan, { arms }: Conditional): boolean {
  const { tokens } = scan;
  const from = firstAt(tokens, arms[0]?.start ?? 0);
  const after = tokens[firstAt(tokens, arms.at(-1)?.end ?? 0)];
  const full = arms.map((arm) => tokensOf(scan, arm)).filter(({ start, end }) => start < end);
  if (full.length === 0) return false;
  if ((scan.parens[from] ?? 0) > 0) return true;
  const atFileScope = (scan.braces[from] ?? 0) <= 0;
  if (!endsStatement(lastBefore(scan, from), atFileScope)) return true;
  return full.some(({ start, end }) => {
    if (!isBalanced(scan, start, end) || continues(tokens, start)) return true;
    const tail = tokens[end - 1];
    if (tail?.text === ')' && atFileScope) return after?.text === '{';
    // The last entry of a list needs no comma, if there is only one such arm.
    if (after?.text === '}' && full.length === 1) return false;
    return !endsStatement(tail, atFileScope);
  });
}

/** The token at `start` cannot begin a statement: an `else`, an operator. */
function continues(tokens: readonly Token[], start: number): boolean {
  const head = tokens[start]?.text ?? '';
  // `++x` and `--x` begin a statement, `+ x` does not; `.field = x` begins an initialiser's entry, `*p = x` a statement.
  if (head === '-' || head === '+') return tokens[start + 1]?.text !== head;
  return head === 'else' || /^[/%|^?=<>)\]]$/.test(head);
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

/** The arm's first token and the one behind its last, those dropped left off at both ends. */
function tokensOf({ tokens, dropped }: Scan, arm: Arm): { start: number; end: number } {
  let start = firstAt(tokens, arm.start);
  let end = firstAt(tokens, arm.end);
  while (start < end && dropped[start] === 1) start += 1;
  while (start < end && dropped[end - 1] === 1) end -= 1;
  return { start, end };
}

function lastBefore({ tokens, dropped }: Scan, index: number): Token | undefined {
  let last = index - 1;
  while (last >= 0 && dropped[last] === 1) last -= 1;
  return tokens[last];
}

/** Counts the brackets that are open behind each of the tokens `[from, to)`. */
function measure({ tokens, dropped, braces, parens }: Scan, from: number, to: number): void {
  let brace = braces[from] ?? 0;
  let paren = parens[from] ?? 0;
  for (let i = from; i < to; i++) {
    const text = dropped[i] === 1 ? '' : tokens[i]?.text;
    if (text === '{') brace += 1;
    else if (text === '}') brace -= 1;
    else if (text === '(' || text === '[') paren += 1;
    else if (text === ')' || text === ']') paren -= 1;
    braces[i + 1] = brace;
    parens[i + 1] = paren;
  }
}

function isBalanced({ braces, parens }: Scan, from: number, to: number): boolean {
  const brace = braces[from] ?? 0;
  const paren = parens[from] ?? 0;
  for (let i = from + 1; i < to; i++) if ((braces[i] ?? 0) < brace || (parens[i] ?? 0) < paren) return false;
  return braces[to] === brace && parens[to] === paren;
}
