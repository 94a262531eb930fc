import { ENABLE_CAP, VZAP, ZAP, flag, inQuirks, msr, onInit, type PatchCase } from './patch-case';

/** Calls in the path of an MSR write that both a TD and a default VM can make, each behind something that is a guard, or looks like one. */
export const GUARDS: readonly PatchCase[] = [
  { name: 'no guard', changes: msr(VZAP), tdx: 'reachable', default: 'reachable' },
  {
    name: 'vm_type == DEFAULT',
    changes: msr(`if (vcpu->kvm->arch.vm_type == KVM_X86_DEFAULT_VM) ${VZAP}`),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'vm_type != TDX',
    changes: msr(`if (vcpu->kvm->arch.vm_type != KVM_X86_TDX_VM) ${VZAP}`),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: '!is_td() in the vendor',
    changes: [{ fn: 'vt_set_msr', at: 'start', lines: `if (!is_td(vcpu->kvm))\n\t${VZAP}` }],
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'is_td() in the vendor',
    changes: [{ fn: 'vt_get_msr', at: 'start', lines: `if (is_td(vcpu->kvm))\n\t${VZAP}` }],
    tdx: 'reachable',
    default: 'blocked',
  },
  {
    name: 'mirrored',
    changes: msr(`if (!kvm_has_mirrored_tdp(vcpu->kvm)) ${VZAP}`),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'private mem',
    changes: msr(`if (kvm_arch_has_private_mem(vcpu->kvm)) return 1; ${VZAP}`),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'protected state',
    changes: msr(`if (!vcpu->kvm->arch.has_protected_state) ${VZAP}`),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'guest_state_protected',
    changes: [
      {
        fn: 'kvm_arch_vcpu_ioctl_set_mpstate',
        at: 'start',
        lines: `\tif (!vcpu->arch.guest_state_protected)\n\t\t${VZAP}`,
      },
    ],
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'callee early return',
    changes: msr(
      'own_zap(vcpu->kvm);',
      `static void own_zap(struct kvm *kvm)\n{\n\tif (kvm->arch.vm_type == KVM_X86_TDX_VM)\n\t\treturn;\n\t${ZAP}\n}`,
    ),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'wrapper',
    changes: msr(
      'own_wrap(vcpu);',
      `static void own_zap(struct kvm *kvm)\n{\n\t${ZAP}\n}\nstatic void own_wrap(struct kvm_vcpu *vcpu)\n{\n\tif (!kvm_has_mirrored_tdp(vcpu->kvm))\n\t\town_zap(vcpu->kvm);\n}`,
    ),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'helper predicate with early return',
    changes: msr(
      `if (own_may(vcpu)) ${VZAP}`,
      `static bool own_may(struct kvm_vcpu *vcpu)\n{\n\tif (vcpu->kvm->arch.vm_type == KVM_X86_TDX_VM)\n\t\treturn false;\n\treturn vcpu->arch.efer != 0;\n}`,
    ),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'header predicate',
    changes: [
      {
        fn: 'kvm_check_has_quirk',
        at: 'above',
        lines:
          'static inline bool own_is_conf(struct kvm *kvm)\n{\n\treturn kvm->arch.vm_type == KVM_X86_TDX_VM ||\n\t       kvm->arch.vm_type == KVM_X86_SNP_VM;\n}\n',
      },
      ...msr(`if (!own_is_conf(vcpu->kvm)) ${VZAP}`),
    ],
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'macro predicate',
    changes: [
      {
        fn: 'kvm_check_has_quirk',
        at: 'above',
        lines: '#define own_is_conf(kvm)\t((kvm)->arch.vm_type == KVM_X86_TDX_VM)\n',
      },
      ...msr(`if (!own_is_conf(vcpu->kvm)) ${VZAP}`),
    ],
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'switch vm_type',
    changes: msr(
      `switch (vcpu->kvm->arch.vm_type) {\ncase KVM_X86_TDX_VM:\ncase KVM_X86_SNP_VM:\n\tbreak;\ndefault:\n\t${VZAP}\n}`,
    ),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'switch vm_type falls through',
    changes: msr(
      `switch (vcpu->kvm->arch.vm_type) {\ncase KVM_X86_TDX_VM:\n\tdata &= ~1ull;\n\tfallthrough;\ndefault:\n\t${VZAP}\n}`,
    ),
    tdx: 'reachable',
    default: 'reachable',
  },
  {
    name: 'ternary',
    changes: msr(
      `u64 end = vcpu->kvm->arch.vm_type == KVM_X86_TDX_VM ? 0 : 1;\nif (end) kvm_zap_gfn_range(vcpu->kvm, 0, end);`,
    ),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'goto out',
    changes: msr(
      'own_zap(vcpu->kvm);',
      `static int own_zap(struct kvm *kvm)\n{\n\tint r = 0;\n\n\tif (kvm->arch.vm_type == KVM_X86_TDX_VM) {\n\t\tr = -EINVAL;\n\t\tgoto out;\n\t}\n\t${ZAP}\nout:\n\treturn r;\n}`,
    ),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'in a loop with continue',
    changes: msr(
      'own_zap(vcpu->kvm);',
      `static void own_zap(struct kvm *kvm)\n{\n\tgfn_t gfn;\n\n\tfor (gfn = 0; gfn < 8; gfn++) {\n\t\tif (kvm->arch.vm_type == KVM_X86_TDX_VM)\n\t\t\tcontinue;\n\t\tkvm_zap_gfn_range(kvm, gfn, gfn + 1);\n\t}\n}`,
    ),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'in a loop, guard after',
    changes: msr(
      'own_zap(vcpu->kvm);',
      `static void own_zap(struct kvm *kvm)\n{\n\tgfn_t gfn;\n\n\tfor (gfn = 0; gfn < 8; gfn++) {\n\t\tkvm_zap_gfn_range(kvm, gfn, gfn + 1);\n\t\tif (kvm->arch.vm_type == KVM_X86_TDX_VM)\n\t\t\tcontinue;\n\t}\n}`,
    ),
    tdx: 'reachable',
  },
  {
    name: 'function pointer',
    changes: msr(`void (*fn)(struct kvm *, gfn_t, gfn_t) = kvm_zap_gfn_range;\nfn(vcpu->kvm, 0, 1);`),
    tdx: 'reachable',
    default: 'reachable',
  },
  {
    name: 'guarded function pointer',
    changes: msr(
      `void (*fn)(struct kvm *) = own_nop;\nif (!kvm_has_mirrored_tdp(vcpu->kvm))\n\tfn = own_zap;\nfn(vcpu->kvm);`,
      `static void own_nop(struct kvm *kvm) { }\nstatic void own_zap(struct kvm *kvm)\n{\n\t${ZAP}\n}`,
    ),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'table entry',
    changes: msr(
      `own_ops.zap(vcpu->kvm);`,
      `static void own_zap(struct kvm *kvm)\n{\n\t${ZAP}\n}\nstruct own_ops { void (*zap)(struct kvm *kvm); };\nstatic const struct own_ops own_ops = { .zap = own_zap };`,
    ),
    tdx: 'reachable',
    default: 'reachable',
  },
  {
    name: 'table by vm_type',
    changes: msr(
      `own_ops[vcpu->kvm->arch.vm_type].zap(vcpu->kvm);`,
      `static void own_zap(struct kvm *kvm)\n{\n\t${ZAP}\n}\nstruct own_ops { void (*zap)(struct kvm *kvm); };\nstatic const struct own_ops own_ops[] = { [KVM_X86_TDX_VM] = { .zap = own_zap } };`,
    ),
    tdx: 'reachable',
  },
  {
    name: 'wrong polarity',
    changes: msr(`if (vcpu->kvm->arch.vm_type == KVM_X86_TDX_VM) ${VZAP}`),
    tdx: 'reachable',
    default: 'blocked',
  },
  {
    name: 'or for and',
    changes: msr(`if (!kvm_has_mirrored_tdp(vcpu->kvm) || data) ${VZAP}`),
    tdx: 'reachable',
    default: 'reachable',
  },
  {
    name: 'and',
    changes: msr(`if (data && !kvm_has_mirrored_tdp(vcpu->kvm)) ${VZAP}`),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'a predicate for another type',
    changes: msr(
      `if (vcpu->kvm->arch.vm_type == KVM_X86_SW_PROTECTED_VM || vcpu->kvm->arch.vm_type == KVM_X86_SNP_VM) return 1;\n${VZAP}`,
    ),
    tdx: 'reachable',
    default: 'reachable',
  },
  {
    name: 'a predicate for all types with private memory',
    changes: msr(`if (!vcpu->kvm->arch.has_private_mem) return 1;\n${VZAP}`),
    tdx: 'reachable',
  },
  {
    name: 'module parameter',
    changes: msr(`if (own_allow) ${VZAP}`, `static bool own_allow;\nmodule_param(own_allow, bool, 0644);`),
    tdx: 'reachable',
    default: 'reachable',
  },
  {
    name: 'module parameter read only',
    changes: msr(
      `if (own_allow) ${VZAP}`,
      `static bool __read_mostly own_allow;\nmodule_param(own_allow, bool, 0444);`,
    ),
    tdx: 'blocked',
    default: 'blocked',
  },
  {
    name: 'fact set at init',
    changes: [
      flag('\tbool own_safe;'),
      onInit('\tkvm->arch.own_safe = true;'),
      ...msr(`if (!vcpu->kvm->arch.own_safe) ${VZAP}`),
    ],
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'fact that an ioctl sets',
    changes: [
      flag('\tbool own_safe;'),
      onInit('\tkvm->arch.own_safe = true;'),
      inQuirks('\tcase 4711:\n\t\tkvm->arch.own_safe = cap->args[0];\n\t\treturn 0;'),
      ...msr(`if (!vcpu->kvm->arch.own_safe) ${VZAP}`),
    ],
    tdx: 'reachable',
  },
  {
    name: 'mask an ioctl adds to',
    changes: [
      flag('\tu64 own_mask;'),
      onInit('\tkvm->arch.own_mask |= 4;'),
      inQuirks('\tcase 4711:\n\t\tkvm->arch.own_mask |= cap->args[0];\n\t\treturn 0;'),
      ...msr(`if (!(vcpu->kvm->arch.own_mask & 4)) ${VZAP}`),
    ],
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'mask an ioctl clears',
    changes: [
      flag('\tu64 own_mask;'),
      onInit('\tkvm->arch.own_mask |= 4;'),
      inQuirks('\tcase 4711:\n\t\tkvm->arch.own_mask &= ~cap->args[0];\n\t\treturn 0;'),
      ...msr(`if (!(vcpu->kvm->arch.own_mask & 4)) ${VZAP}`),
    ],
    tdx: 'reachable',
  },
  {
    name: 'mask an ioctl sets by helper',
    changes: [
      flag('\tu64 own_mask;'),
      onInit('\tkvm->arch.own_mask |= 4;'),
      { fn: ENABLE_CAP, at: 'above', lines: 'static void own_put(u64 *p, u64 v)\n{\n\t*p = v;\n}\n' },
      inQuirks('\tcase 4711:\n\t\town_put(&kvm->arch.own_mask, cap->args[0]);\n\t\treturn 0;'),
      ...msr(`if (!(vcpu->kvm->arch.own_mask & 4)) ${VZAP}`),
    ],
    tdx: 'reachable',
  },
  {
    name: 'mask an ioctl copies',
    changes: [
      flag('\tu64 own_mask;'),
      onInit('\tkvm->arch.own_mask |= 4;'),
      inQuirks(
        '\tcase 4711:\n\t\tif (copy_from_user(&kvm->arch.own_mask, (void __user *)cap->args[0], sizeof(kvm->arch.own_mask)))\n\t\t\treturn -EFAULT;\n\t\treturn 0;',
      ),
      ...msr(`if (!(vcpu->kvm->arch.own_mask & 4)) ${VZAP}`),
    ],
    tdx: 'reachable',
  },
  {
    name: 'mask cleared by clear_bit',
    changes: [
      flag('\tunsigned long own_mask;'),
      onInit('\tkvm->arch.own_mask |= 4;'),
      inQuirks('\tcase 4711:\n\t\tclear_bit(2, &kvm->arch.own_mask);\n\t\treturn 0;'),
      ...msr(`if (!test_bit(2, &vcpu->kvm->arch.own_mask)) ${VZAP}`),
    ],
    tdx: 'reachable',
  },
  {
    name: 'stale copy from userspace',
    changes: [
      flag('\tu64 own_type;'),
      inQuirks('\tcase 4711:\n\t\tkvm->arch.own_type = cap->args[0];\n\t\treturn 0;'),
      ...msr(`if (vcpu->kvm->arch.own_type != KVM_X86_TDX_VM) ${VZAP}`),
    ],
    tdx: 'reachable',
  },
  {
    name: 'copy, then changed',
    changes: msr(`u64 type = vcpu->kvm->arch.vm_type;\ntype = data;\nif (type != KVM_X86_TDX_VM) ${VZAP}`),
    tdx: 'reachable',
  },
  {
    name: 'copy',
    changes: msr(`u64 type = vcpu->kvm->arch.vm_type;\nif (type != KVM_X86_TDX_VM) ${VZAP}`),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'assignment between',
    changes: msr(`bool td = vcpu->kvm->arch.vm_type == KVM_X86_TDX_VM;\nif (data) td = false;\nif (!td) ${VZAP}`),
    tdx: 'reachable',
    default: 'reachable',
  },
  {
    name: 'overwritten by callee',
    changes: msr(
      `bool td = vcpu->kvm->arch.vm_type == KVM_X86_TDX_VM;\nown_check(&td, data);\nif (!td) ${VZAP}`,
      'static void own_check(bool *td, u64 data)\n{\n\tif (data & 1)\n\t\t*td = false;\n}',
    ),
    tdx: 'reachable',
    default: 'reachable',
  },
  {
    name: 'not overwritten by callee',
    changes: msr(
      `bool td = vcpu->kvm->arch.vm_type == KVM_X86_TDX_VM;\nown_check(&td, data);\nif (!td) ${VZAP}`,
      'static void own_check(bool *td, u64 data)\n{\n\tif (data & 1)\n\t\t*td = true;\n}',
    ),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'guard under an option that is on',
    changes: msr(
      `#ifdef CONFIG_KVM_INTEL_TDX\nif (vcpu->kvm->arch.vm_type == KVM_X86_TDX_VM)\n\treturn 1;\n#endif\n${VZAP}`,
    ),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'guard under IS_ENABLED of an option that is on',
    changes: msr(
      `if (IS_ENABLED(CONFIG_KVM_INTEL_TDX) && vcpu->kvm->arch.vm_type == KVM_X86_TDX_VM)\n\treturn 1;\n${VZAP}`,
    ),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'guard under IS_ENABLED of an option no tree has',
    changes: msr(
      `if (IS_ENABLED(CONFIG_OWN_OPTION) && vcpu->kvm->arch.vm_type == KVM_X86_TDX_VM)\n\treturn 1;\n${VZAP}`,
    ),
    tdx: 'reachable',
  },
  {
    name: 'KVM_BUG_ON with return',
    changes: msr(`if (KVM_BUG_ON(vcpu->kvm->arch.vm_type == KVM_X86_TDX_VM, vcpu->kvm))\n\treturn 1;\n${VZAP}`),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'KVM_BUG_ON without return',
    changes: msr(`KVM_BUG_ON(vcpu->kvm->arch.vm_type == KVM_X86_TDX_VM, vcpu->kvm);\n${VZAP}`),
    tdx: 'reachable',
    default: 'reachable',
  },
  {
    name: 'WARN_ON_ONCE with return',
    changes: msr(`if (WARN_ON_ONCE(kvm_has_mirrored_tdp(vcpu->kvm)))\n\treturn 1;\n${VZAP}`),
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'WARN_ON_ONCE without return',
    changes: msr(`WARN_ON_ONCE(kvm_has_mirrored_tdp(vcpu->kvm));\n${VZAP}`),
    tdx: 'reachable',
  },
  {
    name: 'lockdep assertions',
    changes: msr(`lockdep_assert_held(&vcpu->mutex);\nlockdep_assert_once(!kvm_has_mirrored_tdp(vcpu->kvm));\n${VZAP}`),
    tdx: 'reachable',
  },
  {
    name: 'might_sleep, BUILD_BUG_ON',
    changes: msr(`might_sleep();\nBUILD_BUG_ON(KVM_X86_TDX_VM == KVM_X86_DEFAULT_VM);\n${VZAP}`),
    tdx: 'reachable',
  },
];
