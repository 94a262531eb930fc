import type { MacroFact } from '../syntax/facts';
import { callsIn, expand, type TextCall } from './expand';
import type { Located } from './located';
import type { FunctionNode } from './program';
import { macrosNamed, type World } from './world';

/**
 * What a use of a function-like macro calls. Macros are read as text: a macro may paste names, call a parameter, or be
 * no expression at all.
 */
export interface MacroCalls {
  /** Functions called by the text itself, and macros in it that call something, each once. */
  readonly direct: readonly (FunctionNode | MacroUse)[];
  /** Table slots that the text dispatches through. */
  readonly slots: readonly { readonly tag: string; readonly field: string }[];
  /** Calls of functions with their arguments, for function names that are passed on. */
  readonly passed: readonly { readonly node: FunctionNode; readonly args: readonly string[] }[];
  /** Fields called through a receiver: `(p)->ops->f(p)`. */
  readonly members: readonly string[];
}

export interface MacroUse {
  readonly macro: Located<MacroFact>;
  readonly calls: MacroCalls;
}

const NOTHING: MacroCalls = { direct: [], slots: [], passed: [], members: [] };
const DEEPEST = 10;

export class MacroReader {
  private readonly fixed = new Map<MacroFact, MacroCalls>();
  private readonly open = new Set<MacroFact>();

  constructor(private readonly world: World) {}

  /** `from`: the file of the use, whose names the expansion means. */
  callsOf(macro: Located<MacroFact>, args: readonly string[], from: string): MacroCalls {
    const { fact } = macro;
    if (fact.params === undefined || this.open.size > DEEPEST || this.open.has(fact)) return NOTHING;
    const isFixed = !fact.text.includes('##') && !args.some((arg) => this.isCallable(arg, from));
    const known = isFixed ? this.fixed.get(fact) : undefined;
    if (known !== undefined) return known;
    this.open.add(fact);
    const text = isFixed ? fact.text : (expand(fact, args) ?? '');
    const calls = text.includes('(') ? this.read(callsIn(text), macro, from) : NOTHING;
    this.open.delete(fact);
    if (isFixed && this.open.size === 0) this.fixed.set(fact, calls);
    return calls;
  }

  private isCallable(arg: string, from: string): boolean {
    return (
      /^&?\w+$/.test(arg) &&
      (this.world.functions.has(arg.replace('&', '')) ||
        macrosNamed(this.world, arg, from).some((m) => m.fact.params !== undefined))
    );
  }

  private read(found: readonly TextCall[], macro: Located<MacroFact>, from: string): MacroCalls {
    const direct: (FunctionNode | MacroUse)[] = [];
    const slots: { tag: string; field: string }[] = [];
    const passed: { node: FunctionNode; args: readonly string[] }[] = [];
    const members = new Set<string>();
    for (const call of found) {
      if (call.member) {
        members.add(call.name);
        continue;
      }
      if (call.name === macro.fact.name) {
        this.addFunctions(call, from, direct, passed);
        continue;
      }
      const slot = this.world.staticCalls.slotOfCall(this.world, call.name, call.args, from);
      if (slot !== undefined) {
        slots.push(slot);
        continue;
      }
      const inner = macrosNamed(this.world, call.name, from).filter((one) => one.fact.params !== undefined);
      for (const one of inner) {
        const calls = this.callsOf(one, call.args, from);
        if (!isEmpty(calls)) direct.push({ macro: one, calls });
      }
      if (inner.length === 0) this.addFunctions(call, from, direct, passed);
    }
    return { direct: unique(direct), slots, passed, members: [...members] };
  }

  private addFunctions(
    call: TextCall,
    from: string,
    direct: (FunctionNode | MacroUse)[],
    passed: { node: FunctionNode; args: readonly string[] }[],
  ): void {
    for (const node of this.world.functions.named(call.name, from)) {
      if (!node.active) continue;
      direct.push(node);
      passed.push({ node, args: call.args });
    }
  }
}

export function isEmpty(calls: MacroCalls): boolean {
  return calls.direct.length === 0 && calls.slots.length === 0 && calls.members.length === 0;
}

export function isMacroUse(one: FunctionNode | MacroUse): one is MacroUse {
  return 'macro' in one;
}

function unique(list: readonly (FunctionNode | MacroUse)[]): (FunctionNode | MacroUse)[] {
  const seen = new Set<unknown>();
  return list.filter((one) => {
    const key = isMacroUse(one) ? one.macro.fact : one;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
