import { closing } from './mask-attributes';
import type { Token } from './mask-lex';
import { isConditionKeyword, isControlKeyword } from './mask-words';

/** Where each token of a list stands, found in one pass; each array has one entry per token, 1 for yes. */
export interface Positions {
  /** A statement may begin with the token: after `;`, `{`, `}`, `else`, a label, the head of an `if` or of a loop. */
  readonly beginsStatement: Uint8Array;
  /** Between a `case` and the end of its statement. */
  readonly inCase: Uint8Array;
  /**
   * Where statements or expressions are: in a function's body or in an initialiser, but not among a struct's fields or
   * in a parameter list, where `name(struct x *)` declares.
   */
  readonly inBody: Uint8Array;
  /** Where the bracket that closes at a `)` was opened. */
  readonly opened: Int32Array;
}

export function readPositions(tokens: readonly Token[]): Positions {
  const beginsStatement = new Uint8Array(tokens.length);
  const inCase = new Uint8Array(tokens.length);
  const inBody = new Uint8Array(tokens.length);
  const opened = new Int32Array(tokens.length).fill(-1);
  const scopes: boolean[] = [];
  /** What was met last in this statement: decides what a `:` or a `...` means. */
  let met: 'case' | '?' | undefined;
  let isInitialiser = false;
  let before: string | undefined;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === undefined) break;
    const { text } = token;
    const begins =
      before === ';' ||
      before === '{' ||
      before === '}' ||
      before === 'else' ||
      before === 'do' ||
      (before === ':' && met !== '?') ||
      (before === ')' && closesHead(tokens, opened[i - 1] ?? -1, beginsStatement));
    if (begins) beginsStatement[i] = 1;
    if (token.kind !== 'mark') {
      if (text === 'case') met = 'case';
      else if (text === 'default') {
        met = undefined;
        isInitialiser = false;
      }
    } else if (text === '(') opened[closing(tokens, i)] = i;
    else if (text === '?') met = '?';
    else if (text === '=' && scopes.length === 0) isInitialiser = true;
    else if (text === ';') {
      met = undefined;
      isInitialiser = false;
    } else if (text === '{') {
      met = undefined;
      scopes.push(scopes.at(-1) === true || !isTypeBody(tokens, i));
    } else if (text === '}') {
      met = undefined;
      scopes.pop();
    }
    if (met === 'case') inCase[i] = 1;
    if (isInitialiser || scopes.at(-1) === true) inBody[i] = 1;
    before = text;
  }
  return { beginsStatement, inCase, inBody, opened };
}

/** The parentheses opened at `open` are the head of an `if`, `while`, `for`, `switch`, or of a loop macro at a statement's start. */
function closesHead(tokens: readonly Token[], open: number, beginsStatement: Uint8Array): boolean {
  const name = tokens[open - 1];
  if (name?.kind !== 'word') return false;
  if (isConditionKeyword(name.text)) return true;
  return !isControlKeyword(name.text) && beginsStatement[open - 1] === 1;
}

/** The brace opens the fields of a struct or a union or an enum's names. */
export function isTypeBody(tokens: readonly Token[], brace: number): boolean {
  const before = tokens[brace - 1]?.text ?? '';
  const twoBefore = tokens[brace - 2]?.text ?? '';
  return /^(?:struct|union|enum)$/.test(before) || /^(?:struct|union|enum)$/.test(twoBefore);
}
