import type { Edge, FunctionNode } from '../program/program';
import type { Expr, MacroFact } from '../syntax/facts';
import { allocationSymbol, assign, evaluate, freshSymbol, joinEvaluated, split } from './evaluate';
import { atomicRead, changeBit } from './bit-operations';
import { runFunction } from './execute';
import { argumentsStored, onlyReads } from './macro-stores';
import * as bits from './known-bits';
import { type Decision, type Frame, MAX_INLINE, newFlow } from './machine';
import { exprWords } from './wording';
import { bitsOf, bitsValue, type State, UNKNOWN, type Value, withCell, withoutLocals, replaced } from './state';

/** One way in which a call returns. */
export interface Returned {
  readonly state: State;
  readonly value: Value;
}

type Call = Extract<Expr, { k: 'call' }>;

/** Macros whose value is their first argument: branch hints, reads, and assertions that report and go on. */
const TRANSPARENT =
  /^(?:(?:un)?likely|READ_ONCE|KVM_BUG_ON(?:_DATA_CORRUPTION)?|WARN_ON(?:_ONCE)?|WARN(?:_ONCE)?|KVM_MMU_WARN_ON|data_race|array_index_nospec|__builtin_expect|rcu_dereference\w*|srcu_dereference\w*|smp_load_acquire)$/;

const ALLOCATION =
  /^(?:__)?(?:k[mzc]alloc\w*|kv[mzc]alloc\w*|kvcalloc\w*|k(?:str|mem)n?dup\w*|v[mzc]alloc\w*|kmem_cache_z?alloc\w*|alloc_pages?\w*|get_zeroed_page\w*|get_free_pages?\w*|kvmemdup\w*|alloc_percpu\w*|memdup_user\w*)$/;

/**
 * The ways in which a call returns; goals on the way are noted. A call whose value is `unused` is only followed if it
 * is given a local's address: what it does otherwise is forgotten, by what it may write.
 */
export function callValue(frame: Frame, x: Call, state: State, unused = false): readonly Returned[] {
  const { machine } = frame;
  if (x.fn.k === 'id') {
    const name = x.fn.name;
    const first = x.args[0];
    if (TRANSPARENT.test(name) && first !== undefined) return transparent(frame, first, state);
    if (name === 'WRITE_ONCE' && first !== undefined && x.args[1] !== undefined) {
      const [after, value] = evaluate(frame, x.args[1], state);
      return [{ state: assign(frame, first, value, after, x.at), value }];
    }
    if (ALLOCATION.test(name))
      return [{ state: evaluateArgs(frame, x, state)[0], value: allocationSymbol(frame, name, x.at) }];
    const changed = changeBit(frame, x, state);
    if (changed !== undefined) return [{ state: changed, value: UNKNOWN }];
    const atomic = atomicRead(frame, x, state);
    if (atomic !== undefined) return [{ state: atomic[0], value: atomic[1] }];
    if (name === 'BUG' || name === 'unreachable' || name === 'panic') return [];
    const folded = frame.bound === undefined ? machine.program.symbols.fold(x, frame.node.file) : undefined;
    if (folded !== undefined) return [{ state, value: bitsValue(bits.constant(folded)) }];
  }
  if (machine.budget-- <= 0) {
    if (frame.goals !== undefined) frame.goals.gaveUp ??= 'the step budget is used up';
    return [{ state: forgetEverything(frame, state), value: UNKNOWN }];
  }
  const goal = frame.goals?.edges.get(x.at);
  const [after, args] = evaluateArgs(frame, x, state);
  if (goal !== undefined && frame.goals !== undefined) {
    const called = pointedTo(frame, x, after);
    for (const edge of goal) {
      if (called !== undefined && edge.via !== 'macro' && !called.includes(edge.calleeId)) {
        frame.goals.decisions.push(otherFunction(x, edge));
        continue;
      }
      frame.goals.seen.push({ edge, args, state: after, labels: frame.goals.labels });
    }
  }
  const targets = targetsOf(frame, x, after);
  if (targets === undefined) {
    const macro = x.fn.k === 'id' ? machine.program.symbols.macro(x.fn.name, frame.node.file) : undefined;
    if (macro?.params !== undefined) return expandMacro(frame, x, macro, state);
    // What the tree does not hold may be a macro, which can assign to what it is given without `&`.
    const name = x.fn.k === 'id' ? x.fn.name : '';
    const lvalues = onlyReads(name) ? [] : x.args.filter((arg) => arg.k === 'member');
    const changed = lvalues.reduce(
      (each, arg) => assign(frame, arg, freshSymbol(frame), each, x.at),
      havocCall(frame, args, after, undefined),
    );
    return [{ state: changed, value: freshSymbol(frame) }];
  }
  const inline =
    frame.depth < MAX_INLINE &&
    targets.length <= 2 &&
    goal === undefined &&
    worthInlining(targets) &&
    (!unused || args.some((arg) => arg.k === 'object'));
  if (!inline) {
    const written = new Set<string>();
    for (const target of targets) for (const key of machine.writtenBy(target.id)) written.add(key);
    return [{ state: havocCall(frame, args, after, written), value: freshSymbol(frame) }];
  }
  return targets.flatMap((target) => inlineCall(frame, x, target, args, after));
}

/** A pointer that holds another function guards the call like a condition that names the function. */
function otherFunction(x: Call, edge: Edge): Decision {
  const text = `${exprWords(x.fn)} == ${edge.callee}`;
  return {
    guard: { site: edge.site, text, value: false, facts: [] },
    rules: [{ needs: true, from: x.at, to: x.at }],
  };
}

/** The functions that a call through a local pointer runs, where it is known what the pointer holds. */
function pointedTo(frame: Frame, x: Call, state: State): readonly string[] | undefined {
  const fn = x.fn.k === 'unary' && x.fn.op === '*' ? x.fn.x : x.fn;
  const value = fn.k === 'id' ? state.cells.get(`${frame.name}.${fn.name}`) : undefined;
  return value?.k === 'function' ? value.ids : undefined;
}

function transparent(frame: Frame, x: Expr, state: State): Returned[] {
  // A comparison's two outcomes stay apart; a plain value keeps its identity.
  if (x.k === 'binary' || (x.k === 'unary' && x.op === '!') || x.k === 'call') {
    const { yes, no } = split(frame, x, state);
    return [
      ...yes.map((each) => ({ state: each, value: bitsValue(bits.constant(1n)) })),
      ...no.map((each) => ({ state: each, value: bitsValue(bits.constant(0n)) })),
    ];
  }
  const [after, value] = evaluate(frame, x, state);
  return [{ state: after, value }];
}

function evaluateArgs(frame: Frame, x: Call, state: State): readonly [State, Value[]] {
  let current = state;
  const args: Value[] = [];
  for (const arg of x.args) {
    const [after, value] = evaluate(frame, arg, current);
    current = after;
    args.push(value);
  }
  return [current, args];
}

/** The functions that a call runs on this VM's vendor; `undefined`: the call is not resolved to functions. */
function targetsOf(frame: Frame, x: Call, state: State): readonly FunctionNode[] | undefined {
  const { program, edgesOf } = frame.machine;
  const nodes = new Map<string, FunctionNode>();
  const pointed = pointedTo(frame, x, state);
  if (pointed !== undefined) return pointed.flatMap((id) => program.functions.get(id) ?? []);
  if (frame.bound === undefined) {
    for (const edge of edgesOf(frame.node.id).get(x.at) ?? []) {
      const node = program.functions.get(edge.calleeId);
      if (node?.kind === 'function' && edge.via !== 'macro') nodes.set(node.id, node);
    }
    if (nodes.size > 0) return [...nodes.values()];
  }
  if (x.fn.k === 'id') {
    const named = program.symbols
      .functionsNamed(x.fn.name, frame.node.file)
      .filter((node) => node.active && node.kind === 'function');
    if (named.length > 0) return named;
  }
  return undefined;
}

/** Long functions are not inlined for a value: what they write is forgotten, what they return unknown. */
function worthInlining(targets: readonly FunctionNode[]): boolean {
  return targets.every((node) => 'body' in node.fact && node.lastLine - node.line < 120);
}

function inlineCall(frame: Frame, x: Call, target: FunctionNode, args: readonly Value[], state: State): Returned[] {
  if (!('body' in target.fact)) return [{ state, value: UNKNOWN }];
  const name = `${frame.name}/${target.name}@${x.at}`;
  let inner = state;
  for (const [index, param] of target.fact.params.entries()) {
    if (param.name !== '') inner = withCell(inner, `${name}.${param.name}`, args[index] ?? UNKNOWN);
  }
  const callee: Frame = {
    machine: frame.machine,
    node: target,
    name,
    depth: frame.depth + 1,
    read: frame.read,
    flow: newFlow(),
    ...(frame.onStore === undefined ? {} : { onStore: frame.onStore }),
  };
  return runFunction(callee, target.fact.body, inner).map(({ state: end, value }) => ({
    state: withoutLocals(end, state, [`${name}.`, `${name}/`]),
    value,
  }));
}

function expandMacro(frame: Frame, x: Call, macro: MacroFact, state: State): Returned[] {
  if (macro.expr === undefined || frame.depth >= MAX_INLINE + 4) {
    const [after, args] = evaluateArgs(frame, x, state);
    const stored = onlyReads(macro.name) ? new Set<number>() : argumentsStored(macro);
    const changed = x.args.reduce(
      (each, arg, index) => (stored.has(index) ? assign(frame, arg, freshSymbol(frame), each, x.at) : each),
      havocCall(frame, args, after, undefined),
    );
    return [{ state: changed, value: freshSymbol(frame) }];
  }
  const bound = new Map<string, { x: Expr; frame: Frame }>();
  for (const [index, param] of (macro.params ?? []).entries()) {
    const arg = x.args[index];
    if (arg !== undefined) bound.set(param, { x: arg, frame });
  }
  const inner: Frame = { ...withoutGoals(frame), depth: frame.depth + 1, bound };
  const { yes, no } = isTruth(macro.expr) ? split(inner, macro.expr, state) : { yes: [], no: [] };
  if (isTruth(macro.expr)) {
    return [
      ...yes.map((each) => ({ state: each, value: bitsValue(bits.constant(1n)) })),
      ...no.map((each) => ({ state: each, value: bitsValue(bits.constant(0n)) })),
    ];
  }
  const [after, value] = evaluate(inner, macro.expr, state);
  return [{ state: after, value }];
}

function withoutGoals(frame: Frame): Frame {
  const { goals: _, ...rest } = frame;
  return rest;
}

function isTruth(x: Expr): boolean {
  return (x.k === 'binary' && /^(?:==|!=|<|<=|>|>=|&&|\|\|)$/.test(x.op)) || (x.k === 'unary' && x.op === '!');
}

/**
 * What is left to know after a call that was not followed: locals whose address it was given and the fields that it
 * may write hold something else. `written` absent: the function is not in the tree, and may write through its arguments.
 */
function havocCall(
  frame: Frame,
  args: readonly Value[],
  state: State,
  written: ReadonlySet<string> | undefined,
): State {
  const given = args.flatMap((arg) => {
    if (arg.k === 'object') return [arg.id];
    return arg.k === 'symbol' && written === undefined ? [`*${arg.id}`] : [];
  });
  if (given.length === 0 && (written === undefined || written.size === 0)) return state;
  let next = replaced(state, (cell) => {
    const isGiven = given.some((id) => cell === id);
    const isPart = isGiven || given.some((id) => cell.startsWith(`${id}.`));
    if (written === undefined) return isPart ? freshSymbol(frame) : undefined;
    if (!isPart && !isObjectCell(cell)) return undefined;
    const forgets = isGiven || written.has(cell.slice(cell.lastIndexOf('.') + 1));
    return forgets ? freshSymbol(frame) : undefined;
  });
  // A local scalar that was not read yet holds what the call put there.
  for (const id of given) if (!next.cells.has(id)) next = withCell(next, id, freshSymbol(frame));
  return next;
}

/** Cells of objects behind pointers and globals, not locals themselves. */
function isObjectCell(cell: string): boolean {
  return cell.includes('*') || cell.startsWith('global.');
}

function forgetEverything(frame: Frame, state: State): State {
  return replaced(state, () => freshSymbol(frame));
}

/** The value that several returns give together. */
function joinReturns(returns: readonly Returned[], otherwise: State): Returned {
  const [state, value] = joinEvaluated(
    returns.map((each) => [each.state, each.value] as const),
    otherwise,
  );
  return { state, value };
}

/** Returns grouped by what a caller can tell apart: zero, not zero, either. */
export function groupReturns(returns: readonly Returned[]): readonly Returned[] {
  const groups = new Map<string, Returned[]>();
  for (const each of returns) {
    const key =
      each.value.k === 'object' || each.value.k === 'function'
        ? 'true'
        : String(bits.truth(bitsOf(each.state, each.value)));
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()].flatMap((group) => {
    const first = group[0];
    return first === undefined ? [] : [group.length === 1 ? first : joinReturns(group, first.state)];
  });
}
