import { describe, it } from 'vitest';
import { EXIT_OPS, RUN_FD, VCPU_FD, VM_FD, way } from './probe-code';
import { check, type Probes } from './probes';

/** What a way in is named after, where no comparison stands around the call: what is left of the selector there. */
const SELECTORS: Probes = {
  'all others are refused': way(
    VM_FD('if (ioctl != KVM_SET_ONE && ioctl != KVM_SET_TWO)\n\t\treturn -25;\n\tzap(kvm);'),
    ['ioctl KVM_SET_ONE', 'ioctl KVM_SET_TWO'],
  ),
  'a helper compares': way(
    `static bool is_mine(unsigned int ioctl) { return ioctl == KVM_SET_ONE || ioctl == KVM_SET_TWO; }\n${VM_FD('if (is_mine(ioctl))\n\t\tzap(kvm);')}`,
    ['ioctl KVM_SET_ONE', 'ioctl KVM_SET_TWO'],
  ),
  'a helper switches': way(
    `static bool is_mine(unsigned int ioctl) { switch (ioctl) { case KVM_SET_ONE: return true; default: return false; } }\n${VM_FD('if (!is_mine(ioctl))\n\t\treturn -25;\n\tzap(kvm);')}`,
    ['ioctl KVM_SET_ONE'],
  ),
  'the rest of a pair': way(
    `static int one_reg(struct kvm *kvm, unsigned int ioctl) { if (ioctl == KVM_GET_ONE_REG) return 0; zap(kvm); return 1; }\n${VM_FD('switch (ioctl) {\n\tcase KVM_GET_ONE_REG:\n\tcase KVM_SET_ONE_REG:\n\t\treturn one_reg(kvm, ioctl);\n\t}')}`,
    ['ioctl KVM_SET_ONE_REG'],
  ),
  'a jump into another arm': way(
    VM_FD(
      'switch (ioctl) {\n\tcase KVM_CREATE_ONE:\n\t\tgoto create;\n\tcase KVM_CREATE_TWO:\n\tcreate:\n\t\tzap(kvm);\n\t\tbreak;\n\t}',
    ),
    ['ioctl KVM_CREATE_ONE', 'ioctl KVM_CREATE_TWO'],
  ),
  'behind the switch': way(
    VM_FD(
      'switch (ioctl) {\n\tcase KVM_SET_ONE:\n\tcase KVM_SET_TWO:\n\t\tbreak;\n\tdefault:\n\t\treturn -25;\n\t}\n\tzap(kvm);',
    ),
    ['ioctl KVM_SET_ONE', 'ioctl KVM_SET_TWO'],
  ),
  'any but one': way(VM_FD('if (ioctl == KVM_SET_ONE)\n\t\treturn 0;\n\tzap(kvm);'), [
    'ioctl kvm_vm_fops.unlocked_ioctl',
  ]),
  'a default below a label': way(VM_FD('switch (ioctl) {\n\tcase KVM_SET_ONE:\n\tdefault:\n\t\tzap(kvm);\n\t}'), [
    'ioctl kvm_vm_fops.unlocked_ioctl',
  ]),
  'two names of one number': way(
    `#define KVM_SET_ONE 1\n#define KVM_SET_SAME 1\n${VM_FD('if (ioctl != KVM_SET_ONE)\n\t\treturn -25;\n\tif (ioctl == KVM_SET_SAME)\n\t\tzap(kvm);')}`,
    ['ioctl KVM_SET_SAME'],
  ),
  'a capability that others are refused before': way(
    VM_FD(
      'switch (ioctl) {\n\tcase KVM_ENABLE_CAP:\n\t\tif (cap.cap != KVM_CAP_ONE)\n\t\t\treturn -22;\n\t\tzap(kvm);\n\t\tbreak;\n\t}',
    ),
    ['ioctl KVM_ENABLE_CAP/KVM_CAP_ONE'],
  ),
  'a capability that another ioctl asks for': way(
    VM_FD(
      'switch (ioctl) {\n\tcase KVM_CHECK_EXTENSION:\n\t\tif (arg == KVM_CAP_ONE)\n\t\t\tzap(kvm);\n\t\tbreak;\n\t}',
    ),
    ['ioctl KVM_CHECK_EXTENSION'],
  ),
  'an exit that a comparison picks before the table': way(
    `${EXIT_OPS}static int halt(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic int (*kvm_vmx_exit_handlers[])(struct kvm_vcpu *vcpu) = { [EXIT_REASON_OTHER] = other };\nstatic int vmx_handle_exit(struct kvm_vcpu *vcpu) { int reason = reason_of(vcpu); if (reason == EXIT_REASON_A || reason == EXIT_REASON_B) return halt(vcpu); return kvm_vmx_exit_handlers[reason](vcpu); }\nstruct kvm_x86_ops vt_x86_ops = { .handle_exit = vmx_handle_exit };\n${RUN_FD}`,
    ['exit EXIT_REASON_A', 'exit EXIT_REASON_B'],
  ),
  'an exit reason elsewhere': way(
    VCPU_FD(
      'switch (ioctl) {\n\tcase KVM_SET_STATE:\n\t\tif (saved_reason(vcpu) == EXIT_REASON_A)\n\t\t\tzap(vcpu->kvm);\n\t\tbreak;\n\t}',
    ),
    ['ioctl KVM_SET_STATE'],
  ),
};

describe('a way in is named where', () => {
  it.each(Object.entries(SELECTORS))('%s', (_name, probe) => check(probe));
});
