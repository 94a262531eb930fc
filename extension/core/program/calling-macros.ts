import type { MacroFact } from '../syntax/facts';
import type { FunctionTable } from './functions';
import type { Definitions } from './located';

/**
 * Which macros may call something: their text names a function, dispatches, calls a parameter, pastes names, or names
 * another such macro. All others (`BIT()`, `min()`, flags) need no look. Asked of the macros that are used, a small
 * part of those that headers define.
 */
export class CallingMacros {
  private readonly known = new Map<string, boolean>();

  constructor(
    private readonly definitions: Definitions,
    private readonly functions: FunctionTable,
  ) {}

  has(name: string): boolean {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    // Most names that are asked for are constants of enums, variables, functions.
    if (this.definitions.macros.has(name)) return this.search(name);
    this.known.set(name, false);
    return false;
  }

  /** Through the macros that `name` leads to: none of them calls anything, or `name` does. */
  private search(name: string): boolean {
    const seen = new Set([name]);
    let calls = false;
    for (const next of seen) {
      calls = this.known.get(next) ?? this.look(next, seen);
      if (calls) break;
    }
    this.known.set(name, calls);
    if (!calls) for (const other of seen) this.known.set(other, false);
    return calls;
  }

  /** Whether one macro calls by itself; the macros that it names are added to `named`. */
  private look(name: string, named: Set<string>): boolean {
    for (const { fact } of this.definitions.macros.get(name) ?? []) {
      if (callsByItself(fact)) return true;
      for (const word of fact.text.match(/[A-Za-z_]\w*/g) ?? []) {
        if (this.functions.has(word)) return true;
        if (this.definitions.macros.has(word)) named.add(word);
      }
    }
    return false;
  }
}

/** A pasted name that is called or that names a template's function, dispatch through fields and static calls, a parameter that is called. */
function callsByItself({ name, text, params }: MacroFact): boolean {
  if (text.includes('##') && (/##\s*\w+\s*\)*\s*\(/.test(text) || name.endsWith('NAME'))) return true;
  if (!text.includes('(')) return false;
  if (/(?:->|\.)\s*\w+\s*\)*\s*\(|static_call|\)\s*\(/.test(text)) return true;
  if (params === undefined) return false;
  for (const [, called = ''] of text.matchAll(/([A-Za-z_]\w*)\s*\(/g)) if (params.includes(called)) return true;
  return false;
}
