import type { Site } from '../program/program';
import type { VmType } from '../reach/verdict';

/** What of `struct kvm` decides about the MMU, and whether the VM still lives. */
export interface Vm {
  readonly type: VmType;
  /** `tdp_mmu_enabled`, in 6.1 `kvm->arch.tdp_mmu_enabled`. */
  readonly tdpMmu: boolean;
  /** `kvm->arch.gfn_direct_bits`, once the shared mask: 0 but for a TD after KVM_TDX_INIT_VM. */
  readonly directBits: bigint;
  /** `kvm_has_mirrored_tdp()`: private pages hang under a root of their own. A TD's, where the tree knows such roots. */
  readonly mirrored: boolean;
  /** `kvm->arch.disabled_quirks` */
  readonly disabledQuirks: bigint;
  /** `kvm->arch.noncoherent_dma_count` */
  readonly noncoherentDma: number;
  /** SPTEs hold a memory type: EPT, not NPT. `shadow_memtype_mask` is not 0. */
  readonly typedSptes: boolean;
  readonly bugged: boolean;
  readonly dead: boolean;
  /** The KVM_BUG_ON that bugged the VM. */
  readonly bugSite?: Site;
  /** WARNs printed, those of KVM_BUG_ON left out. */
  readonly warns: number;
}

/** Models `kvm_vm_dead()` (include/linux/kvm_host.h): KVM_REQ_VM_DEAD to all vCPUs; ioctls give -EIO from here on. */
export function killVm(vm: Vm): Vm {
  return vm.dead ? vm : { ...vm, dead: true };
}

/** Models `kvm_vm_bugged()`: bugged and dead; the caller goes on. */
export function bugVm(vm: Vm, site: Site): Vm {
  return vm.bugged ? vm : { ...vm, bugged: true, dead: true, bugSite: site };
}

export function warn(vm: Vm): Vm {
  return { ...vm, warns: vm.warns + 1 };
}

/** Models `kvm_arch_has_private_mem()`: userspace tells private from shared gfns by memory attributes. */
export function hasPrivateMemory(type: VmType): boolean {
  return type === 'tdx' || type === 'snp' || type === 'sw-protected';
}
