import type { Expr, FileFacts, MacroFact, Pos } from '../syntax/facts';
import { lineOf } from '../syntax/facts';
import { type FileMacros, type GeneratorCall, macrosOf } from '../syntax/lower-generated';
import type { MadePiece } from '../syntax/lower-made';
import { readMacroCall, substitute } from '../syntax/macro-text';
import { defineOf } from './expand';
import { isHeader } from './ids';
import { Includes } from './includes';
import type { Located } from './located';
import { evaluateCondition } from '../syntax/condition-value';

/** What is to be expanded for one file. */
export interface Plan {
  /** Calls at file scope that define functions, and the macros that these expand to. */
  readonly calls: readonly GeneratorCall[];
  readonly macros?: FileMacros;
  /** Lists of macro calls that are included where no declaration is expected: their expansion, by the place of the `#include`; `undefined`: what is included is no such list. */
  readonly lists: ReadonlyMap<Pos, readonly MadePiece[] | undefined>;
}

/** Most macros that one expands to in turn, at its outermost. */
const MAX_HOPS = 6;

/** Finds what macros of one file make in another. */
export class Expansions {
  private readonly files: ReadonlyMap<string, FileFacts>;
  private readonly includes: Includes;
  /** Function-like macros of headers. */
  private readonly shared = new Map<string, Located<MacroFact>[]>();

  private readonly generates = new Map<string, boolean>();

  constructor(facts: readonly FileFacts[]) {
    this.files = new Map(facts.map((file) => [file.path, file]));
    this.includes = new Includes(this.files);
    for (const { path, macros } of facts)
      if (isHeader(path))
        for (const fact of macros) {
          if (fact.params === undefined) continue;
          const known = this.shared.get(fact.name);
          if (known === undefined) this.shared.set(fact.name, [{ file: path, fact }]);
          else known.push({ file: path, fact });
        }
  }

  /** `undefined`: the file's facts are complete. */
  planOf(file: FileFacts): Plan | undefined {
    const lists = this.listsIn(file);
    const { calls, macros } = this.generatorsIn(file);
    return lists.size === 0 && calls.length === 0 ? undefined : { calls, lists, ...(macros && { macros }) };
  }

  private generatorsIn(file: FileFacts): { calls: readonly GeneratorCall[]; macros?: FileMacros } {
    const own = new Set(file.macros.map(({ name }) => name));
    const foreign = file.fileScopeCalls.filter(({ name }) => !own.has(name) && this.mayGenerate(name));
    if (foreign.length === 0) return { calls: NONE };
    const sources = new Set<string>();
    for (const name of new Set(foreign.map((call) => call.name)))
      for (const one of this.includes.seen(this.shared.get(name) ?? NONE, file.path)) sources.add(one.file);
    const all = [...sources, file.path].flatMap((path) => this.files.get(path)?.macros ?? NONE);
    const macros = macrosOf(all.map((fact) => ({ define: defineOf(fact), when: fact.when ?? NONE })));
    const calls = foreign.filter(({ name }) => macros.generators.has(name));
    return calls.length === 0 ? { calls } : { calls, macros };
  }

  /** Whether a header's macro of that name has a function's body in its text, or in that of a macro that it uses. */
  private mayGenerate(name: string): boolean {
    let known = this.generates.get(name);
    if (known === undefined) {
      this.generates.set(name, false);
      known = (this.shared.get(name) ?? NONE).some(
        ({ fact: { text } }) =>
          /\)\s*\{/.test(text) || (text.match(/[A-Za-z_]\w*(?=\s*\()/g) ?? NONE).some((used) => this.mayGenerate(used)),
      );
      this.generates.set(name, known);
    }
    return known;
  }

  private listsIn(file: FileFacts): Plan['lists'] {
    const lists = new Map<Pos, readonly MadePiece[] | undefined>();
    for (const { target, at } of file.includes) {
      if (!isInside(file, at)) continue;
      const list = this.files.get(this.includes.resolve(file.path, target) ?? '');
      const isList = list !== undefined && list.fileScopeCalls.length > 0;
      lists.set(at, isList ? this.expanded(file, at, list) : undefined);
    }
    return lists;
  }

  /** The macro calls of `list` as the macros of `file` at `at` expand them. */
  private expanded(file: FileFacts, at: Pos, list: FileFacts): MadePiece[] {
    const pieces: MadePiece[] = [];
    for (const call of list.fileScopeCalls) {
      const named = (name: string): MacroFact | undefined =>
        this.macroAt(file, name, at) ?? list.macros.find((macro) => macro.name === name && macro.at < call.at);
      // Of a name that the list itself defines further down it is known.
      const isDefined = (name: string): boolean | undefined =>
        named(name) !== undefined || (list.macros.some((macro) => macro.name === name) ? false : undefined);
      const when: string[] = [];
      let isOff = false;
      for (const condition of call.when ?? NONE) {
        const holds = evaluateCondition(condition, { defined: isDefined, value: () => undefined });
        if (holds === false) isOff = true;
        else if (holds === undefined) when.push(condition);
      }
      if (isOff) continue;
      pieces.push({ text: expandOutermost(`${call.name}(${call.args.join(', ')})`, named), when });
    }
    return pieces;
  }

  /** What a name is defined as in a file above a place; `undefined`: it is not, or it was undefined since. */
  private macroAt(file: FileFacts, name: string, at: Pos): MacroFact | undefined {
    const macro = file.macros.findLast((one) => one.name === name && one.at < at);
    if (macro === undefined) return undefined;
    const isSince = (one: { readonly at: Pos }): boolean => macro.at < one.at && one.at < at;
    if (file.undefs.some((undef) => undef.name === name && isSince(undef))) return undefined;
    const isUndefinedBy = (target: string): boolean =>
      this.files.get(this.includes.resolve(file.path, target) ?? '')?.undefs.some((undef) => undef.name === name) ??
      false;
    return file.includes.some((include) => isSince(include) && isUndefinedBy(include.target)) ? undefined : macro;
  }
}

const NONE: readonly never[] = [];

/** Whether a place lies in a function's body or in a variable's initialiser, as far as lines tell. */
function isInside({ functions, variables }: FileFacts, at: Pos): boolean {
  const line = lineOf(at);
  if (functions.some((fn) => fn.firstLine <= line && line <= fn.lastLine)) return true;
  return variables.some((one) => one.at < at && one.init !== undefined && includesAt(one.init, at));
}

function includesAt(x: Expr, at: Pos): boolean {
  return x.k === 'init' ? x.items.some(({ value }) => includesAt(value, at)) : x.k === 'opaque' && x.at === at;
}

/** Expands a macro call, and what it becomes if that is nothing but a macro call again. */
function expandOutermost(call: string, named: (name: string) => MacroFact | undefined): string {
  let text = call;
  for (let hops = 0; hops < MAX_HOPS; hops++) {
    const read = readMacroCall(text);
    if (read === undefined || !/^\s*;?\s*$/.test(text.slice(read.end)) || read.nameStart !== 0) break;
    let macro = named(read.name);
    for (let names = 0; names < MAX_HOPS && macro !== undefined && macro.params === undefined; names++)
      macro = named(macro.text.trim());
    if (macro === undefined) break;
    text = substitute(defineOf(macro), read.args).trim();
  }
  return text;
}
