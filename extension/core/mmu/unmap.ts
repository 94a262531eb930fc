import type { Site } from '../program/program';
import { bugged } from './death';
import { type Memslot, withoutSlot } from './memslots';
import type { MmuState } from './mmu-state';
import type { Filter } from './root-filter';
import { matches } from './roots';
import type { Rules } from './rules';
import type { Gfn } from './sept';
import { zapLeafs, zapRmaps } from './zap';

/** KVM's own code, which is not the sink: a KVM_BUG_ON there has no place in the sink's text. */
const KVM: Site = { file: '', line: 0, column: 0, function: 'kvm_unmap_gfn_range' };

/**
 * Models `kvm_unmap_gfn_range()` with the invalidation and the flush of its callers, under `mmu_lock`: unlike the sink
 * it picks roots by what the change is about. An MMU notifier is about shared memory; a change of attributes is about
 * what the gfn was; a memslot that goes is about both.
 */
export function unmapRange(rules: Rules, state: MmuState, start: Gfn, end: Gfn, filter: Filter): MmuState {
  const begun = rules.invalidateRangeAdd(rules.invalidateBegin(state.invalidation), start, end).invalidation;
  const types = rules.rootTypes(state, filter);
  let now: MmuState = { ...state, invalidation: begun };
  let flush = false;
  for (const [index, root] of state.roots.entries()) {
    if (!matches(root, types)) continue;
    const zap = zapLeafs(rules, now, index, start, end);
    now = zap.state;
    flush ||= zap.flush;
    const refusal = zap.leaves.find((leaf) => leaf.refused !== undefined);
    if (refusal !== undefined) now = bugged(now, refusal.site ?? KVM);
  }
  const rmaps = zapRmaps(now, start, end);
  now = rmaps.state;
  if (flush || rmaps.flush) now = { ...now, tlb: rules.flushRemote(now.tlb, { start, end }) };
  const ended = rules.invalidateEnd(now.invalidation);
  now = { ...now, invalidation: ended.invalidation };
  return ended.bugs ? bugged(now, KVM) : now;
}

/**
 * Models KVM_SET_MEMORY_ATTRIBUTES on one gfn (`kvm_arch_pre_set_memory_attributes()`): what the gfn was mapped as is
 * unmapped, then the attribute changes.
 */
export function convert(rules: Rules, state: MmuState, gfn: Gfn, to: 'private' | 'shared'): MmuState {
  const isPrivate = state.memory.privateGfns.has(gfn);
  if (!rules.ioctl(state) || isPrivate === (to === 'private')) return state;
  const unmapped = unmapRange(rules, state, gfn, gfn + 1n, isPrivate ? 'private' : 'shared');
  const privateGfns = new Set(unmapped.memory.privateGfns);
  if (to === 'private') privateGfns.add(gfn);
  else privateGfns.delete(gfn);
  return { ...unmapped, memory: { ...unmapped.memory, privateGfns } };
}

/** Models `kvm_mmu_notifier_invalidate_range_start()`: the host takes back a page that userspace has mapped. */
export function notifierUnmap(rules: Rules, state: MmuState, gfn: Gfn): MmuState {
  return unmapRange(rules, state, gfn, gfn + 1n, 'shared');
}

/** Models `kvm_gmem_punch_hole()` (virt/kvm/guest_memfd.c): userspace gives up the private page behind a gfn. */
export function punchHole(rules: Rules, state: MmuState, gfn: Gfn): MmuState {
  return unmapRange(rules, state, gfn, gfn + 1n, 'private');
}

/** Models KVM_SET_USER_MEMORY_REGION with size 0 (`kvm_arch_flush_shadow_memslot()`): nothing stays mapped in a slot that goes. */
export function deleteSlot(rules: Rules, state: MmuState, slot: Memslot): MmuState {
  if (!rules.ioctl(state) || !state.memory.slots.includes(slot)) return state;
  const unmapped = unmapRange(rules, state, slot.base, slot.base + slot.pages, 'both');
  return { ...unmapped, memory: withoutSlot(unmapped.memory, slot) };
}

/** Models KVM_SET_USER_MEMORY_REGION with a new slot. */
export function createSlot(rules: Rules, state: MmuState, slot: Memslot): MmuState {
  const { memory } = state;
  if (!rules.ioctl(state) || memory.slots.some((other) => overlap(other, slot))) return state;
  return { ...state, memory: { ...memory, slots: [...memory.slots, slot] } };
}

function overlap(a: Memslot, b: Memslot): boolean {
  return a.addressSpace === b.addressSpace && a.base < b.base + b.pages && b.base < a.base + a.pages;
}
