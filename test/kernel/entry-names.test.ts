import { beforeAll, describe, expect, it } from 'vitest';
import type { Program } from '../../extension/core/program/program';
import { analyseReach } from '../../extension/core/reach/reach';
import { DEFAULT_SINK, type Caller, type VmType } from '../../extension/core/reach/verdict';
import { linkedTree } from './linked';
import { describeTree, TREES } from './trees';

/** By caller of the sink: the names of all ways in, as the source says them. Those of one VM type, checked by hand. */
type Names = Readonly<Record<string, readonly string[]>>;

const DMA = ['KVM_CREATE_DEVICE', 'kvm-vfio/set_attr', 'kvm_device_fops.release'];

/** Of a normal VM on Intel, the same in every tree. */
const ALWAYS: Names = {
  kvm_vm_ioctl_reinject: ['KVM_REINJECT_CONTROL'],
  kvm_create_pit: ['KVM_CREATE_PIT', 'KVM_CREATE_PIT2'],
  kvm_vm_ioctl_create_vcpu: ['KVM_CREATE_VCPU'],
  kvm_arch_vcpu_create: ['KVM_CREATE_VCPU'],
  kvm_arch_vcpu_ioctl_set_sregs: ['KVM_SET_SREGS'],
  kvm_arch_vcpu_ioctl_set_guest_debug: ['KVM_SET_GUEST_DEBUG'],
  kvm_arch_vcpu_ioctl_get_mpstate: ['KVM_GET_MP_STATE'],
  kvm_arch_vcpu_ioctl_run: ['KVM_RUN'],
  kvm_vcpu_ioctl_set_lapic: ['KVM_SET_LAPIC'],
  kvm_apic_set_state: ['KVM_SET_LAPIC'],
  kvm_apic_accept_events: ['KVM_GET_MP_STATE', 'KVM_RUN'],
  vcpu_enter_guest: ['KVM_RUN'],
  vmx_set_nested_state: ['KVM_SET_NESTED_STATE'],
  handle_cr: ['EXIT_REASON_CR_ACCESS'],
  handle_io: ['EXIT_REASON_IO_INSTRUCTION'],
  handle_apic_access: ['EXIT_REASON_APIC_ACCESS'],
  handle_desc: ['EXIT_REASON_GDTR_IDTR', 'EXIT_REASON_LDTR_TR'],
  handle_ept_violation: ['EXIT_REASON_EPT_VIOLATION'],
  handle_ept_misconfig: ['EXIT_REASON_EPT_MISCONFIG'],
  handle_task_switch: ['EXIT_REASON_TASK_SWITCH'],
  handle_vmlaunch: ['EXIT_REASON_VMLAUNCH'],
  handle_vmxon: ['EXIT_REASON_VMON'],
  kvm_emulate_wrmsr: ['EXIT_REASON_MSR_WRITE'],
  kvm_emulate_cpuid: ['EXIT_REASON_CPUID'],
  kvm_vm_release: ['kvm_vm_fops.release'],
  kvm_vcpu_release: ['kvm_vcpu_fops.release'],
};

const LATER: Names = {
  kvm_noncoherent_dma_assignment_start_or_stop: DMA,
  kvm_vfio_update_coherency: DMA,
  kvm_vfio_file_add: ['kvm-vfio/set_attr'],
  kvm_vfio_set_attr: ['kvm-vfio/set_attr'],
  kvm_vfio_release: ['KVM_CREATE_DEVICE', 'kvm_device_fops.release'],
  kvm_device_ioctl: ['kvm-vfio/set_attr'],
  kvm_device_ioctl_attr: ['kvm-vfio/set_attr'],
};

const NEW_DEFAULT: Names = {
  kvm_get_set_one_reg: ['KVM_SET_ONE_REG'],
  kvm_set_msrs: ['KVM_SET_MSRS'],
  kvm_vcpu_ioctl_x86_set_sregs2: ['KVM_SET_SREGS2'],
  handle_wrmsr_imm: ['EXIT_REASON_MSR_WRITE_IMM'],
  handle_fastpath_wrmsr: ['EXIT_REASON_MSR_WRITE'],
  handle_fastpath_wrmsr_imm: ['EXIT_REASON_MSR_WRITE_IMM'],
  handle_fastpath_hlt: ['EXIT_REASON_HLT'],
};

const NEW_TDX: Names = {
  tdx_emulate_io: ['EXIT_REASON_IO_INSTRUCTION'],
  tdx_emulate_mmio: ['EXIT_REASON_EPT_MISCONFIG'],
  tdx_handle_ept_violation: ['EXIT_REASON_EPT_VIOLATION'],
  kvm_emulate_wrmsr: ['EXIT_REASON_MSR_WRITE'],
  kvm_emulate_rdmsr: ['EXIT_REASON_MSR_READ'],
  tdx_vcpu_init: ['KVM_MEMORY_ENCRYPT_OP/KVM_TDX_INIT_VCPU'],
  kvm_arch_vcpu_unlocked_ioctl: ['KVM_MEMORY_ENCRYPT_OP/KVM_TDX_INIT_VCPU'],
  kvm_vm_ioctl_enable_cap: ['KVM_ENABLE_CAP/KVM_CAP_SPLIT_IRQCHIP'],
  kvm_get_set_one_reg: ['KVM_SET_ONE_REG'],
};

const EXPECTED: Readonly<Record<(typeof TREES)[number], Partial<Record<VmType, Names>>>> = {
  '6.1': { default: ALWAYS },
  '6.12': { default: { ...ALWAYS, ...LATER } },
  '7.x': { default: { ...ALWAYS, ...LATER, ...NEW_DEFAULT }, tdx: NEW_TDX },
};

/** VM exits that no table holds, by the function that has them. */
const PICKED: Readonly<Record<(typeof TREES)[number], readonly string[]>> = {
  '6.1': ['EXIT_REASON_MSR_WRITE handle_fastpath_set_msr_irqoff', 'SVM_EXIT_MSR handle_fastpath_set_msr_irqoff'],
  '6.12': ['EXIT_REASON_HLT handle_fastpath_hlt', 'SVM_EXIT_HLT handle_fastpath_hlt'],
  '7.x': [
    'EXIT_REASON_TDCALL handle_tdvmcall',
    'EXIT_REASON_EPT_MISCONFIG __tdx_handle_exit',
    'EXIT_REASON_EPT_MISCONFIG tdx_emulate_mmio',
    'EXIT_REASON_TRIPLE_FAULT __tdx_handle_exit',
    'EXIT_REASON_MSR_WRITE_IMM handle_fastpath_wrmsr_imm',
    'SVM_EXIT_INVD handle_fastpath_invd',
  ],
};

for (const name of TREES)
  describeTree(name, (top) => {
    let program: Program;
    beforeAll(async () => {
      program = await linkedTree(top);
    }, 60_000);

    describe.each(Object.entries(EXPECTED[name]))('%s', (vm, expected) => {
      let callers: readonly Caller[];
      beforeAll(() => {
        callers = analyseReach(program, {
          vm: vm as VmType,
          sinks: [DEFAULT_SINK],
          host: {},
          assumptions: true,
        }).callers();
      });

      it.each(Object.entries(expected))('%s()', (caller, names) => {
        const found = callers.find((each) => each.function === caller);
        expect(found?.entries.map((entry) => entry.name).sort()).toEqual([...names].sort());
      });

      it('names each way of a path that goes on from an ioctl', () => {
        const open = callers.filter(({ verdict }) => verdict === 'reachable' || verdict === 'conditional');
        const unnamed = open.flatMap(({ entries, witness, function: caller }) =>
          [...entries, ...(witness === undefined ? [] : [witness.entry])]
            .filter((entry) => entry.kind === 'ioctl' && !entry.name.startsWith('KVM_'))
            .map((entry) => `${caller} ${entry.name}`),
        );
        expect(open.length).toBeGreaterThan(50);
        expect(unnamed).toEqual([]);
      });
    });

    it('counts the exits that are picked out without a table, and takes none for a way in from outside', () => {
      const exits = program.entries.filter(({ kind }) => kind === 'exit');
      expect(exits.map((entry) => `${entry.name} ${entry.function}`)).toEqual(
        expect.arrayContaining([...PICKED[name]]),
      );
      expect(exits.filter(({ inside }) => !inside)).toEqual([]);
    });

    it('takes nothing that only the compiler looks at for a way in', () => {
      expect(program.entries.filter((entry) => /^__(?:builtin|branch|must)/.test(entry.name))).toEqual([]);
    });
  });
