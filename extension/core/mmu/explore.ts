import type { MmuState } from './mmu-state';

/** Something that the host, userspace or the guest does: the states that it may lead to, with what happened. */
export interface Action {
  readonly name: string;
  /** Userspace asked for it that this gfn's private contents go. */
  readonly gives?: bigint;
  run(state: MmuState): readonly MmuState[];
}

export interface Invariant {
  readonly name: string;
  /** Why it does not hold after `action` took the VM from `before` to `after`; `undefined`: it holds. */
  broken(before: MmuState, after: MmuState, action: Action): string | undefined;
}

/** The shortest way to a state that breaks an invariant. */
export interface Counterexample {
  readonly invariant: string;
  readonly why: string;
  readonly actions: readonly string[];
}

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** Actions from the start to the states furthest away. */
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
 * All states that the actions lead to from `start`, breadth first, so that a counterexample is a shortest one. A state
 * that breaks an invariant is not explored further.
 */
export function explore(
  start: MmuState,
  actions: readonly Action[],
  invariants: readonly Invariant[],
  depth: number,
): Exploration {
  const seen = new Set([stateKey(start)]);
  const broken = new Map<string, Counterexample>();
  let edge: readonly Visited[] = [{ state: start, by: '', from: undefined }];
  let transitions = 0;
  let reached = 0;
  for (let step = 1; step <= depth && edge.length > 0; step += 1) {
    const next: Visited[] = [];
    for (const at of edge)
      for (const action of actions)
        for (const state of action.run(at.state)) {
          transitions += 1;
          const failed = invariants.flatMap((invariant) => {
            const why = invariant.broken(at.state, state, action);
            return why === undefined ? [] : [{ invariant: invariant.name, why }];
          });
          for (const { invariant, why } of failed) {
            if (!broken.has(invariant)) broken.set(invariant, { invariant, why, actions: [...wayTo(at), action.name] });
          }
          const key = stateKey(state);
          if (failed.length > 0 || seen.has(key)) continue;
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

function wayTo(visited: Visited): readonly string[] {
  return visited.from === undefined ? [] : [...wayTo(visited.from), visited.by];
}

/**
 * What tells two states apart. Counters that only grow (epochs, sequence numbers, flushes, WARNs) count by their
 * differences alone, so that the space is finite.
 */
export function stateKey(state: MmuState): string {
  const { vm, memory, roots, td, rmaps, locks, invalidation, tlb } = state;
  return JSON.stringify([
    [vm.bugged, vm.dead, vm.directBits !== 0n, vm.tdpMmu],
    sorted(memory.privateGfns),
    roots.map((root) => [root.kind, root.valid, sorted([...root.leaves].map(([gfn, leaf]) => `${gfn}${leaf.state}`))]),
    td === undefined
      ? 0
      : [
          td.state,
          td.hkidAssigned,
          sorted([...td.inGuest].map(([vcpu, epoch]) => `${vcpu}:${td.epoch - epoch}`)),
          sorted(
            [...td.entries].map(([key, entry]) => `${key}${entry.state}${td.epoch - (entry.blockEpoch ?? td.epoch)}`),
          ),
        ],
    sorted(rmaps),
    locks.map((lock) => lock.name),
    invalidation.inProgress,
    sorted(tlb.stale),
  ]);
}

function sorted(items: Iterable<bigint | string>): readonly string[] {
  return [...items].map(String).sort();
}
