import { InputError } from '../input-error';
import type { FunctionId, FunctionNode, Program, Site } from '../program/program';
import type { Question } from '../reach/verdict';
import type { Branch, Value } from './branch';
import { zap } from './action-zap';
import { classesOf, type Consequences, isWorse } from './consequences';
import { runBody } from './execute';
import { type Decide, type Frame, type Machine, siteOf } from './machine';
import type { MmuState } from './mmu-state';
import type { Outcome } from './outcome';
import { play, type Planned, type Run, type Stage } from './play';
import { hasMirrorRoots } from './root-iterator';
import { DEFAULT_SCENARIO, type GfnRange, type Scenario, startOf, type Traits } from './scenario';
import { guestSees, userspaceSees } from './sentences';
import { stepsOf } from './steps';

/** Statements and calls of all runs together, and expressions that are looked at on the way. */
const BUDGET = 5_000;
const READS = 200_000;

/**
 * Runs the model on a sink's body as it stands in the tree. What the VM type decides is asked of `decide`; where a
 * condition stays undecided both sides are run, the worst is reported (see `isWorse()`), and the trace says what was
 * taken to be so. Throws InputError if `sink` has no body.
 */
export function sinkOutcome(
  program: Program,
  sink: FunctionId,
  question: Question,
  decide: Decide,
  scenario: Scenario = DEFAULT_SCENARIO,
): Outcome {
  const node = sinkNode(program, sink);
  const traits = traitsOf(program, sink, question, decide);
  const start = startOf(scenario, question.vm, traits);
  const site = siteOf({ node, depth: 0 }, 'at' in node.fact ? node.fact.at : 0);
  const called = `${node.name}() is called, scenario ${scenario.name}`;
  const stage: Stage = {
    program,
    site,
    traits,
    range: scenario.range,
    runSink: (state, range) => runSink(program, sink, decide, state, range, [called]),
  };
  const hypothetical = question.vm === 'tdx' && !traits.mirrorRoots;
  const runs = play(stage, scenario.actions ?? ONE_ZAP, begunAt(start, hypothetical ? [HYPOTHETICAL] : [], site));
  return report(node, question, scenario, start, runs, rmpFaultHandler(program, sink));
}

const HYPOTHETICAL = 'hypothetical TD: this tree has no mirror roots, its private pages hang under the direct root';
const ONE_ZAP: readonly Planned[] = [
  { action: 'zap', step: (stage, branch) => zap(stage, branch, { start: undefined, end: undefined }) },
];

/** The ways in which a run of the sink's body may end, from any state, for a range `[start, end)` of its caller. */
export function runSink(
  program: Program,
  sink: FunctionId,
  decide: Decide,
  start: MmuState,
  range: GfnRange,
  notes: readonly string[] = [],
): readonly Branch[] {
  const node = sinkNode(program, sink);
  if (!('body' in node.fact)) return [];
  const { body, at } = node.fact;
  const machine: Machine = {
    program,
    decide,
    start,
    budget: BUDGET,
    reads: READS,
    quiet: new Map(),
    effects: new Map(),
  };
  const frame: Frame = { node, depth: 0 };
  const site = siteOf(frame, at);
  const begun: Branch = { ...begunAt(start, notes, site), env: parameters(node, range) };
  const ends = runBody(machine, frame, body, begun);
  return ends.length === 0 ? [begun] : ends;
}

function begunAt(state: MmuState, notes: readonly string[], site: Site): Branch {
  const trace = notes.map((text) => ({ text, site, state }));
  return { state, env: new Map(), assumed: new Map(), trace, unmodelled: [], returnsEarly: false };
}

function sinkNode(program: Program, sink: FunctionId): FunctionNode {
  const node = program.functions.get(sink);
  if (node === undefined || !('body' in node.fact))
    throw new InputError(`${sink}: no function body to run the model on`);
  return node;
}

/** The range in the first and last of the parameters of type `gfn_t`; other parameters are unknown. */
function parameters(node: FunctionNode, range: GfnRange): Map<string, Value> {
  const env = new Map<string, Value>();
  if (!('body' in node.fact)) return env;
  for (const { name } of node.fact.params) env.set(name, undefined);
  const frames = node.fact.params.filter((param) => param.type === 'gfn_t');
  const [first, last] = [frames[0], frames.at(-1)];
  if (first !== undefined) env.set(first.name, range.start);
  if (last !== undefined && last !== first) env.set(last.name, range.end);
  return env;
}

/** The function that zaps through the sink for an RMP fault of an SNP guest, as far as this tree has one that does. */
function rmpFaultHandler({ callers }: Program, sink: FunctionId): string | undefined {
  return callers.get(sink)?.find(({ caller }) => caller === 'sev_handle_rmp_fault')?.caller;
}

/** Whether the host runs the TDP MMU is a host fact; by default it does. */
export function traitsOf(program: Program, sink: FunctionId, question: Question, decide: Decide): Traits {
  const tdp = decide(sink, { k: 'id', at: 0, name: 'tdp_mmu_enabled' });
  const host = question.host['tdp_mmu_enabled'];
  const off = host === undefined ? tdp === false : /^(?:0|n|no|off|false)$/i.test(host);
  return { mirrorRoots: hasMirrorRoots(program), tdpMmu: !off };
}

function report(
  node: FunctionNode,
  question: Question,
  scenario: Scenario,
  start: MmuState,
  runs: readonly Run[],
  rmpFault: string | undefined,
): Outcome {
  const worst = runs.reduce((a, b) => (isWorse(b.seen, a.seen) ? b : a));
  const { seen } = worst;
  // What any run met and the model does not know stays visible, whichever run is shown.
  const unmodelled = runs.reduce<Branch['unmodelled']>((all, { branch: { unmodelled: more } }) => {
    const fresh = more.filter((note) => !all.some((known) => sameNote(known, note)));
    return fresh.length === 0 ? all : [...all, ...fresh];
  }, []);
  const { bugSite } = worst.branch.state.vm;
  return {
    vm: question.vm,
    sink: node.name,
    scenario: scenario.name,
    classes: classesOf(seen, unmodelled.length > 0),
    bugged: seen.bugged,
    dead: seen.dead,
    ...(bugSite === undefined || bugSite.file === '' ? {} : { bugSite }),
    zapped: seen.zapped,
    flushed: seen.flushed,
    returnsEarly: worst.branch.returnsEarly,
    leaked: seen.leaked,
    unmodelled: unmodelled.toSorted((a, b) => comparePlaces(a, b)),
    guest: guestSees(seen, start, unmodelled.length, rmpFault),
    userspace: userspaceSees(seen, unmodelled.length),
    ...stepsOf(start, worst.branch.trace, worst.branch.state, closing(seen, runs.length)),
  };
}

/** What a trace says at its end. */
function closing(seen: Consequences, runs: number): readonly string[] {
  const left = [...seen.leaked, ...seen.otherLocks];
  return [
    ...(left.length > 0 ? [`left behind: ${left.join(' and ')}`] : []),
    ...(runs > 1 ? [`${runs} runs through undecided conditions differ in what they do: the worst is shown`] : []),
  ];
}

type Note = Outcome['unmodelled'][number];

function sameNote(a: Note, b: Note): boolean {
  return comparePlaces(a, b) === 0 && a.text === b.text;
}

function comparePlaces(a: Note, b: Note): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
