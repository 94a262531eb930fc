import type { Gfn } from './sept';

export type AddressSpace = number;

/** `struct kvm_memory_slot`: `[base, base + pages)` of one address space. */
export interface Memslot {
  readonly addressSpace: AddressSpace;
  readonly base: Gfn;
  readonly pages: bigint;
}

/** Memslots, and `kvm->mem_attr_array`: gfns that userspace has made private. */
export interface Memory {
  readonly slots: readonly Memslot[];
  readonly privateGfns: ReadonlySet<Gfn>;
}

/** Models `kvm_for_each_memslot_in_gfn_range()`: the parts of slots that lie in `[start, end)`. */
export function slotsInRange(memory: Memory, start: Gfn, end: Gfn): readonly Memslot[] {
  return memory.slots.filter((slot) => slot.base < end && slot.base + slot.pages > start);
}

/** Models `kvm_mem_is_private()`. */
export function isPrivate(memory: Memory, gfn: Gfn): boolean {
  return memory.privateGfns.has(gfn);
}
