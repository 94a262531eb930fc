import type { Edge, FunctionId } from '../program/program';
import { sameEdge } from './callers';
import { type Phase, runFrom, type WalkInput } from './contexts';
import type { FactsLookup, Goals, Machine } from './machine';
import { START, type State } from './state';
import { backwards, forwards, type VendorGraph } from './vendor-graph';

/** Statements and calls that the questions asked here may execute together. Beyond it every call counts as possible. */
const BUDGET = 1_000_000;
/** How deep calls are followed for their value: conditions here ask for the VM's type and state, not for what was passed on. */
const DEEPEST = 3;

export interface PossibleInput {
  readonly machine: Omit<Machine, 'facts'>;
  readonly facts: Readonly<Record<Phase, FactsLookup>>;
  readonly graph: VendorGraph;
  /** Functions that control comes to from outside, known or not. */
  readonly begins: ReadonlySet<FunctionId>;
  readonly creating: WalkInput['creating'];
  readonly early: Early;
  /** What is looked for: calls that may lead to one of these are not followed for their value. */
  readonly targets: readonly FunctionId[];
  readonly ways?: Ways;
}

/** What ways to a function may take. */
export interface Ways {
  /** Whether they may take an edge. The answer may change: what is found holds for one question each. */
  readonly passes: (edge: Edge) => boolean;
  /** Functions of more lines are not executed: every call in them counts as possible. */
  readonly longest: number;
}

/** Functions that may run before a VM or a vCPU is made as far as its facts say. */
export type Early = Readonly<Record<'vm' | 'vcpu', ReadonlySet<FunctionId>>>;

export function runningEarly(graph: VendorGraph, creating: WalkInput['creating']): Early {
  const below = (ids: ReadonlySet<FunctionId>): Set<FunctionId> =>
    forwards(
      graph,
      [...ids].filter((id) => graph.callers(id).length > 0),
    );
  return { vm: below(creating.vm), vcpu: below(creating.vcpu) };
}

/** What one execution of a function met. `undefined` where a function's body is not known: anything. */
export type Run = Pick<Goals, 'seen' | 'gaveUp'> | undefined;

/**
 * Which calls this VM can make and which functions it can get to, each function executed on its own with nothing known
 * of its arguments: what is not possible here is not possible at all. For the few functions that a fact rests on; the
 * walk itself goes forward and knows the arguments.
 */
export class Possible {
  /** The facts that an execution asked for and that were assumed or not known, told by whoever looks for them. */
  asked = new Set<string>();
  private assumption = '';
  private readonly runs = new Map<string, { readonly run: Run; readonly asked: ReadonlySet<string> }>();
  private readonly gettable = new Map<FunctionId, boolean>();
  private readonly machine: Omit<Machine, 'facts'>;
  private readonly leading: ReadonlySet<FunctionId>;

  constructor(private readonly input: PossibleInput) {
    // The questions come up in the midst of an execution, whose machine goes on with its own facts. What is found here
    // may rest on an assumption, which nothing that is kept may be derived from: of devices and stored functions nothing is asked.
    const { devices: _devices, stored: _stored, ...machine } = input.machine;
    this.machine = { ...machine, budget: BUDGET, fresh: 0, inline: Math.min(DEEPEST, machine.inline) };
    this.leading = backwards(input.graph, input.targets);
  }

  /** Whether the call is made in some execution of the function that it stands in. */
  canCall(edge: Edge): boolean {
    if (this.isLong(edge.callerId)) return true;
    const run = this.run(edge.callerId);
    return run === undefined || run.gaveUp !== undefined || run.seen.some((seen) => sameEdge(seen.edge, edge));
  }

  private isLong(id: FunctionId): boolean {
    const node = this.machine.program.functions.get(id);
    return node !== undefined && node.lastLine - node.line > (this.input.ways?.longest ?? Infinity);
  }

  /** Whether a way leads from outside to the function through calls that can be made. */
  canGetTo(id: FunctionId): boolean {
    const gettable = this.input.ways === undefined ? this.gettable : new Map<FunctionId, boolean>();
    const next = new Map<FunctionId, FunctionId | undefined>([[id, undefined]]);
    const open: Edge[] = [];
    for (let here: FunctionId | undefined = id; here !== undefined; here = this.caller(open, next)) {
      if (this.input.begins.has(here) || gettable.get(here) === true) {
        for (let at: FunctionId | undefined = here; at !== undefined; at = next.get(at)) gettable.set(at, true);
        return true;
      }
      if (gettable.get(here) === undefined) open.push(...this.waysInto(here));
    }
    for (const each of next.keys()) gettable.set(each, false);
    return false;
  }

  /** The next function to look at: one that was not looked at and makes a call that leads on. */
  private caller(open: Edge[], next: Map<FunctionId, FunctionId | undefined>): FunctionId | undefined {
    for (let edge = open.pop(); edge !== undefined; edge = open.pop()) {
      if (next.has(edge.callerId) || this.input.ways?.passes(edge) === false || !this.canCall(edge)) continue;
      next.set(edge.callerId, edge.calleeId);
      return edge.callerId;
    }
    return undefined;
  }

  /** The calls of a function, the one that is nearest to the outside last. */
  private waysInto(id: FunctionId): Edge[] {
    const { graph } = this.input;
    const distance = (edge: Edge): number => this.distances().get(edge.callerId) ?? Infinity;
    const length = ({ callerId }: Edge): number => {
      const node = this.machine.program.functions.get(callerId);
      return node === undefined ? 0 : node.lastLine - node.line;
    };
    return [...graph.callers(id)].sort((a, b) => distance(b) - distance(a) || length(b) - length(a));
  }

  /** How many calls it takes at least to get to a function from outside. */
  private distances(): ReadonlyMap<FunctionId, number> {
    if (this.fromOutside === undefined) {
      const found = new Map([...this.input.begins].map((id) => [id, 0]));
      for (const [id, calls] of found)
        for (const { calleeId } of this.input.graph.callees(id))
          if (!found.has(calleeId)) found.set(calleeId, calls + 1);
      this.fromOutside = found;
    }
    return this.fromOutside;
  }
  private fromOutside: ReadonlyMap<FunctionId, number> | undefined;

  /** One execution of a function in which the calls are looked for that may lead to a target. */
  run(id: FunctionId): Run {
    const withAssumption = `${id} ${this.assumption}`;
    const plain = this.runs.get(id);
    const known = this.runs.get(withAssumption) ?? (plain?.asked.has(this.assumption) === true ? undefined : plain);
    if (known !== undefined) return known.run;
    this.asked = new Set();
    const run = this.runFrom(id, START);
    this.runs.set(this.asked.has(this.assumption) ? withAssumption : id, { run, asked: this.asked });
    return run;
  }

  /** What `ask` finds while a fact is assumed. What was executed without it and asked for it is executed again. */
  assuming<Answer>(key: string, ask: () => Answer): Answer {
    this.assumption = key;
    const answer = ask();
    this.assumption = '';
    return answer;
  }

  /** The same from a start of which something is known. `watch`: is told of each call of the function that is met. */
  runFrom(id: FunctionId, start: State, watch?: WalkInput['watch']): Run {
    const { creating } = this.input;
    const input: WalkInput = {
      machine: this.machine,
      facts: this.input.facts,
      entries: [],
      dispatched: new Map(),
      creating,
      closure: this.leading,
      sinks: new Set(),
      ...(watch === undefined ? {} : { watch }),
    };
    return runFrom(input, id, this.phaseOf(id), start);
  }

  /** The facts that hold whenever the function runs: it may run while the VM is created. */
  private phaseOf(id: FunctionId): Phase {
    if (this.input.early.vm.has(id)) return 'before-vm';
    return this.input.early.vcpu.has(id) ? 'before-vcpu' : 'created';
  }
}
