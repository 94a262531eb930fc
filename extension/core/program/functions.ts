import type { FileFacts, FunctionFact, MacroFact } from '../syntax/facts';
import { lineOf } from '../syntax/facts';
import type { Conditions } from './conditions';
import { functionId, joinWhen, vendorOfFile } from './ids';
import type { Includes } from './includes';
import type { Located } from './located';
import type { Mutable } from './mutable';
import type { FunctionId, FunctionNode } from './program';
import { instancesOf, isInstantiated, isTemplate, templateAliases } from './templates';

/** All function definitions, template instances among them, by id and by name. Macros join when a call chain needs them. */
export class FunctionTable {
  readonly nodes = new Map<FunctionId, FunctionNode>();
  private readonly byName = new Map<string, FunctionNode[]>();
  private readonly seen = new Map<string | undefined, Map<string, readonly FunctionNode[]>>();
  private readonly macroNodes = new Map<MacroFact, FunctionNode>();

  constructor(
    files: ReadonlyMap<string, FileFacts>,
    private readonly conditions: Conditions,
    private readonly includes: Includes,
  ) {
    for (const facts of files.values()) {
      if (!isTemplate(facts)) {
        this.add(facts.path, facts.functions);
        continue;
      }
      const aliases = templateAliases(facts);
      this.add(
        facts.path,
        facts.functions.filter((fn) => !isInstantiated(fn, aliases)),
      );
      for (const instance of instancesOf(facts, files.values()))
        this.add(facts.path, instance.functions, instance.prefix);
    }
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  all(name: string): readonly FunctionNode[] {
    return this.byName.get(name) ?? [];
  }

  /**
   * What a use of `name` in `from` can mean: the file's own definitions, else external ones, and `static` ones of
   * headers. Active ones come first; a weak one yields to a strong one.
   */
  named(name: string, from?: string): readonly FunctionNode[] {
    const all = this.byName.get(name);
    if (all === undefined) return [];
    if (all.length === 1 && (all[0]?.static === false || all[0]?.file === from)) return all;
    let known = this.seen.get(from);
    if (known === undefined) {
      known = new Map<string, readonly FunctionNode[]>();
      this.seen.set(from, known);
    }
    let found = known.get(name);
    if (found === undefined) {
      found = this.choose(all, from);
      known.set(name, found);
    }
    return found;
  }

  /**
   * A definition that is weak or switched off leaves the name to those further away: own file, then what the file is
   * compiled with, then external ones.
   */
  private choose(all: readonly FunctionNode[], from: string | undefined): readonly FunctionNode[] {
    if (from === undefined) return ordered(all);
    const isStrong = (fn: FunctionNode): boolean => fn.active && !isWeak(fn);
    const found = all.filter((fn) => fn.file === from);
    if (found.some(isStrong)) return ordered(found);
    const statics = all.filter((fn) => fn.file !== from && fn.static);
    // A header means another function in each file that has a static one of the name.
    const ofIncluders = this.includes.includers(statics, from);
    found.push(...ofIncluders);
    if (ofIncluders.length > 0 && this.includes.areAllIncluders(ofIncluders.filter(isStrong), from))
      return ordered(found);
    const seen = this.includes.seen(statics, from);
    found.push(...seen.filter((fn) => !ofIncluders.includes(fn)));
    if (!seen.some(isStrong)) found.push(...all.filter((fn) => fn.file !== from && !fn.static));
    return ordered(found);
  }

  /** The node of a function-like macro, made at its first use. */
  macroNode({ file, fact }: Located<MacroFact>): FunctionNode {
    const known = this.macroNodes.get(fact);
    if (known !== undefined) return known;
    const when = joinWhen(fact.when);
    const node: FunctionNode = {
      id: this.freeId(file, fact.name),
      name: fact.name,
      kind: 'macro',
      file,
      line: lineOf(fact.at),
      lastLine: lineOf(fact.at),
      static: true,
      ...(when === undefined ? {} : { when }),
      active: this.conditions.isActive(fact.when, file) !== false,
      ...vendorPart(file),
      fact,
    };
    this.macroNodes.set(fact, node);
    this.nodes.set(node.id, node);
    return node;
  }

  private add(file: string, functions: readonly FunctionFact[], instance?: string): void {
    const vendor = vendorOfFile(file);
    for (let i = 0; i < functions.length; i++) {
      const fact = functions[i];
      if (fact === undefined) break;
      const node: Mutable<FunctionNode> = {
        id: this.freeId(file, fact.name),
        name: fact.name,
        kind: 'function',
        file,
        line: lineOf(fact.at),
        lastLine: fact.lastLine,
        static: fact.linkage === 'static',
        active: fact.when === undefined || this.conditions.isActive(fact.when, file) !== false,
        fact,
      };
      const when = joinWhen(fact.when);
      if (when !== undefined) node.when = when;
      if (vendor !== undefined) node.vendor = vendor;
      if (instance !== undefined) node.instance = instance;
      this.nodes.set(node.id, node);
      const list = this.byName.get(fact.name);
      if (list === undefined) this.byName.set(fact.name, [node]);
      else list.push(node);
    }
  }

  private freeId(file: string, name: string): FunctionId {
    for (let ordinal = 1; ; ordinal++) {
      const id = functionId(file, name, ordinal);
      if (!this.nodes.has(id)) return id;
    }
  }
}

/** The function's definition; `undefined` for a macro. */
export function definitionOf(node: FunctionNode | undefined): FunctionFact | undefined {
  return node?.kind === 'function' ? (node.fact as FunctionFact) : undefined;
}

function vendorPart(file: string): Pick<FunctionNode, 'vendor'> {
  const vendor = vendorOfFile(file);
  return vendor === undefined ? {} : { vendor };
}

function isWeak(node: FunctionNode): boolean {
  return definitionOf(node)?.linkage === 'weak';
}

/** Active ones first; weak ones only if there is no strong one. */
function ordered(all: readonly FunctionNode[]): readonly FunctionNode[] {
  const kept = all.some((fn) => fn.active && !isWeak(fn)) ? all.filter((fn) => !isWeak(fn)) : all;
  return [...kept.filter((fn) => fn.active), ...kept.filter((fn) => !fn.active)];
}
