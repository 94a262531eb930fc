import type { Expr, MacroFact } from '../syntax/facts';
import { labelsOf } from './assigned';
import { type Call, evaluateAll, type Returned } from './call';
import { changesIn } from './changes';
import { isTruth, split } from './conditions';
import { evaluate, freshSymbol } from './evaluate';
import { park, runStatements } from './execute';
import { havocCall } from './havoc';
import * as bits from './known-bits';
import { declaredByMacro } from './locals';
import { type Frame, MAX_INLINE } from './machine';
import { argumentsStored, onlyReads } from './macro-stores';
import { assign } from './places';
import { bitsValue, type State, type Value } from './state';
import type { FieldNames } from './written-fields';

/** In a macro's body: a call that leads on, with the arguments that the macro gives it. */
export function noteUse(frame: Frame, x: Call, args: readonly Value[], state: State): void {
  const { uses } = frame;
  if (uses === undefined || frame.bound === undefined || x.fn.k !== 'id') return;
  for (const edge of uses.edges) {
    if (edge.callee !== x.fn.name) continue;
    uses.met.add(edge);
    uses.goals.seen.push({ edge, args, state });
  }
}

/** The macro's own body calls the function by its name, so that the execution of the body decides whether it does. */
export function namesCall(macro: MacroFact, callee: string): boolean {
  const code = macro.expr ?? macro.stmts;
  return code !== undefined && changesIn(code).calls.some((call) => call.fn.k === 'id' && call.fn.name === callee);
}

/** The macros that are being expanded, with one more. */
export function withMacro({ expanding }: Frame, macro: MacroFact): ReadonlySet<MacroFact> {
  return new Set(expanding).add(macro);
}

export function expandMacro(frame: Frame, x: Call, macro: MacroFact, state: State): Returned[] {
  const code = macro.expr ?? macro.stmts;
  const isTooDeep = frame.depth >= Math.max(MAX_INLINE, frame.machine.inline) + 4;
  if (code === undefined || isTooDeep || frame.expanding?.has(macro) === true)
    return opaqueMacro(frame, x, macro, state);
  const bound = new Map<string, { x: Expr; frame: Frame }>();
  for (const [index, param] of (macro.params ?? []).entries()) {
    const arg = x.args[index];
    if (arg !== undefined) bound.set(param, { x: arg, frame });
  }
  const own = { names: declaredByMacro(macro), prefix: `${frame.own?.prefix ?? frame.name}~${x.at}` };
  const inner: Frame = {
    ...elsewhere(frame),
    depth: frame.depth + 1,
    bound,
    own,
    expanding: withMacro(frame, macro),
  };
  if (macro.expr === undefined) {
    const end = runStatements(inner, macro.stmts ?? [], state);
    return end === undefined ? [] : [{ state: end, value: freshSymbol(frame) }];
  }
  if (isTruth(macro.expr)) {
    const { yes, no } = split(inner, macro.expr, state);
    return [
      ...yes.map((each) => ({ state: each, value: bitsValue(bits.constant(1n)) })),
      ...no.map((each) => ({ state: each, value: bitsValue(bits.constant(0n)) })),
    ];
  }
  const [after, value] = evaluate(inner, macro.expr, state);
  return [{ state: after, value }];
}

/** A macro whose body is not followed: what it may store to by its text is forgotten. */
function opaqueMacro(frame: Frame, x: Call, macro: MacroFact, state: State): Returned[] {
  const [after, args] = evaluateAll(frame, x.args, state);
  const stored = onlyReads(macro.name) ? new Set<number>() : argumentsStored(macro);
  let next = havocCall(frame, args, after, [fieldsStored(macro)], false);
  for (const [index, arg] of x.args.entries())
    if (stored.has(index)) next = assign(frame, arg, freshSymbol(frame), next, x.at);
  for (const arg of x.args) if (arg.k === 'id' && labelsOf(frame).has(arg.name)) park(frame, arg.name, next);
  return [{ state: next, value: freshSymbol(frame) }];
}

/** Names of fields that a macro's text stores to. */
function fieldsStored(macro: MacroFact): FieldNames {
  const stores = macro.text.matchAll(/(?:->|\.)\s*(\w+)\s*(?:=(?!=)|[-+*/|&^]=|<<=|>>=|\+\+|--)/g);
  const fields = new Set([...stores].map((match) => match[1]));
  return { has: (field) => fields.has(field), isEmpty: fields.size === 0 };
}

/** What a macro's body looks for is not what its user does, and its positions are others. */
function elsewhere(frame: Frame): Frame {
  const { goals: _goals, horizon: _horizon, ...rest } = frame;
  return rest;
}
