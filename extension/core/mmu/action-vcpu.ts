import { noteUnmodelled, say, type Branch } from './branch';
import { type Access, accept, access, type FaultResult, runVcpu as enter, withRoots } from './faults';
import { isPrivate } from './memslots';
import { type Met, type Played, sayOf, type Stage } from './play';
import { type Gfn, kickAll, septEntry } from './sept';
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
    const first = access(stage.world.rules, ready.state, vcpu, gfn, as);
    const told = tellAccess(stage, { ...ready, state: first.state }, who, first.result);
    if (first.result !== 'mapped') return told;
    const again = access(stage.world.rules, first.state, vcpu, gfn, as);
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
    case 'pending-fault':
      return tell(FAULTIN, 'a fault, the page is looked up');
    case 'not-runnable':
      return tell(['tdx_vcpu_pre_run', 'kvm_arch_vcpu_ioctl_run'], 'the TD is not finalised, KVM_RUN returns -EINVAL', [
        'error',
      ]);
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
  const { state, result } = accept(stage.world.rules, branch.state, vcpu, gfn);
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
    const state = enter(stage.world.rules, ready.state, vcpu);
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
  if (td !== undefined && td.state !== 'RUNNABLE') return [tellAccess(stage, branch, who, 'not-runnable')];
  if (td !== undefined && !stage.traits.mirrorRoots) {
    const noted = noteUnmodelled(branch, 'a vCPU of a hypothetical TD', stage.site);
    return [{ branch: say(noted, `${who}: this tree has no S-EPT that a TD could run on`) }];
  }
  if (!vm.tdpMmu) {
    const noted = noteUnmodelled(branch, 'a vCPU that runs on shadow paging', stage.site);
    return [{ branch: say(noted, `${who}: shadow paging, which the model does not run`) }];
  }
  return [then(loaded(stage, branch))];
}

/** Models `kvm_mmu_load()`: a direct root, and of a TD a mirror root, where there are none. */
function loaded(stage: Stage, branch: Branch): Branch {
  const state = withRoots(branch.state);
  if (state === branch.state) return branch;
  const fresh = state.roots.slice(branch.state.roots.length).map(({ kind }) => kind);
  return sayOf(stage, { ...branch, state }, ['kvm_mmu_load'], `kvm_mmu_load(): ${fresh.join(' and ')} root`);
}
