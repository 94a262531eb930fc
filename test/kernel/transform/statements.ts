import { closing, type Token } from './c-file';

/** An `if`; members are indices of tokens, ranges are `[from, to)`. */
export interface IfSpan {
  /** The parentheses of the condition. */
  readonly open: number;
  readonly close: number;
  readonly then: readonly [from: number, to: number];
  readonly else?: readonly [from: number, to: number];
  readonly end: number;
}

/** The `if` at a token; `undefined` if a preprocessor line cuts it, or what it holds is not understood. */
export function ifAt(tokens: readonly Token[], at: number): IfSpan | undefined {
  const open = at + 1;
  if (tokens[at]?.text !== 'if' || tokens[at].directive >= 0 || tokens[open]?.text !== '(') return undefined;
  const close = closing(tokens, open);
  const afterThen = endOfStatement(tokens, close + 1);
  if (afterThen < 0 || tokens[afterThen]?.directive !== -1) return undefined;
  const hasElse = tokens[afterThen].text === 'else';
  const end = hasElse ? endOfStatement(tokens, afterThen + 1) : afterThen;
  if (end < 0 || tokens.slice(at, end).some((token) => token.directive >= 0)) return undefined;
  return {
    open,
    close,
    then: [close + 1, afterThen],
    ...(hasElse ? { else: [afterThen + 1, end] } : {}),
    end,
  };
}

/** The token after the statement that starts at `at`; -1 if it is not understood. */
function endOfStatement(tokens: readonly Token[], at: number): number {
  const token = tokens[at];
  if (token === undefined || token.directive >= 0) return -1;
  switch (token.text) {
    case '{':
      return closing(tokens, at) + 1;
    case 'if':
      return ifAt(tokens, at)?.end ?? -1;
    case 'for':
    case 'while':
    case 'switch':
      return endOfStatement(tokens, closing(tokens, at + 1) + 1);
    case 'do': {
      const after = endOfStatement(tokens, at + 1);
      return after < 0 ? -1 : closing(tokens, after + 1) + 2;
    }
    case 'case':
    case 'default':
    case 'else':
      return -1;
    default:
      return endOfSimple(tokens, at);
  }
}

/** An expression up to its `;`, or a macro that heads a loop or a guarded block. */
function endOfSimple(tokens: readonly Token[], at: number): number {
  const first = tokens[at];
  if (
    first?.kind === 'word' &&
    tokens[at + 1]?.text === '(' &&
    !/^(?:return|sizeof|__?typeof\w*|asm)$/.test(first.text)
  ) {
    const after = closing(tokens, at + 1) + 1;
    const next = tokens[after];
    if (next?.text === '{' || next?.kind === 'word') return endOfStatement(tokens, after);
  }
  for (let i = at; i < tokens.length; i++) {
    const text = tokens[i]?.text ?? '';
    if (text === ';') return i + 1;
    if (text === '}' || text === ':' || tokens[i]?.directive !== -1) {
      if (text !== ':' || i === at + 1) return -1;
    }
    if (text === '(' || text === '[' || text === '{') i = closing(tokens, i);
  }
  return -1;
}
