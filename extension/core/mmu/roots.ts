import type { Caching } from './memory-types';
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
  /** Mapped for a private access. */
  readonly isPrivate: boolean;
  /** Absent: the page tables hold no memory types. */
  readonly caching?: Caching;
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

/**
 * Models `kvm_gfn_root_bits()` (mmu/mmu_internal.h): a direct root maps a gfn at the place that the guest's address has
 * with the bits which mark it as shared, a mirror root at the plain gfn.
 */
export function rootBits(directBits: bigint, root: Root): bigint {
  return root.kind === 'mirror' ? 0n : directBits;
}

/** Models `tdp_mmu_max_gfn_exclusive()`: walks stop at the host's MAXPHYADDR, here of 46 bits. */
export const MAX_GFN_EXCLUSIVE = 1n << 34n;

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

/**
 * Models `tdp_mmu_split_huge_page()`: a huge leaf becomes a table of leaves one level down, which map the same with the
 * same bits.
 */
export function splitLeaf(root: Root, gfn: Gfn): Root {
  const leaf = root.leaves.get(gfn);
  if (leaf?.state !== 'present' || leaf.level < 2) return root;
  const leaves = new Map(root.leaves);
  const below = { ...leaf, level: leaf.level - 1 };
  const step = pagesOf(below.level);
  for (let at = gfn; at < gfn + pagesOf(leaf.level); at += step) leaves.set(at, below);
  return { ...root, leaves };
}

/** `KVM_PAGES_PER_HPAGE(level)` */
export function pagesOf(level: Level): bigint {
  return 1n << BigInt((level - 1) * 9);
}

export function withLeaf(root: Root, gfn: Gfn, leaf: Leaf): Root {
  return { ...root, leaves: new Map(root.leaves).set(gfn, leaf) };
}
