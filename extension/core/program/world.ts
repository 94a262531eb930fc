import type { Expr, MacroFact, Pos } from '../syntax/facts';
import type { Conditions } from './conditions';
import type { Constants } from './constants';
import { exprText } from '../syntax/expr-text';
import { argumentsAt, expand } from './expand';
import type { FunctionTable } from './functions';
import type { Definitions, Located } from './located';
import type { FunctionNode } from './program';
import type { Types } from './types';

/** What the linker's parts share while they work. */
export interface World {
  readonly definitions: Definitions;
  readonly conditions: Conditions;
  readonly functions: FunctionTable;
  readonly constants: Constants;
  readonly types: Types;
  readonly staticCalls: StaticCalls;
  /** Memory of `macrosNamed()`, by file and name. */
  readonly macros: Map<string, Map<string, readonly Located<MacroFact>[]>>;
  /** Memory of initialisers' entries, macros expanded, by file and text. */
  readonly entries: Map<string, string>;
}

/** The macros that a use of `name` in `from` can mean: those that are on, else all of them. */
export function macrosNamed(world: World, name: string, from: string): readonly Located<MacroFact>[] {
  const defined = world.definitions.macros.get(name);
  if (defined === undefined) return NONE;
  let known = world.macros.get(from);
  if (known === undefined) {
    known = new Map<string, readonly Located<MacroFact>[]>();
    world.macros.set(from, known);
  }
  let found = known.get(name);
  if (found === undefined) {
    const all = world.definitions.visibleMacros(name, from);
    const active = all.filter((one) => world.conditions.isActive(one.fact.when, one.file) !== false);
    found = active.length > 0 ? active : all;
    known.set(name, found);
  }
  return found;
}

const NONE: readonly Located<MacroFact>[] = [];

/** The function-like macros that `name(...)` in `from` can mean, through object-like ones (`#define F feature_bit`). */
export function functionLikeMacros(world: World, name: string, from: string, hops = 4): readonly Located<MacroFact>[] {
  const all = macrosNamed(world, name, from);
  const found = all.filter(({ fact }) => fact.params !== undefined);
  if (found.length > 0 || hops === 0) return found;
  for (const { fact } of all) {
    const alias = aliased(fact);
    if (alias !== undefined && alias !== name) return functionLikeMacros(world, alias, from, hops - 1);
  }
  return NONE;
}

/**
 * Those of `macros` that can be in force at a place of a file: of the file's own definitions, none from behind the place
 * if there is one before it, and none that a later unconditional one has replaced.
 */
export function inForce(macros: readonly Located<MacroFact>[], file: string, at: Pos): readonly Located<MacroFact>[] {
  if (macros.length < 2) return macros;
  const before = macros.filter((one) => one.file === file && one.fact.at < at);
  if (before.length === 0) return macros;
  const last = before.findLastIndex(({ fact }) => fact.when === undefined);
  return before.slice(Math.max(last, 0));
}

/** The name that an object-like macro stands for, if it is nothing but a name. */
function aliased(macro: MacroFact): string | undefined {
  return macro.params === undefined ? /^\(?\s*&?\s*([A-Za-z_]\w*)\s*\)?$/.exec(macro.text.trim())?.[1] : undefined;
}

/** A function that a name stands for, through object-like macros (`#define a b`); `when` of the macros on the way. */
export function functionsMeant(world: World, name: string, from: string, hops = 4): readonly FunctionNode[] {
  const direct = world.functions.named(name, from);
  if (direct.length > 0 || hops === 0) return direct;
  for (const { fact } of macrosNamed(world, name, from)) {
    const alias = aliased(fact);
    if (alias !== undefined && alias !== name) return functionsMeant(world, alias, from, hops - 1);
  }
  return [];
}

/**
 * Static calls: `static_call(kvm_x86_X)(...)`, or a macro that pastes one (`kvm_x86_call(X)`), goes through the field X
 * of a table. Which prefix belongs to which table is said by the tree's own
 * `DECLARE_STATIC_CALL(kvm_x86_##func, *(((struct kvm_x86_ops *)0)->func))`.
 */
export class StaticCalls {
  /** Longest prefix first: `kvm_x86_pmu_` before `kvm_x86_`. */
  private readonly tables: readonly (readonly [string, string])[];

  constructor(definitions: Definitions) {
    const found = new Map<string, string>();
    for (const all of definitions.macros.values())
      for (const { fact } of all) {
        if (fact.params === undefined || !fact.text.includes('STATIC_CALL')) continue;
        const match = /STATIC_CALL\w*\s*\(\s*(\w+?)\s*##.*?struct\s+(\w+)\s*\*\s*\)\s*0/s.exec(fact.text);
        if (match?.[1] !== undefined && match[2] !== undefined) found.set(match[1], match[2]);
      }
    this.tables = [...found].sort((a, b) => b[0].length - a[0].length || (a[0] < b[0] ? -1 : 1));
  }

  /** The table and field behind a static call's key. */
  slotOfKey(key: string): { readonly tag: string; readonly field: string } {
    const table = this.tables.find(([prefix]) => key.startsWith(prefix));
    // A call with no table behind it holds its own function.
    return table === undefined
      ? { tag: 'static_call', field: key }
      : { tag: table[1], field: key.slice(table[0].length) };
  }

  /** Whether a call of this name only says which slot is called: `static_call(x)`, `kvm_x86_call(x)`. */
  isCallName(macros: readonly Located<MacroFact>[], name: string): boolean {
    return (
      isStaticCall(name) ||
      macros.some(
        ({ fact }) => fact.params !== undefined && /^\s*static_call(?:_cond|_mod)?\s*\([^()]*\)\s*$/.test(fact.text),
      )
    );
  }

  /** The slot that the callee expression `static_call(...)` or a macro for it goes through. */
  slotOf(world: World, fn: Expr, from: string): { readonly tag: string; readonly field: string } | undefined {
    return fn.k === 'call' && fn.fn.k === 'id'
      ? this.slotOfCall(world, fn.fn.name, fn.args.map(exprText), from)
      : undefined;
  }

  slotOfCall(
    world: World,
    name: string,
    args: readonly string[],
    from: string,
  ): { readonly tag: string; readonly field: string } | undefined {
    if (isStaticCall(name)) return args[0] === undefined ? undefined : this.slotOfKey(args[0]);
    for (const { fact } of macrosNamed(world, name, from)) {
      if (!fact.text.includes('static_call')) continue;
      const text = expand(fact, args)?.trim();
      const call = text === undefined ? null : /^static_call(?:_cond|_mod)?\s*\(/.exec(text);
      if (text === undefined || call === null) continue;
      const key = argumentsAt(text, call[0].length)[0];
      const slot = key === undefined ? undefined : this.slotOfKey(key);
      if (slot !== undefined) return slot;
    }
    return undefined;
  }
}

function isStaticCall(name: string): boolean {
  return name.startsWith('static_call') && /^static_call(?:_cond|_mod)?$/.test(name);
}
