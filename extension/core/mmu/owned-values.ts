import type { Program } from '../program/program';
import type { Value } from './branch';
import { memoryTypeNumber } from './memory-types';
import type { MmuState } from './mmu-state';
import type { Vcpu } from './vcpu';
import { hasPrivateMemory } from './vm';
import { vmTypeNumber } from './vm-type';

/**
 * Values of the kernel's variables and fields that the model's state holds, whatever expression leads to them. They
 * depend on the scenario, which the reachability engine does not know.
 */
export function ownedValue(state: MmuState, name: string, owner: Value): Value {
  if (typeof owner === 'object') return fieldOf(state, name, owner);
  switch (name) {
    case 'tdp_mmu_enabled':
      return state.vm.tdpMmu;
    case 'enable_apicv':
      return state.apicv.enabled;
    case 'gfn_direct_bits':
    case 'gfn_shared_mask':
      return state.vm.directBits;
    case 'has_private_mem':
      return hasPrivateMemory(state.vm.type);
    case 'disabled_quirks':
      return state.vm.disabledQuirks;
    case 'noncoherent_dma_count':
      return BigInt(state.vm.noncoherentDma);
    case 'apicv_inhibit_reasons':
      return state.apicv.reasons;
    case 'required_apicv_inhibits':
      return state.apicv.required;
    case 'apicv_nr_irq_window_req':
      // No vCPU waits for an interrupt window.
      return 0n;
    case 'shadow_memtype_mask':
      return state.vm.typedSptes;
    case 'vm_bugged':
      return state.vm.bugged;
    case 'vm_dead':
      return state.vm.dead;
    case 'mmu_invalidate_in_progress':
    case 'mmu_notifier_count':
      return BigInt(state.invalidation.inProgress);
    case 'shadow_root_allocated':
    case 'indirect_shadow_pages':
      return state.rmaps.size > 0;
    case 'pre_fault_allowed':
      return state.td === undefined ? undefined : state.td.state === 'RUNNABLE';
    case 'page_add_src':
      // Set while KVM_TDX_INIT_MEM_REGION runs, which is the only way to a fault before the TD is runnable.
      return state.td === undefined ? undefined : state.td.state !== 'RUNNABLE';
    case 'hkid':
      return state.td === undefined ? undefined : state.td.hkidAssigned ? 1n : -1n;
    default:
      return undefined;
  }
}

function fieldOf(state: MmuState, name: string, owner: Exclude<Value, boolean | bigint | undefined>): Value {
  if ('root' in owner) return rootField(state, name, owner.root);
  if ('slot' in owner) return slotField(state, name, owner.slot);
  if ('vcpu' in owner) return vcpuField(vcpuOf(state, owner), name, owner);
  return undefined;
}

/** Fields of `struct kvm_mmu_page` and of its role, for a root. */
function rootField(state: MmuState, name: string, index: number): Value {
  const root = state.roots[index];
  if (root === undefined) return undefined;
  switch (name) {
    case 'is_mirror':
      return root.kind === 'mirror';
    case 'invalid':
      return !root.valid;
    case 'smm':
      return root.addressSpace === 1;
    case 'role':
      return { root: index };
    default:
      return undefined;
  }
}

/** Fields of `struct kvm_memory_slot`, and of an iterator that stands at one. */
function slotField(state: MmuState, name: string, index: number): Value {
  const slot = state.memory.slots[index];
  switch (name) {
    case 'slot':
      return { slot: index };
    case 'base_gfn':
      return slot?.base;
    case 'npages':
      return slot?.pages;
    default:
      return undefined;
  }
}

/** CR0.CD, `X86_CR0_CD` (arch/x86/include/uapi/asm/processor-flags.h). */
export const CR0_CD = 1n << 30n;

/** Fields of `struct kvm_vcpu`, of its `arch` and of its `apic`: all three are told by the vCPU. */
function vcpuField(vcpu: Vcpu | undefined, name: string, owner: Value): Value {
  switch (name) {
    case 'arch':
    case 'apic':
    case 'vcpu':
      return owner;
    case 'apicv_active':
      return vcpu?.apicvActive;
    case 'cr0':
      return vcpu === undefined ? undefined : vcpu.cr0Cd ? CR0_CD : 0n;
    default:
      return undefined;
  }
}

export function vcpuOf(state: MmuState, value: Value): Vcpu | undefined {
  if (typeof value !== 'object' || !('vcpu' in value)) return undefined;
  return state.vcpus.find((vcpu) => vcpu.id === value.vcpu);
}

/**
 * Functions that the state answers for. Either the tree may have no body of them (`kvm_gfn_shared_mask()` is what
 * `kvm_gfn_direct_bits()` was called while TDX support was under review), or their bodies read registers and bits of
 * SPTEs that the state holds in another form. Nested guests are not modelled: no vCPU is in guest mode of its own.
 */
const OWNED_CALLS =
  /^(?:kvm_gfn_(?:shared_mask|direct_bits)|lapic_in_kernel|kvm_get_apic_mode|apic_x2apic_mode|is_guest_mode|kvm_read_cr0(?:_bits)?|kvm_is_cr0_bit_set|kvm_mtrr_get_guest_memory_type|is_shadow_present_pte|is_last_spte|is_frozen_spte)$/;

export function isOwnedCall(name: string): boolean {
  return OWNED_CALLS.test(name);
}

export function ownedCall(program: Program, state: MmuState, name: string, args: readonly Value[]): Value {
  if (/^kvm_gfn_/.test(name)) return isOwnedCall(name) ? state.vm.directBits : undefined;
  const [first, second] = args;
  if (typeof first === 'object' && 'spte' in first) return spteTest(name, first.spte);
  const vcpu = vcpuOf(state, first);
  if (vcpu === undefined) return undefined;
  switch (name) {
    case 'lapic_in_kernel':
      return true;
    case 'apic_x2apic_mode':
      return vcpu.apicMode === 'x2apic';
    case 'kvm_get_apic_mode':
      return program.symbols.constant(`LAPIC_MODE_${vcpu.apicMode.toUpperCase()}`);
    case 'is_guest_mode':
      return false;
    case 'kvm_read_cr0':
      return vcpuField(vcpu, 'cr0', first);
    case 'kvm_read_cr0_bits':
    case 'kvm_is_cr0_bit_set':
      return typeof second === 'bigint' ? (vcpu.cr0Cd ? CR0_CD : 0n) & second : undefined;
    case 'kvm_mtrr_get_guest_memory_type':
      return memoryTypeNumber(vcpu.mtrr);
    default:
      return undefined;
  }
}

function spteTest(name: string, spte: 'leaf' | 'table' | 'none'): Value {
  switch (name) {
    case 'is_shadow_present_pte':
      return spte !== 'none';
    case 'is_last_spte':
      return spte === 'leaf';
    case 'is_frozen_spte':
      return false;
    default:
      return undefined;
  }
}

/**
 * `kvm->arch.vm_type`, and `kvm->arch.has_private_mem` or the macro that reads it, where nobody who knows more has an
 * answer: the state says which VMs have private memory.
 */
export function vmTypeValue(program: Program, state: MmuState, name: string): Value {
  switch (name) {
    case 'vm_type':
      return vmTypeNumber(program, state.vm.type);
    case 'has_private_mem':
    case 'kvm_arch_has_private_mem':
      return hasPrivateMemory(state.vm.type);
    default:
      return undefined;
  }
}

/** `kvm_tdx->state` in the tree's own numbers (`enum kvm_tdx_state`, vmx/tdx.h). */
export function tdStateValue(program: Program, state: MmuState): Value {
  return state.td === undefined ? undefined : program.symbols.constant(`TD_STATE_${state.td.state}`);
}
