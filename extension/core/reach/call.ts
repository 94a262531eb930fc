import type { Edge, FunctionNode } from '../program/program';
import type { Expr } from '../syntax/facts';
import { assignedByName, labelsOf } from './assigned';
import { atomicRead, changeBit, testBit } from './bit-operations';
import { callIn, partOf } from './cell-names';
import { allocationSymbol, split } from './conditions';
import { convertedTo, evaluate, foldIn, freshSymbol, joinEvaluated } from './evaluate';
import { park, runFunction } from './execute';
import { isFeatureTest, kconfig } from './features';
import { forgetEverything, havocCall } from './havoc';
import * as bits from './known-bits';
import { cellOf, isLocal } from './locals';
import { type Decision, type Frame, newFlow } from './machine';
import { onlyReads } from './macro-stores';
import { expandMacro, namesCall, noteUse } from './macros';
import { assign } from './places';
import { sizeOf } from './sizes';
import { bitsOf, bitsValue, restingOn, type State, UNKNOWN, type Value, withCell, withoutLocals } from './state';
import { whereaboutsOf } from './whereabouts';
import { exprText } from '../syntax/expr-text';

/** One way in which a call returns. */
export interface Returned {
  readonly state: State;
  readonly value: Value;
}

export type Call = Extract<Expr, { k: 'call' }>;

/** Macros whose value is their first argument: branch hints, reads, and assertions that report and go on. */
const TRANSPARENT =
  /^(?:(?:un)?likely|READ_ONCE|KVM_BUG_ON(?:_DATA_CORRUPTION)?|WARN_ON(?:_ONCE)?|WARN(?:_ONCE)?|KVM_MMU_WARN_ON|data_race|array_index_nospec|__builtin_expect|rcu_dereference\w*|srcu_dereference\w*|smp_load_acquire)$/;

const ALLOCATION =
  /^(?:__)?(?:k[mzc]alloc\w*|kv[mzc]alloc\w*|kvcalloc\w*|k(?:str|mem)n?dup\w*|v[mzc]alloc\w*|kmem_cache_z?alloc\w*|alloc_pages?\w*|get_zeroed_page\w*|get_free_pages?\w*|kvmemdup\w*|alloc_percpu\w*|memdup_user\w*)$/;

type Kind = 'transparent' | 'allocation' | 'other';

const kinds = new Map<string, Kind>();

/** What a name alone says of a call; each name is looked at once. */
function kindOf(name: string): Kind {
  let kind = kinds.get(name);
  if (kind === undefined) {
    kind = TRANSPARENT.test(name) ? 'transparent' : ALLOCATION.test(name) ? 'allocation' : 'other';
    kinds.set(name, kind);
  }
  return kind;
}

/**
 * The ways in which a call returns; goals on the way are noted. A call whose value is `unused` is only followed if it
 * is given a local's address: what it does otherwise is forgotten, by what it may write.
 */
export function callValue(frame: Frame, x: Call, state: State, unused = false): readonly Returned[] {
  const { machine } = frame;
  if (frame.bound === undefined && frame.watch?.at.has(x.at) === true) frame.watch.met(frame, x, state);
  const goal = frame.goals?.edges.get(x.at);
  const kind = x.fn.k === 'id' ? kindOf(x.fn.name) : 'other';
  if (x.fn.k === 'id' && (goal === undefined || kind === 'transparent')) {
    const name = x.fn.name;
    const first = x.args[0];
    if (kind === 'transparent' && first !== undefined) {
      const others = x.args.slice(1);
      return transparent(frame, first, state).map((each) =>
        others.length === 0 ? each : { ...each, state: evaluateAll(frame, others, each.state)[0] },
      );
    }
    if (isFeatureTest(frame, x))
      return [{ state: evaluateAll(frame, x.args, state)[0], value: bitsValue(bits.constant(1n)) }];
    const option = kconfig(frame, x);
    if (option !== undefined) return [{ state, value: bitsValue(bits.constant(option ? 1n : 0n)) }];
    if (name === 'WRITE_ONCE' && first !== undefined && x.args[1] !== undefined) {
      const [after, value] = evaluate(frame, x.args[1], state);
      return [{ state: assign(frame, first, value, after, x.at), value }];
    }
    if (kind === 'allocation')
      return [{ state: evaluateAll(frame, x.args, state)[0], value: allocationSymbol(frame, name, x.at) }];
    const changed = changeBit(frame, x, state);
    if (changed !== undefined) return [{ state: changed, value: UNKNOWN }];
    const tested = testBit(frame, x, state);
    if (tested !== undefined) return [{ state: tested[0], value: tested[1] }];
    const atomic = atomicRead(frame, x, state);
    if (atomic !== undefined) return [{ state: atomic[0], value: atomic[1] }];
    if (name === 'BUG' || name === 'unreachable' || name === 'panic') return [];
    const folded = foldIn(frame, x) ?? optionValue(frame, x);
    if (folded !== undefined) return [{ state, value: bitsValue(bits.constant(folded)) }];
  }
  if (machine.budget-- <= 0) {
    if (frame.goals !== undefined) frame.goals.gaveUp ??= 'the step budget is used up';
    return [{ state: forgetEverything(frame, state), value: UNKNOWN }];
  }
  const [after, args] = evaluateAll(frame, x.args, state);
  noteUse(frame, x, args, after);
  if (goal !== undefined && frame.goals !== undefined) {
    const called = pointedTo(frame, x, after);
    for (const edge of goal) {
      if (called !== undefined && edge.via !== 'macro' && !called.includes(edge.calleeId)) {
        frame.goals.decisions.push(otherFunction(x, edge));
        continue;
      }
      const cut = otherDevice(frame, x, edge, after) ?? notStored(frame, x, edge);
      if (cut !== undefined) {
        frame.goals.decisions.push(cut);
        continue;
      }
      // Whoever runs a function that it is given passes it arguments of its own; so does a macro, see below.
      const isRunByOther = edge.via === 'argument' && x.fn.k === 'id' && !isLocal(frame, x.fn);
      if (edge.via === 'macro') continue;
      frame.goals.seen.push({ edge, args: isRunByOther ? [] : args, state: after });
    }
  }
  const targets = targetsOf(frame, x, after);
  if (targets === undefined) {
    const macro = x.fn.k === 'id' ? machine.program.symbols.macro(x.fn.name, frame.node.file) : undefined;
    const uses = (goal ?? []).filter((edge) => edge.via === 'macro');
    const { goals } = frame;
    if (macro?.params !== undefined) {
      if (goals === undefined || uses.length === 0) return expandMacro(frame, x, macro, state);
      const met = new Set<Edge>();
      const ends = expandMacro({ ...frame, uses: { edges: uses, met, goals } }, x, macro, state);
      for (const edge of uses) {
        if (!met.has(edge) && !namesCall(macro, edge.callee)) goals.seen.push({ edge, args: [], state: after });
      }
      return ends;
    }
    for (const edge of uses) goals?.seen.push({ edge, args: [], state: after });
    return unknownCall(frame, x, args, after);
  }
  const inline =
    frame.depth < machine.inline &&
    targets.length <= 2 &&
    goal === undefined &&
    worthFollowing(frame, targets, unused) &&
    (!unused || frame.follow === true || args.some((arg) => arg.k === 'object'));
  if (!inline) {
    const written = targets.map((target) => machine.writtenBy(target.id));
    return [{ state: havocCall(frame, args, after, written), value: freshSymbol(frame) }];
  }
  return targets.flatMap((target) => inlineCall(frame, x, target, args, after));
}

/** `IS_ENABLED(CONFIG_X)` of an option that KVM's Kconfig files know; of others it cannot be told. */
function optionValue(frame: Frame, x: Call): bigint | undefined {
  const [option] = x.args;
  if (x.fn.k !== 'id' || x.fn.name !== 'IS_ENABLED' || option?.k !== 'id') return undefined;
  const { symbols } = frame.machine.program;
  const isOn = symbols.macro(option.name) === undefined ? undefined : symbols.isActive([`defined(${option.name})`]);
  return isOn === undefined ? undefined : BigInt(isOn);
}

/**
 * What the tree does not hold: a function, or a macro, which can assign to what it is given without `&`, and jump. It
 * may run the functions that it is given.
 */
function unknownCall(frame: Frame, x: Call, args: readonly Value[], state: State): Returned[] {
  const name = x.fn.k === 'id' ? x.fn.name : '';
  let next = havocCall(frame, args, state, undefined, keepsAddress(name));
  const { edgesOf, writtenBy } = frame.machine;
  const isRun = (edgesOf(frame.node.id).get(x.at) ?? []).filter((edge) => edge.via === 'argument');
  if (isRun.length > 0)
    next = havocCall(
      frame,
      args,
      next,
      isRun.map((edge) => writtenBy(edge.calleeId)),
    );
  if (!onlyReads(name)) {
    const byName = assignedByName(frame.machine.program, name);
    for (const arg of x.args)
      if (arg.k === 'member' || (byName && arg.k === 'id' && isNumber(frame, arg)))
        next = assign(frame, arg, freshSymbol(frame), next, x.at);
    for (const arg of x.args) if (arg.k === 'id' && labelsOf(frame).has(arg.name)) park(frame, arg.name, next);
  }
  const type = frame.machine.program.symbols.typeOf(x, frame.node);
  const value = freshSymbol(frame);
  return [{ state: next, value: type === undefined ? value : convertedTo(frame, type, next, value) }];
}

/** Pointers are given to be looked at; a number that is given to a macro may be what it fills. */
function isNumber(frame: Frame, x: Extract<Expr, { k: 'id' }>): boolean {
  const { symbols } = frame.machine.program;
  const type = symbols.typeOf(x, frame.node);
  return type !== undefined && !symbols.resolveType(type).includes('*');
}

/** Code outside the tree that is done with a pointer when it returns. */
const DONE_WITH_IT =
  /^(?:__|_)?(?:mem\w+|str\w+|copy_(?:from|to)_user\w*|(?:get|put|clear)_user\w*|\w*_bit(?:s|map)?\w*|bitmap_\w+|find_\w+|atomic\w*|refcount\w*|(?:try_)?(?:cmp)?xchg\w*|cpuid\w*|(?:rd|wr)msr\w*|native_\w+|(?:mutex|spin|read|write|raw_spin|srcu|rcu|rwsem|down|up)_\w+|kvm_pr_\w+|pr_\w+|printk\w*|trace_\w+|lockdep_\w+|smp_call_\w+|on_each_\w+|sort|bsearch|likely|unlikely|tdh_\w+|tdx_\w+)$/;

function keepsAddress(name: string): boolean {
  return !DONE_WITH_IT.test(name);
}

/** A pointer that holds another function guards the call like a condition that names the function. */
function otherFunction(x: Call, edge: Edge, facts: readonly string[] = []): Decision {
  const text = `${exprText(x.fn)} == ${edge.callee}`;
  return {
    guard: { site: edge.site, text, value: false, facts },
    rules: [{ needs: true, from: x.at, to: x.at, callee: edge.calleeId }],
  };
}

/** The device whose operation is called cannot be one that has this function. */
function otherDevice(frame: Frame, x: Call, edge: Edge, state: State): Decision | undefined {
  const { devices } = frame.machine;
  if (devices === undefined || edge.slot === undefined || x.fn.k !== 'member') return undefined;
  const where = whereaboutsOf(evaluate(frame, x.fn.x, state)[1]);
  const cut = where === undefined ? undefined : devices.cut(where, edge);
  if (cut === undefined) return undefined;
  return {
    guard: { site: edge.site, text: cut.text, value: false, facts: [cut.fact] },
    rules: [{ needs: true, from: x.at, to: x.at, callee: edge.calleeId }],
  };
}

/** Nothing that this VM can run stores the function in the field that is called through. */
function notStored({ machine }: Frame, x: Call, edge: Edge): Decision | undefined {
  const fact = machine.stored?.cut(edge);
  return fact === undefined ? undefined : otherFunction(x, edge, [fact]);
}

/** The functions that a call through a local pointer runs, where it is known what the pointer holds. */
function pointedTo(frame: Frame, x: Call, state: State): readonly string[] | undefined {
  const fn = x.fn.k === 'unary' && x.fn.op === '*' ? x.fn.x : x.fn;
  const isVariable = fn.k === 'id' && frame.bound?.has(fn.name) !== true && isLocal(frame, fn);
  const value = isVariable ? state.cells.get(cellOf(frame, fn.name)) : undefined;
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

export function evaluateAll(frame: Frame, all: readonly Expr[], state: State): readonly [State, Value[]] {
  let current = state;
  const values: Value[] = [];
  for (const each of all) {
    const before = frame.read.now();
    const [after, value] = evaluate(frame, each, current);
    current = after;
    values.push(restingOn(value, frame.read.since(before)));
  }
  return [current, values];
}

/** The functions that a call runs on this VM's vendor; `undefined`: the call is not resolved to functions. */
function targetsOf(frame: Frame, x: Call, state: State): readonly FunctionNode[] | undefined {
  const { program, edgesOf } = frame.machine;
  const nodes = new Map<string, FunctionNode>();
  const pointed = pointedTo(frame, x, state);
  if (pointed !== undefined) return pointed.flatMap((id) => program.functions.get(id) ?? []);
  if (frame.bound === undefined) {
    for (const edge of edgesOf(frame.node.id).get(x.at) ?? []) {
      // Who is given a function to run passes it arguments of its own.
      if (edge.via === 'macro' || edge.via === 'argument') continue;
      const node = program.functions.get(edge.calleeId);
      if (node?.kind === 'function') nodes.set(node.id, node);
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

/** A set-up's functions are long; what is larger sets a table, entry by entry. */
const LARGEST_SET_UP = 300;
/** What does not bear on a global is followed for its value alone: a predicate. */
const LARGEST_PREDICATE = 8;

/** In a set-up what bears on a global is followed. */
function worthFollowing(frame: Frame, targets: readonly FunctionNode[], unused: boolean): boolean {
  const { setUp } = frame;
  if (setUp === undefined) return worthInlining(targets);
  const largest = targets.some((node) => setUp.follows(node.id)) ? LARGEST_SET_UP : unused ? 0 : LARGEST_PREDICATE;
  return targets.every((node) => 'body' in node.fact && sizeOf(node) <= largest);
}

/** Long functions are not inlined for a value: what they write is forgotten, what they return unknown. */
function worthInlining(targets: readonly FunctionNode[]): boolean {
  return targets.every((node) => 'body' in node.fact && node.lastLine - node.line < 120);
}

function inlineCall(frame: Frame, x: Call, target: FunctionNode, args: readonly Value[], state: State): Returned[] {
  if (!('body' in target.fact)) return [{ state, value: UNKNOWN }];
  const name = callIn(frame.name, target.name, x.at);
  let inner = state;
  for (const [index, param] of target.fact.params.entries()) {
    if (param.name === '') continue;
    const given = convertedTo(frame, param.type, inner, args[index] ?? UNKNOWN);
    inner = withCell(inner, partOf(name, param.name), given);
  }
  const callee: Frame = {
    machine: frame.machine,
    node: target,
    name,
    depth: frame.depth + 1,
    read: frame.read,
    flow: newFlow(),
    ...(frame.follow === undefined ? {} : { follow: frame.follow }),
    ...(frame.setUp === undefined ? {} : { setUp: frame.setUp }),
    ...(frame.onStore === undefined ? {} : { onStore: frame.onStore }),
  };
  return runFunction(callee, target.fact.body, inner).map(({ state: end, value }) => ({
    state: withoutLocals(end, state, [`${name}.`, `${name}/`, `${name}~`]),
    value,
  }));
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
