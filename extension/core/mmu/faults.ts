import type { Site } from '../program/program';
import { bugged } from './death';
import { holds } from './locks';
import { isPrivate, slotOf } from './memslots';
import { type MmuState, withRoot } from './mmu-state';
import { type Leaf, type RootKind, withLeaf } from './roots';
import type { Rules } from './rules';
import { enterGuest, type Gfn, guestTouch, pageAccept, septEntry } from './sept';
import { type Vcpu, withVcpu } from './vcpu';
import { hasPrivateMemory } from './vm';

/** How a guest addresses a gfn: with or without what marks it as shared. A VM without private memory has shared only. */
export type Access = 'private' | 'shared';

/** What an access comes to. */
export type FaultResult =
  /** The access goes through. */
  | 'access'
  /** KVM mapped the page, and the guest tries again. */
  | 'mapped'
  /** The page is looked up; it is still to be mapped. */
  | 'pending-fault'
  /** KVM_EXIT_MEMORY_FAULT: attributes and address disagree; userspace has to convert. */
  | 'memory-fault'
  /** No memslot: KVM_EXIT_MMIO, or an emulated device. */
  | 'mmio'
  /** The page waits for the guest's acceptance: #VE, or the TD exits. */
  | 'pending'
  /** An invalidation came between, the S-EPT is busy, or the task that holds `mmu_lock` never lets go. */
  | 'retry'
  /** KVM_RUN of a TD before KVM_TDX_FINALIZE_VM is refused. */
  | 'not-runnable'
  /** A dead VM does not run. */
  | 'dead';

export interface Faulted {
  readonly state: MmuState;
  readonly result: FaultResult;
}

/** KVM's code for a fault: a KVM_BUG_ON there has no place in the sink's text. */
const KVM: Site = { file: '', line: 0, column: 0, function: 'kvm_tdp_mmu_map' };

/** A guest's access to `gfn` by a vCPU, and the whole of the fault that it may take. */
export function access(rules: Rules, state: MmuState, vcpu: number, gfn: Gfn, as: Access): Faulted {
  const begun = beginFault(rules, state, vcpu, gfn, as);
  return begun.result === 'pending-fault' ? finishFault(rules, begun.state, vcpu) : begun;
}

/**
 * The first half of a fault. Models the routing of `tdp_mmu_get_root_for_fault()` (a TD's private addresses go to the
 * mirror root, all else to the direct one) and `kvm_mmu_faultin_pfn()`: it samples `mmu_invalidate_seq`, then checks
 * that address and attributes agree, then looks up the page.
 */
export function beginFault(rules: Rules, state: MmuState, vcpu: number, gfn: Gfn, as: Access): Faulted {
  if (!rules.ioctl(state)) return { state, result: 'dead' };
  if (state.td !== undefined && state.td.state !== 'RUNNABLE') return { state, result: 'not-runnable' };
  const running = entered(rules, withRoots(state), vcpu);
  if (running.vm.dead) return { state: running, result: 'dead' };
  const kind = rootKind(running, as);
  const root = running.roots.find((one) => one.kind === kind && one.valid);
  if (root === undefined) return { state: running, result: 'retry' };
  if (kind === 'mirror' && running.td !== undefined) {
    const met = guestTouch(running.td, gfn, 1);
    if (met !== 'violation') return { state: running, result: met === 'page' ? 'access' : 'pending' };
  } else {
    const leaf = root.leaves.get(gfn);
    const same = !hasPrivateMemory(state.vm.type) || leaf?.isPrivate === (as === 'private');
    if (leaf?.state === 'present' && same) return { state: running, result: 'access' };
  }
  if (hasPrivateMemory(state.vm.type) && isPrivate(state.memory, gfn) !== (as === 'private'))
    return { state: running, result: 'memory-fault' };
  if (slotOf(state.memory, gfn) === undefined) return { state: running, result: 'mmio' };
  const fault = { gfn, isPrivate: as === 'private', seq: state.invalidation.seq };
  return { state: { ...running, faults: new Map(running.faults).set(vcpu, fault) }, result: 'pending-fault' };
}

/**
 * The second half. Models `is_page_fault_stale()` and `kvm_tdp_mmu_map()`: a fault whose page was looked up before an
 * invalidation of its gfn starts again; else the SPTE is written.
 */
export function finishFault(rules: Rules, state: MmuState, vcpu: number): Faulted {
  const fault = state.faults.get(vcpu);
  if (fault === undefined) return { state, result: 'retry' };
  const faults = new Map(state.faults);
  faults.delete(vcpu);
  const left: MmuState = { ...state, faults };
  if (!rules.ioctl(state)) return { state: left, result: 'dead' };
  if (rules.mustRetry(state.invalidation, fault.seq, fault.gfn) || holds(state.locks, 'mmu_lock'))
    return { state: left, result: 'retry' };
  const kind = rootKind(left, fault.isPrivate ? 'private' : 'shared');
  const index = left.roots.findIndex((root) => root.kind === kind && root.valid);
  return mapLeaf(rules, left, index, fault.gfn, { vcpu, isPrivate: fault.isPrivate });
}

function rootKind(state: MmuState, as: Access): RootKind {
  return state.vm.mirrored && as === 'private' ? 'mirror' : 'direct';
}

/**
 * Models `tdp_mmu_map_handle_target_level()` and `tdp_mmu_set_spte_atomic()`: a mirror SPTE is frozen while the S-EPT
 * call runs; if the call was refused or BUSY, the SPTE is what it was before, and the fault is tried again. The memory
 * type is decided here, and stays in the SPTE. A TD's private memory is write-back whatever the SPTE says.
 */
export function mapLeaf(
  rules: Rules,
  state: MmuState,
  index: number,
  gfn: Gfn,
  by: { readonly vcpu?: number; readonly isPrivate: boolean },
): Faulted {
  const root = state.roots[index];
  if (root === undefined) return { state, result: 'retry' };
  const before = root.leaves.get(gfn);
  // Frozen: another fault is at it. Present: another one has mapped it, and this one was spurious.
  if (before?.state === 'frozen') return { state, result: 'retry' };
  if (before?.isPrivate === by.isPrivate) return { state, result: 'access' };
  const mirror = root.kind === 'mirror' && state.td !== undefined;
  const vcpu = state.vcpus.find((one) => one.id === by.vcpu);
  const caching = mirror ? undefined : rules.caching(state, vcpu, gfn);
  const leaf: Leaf = {
    state: 'present',
    level: 1,
    isPrivate: by.isPrivate,
    ...(caching === undefined ? {} : { caching }),
  };
  if (!mirror) return { state: withRoot(state, index, withLeaf(root, gfn, leaf)), result: 'mapped' };
  const frozen = withRoot(state, index, withLeaf(root, gfn, { ...leaf, state: 'frozen' }));
  const added = rules.addExternal(rules, frozen, gfn, 1);
  const now = added.state.roots[index] ?? root;
  if (added.again)
    return {
      state: died(state, withRoot(added.state, index, rules.unfreeze(now, gfn, before))),
      result: 'retry',
    };
  return { state: withRoot(added.state, index, withLeaf(now, gfn, leaf)), result: 'mapped' };
}

/** `TDX_BUG_ON()` of a call that was refused and not only busy. */
function died(before: MmuState, after: MmuState): MmuState {
  return after.td?.refused === before.td?.refused || after.vm.bugged ? after : bugged(after, KVM);
}

/** The guest's TDG.MEM.PAGE.ACCEPT. Without a page to accept it faults one in, and tries again. */
export function accept(rules: Rules, state: MmuState, vcpu: number, gfn: Gfn): Faulted {
  if (!rules.ioctl(state)) return { state, result: 'dead' };
  if (state.td?.state !== 'RUNNABLE') return { state, result: 'not-runnable' };
  const running = entered(rules, state, vcpu);
  const { td } = running;
  if (td === undefined || running.vm.dead) return { state: running, result: 'dead' };
  if (septEntry(td, gfn, 1).state === 'FREE') return access(rules, running, vcpu, gfn, 'private');
  const accepted = pageAccept(td, gfn, 1);
  return accepted.ok
    ? { state: { ...running, td: accepted.td }, result: 'access' }
    : { state: running, result: 'retry' };
}

/** Models `kvm_mmu_load()`: without valid roots a vCPU makes them before it enters the guest; a TD has a mirror root too. */
export function withRoots(state: MmuState): MmuState {
  if (!state.vm.tdpMmu || state.roots.some((root) => root.valid)) return state;
  const kinds: readonly RootKind[] = state.vm.mirrored ? ['direct', 'mirror'] : ['direct'];
  const roots = kinds.map((kind) => ({ kind, addressSpace: 0, valid: true, leaves: new Map() }) as const);
  return { ...state, roots: [...state.roots, ...roots] };
}

/** KVM_RUN without an exit that matters. */
export function runVcpu(rules: Rules, state: MmuState, vcpu: number): MmuState {
  if (!rules.ioctl(state) || (state.td !== undefined && state.td.state !== 'RUNNABLE')) return state;
  return entered(rules, withRoots(state), vcpu);
}

/**
 * Models `vcpu_enter_guest()`: a vCPU handles its requests, and a TD's then enters the guest (TDH.VP.ENTER). Requests
 * made of it while it is inside kick it out first.
 */
function entered(rules: Rules, state: MmuState, id: number): MmuState {
  let now = state;
  const pending = (): Vcpu | undefined => now.vcpus.find((vcpu) => vcpu.id === id && vcpu.requests.size > 0);
  for (let vcpu = pending(); vcpu !== undefined && !now.vm.dead; vcpu = pending()) {
    const [request = ''] = [...vcpu.requests].sort();
    const requests = new Set(vcpu.requests);
    requests.delete(request);
    now = rules.request({ ...now, vcpus: withVcpu(now.vcpus, id, { requests }) }, id, request);
  }
  if (now.vm.dead || now.td === undefined || now.td.inGuest.has(id)) return now;
  return { ...now, td: enterGuest(now.td, id) };
}
