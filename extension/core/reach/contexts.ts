import type { Edge, EntryPoint, FunctionId, FunctionNode } from '../program/program';
import type { Stmt } from '../syntax/facts';
import { CellMap } from './cell-map';
import { calleeState, stateKey } from './callee-state';
import { partOf } from './cell-names';
import { changesIn } from './changes';
import type { Dispatched } from './entries';
import { runBody } from './execute';
import { horizon } from './horizon';
import * as bits from './known-bits';
import {
  type Decision,
  type FactsLookup,
  type Frame,
  type Goals,
  type Label,
  type Machine,
  holding,
  outermost,
  OUTERMOST,
  type Seen,
  type Watch,
} from './machine';
import { labelsIn, namesAlone } from './selectors';
import { initial, START, type State, type Value } from './state';

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

/** Beyond this many contexts of one function new ones know of what lies behind pointers nothing, only of arguments. */
const MANY_CONTEXTS = 24;
/** Beyond this many new ones are joined into one that knows nothing. */
const MAX_CONTEXTS = 96;
/** An ioctl's number. */
const SELECTOR = initial('ioctl:number', bits.fromRanges([[0n, 0xffffffffn]]));

export interface WalkInput {
  readonly machine: Omit<Machine, 'facts'>;
  readonly facts: Readonly<Record<Phase, FactsLookup>>;
  readonly entries: readonly EntryPoint[];
  /** Functions that KVM dispatches to from its own code, by the name that a path through them has. */
  readonly dispatched: Dispatched;
  /** Functions that the vendor's creation of a VM and of a vCPU can be reached from, itself included. */
  readonly creating: { readonly vm: ReadonlySet<FunctionId>; readonly vcpu: ReadonlySet<FunctionId> };
  /** Functions from which a sink can be reached in the call graph, sinks included. */
  readonly closure: ReadonlySet<FunctionId>;
  readonly sinks: ReadonlySet<FunctionId>;
  readonly cancelled?: () => boolean;
  /** Nothing is known of the arguments of a call. */
  readonly forgetful?: true;
  readonly watch?: Watch;
}

export interface Walk {
  readonly roots: readonly { readonly entry: EntryPoint; readonly context: Context }[];
  readonly contexts: ReadonlyMap<FunctionId, readonly Context[]>;
  readonly dispatched: Dispatched;
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
        : { ...START, cells: CellMap.of<Value>([[partOf(OUTERMOST, entry.selector), SELECTOR]]) };
    roots.push({ entry, context: enter(node, 'created', start) });
  }
  runAll(input, queue, enter);
  return { roots, contexts, dispatched: input.dispatched };
}

const walked = new WeakMap<WalkInput, Map<FunctionId, Context>>();

/** The walk that starts at one function of which nothing is known: its context; `undefined` if it is not in the closure. */
export function walkFrom(input: WalkInput, id: FunctionId): Context | undefined {
  const known = walked.get(input) ?? new Map<FunctionId, Context>();
  walked.set(input, known);
  const before = known.get(id);
  if (before !== undefined) return before;
  const node = input.machine.program.functions.get(id);
  if (node === undefined || !input.closure.has(id)) return undefined;
  const queue: Context[] = [];
  const enter = entering(new Map(), queue);
  const context = enter(node, 'created', START);
  known.set(id, context);
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
    const known = list.length >= MAX_CONTEXTS ? START : list.length >= MANY_CONTEXTS ? withoutPointedTo(start) : start;
    const key = `${phase} ${stateKey(known)}`;
    const old = list.find((each) => each.key === key);
    if (old !== undefined) return old;
    const context: Context = { key, node, phase, start: known, steps: [], decisions: [], gaveUp: undefined };
    list.push(context);
    queue.push(context);
    return context;
  };
}

function withoutPointedTo(state: State): State {
  const isArgument = ([name]: readonly [string, unknown]): boolean => !name.includes('*');
  return {
    ...state,
    cells: CellMap.of(state.cells.entries().filter(isArgument)),
    known: CellMap.of(state.known.entries().filter(isArgument)),
  };
}

function runContext(input: WalkInput, context: Context, enter: Enter): void {
  const run = runFrom(input, context.node.id, context.phase, context.start);
  if (run === undefined) return;
  context.gaveUp = run.gaveUp;
  context.decisions.push(...run.decisions);
  const { program } = input.machine;
  const distinct = new Set<string>();
  for (const seen of run.seen) {
    const callee = program.functions.get(seen.edge.calleeId);
    if (callee === undefined) continue;
    const labels = labelsIn(program.symbols, seen.state);
    const phase = nextPhase(input, context.phase, seen.edge, labels);
    const start = input.forgetful === true ? START : calleeState(program.symbols, callee, seen);
    const key = stepKey(seen, labels, start);
    if (distinct.has(key)) continue;
    distinct.add(key);
    const to = enter(callee, phase, start);
    context.steps.push({ edge: seen.edge, to, labels, conditions: [...seen.state.conditions].sort() });
  }
}

/** One execution of a function: the calls towards the sinks that it can make, and the conditions that it met. */
export function runFrom(
  input: WalkInput,
  id: FunctionId,
  phase: Phase,
  start: State,
): Pick<Goals, 'seen' | 'decisions' | 'gaveUp'> | undefined {
  const node = input.machine.program.functions.get(id);
  if (node === undefined || input.sinks.has(node.id) || !('body' in node.fact)) return undefined;
  const machine = holding(input.machine, input.facts[phase]);
  const edges = new Map<number, Edge[]>();
  for (const [at, list] of machine.edgesOf(node.id)) {
    const leading = list.filter((edge) => input.closure.has(edge.calleeId));
    if (leading.length > 0) edges.set(at, leading);
  }
  const goals: Goals = { edges, seen: [], decisions: [], until: Infinity, ran: new Map(), gaveUp: undefined };
  const places = new Set([...edges.keys(), ...(input.watch?.at ?? [])]);
  const frame: Frame = {
    ...outermost(machine, node),
    goals,
    horizon: horizon(node.fact.body, places),
    ...(input.watch === undefined ? {} : { watch: input.watch }),
  };
  runBody(frame, node.fact.body, start);
  goals.seen.push(...seenElsewhere(node, edges, goals));
  return goals;
}

/** The same call seen again in a loop or on joined paths: each with another state is a step of its own. */
function stepKey(seen: Seen, labels: readonly Label[], start: State): string {
  const names = labels.map((label) => label.names.join()).join('/');
  const { line, column } = seen.edge.site;
  return `${line}:${column} ${seen.edge.calleeId} ${names} ${[...seen.state.conditions].join()} ${stateKey(start)}`;
}

/**
 * Calls that do not stand as a call in the body: those of loop macros, guards, cleanups. They happen if the statement
 * that they belong to was run; with what arguments is not known.
 */
function seenElsewhere(node: FunctionNode, edges: ReadonlyMap<number, readonly Edge[]>, goals: Goals): Seen[] {
  if (!('body' in node.fact)) return [];
  const calls = new Set(changesIn(node.fact.body).calls.map((call) => call.at));
  const others = [...edges].filter(([at]) => !calls.has(at));
  if (others.length === 0) return [];
  const seen: Seen[] = [];
  for (const [at, list] of others) {
    const owner = statementAt(node.fact.body, at);
    const before = owner === undefined ? START : goals.ran.get(owner);
    if (before !== undefined) for (const edge of list) seen.push({ edge, args: [], state: namesAlone(before) });
  }
  return seen;
}

/** The innermost statement that begins last before a position. */
function statementAt(body: readonly Stmt[], at: number): Stmt | undefined {
  let found: Stmt | undefined;
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) visit(each);
    else if (typeof value === 'object' && value !== null) {
      const stmt = value as Stmt;
      if (STATEMENTS.has(stmt.k) && stmt.at <= at && (found === undefined || found.at <= stmt.at)) found = stmt;
      for (const each of Object.values(value)) if (typeof each === 'object') visit(each);
    }
  };
  visit(body);
  return found;
}

const STATEMENTS = new Set(['expr', 'decl', 'if', 'switch', 'loop', 'each', 'guard', 'return', 'asm']);

/**
 * On the way that creates a VM or a vCPU what its creation sets does not hold yet: below the ioctl's `case`, and in
 * what calls the creating function, however the ioctl's number was compared.
 */
function nextPhase({ creating }: WalkInput, phase: Phase, edge: Edge, labels: readonly Label[]): Phase {
  const names = labels.flatMap((label) => label.names);
  if (names.includes('KVM_CREATE_VM') || creating.vm.has(edge.calleeId)) return 'before-vm';
  const createsVcpu = names.includes('KVM_CREATE_VCPU') || creating.vcpu.has(edge.calleeId);
  return createsVcpu && phase === 'created' ? 'before-vcpu' : phase;
}
