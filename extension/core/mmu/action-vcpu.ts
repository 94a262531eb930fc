import { noteUnmodelled, say, type Branch } from './branch';
import { type Access, accept, access, type FaultResult } from './faults';
import { isPrivate } from './memslots';
import type { MmuState } from './mmu-state';
import { type Met, type Played, sayOf, type Stage } from './play';
import type { Root } from './roots';
import { enterGuest, type Gfn, kickAll, septEntry } from './sept';
import { hasPrivateMemory } from './vm';

/** A vCPU touches a gfn, and again once KVM has mapped the page. */
export function touch(
  stage: Stage,
  branch: Branch,
  args: { readonly gfn: Gfn; readonly private: boolean | undefined; readonly vcpu: number | undefined },
): readonly Played[] {
  const { gfn, vcpu = 0 } = args;
  const { state } = branch;
  const asked = args.private ?? isPrivate(state.memory, gfn);
  const as: Access = asked && hasPrivateMemory(state.vm.type) ? 'private' : 'shared';
  const who = `vCPU ${vcpu} touches gfn 0x${gfn.toString(16)}, ${as}`;
  return inGuest(stage, branch, who, (ready) => {
    const first = access(ready.state, vcpu, gfn, as);
    const told = tellAccess(stage, { ...ready, state: first.state }, who, first.result);
    if (first.result !== 'mapped') return told;
    const again = access(first.state, vcpu, gfn, as);
    return tellAccess(stage, { ...told.branch, state: again.state }, `${who}, again`, again.result);
  });
}

/** Where KVM handles what a vCPU met; a name per tree. */
const FAULT = ['kvm_tdp_mmu_map', 'kvm_tdp_mmu_page_fault', 'direct_page_fault'];
const FAULTIN = ['kvm_mmu_faultin_pfn', 'kvm_faultin_pfn'];

function tellAccess(stage: Stage, branch: Branch, who: string, result: FaultResult): Played {
  const tell = (names: readonly string[], text: string, met: readonly Met[] = []): Played => ({
    branch: sayOf(stage, branch, names, `${who}: ${text}`),
    met,
  });
  switch (result) {
    case 'access':
      return tell([], 'the access goes through');
    case 'mapped':
      return tell(FAULT, 'a fault, KVM maps the page');
    case 'memory-fault':
      return tell(FAULTIN, 'the attribute says otherwise: KVM_EXIT_MEMORY_FAULT, KVM_RUN returns -EFAULT', ['error']);
    case 'mmio':
      return tell(FAULTIN, 'no memslot: KVM_EXIT_MMIO');
    case 'pending':
      return tell([], 'the page is not accepted: #VE, or with SEPT_VE_DISABLE a TD exit', ['pending']);
    case 'retry':
      return tell(['is_page_fault_stale'], 'the fault is retried without end', ['retry']);
    case 'dead':
      return tell(['kvm_vcpu_ioctl'], 'the VM is dead, KVM_RUN returns -EIO', ['error']);
  }
}

/** A TD's vCPU accepts a page; where none is mapped the TDCALL faults one in first. */
export function acceptPage(
  stage: Stage,
  branch: Branch,
  { gfn, vcpu = 0 }: { readonly gfn: Gfn; readonly vcpu: number | undefined },
): readonly Played[] {
  const who = `vCPU ${vcpu} accepts gfn 0x${gfn.toString(16)}`;
  if (branch.state.td === undefined) return [{ branch: say(branch, `${who}: no TD, there is nothing to accept`) }];
  return inGuest(stage, branch, who, (ready) => {
    const first = acceptOnce(stage, ready, who, gfn, vcpu);
    if (first.result !== 'mapped') return first.played;
    return acceptOnce(stage, first.played.branch, `${who}, again`, gfn, vcpu).played;
  });
}

function acceptOnce(
  stage: Stage,
  branch: Branch,
  who: string,
  gfn: Gfn,
  vcpu: number,
): { readonly played: Played; readonly result: FaultResult } {
  const { td } = branch.state;
  const was = td === undefined ? 'FREE' : septEntry(td, gfn, 1).state;
  const { state, result } = accept(branch.state, vcpu, gfn);
  const after = { ...branch, state };
  if (was === 'PENDING') return { played: { branch: say(after, `${who}: the page is its own now, zeroed`) }, result };
  if (was === 'MAPPED')
    return { played: { branch: say(after, `${who}: TDX_PAGE_ALREADY_ACCEPTED, nothing changes`) }, result };
  return { played: tellAccess(stage, after, who, result), result };
}

/** KVM_RUN: the vCPU is in the guest from here on. */
export function runVcpu(
  stage: Stage,
  branch: Branch,
  { vcpu = 0 }: { readonly vcpu: number | undefined },
): readonly Played[] {
  return inGuest(stage, branch, `KVM_RUN of vCPU ${vcpu}`, (ready) => {
    const { td } = ready.state;
    const state = td === undefined || td.inGuest.has(vcpu) ? ready.state : { ...ready.state, td: enterGuest(td, vcpu) };
    return {
      branch: sayOf(stage, { ...ready, state }, ['vcpu_enter_guest'], `KVM_RUN: vCPU ${vcpu} enters the guest`),
    };
  });
}

/** All vCPUs leave the guest. */
export function exitAll(stage: Stage, branch: Branch): readonly Played[] {
  const { td } = branch.state;
  const state = td === undefined ? branch.state : { ...branch.state, td: kickAll(td) };
  return [{ branch: sayOf(stage, { ...branch, state }, ['kvm_make_all_cpus_request'], 'all vCPUs leave the guest') }];
}

/** What a vCPU does in the guest, if KVM_RUN lets it in. */
function inGuest(stage: Stage, branch: Branch, who: string, then: (ready: Branch) => Played): readonly Played[] {
  const { vm, td } = branch.state;
  if (vm.dead) return [tellAccess(stage, branch, who, 'dead')];
  if (td !== undefined && td.state !== 'RUNNABLE') {
    const text = `${who}: the TD is not finalised, KVM_RUN returns -EINVAL`;
    return [{ branch: sayOf(stage, branch, ['tdx_vcpu_pre_run', 'kvm_arch_vcpu_ioctl_run'], text), met: ['error'] }];
  }
  if (td !== undefined && !stage.traits.mirrorRoots) {
    const noted = noteUnmodelled(branch, 'a vCPU of a hypothetical TD', stage.site);
    return [{ branch: say(noted, `${who}: this tree has no S-EPT that a TD could run on`) }];
  }
  if (!vm.tdpMmu) {
    const noted = noteUnmodelled(branch, 'a vCPU that runs on shadow paging', stage.site);
    return [{ branch: say(noted, `${who}: shadow paging, which the model does not run`) }];
  }
  return [then(withRoots(stage, branch))];
}

/** Models `kvm_mmu_load()`: a direct root, and of a TD a mirror root, where there are none. */
function withRoots(stage: Stage, branch: Branch): Branch {
  const { roots, td } = branch.state;
  const kinds: readonly Root['kind'][] =
    td !== undefined && stage.traits.mirrorRoots ? ['direct', 'mirror'] : ['direct'];
  const missing = kinds.filter((kind) => !roots.some((root) => root.kind === kind && root.valid));
  if (missing.length === 0) return branch;
  const fresh = missing.map((kind): Root => ({ kind, addressSpace: 0, valid: true, leaves: new Map() }));
  const state: MmuState = { ...branch.state, roots: [...roots, ...fresh] };
  return sayOf(stage, { ...branch, state }, ['kvm_mmu_load'], `kvm_mmu_load(): ${missing.join(' and ')} root`);
}
