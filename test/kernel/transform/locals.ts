import { type CFile, closing, type FunctionSpan, partsOf, type Token } from './c-file';

/** A parameter or local variable; `type` as written, without the storage class, or `undefined` if it is no plain `T *...name`. */
export interface Local {
  readonly name: string;
  readonly type: string | undefined;
}

const NO_TYPE = new Set(
  'return goto else case default break continue do if while for switch sizeof asm volatile typeof'.split(' '),
);
const QUALIFIER =
  /^(?:const|static|register|volatile|__\w*unused|__always_unused|__free|__user|__rcu|__percpu|__iomem)$/;

/** Macros that declare what their first argument names. */
const DECLARES = /^(?:LIST_HEAD|HLIST_HEAD|DECLARE_BITMAP)$/;

/** Parameters and locals, by name. A name that is declared twice with two types has no type. */
export function localsOf(file: CFile, fn: FunctionSpan): Map<string, Local> {
  const found = new Map<string, Local>();
  const add = (local: Local | undefined): void => {
    if (local === undefined) return;
    const before = found.get(local.name);
    found.set(local.name, before === undefined || before.type === local.type ? local : { ...local, type: undefined });
  };
  const { tokens } = file;
  for (const [from, to] of partsOf(tokens, fn.open, fn.close)) add(parameter(tokens, from, to));
  for (let i = fn.from; i < fn.to; i++) {
    if (tokens[i]?.directive !== -1 && tokens[i + 1]?.directive !== -1) continue;
    if (!startsStatement(tokens, i)) continue;
    const name = tokens[i + 3]?.text ?? '';
    if (DECLARES.test(tokens[i + 1]?.text ?? '') && tokens[i + 2]?.text === '(') add({ name, type: undefined });
    else for (const local of declared(tokens, i + 1, fn.to)) add(local);
  }
  return found;
}

/** Whether a statement may start after the token. */
function startsStatement(tokens: readonly Token[], i: number): boolean {
  const text = tokens[i]?.text ?? '';
  if (text === '(') return tokens[i - 1]?.text === 'for';
  return text === '{' || text === '}' || text === ';' || text === ':' || tokens[i]?.directive !== -1;
}

export function parameter(tokens: readonly Token[], from: number, to: number): Local | undefined {
  const words: Token[] = [];
  for (let i = from; i < to; i++) {
    const token = tokens[i];
    if (token?.text === '(' && tokens[i + 1]?.text === '*') {
      const name = tokens[i + 2];
      return name?.kind === 'word' ? { name: name.text, type: undefined } : undefined;
    }
    if (token?.text === '[') break;
    if (token !== undefined && (token.kind === 'word' || token.text === '*')) words.push(token);
  }
  const name = words.pop();
  if (name?.kind !== 'word' || words.length === 0) return undefined;
  const isArray = tokens.slice(from, to).some((token) => token.text === '[');
  return { name: name.text, type: isArray ? undefined : typeText(words) };
}

/** The names that the declaration at `from` declares; none if there is no declaration. */
function* declared(tokens: readonly Token[], from: number, limit: number): Iterable<Local> {
  const words: Token[] = [];
  let i = from;
  for (; i < limit; i++) {
    const token = tokens[i];
    if (token === undefined || token.directive !== -1) return;
    if (token.kind === 'word') {
      if (words.length === 0 && NO_TYPE.has(token.text)) return;
      words.push(token);
    } else if (token.text === '*') words.push(token);
    else if (token.text === '(' && /^__(?:free|cleanup|aligned|attribute__)$/.test(tokens[i - 1]?.text ?? '')) {
      words.pop();
      i = closing(tokens, i);
    } else break;
  }
  const pointer = tokens[i]?.text === '(' && tokens[i + 1]?.text === '*';
  if (pointer && words.length > 0 && words.every((word) => word.kind === 'word')) {
    const name = tokens[i + 2];
    // `T (*name)(...)`; `f(*x)` has a single word before it and no parameter list after.
    if (name?.kind === 'word' && tokens[i + 3]?.text === ')' && tokens[i + 4]?.text === '(')
      yield { name: name.text, type: undefined };
    return;
  }
  while (QUALIFIER.test(words.at(-1)?.text ?? '')) words.pop();
  const name = words.pop();
  let stars = 0;
  const base = [...words];
  while (base.at(-1)?.text === '*') {
    base.pop();
    stars++;
  }
  if (name?.kind !== 'word' || base.length === 0 || base.some((word) => word.kind !== 'word')) return;
  if (/^(?:struct|union|enum)$/.test(base.at(-1)?.text ?? '')) return;
  const after = tokens[i]?.text ?? '';
  if (!['=', ';', ',', '['].includes(after)) return;
  const type = (count: number): string => typeText(base) + ' ' + '*'.repeat(count);
  yield { name: name.text, type: after === '[' ? undefined : type(stars) };
  for (; i < limit && tokens[i]?.text !== ';'; i++) {
    const text = tokens[i]?.text ?? '';
    if (text === '(' || text === '{' || text === '[') i = closing(tokens, i);
    else if (text === ',') {
      let count = 0;
      while (tokens[i + 1 + count]?.text === '*') count++;
      const next = tokens[i + 1 + count];
      const isArray = tokens[i + 2 + count]?.text === '[';
      if (next?.kind === 'word') yield { name: next.text, type: isArray ? undefined : type(count) };
    }
  }
}

function typeText(words: readonly Token[]): string {
  return words
    .filter((word) => !QUALIFIER.test(word.text))
    .map((word) => word.text)
    .join(' ');
}
