import { canonical, stateKey } from './canonical';
import type { MmuState } from './mmu-state';
import type { TraceEvent } from './outcome';

/** An event of which what it changed is not told. */
export type Told = Pick<TraceEvent, 'text' | 'site'>;

/** Something that the host, userspace or the guest does: the states that it may lead to. */
export interface Action {
  readonly name: string;
  /** Whether userspace asked for it that the private contents of a gfn go. */
  readonly gives?: (gfn: bigint) => boolean;
  /** An ioctl of userspace, which a dead VM refuses. */
  readonly ioctl?: true;
  run(state: MmuState): readonly MmuState[];
  /** What happens in it step by step, where code of the tree is run. */
  readonly explain?: (state: MmuState) => readonly Told[];
}

export interface Invariant {
  readonly name: string;
  /** Why it does not hold after `action` took the VM from `before` to `after`; `undefined`: it holds. */
  broken(before: MmuState, after: MmuState, action: Action): string | undefined;
}

/** A state to begin with. */
export interface Start {
  readonly name: string;
  readonly state: MmuState;
}

/** A shortest way to a state that breaks an invariant. */
export interface Counterexample {
  readonly invariant: string;
  readonly why: string;
  /** The name of the state that it begins with. */
  readonly start: string;
  readonly actions: readonly string[];
  /** The actions, and what happens in the last one. */
  readonly trace: readonly Told[];
}

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** Actions from a start to the states furthest away. */
  readonly depth: number;
  /** No state is left to explore within the depth, and no deeper one exists. */
  readonly complete: boolean;
  /** At most one per invariant, in the order of the invariants. */
  readonly broken: readonly Counterexample[];
}

interface Visited {
  readonly state: MmuState;
  readonly by: string;
  readonly from: Visited | undefined;
}

/**
 * All states that the actions lead to from the starts, breadth first, so that a counterexample is a shortest one. A
 * state that breaks an invariant is not explored further.
 */
export function explore(
  starts: readonly Start[],
  actions: readonly Action[],
  invariants: readonly Invariant[],
  depth: number,
): Exploration {
  const seen = new Set<string>();
  const broken = new Map<string, Counterexample>();
  let edge: readonly Visited[] = starts.map(({ name, state }) => ({
    state: canonical(state),
    by: name,
    from: undefined,
  }));
  for (const { state } of edge) seen.add(stateKey(state));
  let transitions = 0;
  let reached = 0;
  for (let step = 1; step <= depth && edge.length > 0; step += 1) {
    const next: Visited[] = [];
    for (const at of edge)
      for (const action of actions)
        for (const ran of action.run(at.state)) {
          if (ran === at.state) continue;
          transitions += 1;
          const state = canonical(ran);
          const key = stateKey(state);
          let holds = true;
          for (const invariant of invariants) {
            const why = invariant.broken(at.state, state, action);
            if (why === undefined) continue;
            holds = false;
            if (!broken.has(invariant.name))
              broken.set(invariant.name, counterexample(invariant.name, why, at, action));
          }
          if (!holds || seen.has(key)) continue;
          seen.add(key);
          next.push({ state, by: action.name, from: at });
        }
    if (next.length > 0) reached = step;
    edge = next;
  }
  return {
    states: seen.size,
    transitions,
    depth: reached,
    complete: edge.length === 0,
    broken: invariants.flatMap(({ name }) => broken.get(name) ?? []),
  };
}

function counterexample(invariant: string, why: string, at: Visited, action: Action): Counterexample {
  const [start = '', ...before] = wayTo(at);
  const actions = [...before, action.name];
  return {
    invariant,
    why,
    start,
    actions,
    trace: [
      { text: `from a VM that is ${start}` },
      ...actions.map((text) => ({ text })),
      ...(action.explain?.(at.state) ?? []),
      { text: why },
    ],
  };
}

/** The start's name, then those of the actions. */
function wayTo(visited: Visited): readonly string[] {
  return visited.from === undefined ? [visited.by] : [...wayTo(visited.from), visited.by];
}
