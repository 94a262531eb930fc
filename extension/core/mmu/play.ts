import type { Program, Site } from '../program/program';
import { type Branch, isFinal, noteUnmodelled, resumed, say } from './branch';
import { bothOf, type Consequences, consequencesOf, isWorse, nothingHappened, settled } from './consequences';
import type { MmuState } from './mmu-state';
import type { GfnRange, Traits } from './scenario';
import type { World } from './world';

/** What actions of a scenario play on: the tree with the rules that it gives, and the sink in it. */
export interface Stage {
  readonly world: World;
  /** The sink's definition. */
  readonly site: Site;
  readonly traits: Traits;
  /** What the sink is called for where an action does not say. */
  readonly range: GfnRange;
  /** The ways in which the sink may end, from a state on; each trace starts there. */
  runSink(state: MmuState, range: GfnRange): readonly Branch[];
}

/** What a guest or userspace met in an action: a pending page, an error, or no end of trying. */
export type Met = 'pending' | 'error' | 'retry';

/** One way in which an action may end. */
export interface Played {
  readonly branch: Branch;
  /** The sink ran in it: what it removes is what the outcome is about. */
  readonly sink?: true;
  readonly met?: readonly Met[];
}

/** An action of a scenario, with its arguments. */
export type Step = (stage: Stage, branch: Branch) => readonly Played[];

/** An action as a scenario lists it. */
export interface Planned {
  readonly action: string;
  readonly step: Step;
}

/** One way in which a scenario may end. */
export interface Run {
  readonly branch: Branch;
  readonly seen: Consequences;
}

/** Plays actions one after the other, each on every way in which those before it may have ended. */
export function play(stage: Stage, actions: readonly Planned[], begun: Branch): readonly Run[] {
  let runs: readonly Run[] = [{ branch: begun, seen: nothingHappened(begun.state) }];
  for (const action of actions)
    runs = fewest(stage, runs).flatMap((run) => (isGivenUp(run.branch) ? [run] : advanced(stage, action, run)));
  return runs.map(({ branch, seen }) => ({ branch, seen: settled(seen, branch.state) }));
}

/** The most ways to have come to an action that are followed side by side. */
const MAX_RUNS = 16;
const TOO_MANY = `more than ${MAX_RUNS} runs through undecided conditions: not all are followed`;

/** As many as are followed: the worst. */
function fewest(stage: Stage, runs: readonly Run[]): readonly Run[] {
  if (runs.length <= MAX_RUNS) return runs;
  const worst = [...runs].sort((a, b) => (isWorse(a.seen, b.seen) ? -1 : isWorse(b.seen, a.seen) ? 1 : 0));
  return worst.slice(0, MAX_RUNS).map((run) => ({ ...run, branch: noteUnmodelled(run.branch, TOO_MANY, stage.site) }));
}

/** The model follows the run no further, and so no action after it. */
function isGivenUp(branch: Branch): boolean {
  return branch.end?.kind === 'given-up';
}

function advanced(stage: Stage, { action, step }: Planned, { branch, seen }: Run): readonly Run[] {
  // A task that hangs keeps its locks; the others go on.
  const before = resumed(branch);
  return step(stage, before).map(({ branch: played, sink, met = [] }) => {
    const after = sink === true ? played : { ...played, trace: signed(played.trace, before.trace.length, action) };
    const own = sink === true ? consequencesOf(before.state, after) : nothingHappened(after.state);
    const warned = after.state.vm.warns > before.state.vm.warns;
    return {
      branch: isFinal(after) ? after : resumed(after),
      seen: bothOf(seen, {
        ...own,
        warned,
        pending: met.includes('pending'),
        failed: met.includes('error'),
        liveLock: own.liveLock || met.includes('retry'),
      }),
    };
  });
}

/** The events from the `from`th on are of `action`. */
function signed(trace: Branch['trace'], from: number, action: string): Branch['trace'] {
  return trace.map((event, index) => (index < from ? event : { ...event, by: action }));
}

/** A run of the sink behind what a run has seen already. */
export function continued(before: Branch, sink: Branch): Branch {
  const after = {
    ...sink,
    env: before.env,
    assumed: before.assumed,
    trace: [...before.trace, ...sink.trace],
    unmodelled: before.unmodelled,
    returnsEarly: before.returnsEarly || sink.returnsEarly,
  };
  return sink.unmodelled.reduce<Branch>((so, { text, ...site }) => noteUnmodelled(so, text, site), after);
}

/**
 * An event at the definition of the first of `names` that the tree has: the kernel function that an action models. A
 * tree that has none of them cannot do what the action does: that is noted.
 */
export function sayOf(stage: Stage, branch: Branch, names: readonly string[], text: string): Branch {
  const site = placeOf(stage.world.program, names);
  const [first] = names;
  if (site !== undefined || first === undefined) return say(branch, text, site);
  return say(noteUnmodelled(branch, `${first}() (not in this tree)`, stage.site), text);
}

function placeOf({ symbols }: Program, names: readonly string[]): Site | undefined {
  for (const name of names) {
    const node = symbols.functionsNamed(name).find((one) => one.active && 'at' in one.fact);
    if (node !== undefined) return { file: node.file, line: node.line, column: 1, function: node.name };
  }
  return undefined;
}
