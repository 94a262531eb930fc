import type { Invalidation } from './invalidation';
import type { Locks } from './locks';
import type { Memory } from './memslots';
import type { Root } from './roots';
import type { Apicv } from './apicv';
import type { Gfn, Td } from './sept';
import type { Tlb } from './tlb';
import type { Vcpu } from './vcpu';
import type { Vm } from './vm';

/**
 * All that the model knows of one VM. Immutable: an operation gives a new state that shares what it left alone, so
 * that any step can be shown and undone, and equal references mean that nothing changed.
 */
export interface MmuState {
  readonly vm: Vm;
  readonly vcpus: readonly Vcpu[];
  readonly apicv: Apicv;
  readonly memory: Memory;
  readonly roots: readonly Root[];
  /** Of a TD only. */
  readonly td?: Td;
  /** Gfns that shadow pages map: `slot->arch.rmap`. A VM without shadow pages has none. */
  readonly rmaps: ReadonlySet<Gfn>;
  /** Page faults that have looked up their page and have not mapped it yet, by vCPU. */
  readonly faults: ReadonlyMap<number, PendingFault>;
  readonly locks: Locks;
  readonly invalidation: Invalidation;
  readonly tlb: Tlb;
}

/** `struct kvm_page_fault`, between `kvm_mmu_faultin_pfn()` and the write of the SPTE. */
export interface PendingFault {
  readonly gfn: Gfn;
  readonly isPrivate: boolean;
  /** `fault->mmu_seq`: `mmu_invalidate_seq` when the page was looked up. */
  readonly seq: number;
}

export function withRoot(state: MmuState, index: number, root: Root): MmuState {
  return { ...state, roots: state.roots.map((was, at) => (at === index ? root : was)) };
}
