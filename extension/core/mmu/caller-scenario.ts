import type { FunctionId, Program } from '../program/program';
import type { Passed, Path } from '../reach/verdict';
import { runVcpu } from './action-vcpu';
import { zap } from './action-zap';
import type { Branch, Value } from './branch';
import { continued, type Played, type Stage } from './play';
import { DEFAULT_SCENARIO, type GfnRange, type Scenario } from './scenario';
import { runFunction } from './world';

/**
 * The VM of the contract's scenario, and the call of the sink that a caller's witness ends in: the range that it passes,
 * and what the function that makes the call does beside it, as its body in the tree says. Requests that it leaves are
 * handled by the next KVM_RUN. `undefined`: the witness does not end in a sink.
 */
export function callerScenario(program: Program, witness: Path): Scenario | undefined {
  const last = witness.edges.at(-1);
  if (last === undefined) return undefined;
  const range = rangePassed(program, last.calleeId, witness.passes ?? []);
  const call = { sink: last.calleeId, caller: last.callerId, given: witness.given ?? [] };
  return {
    ...DEFAULT_SCENARIO,
    ...(range === undefined ? {} : { range, sharedPages: withPageIn(range) }),
    actions: [
      { action: last.caller, step: (stage, branch) => callSink(stage, branch, call) },
      { action: 'run-vcpu', step: (stage, branch) => handleRequests(stage, branch) },
    ],
  };
}

/** The range in the first and the last argument of type `gfn_t`, if both are known. */
function rangePassed(program: Program, sink: FunctionId, passes: readonly Passed[]): GfnRange | undefined {
  const fact = program.functions.get(sink)?.fact;
  if (fact === undefined || !('body' in fact)) return undefined;
  const frames = fact.params.filter((param) => param.type === 'gfn_t');
  const valueOf = (name: string | undefined): bigint | undefined => {
    const value = passes.find((passed) => passed.name === name)?.value;
    return value === undefined ? undefined : BigInt(value);
  };
  const [start, end] = [valueOf(frames[0]?.name), valueOf(frames.at(-1)?.name)];
  return start === undefined || end === undefined || frames.length < 2 ? undefined : { start, end };
}

/** A page that the call is about is mapped: a range that none of the scenario's pages lies in gets one, shared. */
function withPageIn({ start, end }: GfnRange): Scenario['sharedPages'] {
  const { privatePages, pendingPages, sharedPages } = DEFAULT_SCENARIO;
  const mapped = [...privatePages, ...pendingPages, ...sharedPages.map(({ gfn }) => gfn)];
  if (start >= end || mapped.some((gfn) => start <= gfn && gfn < end)) return sharedPages;
  return [...sharedPages, { gfn: start, level: 1 }];
}

interface SinkCall {
  readonly sink: FunctionId;
  readonly caller: FunctionId;
  readonly given: readonly Passed[];
}

/**
 * Runs the function that calls the sink, as far as the model knows all that it does; else the sink alone. Of the runs
 * only those count in which the sink is called: that it is was the engine's to decide.
 */
function callSink(stage: Stage, branch: Branch, { sink, caller, given }: SinkCall): readonly Played[] {
  const alone = zap(stage, branch, { start: undefined, end: undefined });
  const args = new Map<string, Value>();
  for (const { name, value } of given) if (value !== undefined) args.set(name, BigInt(value));
  const name = stage.world.program.functions.get(sink)?.name;
  const runs = runFunction(stage.world, caller, branch.state, args).filter(({ trace }) =>
    trace.some(({ site }) => site?.function === name),
  );
  const known = alone.reduce((most, played) => Math.max(most, played.branch.unmodelled.length), 0);
  if (runs.length === 0 || runs.some(({ unmodelled }) => unmodelled.length > known)) return alone;
  return runs.map((run) => ({ branch: continued(branch, run), sink: true as const }));
}

/** The first vCPU that has requests to handle is run. */
function handleRequests(stage: Stage, branch: Branch): readonly Played[] {
  const asked = branch.state.vcpus.find(({ requests }) => requests.size > 0);
  return asked === undefined || branch.state.vm.dead ? [{ branch }] : runVcpu(stage, branch, { vcpu: asked.id });
}
