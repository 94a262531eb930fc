import type { FunctionId, Program } from '../program/program';
import { type Question, vendorOf, type VmType } from '../reach/verdict';
import { actionsOn } from './actions';
import { APIC_PAGE_GFN } from './apicv';
import { callerActions } from './caller-actions';
import { type Counterexample, type Exploration, explore, type Start } from './explore';
import { invariantsOf } from './invariants';
import type { Decide } from './machine';
import { type Rules, RULES } from './rules';
import { DEFAULT_SCENARIO, type Scenario, startOf } from './scenario';
import { traitsOf } from './traits';
import { worldOf } from './tree-rules';
import type { Unmodelled } from './world';

/** What was found of a sink by doing everything that can happen, in every order. Plain data. */
export interface SinkExploration extends Omit<Exploration, 'broken'> {
  readonly vm: VmType;
  readonly sink: string;
  readonly gfns: readonly string[];
  readonly vcpus: number;
  readonly actions: number;
  readonly invariants: readonly Answer[];
  /** What of the tree's code that the actions run the model does not know; sorted. */
  readonly unmodelled: readonly Unmodelled[];
}

export interface Answer {
  readonly name: string;
  readonly holds: boolean;
  /** A shortest way to break it. */
  readonly counterexample?: Counterexample;
}

export const DEPTH = 6;

/** A private page and the page of the local APIC, which is mapped as shared. */
const GFNS = [0x100n, APIC_PAGE_GFN];

const RUNNING: Scenario = {
  ...DEFAULT_SCENARIO,
  name: 'running, with one private page and the APIC page mapped',
  privatePages: [0x100n],
  pendingPages: [],
  sharedPages: [{ gfn: APIC_PAGE_GFN, level: 1 }],
};

/** A TD of which nothing is initialised yet. */
const CREATED: Scenario = {
  ...RUNNING,
  name: 'created, with nothing mapped',
  tdState: 'UNINITIALIZED',
  privatePages: [],
  sharedPages: [],
};

/**
 * Everything that userspace, the guest and the host can do to a VM with two gfns and two vCPUs, in every order, `depth`
 * actions deep, the sink's body as it stands in the tree among them.
 */
export function exploreSink(
  program: Program,
  sink: FunctionId,
  question: Question,
  decide: Decide,
  options: { readonly depth?: number; readonly rules?: Rules } = {},
): SinkExploration {
  const world = worldOf(program, vendorOf(question.vm, question.host), decide, sink, options.rules ?? RULES);
  const traits = traitsOf(world, sink, question);
  const starts = (question.vm === 'tdx' ? [RUNNING, CREATED] : [RUNNING]).map((scenario): Start => {
    const state = startOf(scenario, question.vm, traits);
    // The page of the initial image is private before it is there.
    const privateGfns = scenario === CREATED ? new Set([0x100n]) : state.memory.privateGfns;
    return { name: scenario.name, state: { ...state, memory: { ...state.memory, privateGfns } } };
  });
  const [first] = starts;
  if (first === undefined) throw new Error('no state to start from');
  const actions = [...actionsOn(world.rules, first.state, GFNS), ...callerActions(world, sink, first.state)];
  const invariants = invariantsOf(world.rules);
  world.unmodelled.clear();
  const { broken, ...counts } = explore(starts, actions, invariants, options.depth ?? DEPTH);
  return {
    vm: question.vm,
    sink: program.functions.get(sink)?.name ?? sink,
    gfns: GFNS.map((gfn) => `0x${gfn.toString(16)}`),
    vcpus: first.state.vcpus.length,
    actions: actions.length,
    ...counts,
    invariants: invariants.map(({ name }) => {
      const counterexample = broken.find((one) => one.invariant === name);
      return { name, holds: counterexample === undefined, ...(counterexample === undefined ? {} : { counterexample }) };
    }),
    unmodelled: [...world.unmodelled].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, note]) => note),
  };
}
