import type { MmuState } from './mmu-state';
import { withRoot } from './mmu-state';
import { leavesInRange, withoutLeaf } from './roots';
import { type Gfn, kickAll, memTrack, pageRemove, rangeBlock, septEntry, type Td, type TdxError } from './sept';
import { withStale } from './tlb';

/** One zapped leaf, for the trace. `calls`: the SEAMCALLs of a mirror leaf, the last one refused if `refused` says why. */
export interface ZappedLeaf {
  readonly gfn: Gfn;
  /** The state with the SPTE gone, before any SEAMCALL. */
  readonly cleared: MmuState;
  readonly calls: readonly SeamCall[];
  readonly was?: string;
  readonly refused?: string;
}

/** A SEAMCALL, and the TD after it. */
export interface SeamCall {
  readonly name: string;
  readonly td: Td;
}

export interface Zap {
  readonly state: MmuState;
  readonly leaves: readonly ZappedLeaf[];
  /** The caller has to flush: a leaf of a valid root went. */
  readonly flush: boolean;
}

/**
 * Models `tdp_mmu_zap_leafs()` (mmu/tdp_mmu.c): every present leaf of one root in `[start, end)` becomes non-present,
 * whatever the attributes say; a mirror leaf is first taken out of the S-EPT. A refused S-EPT call leaves the mirror
 * SPTE non-present all the same.
 */
export function zapLeafs(state: MmuState, index: number, start: Gfn, end: Gfn): Zap {
  const root = state.roots[index];
  if (root === undefined) return { state, leaves: [], flush: false };
  const gfns = leavesInRange(root, start, end);
  const leaves: ZappedLeaf[] = [];
  let after = state;
  for (const gfn of gfns) {
    const level = root.leaves.get(gfn)?.level ?? 1;
    const now = after.roots[index] ?? root;
    after = withRoot(after, index, withoutLeaf(now, gfn));
    const cleared = after;
    if (root.kind === 'mirror' && after.td !== undefined) {
      const was = septEntry(after.td, gfn, level).state;
      const removal = removePrivateLeaf(after.td, gfn, level);
      after = { ...after, td: removal.td };
      leaves.push({
        gfn,
        cleared,
        was,
        calls: removal.calls,
        ...(removal.refused === undefined ? {} : { refused: removal.refused }),
      });
    } else {
      leaves.push({ gfn, cleared, calls: [] });
      after = { ...after, tlb: withStale(after.tlb, [gfn]) };
    }
  }
  return { state: after, leaves, flush: root.valid && leaves.length > 0 };
}

/** Models the removal of rmapped SPTEs (`kvm_rmap_zap_gfn_range()`, mmu/mmu.c). */
export function zapRmaps(state: MmuState, start: Gfn, end: Gfn): Zap {
  const gone = [...state.rmaps].filter((gfn) => gfn >= start && gfn < end);
  if (gone.length === 0) return { state, leaves: [], flush: false };
  const removed = new Set(gone);
  const rmaps = new Set([...state.rmaps].filter((gfn) => !removed.has(gfn)));
  const cleared = { ...state, rmaps, tlb: withStale(state.tlb, gone) };
  return {
    state: cleared,
    leaves: gone.map((gfn) => ({ gfn, cleared, calls: [] })),
    flush: true,
  };
}

interface Removal {
  readonly td: Td;
  readonly calls: readonly SeamCall[];
  readonly refused?: string;
}

/**
 * Models `tdx_sept_remove_leaf_spte()` (vmx/tdx.c): BLOCK, TRACK with a kick of all vCPUs (only when the TD is
 * RUNNABLE), REMOVE, WBINVD. No HKID, a level above 4K and a refused call are KVM_BUG_ON; BUSY is retried once with
 * all vCPUs kicked out, which is when it succeeds.
 */
export function removePrivateLeaf(td: Td, gfn: Gfn, level: number): Removal {
  if (!td.hkidAssigned) return { td, calls: [], refused: 'the TD has no HKID' };
  if (level !== 1) return { td, calls: [], refused: 'the page is larger than 4K' };
  const calls: SeamCall[] = [];
  const blocked = rangeBlock(td, gfn, level);
  let now = blocked.ok ? blocked.td : td;
  calls.push({ name: 'TDH.MEM.RANGE.BLOCK', td: now });
  if (!blocked.ok) return { td: now, calls, refused: blocked.error };
  if (now.state === 'RUNNABLE') {
    const tracked = track(now);
    now = tracked.error === undefined ? kickAll(tracked.td) : tracked.td;
    calls.push({ name: 'TDH.MEM.TRACK', td: now });
    if (tracked.error !== undefined) return { td: now, calls, refused: tracked.error };
  }
  const removed = pageRemove(now, gfn, level);
  if (removed.ok) now = removed.td;
  calls.push({ name: 'TDH.MEM.PAGE.REMOVE', td: now });
  if (!removed.ok) return { td: now, calls, refused: removed.error };
  calls.push({ name: 'TDH.PHYMEM.PAGE.WBINVD', td: now });
  return { td: now, calls };
}

/** Models `tdh_do_no_vcpus(tdh_mem_track, ...)`: once, and once more with all vCPUs out of the guest. */
function track(td: Td): { readonly td: Td; readonly error?: TdxError } {
  const first = memTrack(td);
  if (first.ok) return { td: first.td };
  const again = memTrack(kickAll(td));
  return again.ok ? { td: again.td } : { td, error: again.error };
}
