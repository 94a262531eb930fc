import type { MmuState } from './mmu-state';
import { matches, type RootTypes } from './roots';
import type { Gfn } from './sept';
import { flushRemote } from './tlb';
import { bugVm } from './vm';
import { zapLeafs, zapRmaps } from './zap';
import type { Site } from '../program/program';

/** Which roots an unmap is for (`kvm_gfn_range_filter_to_root_types()`, mmu/tdp_mmu.h). */
export type Filter = 'private' | 'shared' | 'both';

/** KVM's own code, which is not the sink: a KVM_BUG_ON there has no place in the sink's text. */
const KVM: Site = { file: '', line: 0, column: 0, function: 'kvm_unmap_gfn_range' };

/**
 * Models `kvm_unmap_gfn_range()` and its flush, under `mmu_lock` and within an invalidation: unlike the sink it picks
 * roots by what the change is about. An MMU notifier is about shared memory; a change of attributes is about what the
 * gfn was; a memslot that goes is about both.
 */
export function unmapRange(state: MmuState, start: Gfn, end: Gfn, filter: Filter): MmuState {
  const types = rootTypes(state, filter);
  let now = state;
  let flush = false;
  for (const [index, root] of state.roots.entries()) {
    if (!matches(root, types)) continue;
    const zap = zapLeafs(now, index, start, end);
    now = zap.state;
    flush ||= zap.flush;
    if (zap.leaves.some((leaf) => leaf.refused !== undefined)) now = { ...now, vm: bugVm(now.vm, KVM) };
  }
  const rmaps = zapRmaps(now, start, end);
  now = rmaps.state;
  if (flush || rmaps.flush) now = { ...now, tlb: flushRemote(now.tlb, { start, end }) };
  return { ...now, invalidation: { ...now.invalidation, seq: now.invalidation.seq + 1 } };
}

function rootTypes(state: MmuState, filter: Filter): RootTypes {
  const apart = state.roots.some((root) => root.kind === 'mirror');
  if (!apart) return { direct: true, mirror: false, invalid: false };
  return { direct: filter !== 'private', mirror: filter !== 'shared', invalid: false };
}

/**
 * Models KVM_SET_MEMORY_ATTRIBUTES on one gfn (`kvm_arch_pre_set_memory_attributes()`): what the gfn was mapped as is
 * unmapped, then the attribute changes.
 */
export function convert(state: MmuState, gfn: Gfn, to: 'private' | 'shared'): MmuState {
  const isPrivate = state.memory.privateGfns.has(gfn);
  if (state.vm.dead || isPrivate === (to === 'private')) return state;
  const unmapped = unmapRange(state, gfn, gfn + 1n, isPrivate ? 'private' : 'shared');
  const privateGfns = new Set(unmapped.memory.privateGfns);
  if (to === 'private') privateGfns.add(gfn);
  else privateGfns.delete(gfn);
  return { ...unmapped, memory: { ...unmapped.memory, privateGfns } };
}
