import type { Action, Invariant } from './explore';
import type { MmuState } from './mmu-state';
import { guestTouch, septEntry } from './sept';

/** What must hold after every action, whatever came before. */
export const INVARIANTS: readonly Invariant[] = [
  {
    name: 'locks and invalidations balance',
    broken: (_, after) => {
      const held = after.locks.map((lock) => lock.name);
      if (held.length > 0) return `${held.join(', ')} left held`;
      return after.invalidation.inProgress === 0 ? undefined : 'mmu_invalidate_in_progress is not back at 0';
    },
  },
  {
    name: 'mirror SPTEs and S-EPT agree',
    broken: (_, after) => (after.vm.dead ? undefined : disagreement(after)),
  },
  {
    name: 'no stale translation survives',
    broken: (_, after) => {
      const [gfn] = after.tlb.stale;
      return gfn === undefined ? undefined : `gfn 0x${gfn.toString(16)} is unmapped, and TLBs may still hold it`;
    },
  },
  {
    name: 'no access to a page that the guest does not own',
    broken: (_, after) => (after.vm.dead ? undefined : foreignPage(after)),
  },
  {
    name: 'a live TD loses a page only to userspace',
    broken: (before, after, action) => (after.vm.dead ? undefined : lostPage(before, after, action)),
  },
];

function disagreement(state: MmuState): string | undefined {
  const { td } = state;
  const mirror = state.roots.find((root) => root.kind === 'mirror');
  if (td === undefined || mirror === undefined) return undefined;
  for (const gfn of mirror.leaves.keys()) {
    const entry = septEntry(td, gfn, 1).state;
    if (entry !== 'MAPPED' && entry !== 'PENDING') return `gfn 0x${gfn.toString(16)}: SPTE present, S-EPT ${entry}`;
  }
  for (const [key, entry] of td.entries) {
    const gfn = BigInt(key.slice(key.indexOf(':') + 1));
    if (key.startsWith('1:') && !mirror.leaves.has(gfn))
      return `gfn 0x${gfn.toString(16)}: SPTE non-present, S-EPT ${entry.state}`;
  }
  return undefined;
}

/** A TD's private gfn that the host maps as shared, or the reverse. */
function foreignPage(state: MmuState): string | undefined {
  for (const root of state.roots) {
    if (state.td === undefined || !state.roots.some((one) => one.kind === 'mirror')) return undefined;
    for (const gfn of root.leaves.keys())
      if (state.memory.privateGfns.has(gfn) !== (root.kind === 'mirror'))
        return `gfn 0x${gfn.toString(16)} is mapped under the ${root.kind} root against its attribute`;
  }
  return undefined;
}

function lostPage(before: MmuState, after: MmuState, action: Action): string | undefined {
  if (before.td === undefined || after.td === undefined) return undefined;
  for (const gfn of before.memory.privateGfns) {
    if (guestTouch(before.td, gfn, 1) !== 'page' || guestTouch(after.td, gfn, 1) === 'page') continue;
    if (action.gives !== gfn) return `gfn 0x${gfn.toString(16)} was the guest's, and what it held is gone`;
  }
  return undefined;
}
