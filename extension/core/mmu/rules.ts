import { invalidateBegin, invalidateEnd, invalidateRangeAdd, mustRetry } from './invalidation';
import type { Caching } from './memory-types';
import type { MmuState } from './mmu-state';
import { type Leaf, type Root, rootBits, withLeaf, withoutLeaf } from './roots';
import { type Gfn, type Level, TDX_MODULE, type TdxModule } from './sept';
import { addExternal, type Added, removeExternal, type Removal } from './external-leaf';
import { flushRemote } from './tlb';
import { type Filter, rootTypes } from './root-filter';
import type { RootTypes } from './roots';
import type { Vcpu } from './vcpu';

/**
 * The model's rules that others are made of. They are handed around as one object: what a tree says in its own code
 * takes the place of the model's own rule, and a test can put a faulty rule there.
 */
export interface Rules {
  readonly invalidateBegin: typeof invalidateBegin;
  readonly invalidateRangeAdd: typeof invalidateRangeAdd;
  readonly invalidateEnd: typeof invalidateEnd;
  /** `mmu_invalidate_retry_gfn()` */
  readonly mustRetry: typeof mustRetry;
  readonly flushRemote: typeof flushRemote;
  /** `kvm_gfn_range_filter_to_root_types()` */
  readonly rootTypes: (state: MmuState, filter: Filter) => RootTypes;
  /** `kvm_gfn_root_bits()`: where a walk of a root begins. */
  readonly rootBits: (directBits: bigint, root: Root) => bigint;
  /** What becomes of a frozen SPTE when the S-EPT call was refused: what it was before. */
  readonly unfreeze: (root: Root, gfn: Gfn, before: Leaf | undefined) => Root;
  /** Takes a leaf out of the S-EPT, under `mmu_lock` for writing. */
  readonly removeExternal: (rules: Rules, state: MmuState, gfn: Gfn, level: Level) => Removal;
  /** Puts a leaf into the S-EPT, its mirror SPTE frozen. */
  readonly addExternal: (rules: Rules, state: MmuState, gfn: Gfn, level: Level) => Added;
  /** The memory type that a new leaf gets; `undefined`: the page tables hold none. */
  readonly caching: (state: MmuState, vcpu: Vcpu | undefined, gfn: Gfn) => Caching | undefined;
  /** `kvm_vm_ioctl()`, `kvm_vcpu_ioctl()`: whether an ioctl goes through; it is -EIO on a dead VM. */
  readonly ioctl: (state: MmuState) => boolean;
  /** What a vCPU does about a pending request before it enters the guest: nothing that the MMU sees, by the model's own rule. */
  readonly request: (state: MmuState, vcpu: number, request: string) => MmuState;
  /** The TDX module. */
  readonly tdx: TdxModule;
}

/** The model's own rules: for what a tree says nothing about. */
export const RULES: Rules = {
  invalidateBegin,
  invalidateRangeAdd,
  invalidateEnd,
  mustRetry,
  flushRemote,
  rootTypes,
  rootBits,
  unfreeze: (root, gfn, before) => (before === undefined ? withoutLeaf(root, gfn) : withLeaf(root, gfn, before)),
  removeExternal,
  addExternal,
  caching: (state) =>
    state.vm.typedSptes ? { memoryType: 'WB', ignorePat: state.vm.noncoherentDma === 0 } : undefined,
  ioctl: (state) => !state.vm.dead,
  request: (state) => state,
  tdx: TDX_MODULE,
};
