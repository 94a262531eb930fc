import { applyEdits, type CFile, type Edit } from './c-file';
import { type Local, localsOf } from './locals';
import { MacroArguments, macrosOf, pastedNames } from './macros';
import { enumWords, fileScopeWords, ordinaryWords } from './positions';
import { counter, type CTree, type Transformed } from './tree';
import { isVocabulary } from './vocabulary';

export interface Renamed extends Transformed {
  /** The text with the old names. */
  restore: (text: string) => string;
}

/**
 * Gives each function, parameter and local variable a new name, the same one in all files and in macros' bodies. What cannot
 * be renamed safely is left, and counted by reason. `foreign`: texts that are read too and stay as they are.
 */
export function renameEverything(tree: CTree, foreign: readonly string[]): Renamed {
  const names = new Names(tree, foreign);
  const { counts, count } = counter();
  const functions = [...names.functions].filter((name) => names.mayRename(name, count));
  const locals = [...names.locals].filter((name) => names.mayRenameLocal(name, count));
  const fresh = new Map([...numbered(functions, 'fn'), ...numbered(locals, 'lv')]);
  const old = new Map([...fresh].map(([name, made]) => [made, name]));
  for (const made of old.keys()) if (names.all.has(made)) throw new Error(`${made} is a name already`);
  const texts = new Map<string, string>();
  for (const [file, ordinary] of names.ordinary) {
    const edits: Edit[] = [];
    for (const [i, token] of file.tokens.entries()) {
      const made = ordinary[i] === 1 ? fresh.get(token.text) : undefined;
      if (made !== undefined) edits.push({ start: token.start, end: token.end, text: made });
    }
    count('uses', edits.length);
    texts.set(file.path, applyEdits(file.text, edits));
  }
  count('functions', functions.length);
  count('locals', locals.length);
  count('declarations', names.declarations(new Set(locals)));
  return { texts, counts, restore: (text) => text.replace(/\b(?:fn|lv)\d+x\b/g, (made) => old.get(made) ?? made) };
}

/** New names in an order that has nothing to do with that of the old ones. */
function numbered(names: readonly string[], prefix: string): [string, string][] {
  const mirrored = (name: string): string => Array.from(name).reverse().join('');
  return [...names].sort((a, b) => (mirrored(a) < mirrored(b) ? -1 : 1)).map((name, i) => [name, `${prefix}${i}x`]);
}

/** Of a file's function: what it declares, and which ordinary words it uses. */
class Names {
  readonly functions = new Set<string>();
  readonly locals = new Set<string>();
  readonly all = new Set<string>();
  readonly ordinary = new Map<CFile, Uint8Array>();
  private readonly declaredBy: ReadonlyMap<string, Local>[] = [];
  private readonly macros = new Set<string>();
  private readonly global = new Set<string>();
  private readonly undeclared = new Set<string>();
  private readonly called = new Set<string>();
  private readonly odd = new Set<string>();
  private readonly foreign = new Set<string>();
  private readonly pasted: ReadonlySet<string>;

  constructor({ files }: CTree, foreign: readonly string[]) {
    const macros = files.flatMap(macrosOf);
    const args = new MacroArguments(macros);
    this.pasted = pastedNames(files, macros);
    for (const macro of macros) this.macros.add(macro.name);
    for (const text of foreign) for (const [word] of text.matchAll(/\b[A-Za-z_]\w*/g)) this.foreign.add(word);
    for (const file of files) {
      this.ordinary.set(file, ordinaryWords(file, args));
      for (const at of args.oddTokens(file)) this.odd.add(file.tokens[at]?.text ?? '');
      for (const token of file.tokens) if (token.kind === 'word') this.all.add(token.text);
      for (const fn of file.functions) if (file.tokens[fn.nameAt]?.text === fn.name) this.functions.add(fn.name);
      for (const word of enumWords(file)) this.global.add(word);
      for (const word of fileScopeWords(file)) this.global.add(word);
    }
    for (const file of files) this.readBodies(file);
  }

  private readBodies(file: CFile): void {
    const ordinary = this.ordinary.get(file);
    const bodies = file.functions.map((fn) => ({ fn, locals: localsOf(file, fn) }));
    for (const { locals } of bodies) {
      this.declaredBy.push(locals);
      for (const name of locals.keys()) this.locals.add(name);
    }
    for (const { fn, locals } of bodies)
      for (let i = fn.from; i < fn.to; i++) {
        const token = file.tokens[i];
        if (token === undefined || ordinary?.[i] !== 1 || token.directive >= 0) continue;
        const local = locals.get(token.text);
        if (local === undefined) this.undeclared.add(token.text);
        // A pointer to a function is called, or a macro of the same name.
        else if (file.tokens[i + 1]?.text === '(' && local.type !== undefined && !/_(?:t|fn)\s*$/.test(local.type))
          this.called.add(token.text);
      }
  }

  mayRename(name: string, count: (reason: string) => void): boolean {
    const reason = isVocabulary(name)
      ? 'vocabulary'
      : this.macros.has(name)
        ? 'macro'
        : this.foreign.has(name)
          ? 'foreign'
          : this.odd.has(name)
            ? 'argument'
            : this.pasted.has(name)
              ? 'pasted'
              : undefined;
    if (reason !== undefined) count(`functions left: ${reason}`);
    return reason === undefined;
  }

  mayRenameLocal(name: string, count: (reason: string) => void): boolean {
    const reason =
      this.functions.has(name) || this.macros.has(name) || this.global.has(name)
        ? 'name of something else'
        : this.undeclared.has(name)
          ? 'used undeclared'
          : this.called.has(name)
            ? 'called'
            : undefined;
    if (reason !== undefined) count(`locals left: ${reason}`);
    return reason === undefined;
  }

  /** How many declarations of locals have one of the names. */
  declarations(names: ReadonlySet<string>): number {
    return this.declaredBy.reduce(
      (sum, locals) => sum + [...locals.keys()].filter((name) => names.has(name)).length,
      0,
    );
  }
}
