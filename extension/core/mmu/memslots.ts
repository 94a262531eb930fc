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

/** Models `gfn_to_memslot()`, in the first address space. */
export function slotOf(memory: Memory, gfn: Gfn): Memslot | undefined {
  return memory.slots.find((slot) => slot.addressSpace === 0 && gfn >= slot.base && gfn < slot.base + slot.pages);
}

/** Models `kvm_mem_is_private()`. */
export function isPrivate(memory: Memory, gfn: Gfn): boolean {
  return memory.privateGfns.has(gfn);
}

export function withoutSlot(memory: Memory, slot: Memslot): Memory {
  return { ...memory, slots: memory.slots.filter((other) => other !== slot) };
}
