import type {
  EnumeratorFact,
  FileFacts,
  MacroFact,
  PrototypeFact,
  StructFact,
  TypedefFact,
  VariableFact,
} from '../syntax/facts';
import { Includes } from './includes';

/** A fact and the file it stands in. */
export interface Located<Fact> {
  readonly file: string;
  readonly fact: Fact;
}

/** An enumerator with the one before it in its enum, for the value of one that is not written. */
export interface LocatedEnumerator extends Located<EnumeratorFact> {
  readonly before: LocatedEnumerator | undefined;
}

/** All definitions of all files by name, in the order of the files. Functions are in `FunctionTable`. */
export class Definitions {
  readonly macros = new Map<string, Located<MacroFact>[]>();
  readonly variables = new Map<string, Located<VariableFact>[]>();
  readonly structs = new Map<string, Located<StructFact>[]>();
  readonly typedefs = new Map<string, Located<TypedefFact>[]>();
  readonly enumerators = new Map<string, LocatedEnumerator[]>();
  readonly prototypes = new Map<string, Located<PrototypeFact>[]>();

  readonly includes: Includes;

  constructor(readonly files: ReadonlyMap<string, FileFacts>) {
    this.includes = new Includes(files);
    for (const facts of files.values()) this.add(facts);
  }

  /**
   * Those of `all` that a use in `from` can mean: the file's own, else those of headers that it sees. What a `.c`
   * file defines that it does not include is out of sight.
   */
  visible<L extends Located<unknown>>(all: readonly L[] | undefined, from: string | undefined): readonly L[] {
    if (all === undefined) return [];
    if (from === undefined) return all;
    if (all.length === 1 && all[0]?.file === from) return all;
    const own = all.filter((candidate) => candidate.file === from);
    if (own.length > 0) return own;
    const seen = this.includes.seen(all, from);
    return seen.length > 0 ? seen : this.includes.includers(all, from);
  }

  /** The macros that a name can mean in `from`. A file's own default for want of a definition gives way to one that it sees. */
  visibleMacros(name: string, from: string | undefined): readonly Located<MacroFact>[] {
    const all = this.macros.get(name);
    const seen = this.visible(all, from);
    if (all === undefined || seen.length === all.length || !seen.every(({ fact }) => isDefault(fact))) return seen;
    const others = all.filter(({ fact }) => !isDefault(fact));
    return [...this.visible(others, from), ...seen];
  }

  private add(facts: FileFacts): void {
    const file = facts.path;
    for (const fact of facts.macros) push(this.macros, fact.name, { file, fact });
    for (const fact of facts.variables) push(this.variables, fact.name, { file, fact });
    for (const fact of facts.structs) if (fact.name !== '') push(this.structs, fact.name, { file, fact });
    for (const fact of facts.typedefs) push(this.typedefs, fact.name, { file, fact });
    for (const fact of facts.prototypes) push(this.prototypes, fact.name, { file, fact });
    // `DEFINE_PER_CPU(type, name)`
    for (const { name, args, at } of facts.fileScopeCalls) {
      const [type, variable] = args;
      if (!/^(?:DEFINE|DECLARE)_PER_CPU\w*$/.test(name) || type === undefined || variable === undefined) continue;
      push(this.variables, variable, { file, fact: { name: variable, type, linkage: 'static', at } });
    }
    let before: LocatedEnumerator | undefined;
    for (const fact of facts.enumerators) {
      const located: LocatedEnumerator = { file, fact, before: before?.fact.of === fact.of ? before : undefined };
      push(this.enumerators, fact.name, located);
      before = located;
    }
  }
}

/** `#ifndef X` / `#define X`: gives X a value where it has none, and is no reason for X to be defined before. */
export function isDefault(fact: MacroFact): boolean {
  return fact.when?.some((text) => text === `!(defined(${fact.name}))` || text === `!defined(${fact.name})`) ?? false;
}

function push<T>(map: Map<string, T[]>, name: string, value: T): void {
  const list = map.get(name);
  if (list === undefined) map.set(name, [value]);
  else list.push(value);
}
