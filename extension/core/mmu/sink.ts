import { InputError } from '../input-error';
import { vendorOfFile } from '../program/ids';
import type { FunctionId, FunctionNode, Program, Site } from '../program/program';
import { type Question, vendorOf } from '../reach/verdict';
import type { Branch, Value } from './branch';
import { zap } from './action-zap';
import { classesOf, type Consequences, isWorse } from './consequences';
import { runBody } from './execute';
import { type Decide, type Frame, siteOf } from './machine';
import type { MmuState } from './mmu-state';
import type { Outcome } from './outcome';
import { play, type Planned, type Run, type Stage } from './play';
import { DEFAULT_SCENARIO, type GfnRange, type Scenario, startOf } from './scenario';
import { guestSees, userspaceSees } from './sentences';
import { stepsOf } from './steps';
import { traitsOf } from './traits';
import { worldOf } from './tree-rules';
import { begun, machineOf, noted, type World } from './world';

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
  const world = worldOf(program, vendorOf(question.vm, question.host), decide, sink);
  const traits = traitsOf(world, sink, question);
  const start = startOf(scenario, question.vm, traits);
  const site = siteOf({ node, depth: 0 }, 'at' in node.fact ? node.fact.at : 0);
  const called = `${node.name}() is called, scenario ${scenario.name}`;
  const stage: Stage = {
    world,
    site,
    traits,
    range: scenario.range,
    runSink: (state, range) => runSink(world, sink, state, range, [called]),
  };
  const hypothetical = question.vm === 'tdx' && !traits.mirrorRoots;
  const first = begun(start, new Map(), notesAt(start, hypothetical ? [HYPOTHETICAL] : [], site));
  const runs = play(stage, scenario.actions ?? ONE_ZAP, first);
  return report(node, question, scenario, start, runs, callerInAmd(program, sink));
}

const HYPOTHETICAL = 'hypothetical TD: this tree has no mirror roots, its private pages hang under the direct root';
const ONE_ZAP: readonly Planned[] = [
  { action: 'zap', step: (stage, branch) => zap(stage, branch, { start: undefined, end: undefined }) },
];

/** The ways in which a run of the sink's body may end, from any state, for a range `[start, end)` of its caller. */
export function runSink(
  world: World,
  sink: FunctionId,
  start: MmuState,
  range: GfnRange,
  notes: readonly string[] = [],
): readonly Branch[] {
  const node = sinkNode(world.program, sink);
  if (!('body' in node.fact)) return [];
  const { body, at } = node.fact;
  const frame: Frame = { node, depth: 0 };
  const site = siteOf(frame, at);
  const first = begun(start, parameters(node, range), notesAt(start, notes, site));
  const ends = noted(world, runBody(machineOf(world, start), frame, body, first));
  return ends.length === 0 ? [first] : ends;
}

function notesAt(state: MmuState, notes: readonly string[], site: Site): Branch['trace'] {
  return notes.map((text) => ({ text, site, state }));
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

/** A function of kvm-amd that calls the sink itself: SNP guests are among those that it does so for. */
function callerInAmd({ callers }: Program, sink: FunctionId): string | undefined {
  return callers.get(sink)?.find(({ site }) => vendorOfFile(site.file) === 'amd')?.caller;
}

function report(
  node: FunctionNode,
  question: Question,
  scenario: Scenario,
  start: MmuState,
  runs: readonly Run[],
  amdCaller: string | undefined,
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
    range: { start: `0x${scenario.range.start.toString(16)}`, end: `0x${scenario.range.end.toString(16)}` },
    classes: classesOf(seen, unmodelled.length > 0),
    bugged: seen.bugged,
    dead: seen.dead,
    ...(bugSite === undefined || bugSite.file === '' ? {} : { bugSite }),
    zapped: seen.zapped,
    flushed: seen.flushed,
    returnsEarly: worst.branch.returnsEarly,
    leaked: seen.leaked,
    unmodelled: unmodelled.toSorted((a, b) => comparePlaces(a, b)),
    guest: guestSees(seen, start, unmodelled.length, amdCaller),
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
