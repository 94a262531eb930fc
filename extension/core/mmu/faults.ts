import { mustRetry } from './invalidation';
import { holds } from './locks';
import { isPrivate, slotOf } from './memslots';
import { type MmuState, withRoot } from './mmu-state';
import { type RootKind, withLeaf } from './roots';
import { enterGuest, type Gfn, guestTouch, pageAccept, pageAdd, pageAug, septEntry } from './sept';
import { hasPrivateMemory } from './vm';

/** How a guest addresses a gfn: with or without what marks it as shared. A VM without private memory has shared only. */
export type Access = 'private' | 'shared';

/** What an access comes to. */
export type FaultResult =
  /** The access goes through. */
  | 'access'
  /** KVM mapped the page, and the guest tries again. */
  | 'mapped'
  /** KVM_EXIT_MEMORY_FAULT: attributes and address disagree; userspace has to convert. */
  | 'memory-fault'
  /** No memslot: KVM_EXIT_MMIO, or an emulated device. */
  | 'mmio'
  /** The page waits for the guest's acceptance: #VE, or the TD exits. */
  | 'pending'
  /** An invalidation is in progress, or the task that holds `mmu_lock` never lets go. */
  | 'retry'
  /** A dead VM does not run. */
  | 'dead';

export interface Faulted {
  readonly state: MmuState;
  readonly result: FaultResult;
}

/**
 * A guest's access to `gfn` by a vCPU, and the fault that it may take. Models the routing of `kvm_tdp_mmu_map()`
 * (`tdp_mmu_get_root_for_fault()`: a TD's private addresses go to the mirror root, all else to the direct one), the
 * check of `kvm_mmu_faultin_pfn()` that address and attributes agree, and `is_page_fault_stale()`.
 */
export function access(state: MmuState, vcpu: number, gfn: Gfn, as: Access): Faulted {
  if (state.vm.dead) return { state, result: 'dead' };
  const running = entered(state, vcpu);
  const kind: RootKind = state.td !== undefined && as === 'private' ? 'mirror' : 'direct';
  const index = state.roots.findIndex((root) => root.kind === kind && root.valid);
  const root = state.roots[index];
  if (root === undefined) return { state: running, result: 'retry' };
  if (kind === 'mirror' && running.td !== undefined) {
    const met = guestTouch(running.td, gfn, 1);
    if (met !== 'violation') return { state: running, result: met === 'page' ? 'access' : 'pending' };
  } else if (root.leaves.has(gfn)) return { state: running, result: 'access' };
  if (hasPrivateMemory(state.vm.type) && isPrivate(state.memory, gfn) !== (as === 'private'))
    return { state: running, result: 'memory-fault' };
  if (slotOf(state.memory, gfn) === undefined) return { state: running, result: 'mmio' };
  const { invalidation } = state;
  if (mustRetry(invalidation, invalidation.seq, gfn) || holds(state.locks, 'mmu_lock'))
    return { state: running, result: 'retry' };
  return mapLeaf(running, index, gfn);
}

/**
 * Models `tdp_mmu_map_handle_target_level()`, and of a mirror root `tdx_sept_map_leaf_spte()`: ADD before the TD is
 * runnable, AUG after. A refused call puts the SPTE back.
 */
export function mapLeaf(state: MmuState, index: number, gfn: Gfn): Faulted {
  const root = state.roots[index];
  if (root === undefined) return { state, result: 'retry' };
  const mapped = withRoot(state, index, withLeaf(root, gfn, { state: 'present', level: 1 }));
  if (root.kind === 'direct' || state.td === undefined) return { state: mapped, result: 'mapped' };
  const { td } = state;
  const added = td.state === 'RUNNABLE' ? pageAug(td, gfn, 1) : pageAdd(td, gfn);
  return added.ok ? { state: { ...mapped, td: added.td }, result: 'mapped' } : { state, result: 'retry' };
}

/** The guest's TDG.MEM.PAGE.ACCEPT. Without a page to accept it faults one in, and tries again. */
export function accept(state: MmuState, vcpu: number, gfn: Gfn): Faulted {
  if (state.vm.dead || state.td === undefined) return { state, result: state.vm.dead ? 'dead' : 'access' };
  const running = entered(state, vcpu);
  const { td } = running;
  if (td === undefined) return { state, result: 'access' };
  if (septEntry(td, gfn, 1).state === 'FREE') return access(running, vcpu, gfn, 'private');
  const accepted = pageAccept(td, gfn, 1);
  return accepted.ok
    ? { state: { ...running, td: accepted.td }, result: 'access' }
    : { state: running, result: 'retry' };
}

/** TDH.VP.ENTER, if the vCPU is not in the guest. */
function entered(state: MmuState, vcpu: number): MmuState {
  if (state.td === undefined || state.td.inGuest.has(vcpu)) return state;
  return { ...state, td: enterGuest(state.td, vcpu) };
}
