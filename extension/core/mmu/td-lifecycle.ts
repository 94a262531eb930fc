import { finishFault, withRoots } from './faults';
import { isPrivate, slotOf } from './memslots';
import type { MmuState } from './mmu-state';
import type { Rules } from './rules';
import type { Gfn } from './sept';

/** Bit 47 of a guest physical address, as a bit of a gfn: what tells a TD's shared addresses from its private ones. */
export const SHARED_BIT = 1n << 35n;

/** Models KVM_TDX_INIT_VM (`tdx_td_init()`, vmx/tdx.c): the TD gets its key, and direct roots their bits. */
export function initTd(rules: Rules, state: MmuState): MmuState {
  const { td } = state;
  if (!rules.ioctl(state) || td?.state !== 'UNINITIALIZED') return state;
  return {
    ...state,
    vm: { ...state.vm, directBits: SHARED_BIT },
    td: { ...td, state: 'INITIALIZED', hkidAssigned: true },
  };
}

/** Models KVM_TDX_INIT_MEM_REGION on one page (`tdx_vcpu_init_mem_region()`): it is mapped and added to the image. */
export function addToImage(rules: Rules, state: MmuState, vcpu: number, gfn: Gfn): MmuState {
  if (!rules.ioctl(state) || state.td?.state !== 'INITIALIZED') return state;
  if (!isPrivate(state.memory, gfn) || slotOf(state.memory, gfn) === undefined) return state;
  const loaded = withRoots(state);
  const mapped = loaded.roots.some((root) => root.kind === 'mirror' && root.leaves.has(gfn));
  if (mapped) return state;
  const fault = { gfn, isPrivate: true, seq: state.invalidation.seq };
  return finishFault(rules, { ...loaded, faults: new Map(loaded.faults).set(vcpu, fault) }, vcpu).state;
}

/** Models KVM_TDX_FINALIZE_VM (`tdx_td_finalize()`): the image is measured, vCPUs may run, and no page can be added any more. */
export function finalizeTd(rules: Rules, state: MmuState): MmuState {
  const { td } = state;
  if (!rules.ioctl(state) || td?.state !== 'INITIALIZED') return state;
  return { ...state, td: { ...td, state: 'RUNNABLE' } };
}
