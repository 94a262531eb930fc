import type { Removal } from './external-leaf';
import { type MmuState, withRoot } from './mmu-state';
import { leavesInRange, MAX_GFN_EXCLUSIVE, rootBits, withoutLeaf } from './roots';
import type { Rules } from './rules';
import { type Gfn, septEntry } from './sept';
import { withStale } from './tlb';

/** One zapped leaf, for the trace. `calls`: the SEAMCALLs of a mirror leaf, the last one refused if `refused` says why. */
export interface ZappedLeaf extends Omit<Removal, 'state'> {
  readonly gfn: Gfn;
  /** The state with the SPTE gone, before any SEAMCALL. */
  readonly cleared: MmuState;
  readonly was?: string;
}

export interface Zap {
  readonly state: MmuState;
  readonly leaves: readonly ZappedLeaf[];
  /** The caller has to flush: a leaf of a valid root went. */
  readonly flush: boolean;
}

/**
 * Models `tdp_mmu_zap_leafs()` (mmu/tdp_mmu.c): every present leaf of one root in `[start, end)` becomes non-present,
 * whatever the attributes say; a mirror leaf is then taken out of the S-EPT. A refused S-EPT call leaves the mirror
 * SPTE non-present all the same. The end is clamped to the host's MAXPHYADDR.
 */
export function zapLeafs(rules: Rules, state: MmuState, index: number, start: Gfn, end: Gfn): Zap {
  const root = state.roots[index];
  if (root === undefined) return { state, leaves: [], flush: false };
  const { directBits } = state.vm;
  // Where the walk begins, against where the root has its leaves.
  const off = rules.rootBits(directBits, root) - rootBits(directBits, root);
  const last = end < MAX_GFN_EXCLUSIVE ? end : MAX_GFN_EXCLUSIVE;
  const leaves: ZappedLeaf[] = [];
  let after = state;
  for (const gfn of leavesInRange(root, start + off, last + off)) {
    const level = root.leaves.get(gfn)?.level ?? 1;
    const now = after.roots[index] ?? root;
    after = withRoot(after, index, withoutLeaf(now, gfn));
    const cleared = after;
    if (root.kind === 'mirror' && after.td !== undefined) {
      const was = septEntry(after.td, gfn, level).state;
      const removal = rules.removeExternal(rules, after, gfn, level);
      after = removal.state;
      leaves.push({
        gfn,
        cleared,
        was,
        calls: removal.calls,
        ...(removal.refused === undefined ? {} : { refused: removal.refused }),
        ...(removal.site === undefined ? {} : { site: removal.site }),
        ...(removal.unmodelled === undefined ? {} : { unmodelled: removal.unmodelled }),
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
