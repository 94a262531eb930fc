import { InputError } from '../input-error';
import type { FunctionId, FunctionNode, Program } from '../program/program';
import { type Question, vendorOf } from '../reach/verdict';
import type { Branch, Value } from './branch';
import { badness, classesOf, type Consequences, consequencesOf } from './consequences';
import { runBody } from './execute';
import { type Decide, type Frame, siteOf } from './machine';
import type { MmuState } from './mmu-state';
import type { Outcome, TraceEvent } from './outcome';
import { DEFAULT_SCENARIO, type GfnRange, type Scenario, startOf } from './scenario';
import { guestSees, userspaceSees, vmWords } from './sentences';
import { traitsOf } from './traits';
import { worldOf } from './tree-rules';
import { begun, machineOf, noted, type World } from './world';

/**
 * Runs the model on a sink's body as it stands in the tree. What the VM type decides is asked of `decide`; where a
 * condition stays undecided both sides are run, the worst is reported (see `badness()`), and the trace says what was
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
  const notes = [`${node.name}() is called for ${vmWords(question.vm)}, scenario ${scenario.name}`];
  if (question.vm === 'tdx' && !traits.mirrorRoots)
    notes.push('hypothetical TD: this tree has no mirror roots, its private pages hang under the direct root');
  const ends = runSink(world, sink, start, scenario.range, notes);
  return report(node, question, scenario, start, ends);
}

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
  const first = begun(
    start,
    parameters(node, range),
    notes.map((text) => ({ text, site })),
  );
  const ends = noted(world, runBody(machineOf(world, start), frame, body, first));
  return ends.length === 0 ? [first] : ends;
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

function report(
  node: FunctionNode,
  question: Question,
  scenario: Scenario,
  start: MmuState,
  ends: readonly Branch[],
): Outcome {
  const runs = ends.map((branch) => ({ branch, seen: consequencesOf(start, branch) }));
  const worst = runs.reduce((a, b) => (isWorse(b.seen, a.seen) ? b : a));
  const { seen } = worst;
  // What any run met and the model does not know stays visible, whichever run is shown.
  const unmodelled = ends.reduce<Branch['unmodelled']>((all, { unmodelled: more }) => {
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
    ...(bugSite === undefined ? {} : { bugSite }),
    zapped: seen.zapped,
    flushed: seen.flushed,
    returnsEarly: worst.branch.returnsEarly,
    leaked: seen.leaked,
    unmodelled: unmodelled.toSorted((a, b) => comparePlaces(a, b)),
    guest: guestSees(seen, start, unmodelled.length),
    userspace: userspaceSees(seen, unmodelled.length),
    trace: traceOf(worst.branch, seen, ends.length),
  };
}

function traceOf(branch: Branch, seen: Consequences, runs: number): readonly TraceEvent[] {
  const trace: TraceEvent[] = branch.trace.map(({ text, site }) => (site === undefined ? { text } : { text, site }));
  const left = [...seen.leaked, ...seen.otherLocks];
  if (left.length > 0) trace.push({ text: `left behind: ${left.join(' and ')}` });
  if (runs > 1)
    trace.push({ text: `${runs} runs through undecided conditions differ in what they do: the worst is shown` });
  return trace;
}

function isWorse(a: Consequences, b: Consequences): boolean {
  const [left, right] = [badness(a), badness(b)];
  const index = left.findIndex((rank, i) => rank !== right[i]);
  return index >= 0 && (left[index] ?? 0) > (right[index] ?? 0);
}

type Note = Outcome['unmodelled'][number];

function sameNote(a: Note, b: Note): boolean {
  return comparePlaces(a, b) === 0 && a.text === b.text;
}

function comparePlaces(a: Note, b: Note): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
