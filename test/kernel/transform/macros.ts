import { type CFile, closing, partsOf } from './c-file';

/** A `#define`; members are indices of tokens, the body is `[from, to)`. */
export interface MacroSpan {
  readonly file: CFile;
  readonly name: string;
  readonly params: readonly string[] | undefined;
  readonly from: number;
  readonly to: number;
}

export function macrosOf(file: CFile): MacroSpan[] {
  const { tokens } = file;
  const found: MacroSpan[] = [];
  for (const [i, token] of tokens.entries()) {
    if (token.text !== 'define' || tokens[i - 1]?.start !== token.directive) continue;
    const name = tokens[i + 1];
    if (name?.kind !== 'word') continue;
    let to = i + 2;
    while (tokens[to]?.directive === token.directive) to++;
    const open = i + 2;
    const hasParams = tokens[open]?.text === '(' && tokens[open].start === name.end;
    const close = hasParams ? closing(tokens, open) : i + 1;
    const params = hasParams
      ? partsOf(tokens, open, close).map(([from]) =>
          tokens[from]?.text === '...' ? '__VA_ARGS__' : (tokens[from]?.text ?? ''),
        )
      : undefined;
    found.push({ file, name: name.text, params, from: close + 1, to });
  }
  return found;
}

/** Macros of other headers with arguments that are pasted or name a member; `all`: each may. */
const FOREIGN: readonly (readonly [name: RegExp, argument: number | 'all'])[] = [
  [/^(?:container_of(?:_const)?|list_entry|list_first_entry\w*|list_last_entry|hlist_entry\w*|rb_entry\w*)$/, 2],
  [/^(?:offsetof|offsetofend|sizeof_field|struct_size|flex_array_size|typeof_member)$/, 1],
  [/^(?:list_next_entry|list_prev_entry)$/, 1],
  [/^list_for_each_entry(?:_reverse|_continue\w*|_from)?$/, 2],
  [/^(?:list_for_each_entry_(?:rcu|srcu|lockless)|hlist_for_each_entry\w*|hash_for_each_possible\w*)$/, 2],
  [/^(?:list_for_each_entry_safe\w*|hlist_for_each_entry_safe|hash_for_each)$/, 3],
  [
    /^(?:static_call\w*|\w*_STATIC_CALL\w*|guard|scoped_guard|CLASS|class_\w+|DEFINE_\w+|DECLARE_(?!BITMAP)\w+|_ASM_\w+|OFFSET|__stringify)$/,
    'all',
  ],
];

/** For each macro which arguments are no expressions: pasted, or names of members. Names in a string do not matter. */
export class MacroArguments {
  private readonly odd = new Map<string, Set<number>>();

  constructor(macros: readonly MacroSpan[]) {
    for (let changed = true; changed;) {
      changed = false;
      for (const macro of macros)
        for (const index of this.oddIn(macro)) {
          const known = this.odd.get(macro.name) ?? new Set();
          this.odd.set(macro.name, known);
          if (known.has(index)) continue;
          known.add(index);
          changed = true;
        }
    }
  }

  /** The tokens of a file that stand in such an argument. */
  oddTokens(file: CFile): Set<number> {
    const found = new Set<number>();
    for (let i = 0; i < file.tokens.length; i++) for (const at of this.oddAt(file, i)) found.add(at);
    return found;
  }

  private *oddAt(file: CFile, i: number): Iterable<number> {
    const { tokens } = file;
    const token = tokens[i];
    if (token?.kind !== 'word' || tokens[i + 1]?.text !== '(') return;
    const foreign = FOREIGN.filter(([name]) => name.test(token.text));
    const own = this.odd.get(token.text);
    if (foreign.length === 0 && own === undefined) return;
    const parts = partsOf(tokens, i + 1, closing(tokens, i + 1));
    for (const [n, [from, to]] of parts.entries())
      if (own?.has(n) === true || foreign.some(([, which]) => which === 'all' || which === n))
        for (let at = from; at < to; at++) yield at;
  }

  private *oddIn({ file, params, from, to }: MacroSpan): Iterable<number> {
    if (params === undefined) return;
    const { tokens } = file;
    const odd = new Set<number>();
    for (let i = from; i < to; i++) {
      for (const at of this.oddAt(file, i)) odd.add(at);
      const before = tokens[i - 1]?.text ?? '';
      if (i > from && ['->', '.', '##'].includes(before)) odd.add(i);
      if (tokens[i + 1]?.text === '##') odd.add(i);
    }
    for (const at of odd) {
      const index = params.indexOf(tokens[at]?.text ?? '');
      if (index < 0) continue;
      yield index;
      // All further arguments are the variable ones.
      if (params[index] === '__VA_ARGS__') for (let n = index; n < index + 16; n++) yield n;
    }
  }
}

/**
 * The names that macros paste: a literal beginning or end next to `##` in a macro, or in one that it uses, with the words of
 * the arguments that the macro is given.
 */
export function pastedNames(files: readonly CFile[], macros: readonly MacroSpan[]): Set<string> {
  const affixes = new Map<string, Set<string>>();
  for (let changed = true; changed;) {
    changed = false;
    for (const macro of macros) {
      const known = affixes.get(macro.name) ?? new Set(SHOWN.test(macro.name) ? SHOW : []);
      const before = known.size;
      for (const affix of affixesIn(macro)) known.add(affix);
      for (let i = macro.from; i < macro.to; i++)
        for (const affix of affixes.get(macro.file.tokens[i]?.text ?? '') ?? []) known.add(affix);
      affixes.set(macro.name, known);
      changed ||= known.size > before;
    }
  }
  const names = new Set<string>();
  for (const { tokens } of files)
    for (const [i, token] of tokens.entries()) {
      const known = SHOWN.test(token.text) ? SHOW : affixes.get(token.text);
      if (token.kind !== 'word' || known === undefined || tokens[i + 1]?.text !== '(') continue;
      const close = closing(tokens, i + 1);
      for (let at = i + 2; at < close; at++)
        for (const affix of known) names.add(affix.replace('##', tokens[at]?.text ?? ''));
    }
  return names;
}

/** Macros of the kernel that define a file's operations from the beginning of their names. */
const SHOWN = /^DEFINE_(?:SHOW|STORE|SEQ|DEBUGFS)_\w+$/;
const SHOW = ['##_show', '##_open', '##_fops'];

/** `a_##_b`: what is pasted before and after a parameter, with `##` where the argument goes. */
function* affixesIn({ file, params, from, to }: MacroSpan): Iterable<string> {
  const { tokens } = file;
  const literals = (at: number, step: 1 | -1): string => {
    let all = '';
    for (let i = at + step; tokens[i]?.text === '##' && i >= from && i < to; i += 2 * step) {
      const next = tokens[i + step]?.text ?? '';
      if (!/^\w+$/.test(next) || params?.includes(next) === true) break;
      all = step === 1 ? all + next : next + all;
    }
    return all;
  };
  for (let i = from; i < to; i++) {
    if (params?.includes(tokens[i]?.text ?? '') !== true) continue;
    const [before, after] = [literals(i, -1), literals(i, 1)];
    if (before !== '' || after !== '') yield `${before}##${after}`;
  }
}
