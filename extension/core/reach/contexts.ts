import type { Edge, EntryPoint, FunctionId, FunctionNode } from '../program/program';
import { CellMap } from './cell-map';
import { runFunction } from './execute';
import * as bits from './known-bits';
import {
  type Decision,
  type FactsLookup,
  type Frame,
  type Goals,
  type Label,
  type Machine,
  newFlow,
  type Seen,
} from './machine';
import { bitsOf, bitsValue, initial, START, type State, type Value } from './state';

/** How far the VM's creation is when a context runs: which derived facts hold. */
export type Phase = 'before-vm' | 'before-vcpu' | 'created';

/** A function with what is known of its arguments: the unit of the walk. */
export interface Context {
  readonly key: string;
  readonly node: FunctionNode;
  readonly phase: Phase;
  readonly start: State;
  /** The calls out of it that can be taken. */
  readonly steps: Step[];
  readonly decisions: Decision[];
  gaveUp: string | undefined;
}

/** A call that a context can take. `to` absent: the sink is called. */
export interface Step {
  readonly edge: Edge;
  readonly to: Context;
  readonly labels: readonly Label[];
  /** What it needs that neither userspace nor the guest controls. */
  readonly conditions: readonly string[];
}

/** Contexts of one function beyond this many are joined into one that knows nothing. */
const MAX_CONTEXTS = 40;
const LOCAL = 'f';

export interface WalkInput {
  readonly machine: Omit<Machine, 'facts'>;
  readonly facts: Readonly<Record<Phase, FactsLookup>>;
  readonly entries: readonly EntryPoint[];
  /** Functions that KVM dispatches to from its own code, by the name that a path through them has. */
  readonly dispatched: ReadonlyMap<FunctionId, EntryPoint>;
  /** Functions from which a sink can be reached in the call graph, sinks included. */
  readonly closure: ReadonlySet<FunctionId>;
  readonly sinks: ReadonlySet<FunctionId>;
  readonly cancelled?: () => boolean;
}

export interface Walk {
  readonly roots: readonly { readonly entry: EntryPoint; readonly context: Context }[];
  readonly contexts: ReadonlyMap<FunctionId, readonly Context[]>;
  readonly dispatched: ReadonlyMap<FunctionId, EntryPoint>;
}

/** Walks forward from the entry points, inside the closure of the sinks, one execution per context. */
export function walk(input: WalkInput): Walk {
  const contexts = new Map<FunctionId, Context[]>();
  const queue: Context[] = [];
  const enter = entering(contexts, queue);
  const roots: { entry: EntryPoint; context: Context }[] = [];
  for (const entry of input.entries) {
    const node = input.machine.program.functions.get(entry.functionId);
    if (node === undefined || !input.closure.has(node.id)) continue;
    const start: State =
      entry.selector === undefined
        ? START
        : { ...START, cells: CellMap.of<Value>([[`${LOCAL}.${entry.selector}`, { k: 'symbol', id: 'ioctl:number' }]]) };
    roots.push({ entry, context: enter(node, 'created', start) });
  }
  runAll(input, queue, enter);
  return { roots, contexts, dispatched: input.dispatched };
}

/** The walk that starts at one function of which nothing is known: its context; `undefined` if it is not in the closure. */
export function walkFrom(input: WalkInput, id: FunctionId): Context | undefined {
  const node = input.machine.program.functions.get(id);
  if (node === undefined || !input.closure.has(id)) return undefined;
  const queue: Context[] = [];
  const enter = entering(new Map(), queue);
  const context = enter(node, 'created', START);
  runAll(input, queue, enter);
  return context;
}

type Enter = (node: FunctionNode, phase: Phase, start: State) => Context;

function runAll(input: WalkInput, queue: Context[], enter: Enter): void {
  for (let i = 0; i < queue.length; i++) {
    const context = queue[i];
    if (context === undefined || input.cancelled?.() === true) return;
    runContext(input, context, enter);
  }
}

function entering(contexts: Map<FunctionId, Context[]>, queue: Context[]): Enter {
  return (node: FunctionNode, phase: Phase, start: State): Context => {
    const list = contexts.get(node.id) ?? [];
    contexts.set(node.id, list);
    const full = list.length >= MAX_CONTEXTS;
    const known = full ? START : start;
    const key = `${phase} ${stateKey(known)}`;
    const old = list.find((each) => each.key === key);
    if (old !== undefined) return old;
    const context: Context = { key, node, phase, start: known, steps: [], decisions: [], gaveUp: undefined };
    list.push(context);
    queue.push(context);
    return context;
  };
}

function runContext(
  input: WalkInput,
  context: Context,
  enter: (node: FunctionNode, phase: Phase, start: State) => Context,
): void {
  const { node } = context;
  if (input.sinks.has(node.id) || !('body' in node.fact)) return;
  const machine: Machine = Object.assign(input.machine as Machine, { facts: input.facts[context.phase] });
  const edges = new Map<number, Edge[]>();
  for (const [at, list] of machine.edgesOf(node.id)) {
    const leading = list.filter((edge) => input.closure.has(edge.calleeId));
    if (leading.length > 0) edges.set(at, leading);
  }
  const goals: Goals = { edges, seen: [], decisions: [], labels: [], gaveUp: undefined };
  const frame: Frame = { machine, node, name: LOCAL, depth: 0, goals, read: new Set(), flow: newFlow() };
  runFunction(frame, node.fact.body, context.start);
  context.gaveUp = goals.gaveUp;
  context.decisions.push(...goals.decisions);
  for (const seen of mergeSeen(goals.seen)) {
    const callee = machine.program.functions.get(seen.edge.calleeId);
    if (callee === undefined) continue;
    const phase = nextPhase(context.phase, seen.labels);
    const to = enter(callee, phase, calleeState(callee, seen));
    context.steps.push({ edge: seen.edge, to, labels: seen.labels, conditions: [...seen.state.conditions].sort() });
  }
}

/** The same call seen again and again in a loop or on joined paths: each with another state is a step of its own. */
function mergeSeen(all: readonly Seen[]): Seen[] {
  const distinct = new Map<string, Seen>();
  for (const seen of all) {
    const labels = seen.labels.map((label) => label.names.join()).join('/');
    const key = `${seen.edge.site.line}:${seen.edge.site.column} ${seen.edge.calleeId} ${labels} ${[...seen.state.conditions].join()} ${seen.args
      .map((arg) => valueKey(seen.state, arg))
      .join()}`;
    if (!distinct.has(key)) distinct.set(key, seen);
  }
  return [...distinct.values()];
}

/** On the way that creates a VM or a vCPU what its creation sets does not hold yet. */
function nextPhase(phase: Phase, labels: readonly Label[]): Phase {
  const names = labels.flatMap((label) => label.names);
  if (names.includes('KVM_CREATE_VM')) return 'before-vm';
  return names.includes('KVM_CREATE_VCPU') && phase === 'created' ? 'before-vcpu' : phase;
}

/** What a callee knows of its parameters: the caller's knowledge under the callee's names. */
function calleeState(callee: FunctionNode, seen: Seen): State {
  if (!('body' in callee.fact)) return START;
  const cells = new Map<string, Value>();
  const known = new Map<string, bits.Bits>();
  for (const [index, param] of callee.fact.params.entries()) {
    const arg = seen.args[index];
    if (param.name === '' || arg === undefined) continue;
    const cell = `${LOCAL}.${param.name}`;
    if (arg.k === 'bits' && bits.within(bits.TOP, arg.bits)) continue;
    if (arg.k === 'bits' || arg.k === 'function') cells.set(cell, arg);
    else if (arg.k === 'symbol') {
      if (arg.id.startsWith('ioctl:')) cells.set(cell, arg);
      const of = seen.state.known.get(arg.id);
      if (of !== undefined) known.set(arg.id.startsWith('ioctl:') ? arg.id : cell, of);
      copyObject(seen.state, `*${arg.id}`, `*${cell}`, cells, known);
    } else {
      cells.set(cell, { k: 'object', id: cell });
      copyObject(seen.state, arg.id, cell, cells, known);
    }
  }
  return { cells: CellMap.of(cells), known: CellMap.of(known), conditions: new Set() };
}

/** Fields of an object about which something is known: numbers and functions, not further objects. */
function copyObject(
  state: State,
  from: string,
  to: string,
  cells: Map<string, Value>,
  known: Map<string, bits.Bits>,
): void {
  for (const [cell, value] of state.cells.entries()) {
    if (!cell.startsWith(`${from}.`)) continue;
    const target = `${to}${cell.slice(from.length)}`;
    if (value.k === 'function') cells.set(target, value);
    if (value.k !== 'bits' && value.k !== 'symbol') continue;
    const of = bitsOf(state, value);
    if (bits.within(bits.TOP, of)) continue;
    if (bits.single(of) !== undefined) cells.set(target, bitsValue(of));
    else {
      cells.set(target, initial(target));
      known.set(target, of);
    }
  }
}

function stateKey(state: State): string {
  const cells = state.cells
    .entries()
    .map(([cell, value]) => `${cell}=${valueKey(state, value)}`)
    .sort();
  const known = state.known
    .entries()
    .filter(([id]) => !state.cells.has(id))
    .map(([id, of]) => `${id}~${bitsKey(of)}`);
  return [...cells, ...known.sort()].join(' ');
}

function valueKey(state: State, value: Value): string {
  if (value.k === 'function') return value.ids.join('|');
  if (value.k === 'object') {
    const fields = state.cells.entries().filter(([cell]) => cell.startsWith(`${value.id}.`));
    return `{${fields.map(([cell, each]) => `${cell.slice(value.id.length)}:${each.k === 'bits' || each.k === 'symbol' ? bitsKey(bitsOf(state, each)) : each.k}`).join()}}`;
  }
  const of = bitsKey(bitsOf(state, value));
  if (value.k === 'symbol') {
    const fields = state.known.entries().filter(([id]) => id.startsWith(`*${value.id}.`));
    return `${value.id.startsWith('ioctl:') ? 'ioctl' : ''}${of}${fields.map(([id, each]) => `${id.slice(value.id.length)}:${bitsKey(each)}`).join()}`;
  }
  return of;
}

function bitsKey(of: bits.Bits): string {
  if (of.mask === bits.ALL && of.ranges.length === 1 && of.ranges[0]?.[0] === 0n && of.ranges[0][1] === bits.ALL)
    return '';
  return `${of.value.toString(16)}/${of.mask.toString(16)}[${of.ranges.map(([low, high]) => `${low.toString(16)}-${high.toString(16)}`).join()}]`;
}
