import type { Expr, MacroFact } from '../syntax/facts';
import { exprText } from '../syntax/expr-text';
import { callsIn, expand, type TextCall } from './expand';
import type { CallingMacros } from './calling-macros';
import type { Located } from './located';
import type { FunctionNode } from './program';
import { templateName } from './templates';
import { functionLikeMacros, macrosNamed, type World } from './world';

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
  readonly members: readonly MemberCall[];
}

export interface MemberCall {
  readonly field: string;
  /** As in `TextCall`; the first name may be a parameter of the macro. */
  readonly receiver: readonly string[];
}

export interface MacroUse {
  readonly macro: Located<MacroFact>;
  readonly calls: MacroCalls;
}

const NOTHING: MacroCalls = { direct: [], slots: [], passed: [], members: [] };
const DEEPEST = 10;
/** `PASTE(x)(...)` */
const CALLS_WHAT_A_CALL_GIVES = /\w\s*\([^()]*\)\s*\(/;

export class MacroReader {
  private readonly fixed = new Map<MacroFact, MacroCalls>();
  /** Of macros whose text names what several files have of their own, by the file of the use. */
  private readonly local = new Map<string, Map<MacroFact, MacroCalls>>();
  private isLocal = false;
  private readonly open = new Set<MacroFact>();

  /** Of a template's function that is read: what its names begin with in this instance (`paging64_`). */
  instance: string | undefined;

  constructor(
    private readonly world: World,
    private readonly calling: CallingMacros,
  ) {}

  /** `from`: the file of the use, whose names the expansion means. */
  callsOf(macro: Located<MacroFact>, args: readonly string[] | readonly Expr[], from: string): MacroCalls {
    const { fact } = macro;
    if (!this.calling.has(fact.name)) return NOTHING;
    if (this.open.size > DEEPEST || this.open.has(fact)) return NOTHING;
    const isFixed =
      this.instance === undefined &&
      !fact.text.includes('##') &&
      !CALLS_WHAT_A_CALL_GIVES.test(fact.text) &&
      !args.some((arg) => this.isCallable(arg, from));
    const known = isFixed ? (this.fixed.get(fact) ?? this.local.get(from)?.get(fact)) : undefined;
    if (known !== undefined) return known;
    const outer = this.isLocal;
    this.isLocal = false;
    this.open.add(fact);
    const text = isFixed ? fact.text : (expand(fact, args.map(textOf)) ?? fact.text);
    const calls = this.read(text, macro, from);
    this.open.delete(fact);
    if (isFixed && this.open.size === 0) this.remember(fact, from, calls);
    this.isLocal ||= outer;
    return calls;
  }

  private remember(fact: MacroFact, from: string, calls: MacroCalls): void {
    let known = this.fixed;
    if (this.isLocal) {
      known = this.local.get(from) ?? new Map<MacroFact, MacroCalls>();
      this.local.set(from, known);
    }
    known.set(fact, calls);
  }

  /** The object-like macros with calls that a text names. */
  private callersIn(text: string): readonly string[] {
    return text.match(/[A-Za-z_]\w*/g)?.filter((name) => this.calling.has(name)) ?? [];
  }

  private isCallable(arg: string | Expr, from: string): boolean {
    const name = typeof arg === 'string' ? /^&?(\w+)$/.exec(arg)?.[1] : nameOf(arg);
    return (
      name !== undefined &&
      (this.world.functions.has(name) || macrosNamed(this.world, name, from).some((m) => m.fact.params !== undefined))
    );
  }

  /** What an object-like macro calls: `#define BOTH (bit(A) | bit(B))`. */
  *objectLike(name: string, from: string): Iterable<MacroUse> {
    for (const macro of macrosNamed(this.world, name, from)) {
      if (macro.fact.params !== undefined) continue;
      const calls = this.callsOf(macro, [], from);
      if (!isEmpty(calls)) yield { macro, calls };
    }
  }

  private read(text: string, macro: Located<MacroFact>, from: string): MacroCalls {
    const direct: (FunctionNode | MacroUse)[] = [];
    for (const name of this.callersIn(text)) if (name !== macro.fact.name) direct.push(...this.objectLike(name, from));
    const slots: { tag: string; field: string }[] = [];
    const passed: { node: FunctionNode; args: readonly string[] }[] = [];
    const members: MemberCall[] = [];
    for (const call of callsIn(text)) {
      if (call.receiver !== undefined) {
        members.push({ field: call.name, receiver: call.receiver });
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
      const inner = functionLikeMacros(this.world, call.name, from);
      for (const one of inner) {
        const calls = this.callsOf(one, call.args, from);
        if (!isEmpty(calls)) direct.push({ macro: one, calls });
        const name = call.called === undefined ? undefined : this.pasted(one.fact, call.args);
        if (name !== undefined) this.addFunctions({ name, args: call.called ?? [] }, from, direct, passed);
      }
      if (inner.length === 0) this.addFunctions(call, from, direct, passed);
    }
    return { direct: unique(direct), slots, passed, members };
  }

  /** The name that a macro makes, if it makes nothing else: `PASTE(x)`, a template's `FNAME(x)` in its instance. */
  private pasted(macro: MacroFact, args: readonly string[]): string | undefined {
    const ofTemplate = templateName(`${macro.name}(${args.join(', ')})`);
    if (this.instance !== undefined && ofTemplate !== undefined) return this.instance + ofTemplate;
    return /^\(?\s*([A-Za-z_]\w*)\s*\)?$/.exec(expand(macro, args)?.trim() ?? '')?.[1];
  }

  private addFunctions(
    call: TextCall,
    from: string,
    direct: (FunctionNode | MacroUse)[],
    passed: { node: FunctionNode; args: readonly string[] }[],
  ): void {
    const named = this.world.functions.named(call.name, from);
    if (this.world.functions.all(call.name).filter((node) => node.active).length > 1) this.isLocal = true;
    for (const node of named.length > 0 ? named : this.instancesNamed(call.name, from)) {
      if (!node.active) continue;
      direct.push(node);
      passed.push({ node, args: call.args });
    }
  }

  /** `#define walk FNAME(walk)` in a template's instance. */
  private instancesNamed(name: string, from: string): readonly FunctionNode[] {
    if (this.instance === undefined) return [];
    for (const { fact } of macrosNamed(this.world, name, from)) {
      const pasted = fact.params === undefined ? templateName(fact.text.trim()) : undefined;
      if (pasted !== undefined) return this.world.functions.named(this.instance + pasted, from);
    }
    return [];
  }
}

/** `f` of `f` and `&f`. */
function nameOf(x: Expr): string | undefined {
  const inner = x.k === 'unary' && x.op === '&' ? x.x : x;
  return inner.k === 'id' ? inner.name : undefined;
}

/** An argument as text; of what calls by itself nothing, as these calls are the user's. */
function textOf(arg: string | Expr): string {
  if (typeof arg === 'string') return arg;
  return arg.k === 'call' || arg.k === 'block' ? '' : exprText(arg);
}

export function isEmpty(calls: MacroCalls): boolean {
  return calls.direct.length === 0 && calls.slots.length === 0 && calls.members.length === 0;
}

export function isMacroUse(one: FunctionNode | MacroUse): one is MacroUse {
  return 'macro' in one;
}

/** A macro that pastes names calls something else with each argument: two uses of one are the same if they call the same. */
function unique(list: readonly (FunctionNode | MacroUse)[]): (FunctionNode | MacroUse)[] {
  const seen = new Set<unknown>();
  return list.filter((one) => {
    const key = isMacroUse(one) ? one.calls : one;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
