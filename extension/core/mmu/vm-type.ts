import type { Program } from '../program/program';
import type { VmType } from '../reach/verdict';

/** The uapi constant of each VM type, and its value for trees that lack it (arch/x86/include/uapi/asm/kvm.h). */
const TYPES: Readonly<Record<VmType, readonly [name: string, value: bigint]>> = {
  default: ['KVM_X86_DEFAULT_VM', 0n],
  'sw-protected': ['KVM_X86_SW_PROTECTED_VM', 1n],
  sev: ['KVM_X86_SEV_VM', 2n],
  'sev-es': ['KVM_X86_SEV_ES_VM', 3n],
  snp: ['KVM_X86_SNP_VM', 4n],
  tdx: ['KVM_X86_TDX_VM', 5n],
};

/** What `kvm->arch.vm_type` holds. */
export function vmTypeNumber(program: Program, vm: VmType): bigint {
  const [name, value] = TYPES[vm];
  return program.symbols.constant(name) ?? value;
}

/** The value of a VM type's constant by its name, also where the tree lacks it. */
export function vmTypeConstant(name: string): bigint | undefined {
  return Object.values(TYPES).find(([known]) => known === name)?.[1];
}
