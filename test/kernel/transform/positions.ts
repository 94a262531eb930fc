import { type CFile, closing } from './c-file';
import type { MacroArguments } from './macros';

/**
 * Which tokens of a file are words in C's space of ordinary names (functions, variables), as opposed to members, tags,
 * labels, names that a macro pastes, and preprocessor words.
 */
export function ordinaryWords(file: CFile, macros: MacroArguments): Uint8Array {
  const { tokens } = file;
  const ordinary = new Uint8Array(tokens.length);
  const odd = macros.oddTokens(file);
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token?.kind !== 'word') continue;
    const before = tokens[i - 1]?.text ?? '';
    if (before === 'struct' || before === 'union') {
      const open = tokens[i + 1]?.text === '{' ? i + 1 : -1;
      if (open >= 0) i = closing(tokens, open);
      continue;
    }
    if ((token.text === 'struct' || token.text === 'union') && tokens[i + 1]?.text === '{') {
      i = closing(tokens, i + 1);
      continue;
    }
    const isOperand = before === '[' && tokens[i + 1]?.text === ']' && tokens[i + 2]?.kind === 'string';
    const isMember = before === '.' || before === '->' || before === '##' || tokens[i + 1]?.text === '##';
    const isLabel =
      before === 'goto' || (tokens[i + 1]?.text === ':' && /^[;{}:]$/.test(before) && tokens[i - 1]?.directive === -1);
    if (isOperand || isMember || isLabel || before === 'enum' || before === '#' || odd.has(i)) continue;
    if (token.directive >= 0 && !isInDefine(file, i)) continue;
    ordinary[i] = 1;
  }
  return ordinary;
}

/** In the body or the parameters of a `#define`, not its name. */
function isInDefine({ tokens }: CFile, i: number): boolean {
  const directive = tokens[i]?.directive ?? -1;
  let first = i;
  while (tokens[first - 1]?.directive === directive) first--;
  return tokens[first + 1]?.text === 'define' && i > first + 2;
}

/** Words that an `enum { ... }` lists. */
export function* enumWords({ tokens }: CFile): Iterable<string> {
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i]?.text !== 'enum') continue;
    const open = tokens[i + 1]?.text === '{' ? i + 1 : tokens[i + 2]?.text === '{' ? i + 2 : -1;
    if (open < 0) continue;
    const close = closing(tokens, open);
    for (let at = open; at < close; at++) if (tokens[at]?.kind === 'word') yield tokens[at]?.text ?? '';
    i = close;
  }
}

/** Words at file scope outside of all brackets: names of variables and types among them. */
export function* fileScopeWords(file: CFile): Iterable<string> {
  const { tokens } = file;
  const bodies = new Map(file.functions.map((fn) => [fn.head, fn.to]));
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === undefined || token.directive >= 0) continue;
    if (bodies.has(i)) i = bodies.get(i) ?? i;
    else if (/^[({[]$/.test(token.text)) i = closing(tokens, i);
    else if (token.kind === 'word' && !/^(?:struct|union|enum)$/.test(tokens[i - 1]?.text ?? '')) yield token.text;
  }
}
