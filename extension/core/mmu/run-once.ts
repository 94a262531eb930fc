import type { Branch } from './branch';
import { stateKey } from './canonical';
import type { MmuState } from './mmu-state';

/** Runs code of the tree from a state. */
export type Run = (state: MmuState) => readonly Branch[];

/**
 * Runs of the tree's code see neither attributes nor faults in flight; those that start alike in all else
 * end alike, and are made once. `ends`: which of the ways in which a run may end count.
 */
export function runOnce(
  run: Run,
  ends: (before: MmuState, branches: readonly Branch[]) => readonly MmuState[],
): (state: MmuState) => readonly MmuState[] {
  const known = new Map<string, readonly MmuState[]>();
  return (state) => {
    const { memory, faults, invalidation } = state;
    const seen: MmuState = {
      ...state,
      memory: { slots: memory.slots, privateGfns: new Set() },
      faults: new Map(),
    };
    const key = stateKey(seen);
    const after = known.get(key) ?? ends(seen, run(seen));
    known.set(key, after);
    return after.map((end) =>
      // Counters go on from where they are; in states that differ by them alone they do not matter.
      end.invalidation === seen.invalidation
        ? { ...end, memory, faults, invalidation }
        : { ...end, memory, faults, invalidation: { ...end.invalidation, seq: invalidation.seq + 1 } },
    );
  };
}

/** States that differ, once each. */
export function distinct(states: readonly MmuState[]): readonly MmuState[] {
  const keys = new Set<string>();
  return states.filter((state) => {
    const key = stateKey(state);
    return !keys.has(key) && keys.add(key);
  });
}
