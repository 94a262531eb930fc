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
  readonly lost: readonly Gfn[];
  /** The guest has accepted all of them anew: what they held is gone, and no access meets a pending page. */
  readonly accepted: boolean;
  readonly stale: number;
  readonly bugged: boolean;
  readonly dead: boolean;
  readonly warned: boolean;
  readonly liveLock: boolean;
  readonly refaults: boolean;
  /** A vCPU touched a page that it has not accepted. */
  readonly pending: boolean;
  /** An ioctl failed. */
  readonly failed: boolean;
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
    accepted: false,
    stale: state.tlb.stale.size,
    bugged,
    dead,
    warned: state.vm.warns > start.vm.warns,
    liveLock: inProgress && !lockLeaked && !dead,
    refaults: (leavesGone(start, state, 'direct') > lostUnderDirect(start, state).length || zapped.rmap) && !dead,
    pending: false,
    failed: false,
  };
}

/** Of a run that has done nothing yet: only how the VM is. */
export function nothingHappened(state: MmuState): Consequences {
  const idle = { state, env: new Map(), assumed: new Map(), trace: [], unmodelled: [], returnsEarly: false };
  return { ...consequencesOf(state, idle), leaked: [], otherLocks: [] };
}

/** What a run has come to after `first`, then `second`. */
export function bothOf(first: Consequences, second: Consequences): Consequences {
  const either = (name: 'flushed' | 'warned' | 'liveLock' | 'refaults' | 'pending' | 'failed'): boolean =>
    first[name] || second[name];
  return {
    zapped: {
      direct: first.zapped.direct || second.zapped.direct,
      mirror: first.zapped.mirror || second.zapped.mirror,
      rmap: first.zapped.rmap || second.zapped.rmap,
    },
    flushed: either('flushed'),
    leaked: [...new Set([...first.leaked, ...second.leaked])],
    otherLocks: [...new Set([...first.otherLocks, ...second.otherLocks])],
    lost: [...new Set([...first.lost, ...second.lost])],
    accepted: second.accepted,
    stale: second.stale,
    bugged: second.bugged,
    dead: second.dead,
    warned: either('warned'),
    liveLock: either('liveLock'),
    refaults: either('refaults'),
    pending: either('pending'),
    failed: either('failed'),
  };
}

/** The same at the end of a run, which may have given lost pages to the guest anew. */
export function settled(c: Consequences, state: MmuState): Consequences {
  const { td } = state;
  const isBack = (gfn: Gfn): boolean =>
    td !== undefined && guestTouch(td, gfn, 1) === 'page' && state.roots.some((root) => root.leaves.has(gfn));
  return { ...c, accepted: c.lost.length > 0 && c.lost.every(isBack), refaults: c.refaults && !c.dead };
}

function leavesGone(start: MmuState, state: MmuState, kind: 'direct' | 'mirror'): number {
  const count = (of: MmuState): number =>
    of.roots.filter((root) => root.kind === kind).reduce((sum, root) => sum + root.leaves.size, 0);
  return count(start) - count(state);
}

/** Private pages of a TD that the guest had accepted, or that were added to its image, and that it will not find again. */
function lostPages(start: MmuState, state: MmuState): readonly Gfn[] {
  const { td } = start;
  if (td === undefined) return [];
  const privateRoots = start.roots.some((root) => root.kind === 'mirror');
  if (!privateRoots) return lostUnderDirect(start, state);
  const after = state.td ?? td;
  const owned = [...start.memory.privateGfns].filter((gfn) => guestTouch(td, gfn, 1) === 'page');
  return owned.filter((gfn) => guestTouch(after, gfn, 1) !== 'page');
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
function badness(c: Consequences): readonly number[] {
  return [
    c.leaked.includes('mmu_lock') || c.otherLocks.length > 0 ? 1 : 0,
    c.lost.length > 0 ? 1 : 0,
    c.bugged || c.dead ? 1 : 0,
    c.liveLock || c.leaked.length > 0 ? 1 : 0,
    c.stale > 0 ? 1 : 0,
    c.zapped.direct || c.zapped.mirror || c.zapped.rmap ? 1 : 0,
    c.warned ? 1 : 0,
  ];
}

export function isWorse(a: Consequences, b: Consequences): boolean {
  const [left, right] = [badness(a), badness(b)];
  const index = left.findIndex((rank, i) => rank !== right[i]);
  return index >= 0 && (left[index] ?? 0) > (right[index] ?? 0);
}

/** Classes, worst first. None where nothing was seen to happen and something was not understood. */
export function classesOf(c: Consequences, unmodelled: boolean): readonly OutcomeClass[] {
  const hangs = c.leaked.includes('mmu_lock') || c.otherLocks.length > 0;
  const all: readonly (readonly [boolean, OutcomeClass])[] = [
    [hangs || c.leaked.length > 0, 'lock-leaked'],
    [c.bugged, 'vm-bugged'],
    [c.dead, 'vm-dead'],
    [c.lost.length > 0, 'private-data-lost'],
    // A dead VM runs no guest any more.
    [c.pending || (c.lost.length > 0 && !c.accepted && !c.dead), 'guest-ve'],
    [c.liveLock, 'live-lock'],
    [c.failed, 'errno'],
    [c.warned, 'warn'],
    [c.refaults && !hangs && !c.liveLock, 'refault'],
  ];
  const classes = all.filter(([holds]) => holds).map(([, name]) => name);
  return classes.length > 0 || unmodelled ? classes : ['no-op'];
}
