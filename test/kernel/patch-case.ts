import type { Verdict } from '../../extension/core/reach/verdict';
import type { Change } from './own-patch';

export const ZAP = 'kvm_zap_gfn_range(kvm, 0, 1);';
export const VZAP = 'kvm_zap_gfn_range(vcpu->kvm, 0, 1);';
export const HOST = 'arch/x86/include/asm/kvm_host.h';

/** A patch of few lines that adds calls of the sink to a real tree, with the verdict that these must have. */
export interface PatchCase {
  readonly name: string;
  readonly changes: readonly Change[];
  /** Of the calls of the sink that the patch adds. */
  readonly tdx: Verdict;
  readonly default?: Verdict;
}

/** A write to an MSR that KVM emulates for a TD, too, runs a new function of these lines. */
export const msr = (lines: string, above = ''): Change[] => [
  {
    fn: 'kvm_set_msr_common',
    at: 'above',
    lines: `${above}\nstatic int own_set(struct kvm_vcpu *vcpu, u64 data)\n{\n${lines}\nreturn 0;\n}\n`,
  },
  { fn: 'kvm_set_msr_common', at: 'start', lines: 'own_set(vcpu, msr_info->data);' },
];
export const ENABLE_CAP = 'arch/x86/kvm/x86.c:kvm_vm_ioctl_enable_cap';
export const flag = (lines: string): Change => ({ file: HOST, behind: '\tbool has_private_mem;', lines });
export const inQuirks = (lines: string): Change => ({ fn: ENABLE_CAP, behind: 'switch (cap->cap) {', lines });
export const onInit = (lines: string): Change => ({ fn: 'tdx_vm_init', behind: 'has_protected_state = true;', lines });
