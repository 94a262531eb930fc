import type { Program } from '../program/program';
import type { Value } from './branch';
import type { MmuState } from './mmu-state';
import { hasPrivateMemory } from './vm';
import { vmTypeNumber } from './vm-type';

/**
 * Values of the kernel's variables and fields that the model's state holds, whatever expression leads to them. They
 * depend on the scenario, which the reachability engine does not know.
 */
export function ownedValue(state: MmuState, name: string, owner: Value): Value {
  if (typeof owner === 'object') return rootField(state, name, owner.root);
  switch (name) {
    case 'tdp_mmu_enabled':
      return state.vm.tdpMmu;
    case 'gfn_direct_bits':
    case 'gfn_shared_mask':
      return state.vm.directBits;
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
    default:
      return undefined;
  }
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

/**
 * Functions that the state answers for although the tree may have no body of them: `kvm_gfn_shared_mask()` is what
 * `kvm_gfn_direct_bits()` was called while TDX support was under review.
 */
export function isOwnedCall(name: string): boolean {
  return name === 'kvm_gfn_shared_mask' || name === 'kvm_gfn_direct_bits';
}

export function ownedCall(state: MmuState, name: string): Value {
  return isOwnedCall(name) ? state.vm.directBits : undefined;
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
