import type { AddressSpace } from './memslots';
import type { Gfn, Level } from './sept';

/** A direct root maps what the CPU walks; a mirror root is KVM's copy of a TD's S-EPT (`struct kvm_mmu_page`, mmu/tdp_mmu.c). */
export type RootKind = 'direct' | 'mirror';

export interface Root {
  readonly kind: RootKind;
  readonly addressSpace: AddressSpace;
  /** `!root->role.invalid` */
  readonly valid: boolean;
  /** Present leaves, and those that are frozen while an S-EPT call runs, by the plain gfn (without direct bits). */
  readonly leaves: ReadonlyMap<Gfn, Leaf>;
}

export interface Leaf {
  readonly state: 'present' | 'frozen';
  readonly level: Level;
}

/** Which roots an iterator visits (`enum kvm_tdp_mmu_root_types`). */
export interface RootTypes {
  readonly direct: boolean;
  readonly mirror: boolean;
  readonly invalid: boolean;
}

/** Models `tdp_mmu_root_match()`. */
export function matches(root: Root, types: RootTypes): boolean {
  if (!root.valid && !types.invalid) return false;
  return root.kind === 'mirror' ? types.mirror : types.direct;
}

/** Gfns of the present leaves with a frame in `[start, end)`, in order: what `for_each_tdp_pte_min_level()` meets. */
export function leavesInRange(root: Root, start: Gfn, end: Gfn): readonly Gfn[] {
  return [...root.leaves]
    .filter(([gfn, leaf]) => leaf.state === 'present' && gfn < end && gfn + pagesOf(leaf.level) > start)
    .map(([gfn]) => gfn)
    .sort((a, b) => (a < b ? -1 : 1));
}

/** Models the SPTE write of `tdp_mmu_iter_set_spte(kvm, &iter, SHADOW_NONPRESENT_VALUE)`. */
export function withoutLeaf(root: Root, gfn: Gfn): Root {
  const leaves = new Map(root.leaves);
  leaves.delete(gfn);
  return { ...root, leaves };
}

/** `KVM_PAGES_PER_HPAGE(level)` */
export function pagesOf(level: Level): bigint {
  return 1n << BigInt((level - 1) * 9);
}

export function withLeaf(root: Root, gfn: Gfn, leaf: Leaf): Root {
  return { ...root, leaves: new Map(root.leaves).set(gfn, leaf) };
}
