import type { Branch } from './branch';
import type { MmuState } from './mmu-state';
import type { Outcome, OutcomeClass } from './outcome';
import { type Gfn, guestTouch } from './sept';

/** What a run did, as the difference of the states before and after it. */
export interface Consequences {
  readonly zapped: Outcome['zapped'];
  readonly flushed: boolean;
  readonly leaked: Outcome['leaked'];
  /** Locks other than `mmu_lock` that were left held. */
  readonly otherLocks: readonly string[];
  /** Private pages whose contents are gone. */
  readonly lost: number;
  readonly stale: number;
  readonly bugged: boolean;
  readonly dead: boolean;
  readonly warned: boolean;
  readonly liveLock: boolean;
  readonly refaults: boolean;
}

export function consequencesOf(start: MmuState, branch: Branch): Consequences {
  const { state } = branch;
  const zapped = {
    direct: leavesGone(start, state, 'direct') > 0,
    mirror: leavesGone(start, state, 'mirror') > 0,
    rmap: state.rmaps.size < start.rmaps.size,
  };
  // A run that the model gave up still holds what it would have released.
  const ended = branch.end?.kind !== 'given-up';
  const locks = ended ? state.locks.map((lock) => lock.name) : [];
  const inProgress = ended && state.invalidation.inProgress > start.invalidation.inProgress;
  const lockLeaked = locks.includes('mmu_lock');
  const lost = lostPages(start, state);
  const { bugged, dead } = state.vm;
  return {
    zapped,
    flushed: state.tlb.flushes > start.tlb.flushes,
    leaked: [
      ...(lockLeaked ? (['mmu_lock'] as const) : []),
      ...(inProgress ? (['mmu_invalidate_in_progress'] as const) : []),
    ],
    otherLocks: locks.filter((name) => name !== 'mmu_lock'),
    lost,
    stale: state.tlb.stale.size,
    bugged,
    dead,
    warned: state.vm.warns > start.vm.warns,
    liveLock: inProgress && !lockLeaked && !dead,
    refaults: (leavesGone(start, state, 'direct') > lostUnderDirect(start, state).length || zapped.rmap) && !dead,
  };
}

function leavesGone(start: MmuState, state: MmuState, kind: 'direct' | 'mirror'): number {
  const count = (of: MmuState): number =>
    of.roots.filter((root) => root.kind === kind).reduce((sum, root) => sum + root.leaves.size, 0);
  return count(start) - count(state);
}

/** Private pages of a TD that the guest had accepted, or that were added to its image, and that it will not find again. */
function lostPages(start: MmuState, state: MmuState): number {
  const { td } = start;
  if (td === undefined) return 0;
  const privateRoots = start.roots.some((root) => root.kind === 'mirror');
  if (!privateRoots) return lostUnderDirect(start, state).length;
  const after = state.td ?? td;
  const owned = [...start.memory.privateGfns].filter((gfn) => guestTouch(td, gfn, 1) === 'page');
  return owned.filter((gfn) => guestTouch(after, gfn, 1) !== 'page').length;
}

/** In a tree without mirror roots the private pages of a (hypothetical) TD hang under the only root that there is. */
function lostUnderDirect(start: MmuState, state: MmuState): readonly Gfn[] {
  const { td } = start;
  if (td === undefined || start.roots.some((root) => root.kind === 'mirror')) return [];
  const mapped = (of: MmuState, gfn: Gfn): boolean => of.roots.some((root) => root.leaves.has(gfn));
  return [...start.memory.privateGfns].filter(
    (gfn) => guestTouch(td, gfn, 1) === 'page' && mapped(start, gfn) && !mapped(state, gfn),
  );
}

/**
 * How bad a run is, by its first difference: the host hangs; private memory is lost, silently if the VM lives on; the
 * VM is dead; faults live-lock; stale translations are left; leaves are removed; a WARN is printed.
 */
export function badness(c: Consequences): readonly number[] {
  return [
    c.leaked.includes('mmu_lock') || c.otherLocks.length > 0 ? 1 : 0,
    c.lost > 0 ? 1 : 0,
    c.bugged || c.dead ? 1 : 0,
    c.liveLock || c.leaked.length > 0 ? 1 : 0,
    c.stale > 0 ? 1 : 0,
    c.zapped.direct || c.zapped.mirror || c.zapped.rmap ? 1 : 0,
    c.warned ? 1 : 0,
  ];
}

/** Classes, worst first. None where nothing was seen to happen and something was not understood. */
export function classesOf(c: Consequences, unmodelled: boolean): readonly OutcomeClass[] {
  const hangs = c.leaked.includes('mmu_lock') || c.otherLocks.length > 0;
  const all: readonly (readonly [boolean, OutcomeClass])[] = [
    [hangs || c.leaked.length > 0, 'lock-leaked'],
    [c.bugged, 'vm-bugged'],
    [c.dead, 'vm-dead'],
    [c.lost > 0, 'private-data-lost'],
    // A dead VM runs no guest any more.
    [c.lost > 0 && !c.dead, 'guest-ve'],
    [c.liveLock, 'live-lock'],
    [c.warned, 'warn'],
    [c.refaults && !hangs && !c.liveLock, 'refault'],
  ];
  const classes = all.filter(([holds]) => holds).map(([, name]) => name);
  return classes.length > 0 || unmodelled ? classes : ['no-op'];
}
