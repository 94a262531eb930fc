import { VZAP, ZAP, msr, type PatchCase } from './patch-case';

/** Calls in the places where patches put them: entry points, creation, exits, other vendors. */
export const PLACES: readonly PatchCase[] = [
  {
    name: 'vcpu_create before the fact',
    changes: [
      {
        fn: 'kvm_arch_vcpu_create',
        before: 'r = kvm_x86_call(vcpu_create)',
        lines: `\tif (!vcpu->arch.guest_state_protected)\n\t\t${VZAP}`,
      },
    ],
    tdx: 'reachable',
    default: 'reachable',
  },
  {
    name: 'vm_init before the fact',
    changes: [
      {
        fn: 'kvm_arch_init_vm',
        before: 'ret = kvm_x86_call(vm_init)',
        lines: `\tif (!kvm->arch.has_protected_state)\n\t\t${ZAP}`,
      },
    ],
    tdx: 'reachable',
    default: 'reachable',
  },
  {
    name: 'vm_init before the private memory is set',
    changes: [
      {
        fn: 'tdx_vm_init',
        before: 'has_protected_state = true;',
        lines: `\tif (!kvm->arch.has_private_mem)\n\t\t${ZAP}`,
      },
    ],
    tdx: 'reachable',
    default: 'blocked',
  },
  {
    name: 'exit handler, one reason',
    changes: [{ fn: '__tdx_handle_exit', behind: 'case EXIT_REASON_HLT:', lines: `\t\t${VZAP}` }],
    tdx: 'reachable',
    default: 'blocked',
  },
  {
    name: 'exit handler of VMX',
    changes: [{ fn: 'handle_invlpg', at: 'start', lines: VZAP }],
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'refused ioctl',
    changes: [{ fn: 'kvm_arch_vcpu_ioctl_set_guest_debug', behind: 'vcpu_load(vcpu);', lines: `\t${VZAP}` }],
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'refused ioctl, before it is refused',
    changes: [{ fn: 'kvm_arch_vcpu_ioctl_set_sregs', at: 'start', lines: `\t${VZAP}` }],
    tdx: 'reachable',
    default: 'reachable',
  },
  {
    name: 'nested',
    changes: [{ fn: 'nested_vmx_run', at: 'start', lines: VZAP }],
    tdx: 'blocked',
    default: 'reachable',
  },
  { name: 'AMD', changes: [{ fn: 'svm_set_msr', at: 'start', lines: VZAP }], tdx: 'unreachable' },
  {
    name: 'notifier',
    changes: [
      { fn: 'kvm_mmu_notifier_release', at: 'start', lines: `kvm_zap_gfn_range(mmu_notifier_to_kvm(mn), 0, 1);` },
    ],
    tdx: 'reachable',
    default: 'reachable',
  },
  {
    name: 'module exit',
    changes: [{ fn: 'vt_exit', at: 'start', lines: `kvm_zap_gfn_range(NULL, 0, 1);` }],
    tdx: 'reachable',
  },
  {
    name: 'work item',
    changes: [
      {
        fn: 'pvclock_gtod_update_fn',
        behind: 'struct kvm_vcpu *vcpu;',
        lines: '\tlist_for_each_entry(kvm, &vm_list, vm_list)\n\t\tkvm_zap_gfn_range(kvm, 0, 1);',
      },
    ],
    tdx: 'reachable',
    default: 'reachable',
  },
  {
    name: 'work item of an own',
    changes: msr(
      'schedule_work(&own_work);',
      `static struct kvm *own_kvm;\nstatic void own_fn(struct work_struct *work)\n{\n\tkvm_zap_gfn_range(own_kvm, 0, 1);\n}\nstatic DECLARE_WORK(own_work, own_fn);`,
    ),
    tdx: 'reachable',
  },
  {
    name: 'emulator',
    changes: [
      { fn: 'emulator_set_msr_with_filter', at: 'start', lines: 'kvm_zap_gfn_range(emul_to_vcpu(ctxt)->kvm, 0, 1);' },
    ],
    tdx: 'blocked',
    default: 'reachable',
  },
  {
    name: 'the sink guarded on entry',
    changes: [
      { fn: 'kvm_zap_gfn_range', before: 'guard(srcu)', lines: `\tif (kvm_has_mirrored_tdp(kvm))\n\t\treturn;` },
      ...msr(VZAP),
    ],
    tdx: 'reachable',
  },
];

/** On its own: it takes a fact away that others rest on. */
export const WITHOUT_FACT: readonly PatchCase[] = [
  {
    name: 'vm_init no longer sets the field',
    changes: [
      { fn: 'tdx_vm_init', instead: 'has_protected_state = true;', lines: '' },
      ...msr(`if (!vcpu->kvm->arch.has_protected_state) ${VZAP}`),
    ],
    tdx: 'reachable',
    default: 'reachable',
  },
];
