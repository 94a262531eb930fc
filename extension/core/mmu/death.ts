import type { Site } from '../program/program';
import type { MmuState } from './mmu-state';
import { withRequest } from './vcpu';
import { bugVm, killVm } from './vm';

/** Models `kvm_vm_bugged()` (include/linux/kvm_host.h): bugged and dead; the caller goes on. */
export function bugged(state: MmuState, site: Site): MmuState {
  return requested({ ...state, vm: bugVm(state.vm, site) });
}

/** Models `kvm_vm_dead()`. */
export function dead(state: MmuState): MmuState {
  return requested({ ...state, vm: killVm(state.vm) });
}

function requested(state: MmuState): MmuState {
  return { ...state, vcpus: withRequest(state.vcpus, 'KVM_REQ_VM_DEAD') };
}
