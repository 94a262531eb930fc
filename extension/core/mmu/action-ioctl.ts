import { runVcpu } from './action-vcpu';
import { type Branch, noteUnmodelled } from './branch';
import { type Played, sayOf, type Stage } from './play';
import type { Gfn } from './sept';
import { addToImage, finalizeTd, initTd } from './td-lifecycle';
import type { MmuState } from './mmu-state';

interface Ioctl {
  readonly name: string;
  readonly vcpu: number | undefined;
  readonly gfn: Gfn | undefined;
}

/** A step in a TD's life: the kernel function that it models, and what it does; the same state back: it is refused. */
interface TdStep {
  readonly models: string;
  run(stage: Stage, state: MmuState, ioctl: Ioctl): MmuState;
}

/** Sub-commands of KVM_MEMORY_ENCRYPT_OP (arch/x86/include/uapi/asm/kvm.h). */
const TD_STEPS: Readonly<Record<string, TdStep>> = {
  KVM_TDX_INIT_VM: { models: 'tdx_td_init', run: ({ world }, state) => initTd(world.rules, state) },
  KVM_TDX_INIT_MEM_REGION: {
    models: 'tdx_vcpu_init_mem_region',
    run: ({ world }, state, { gfn, vcpu = 0 }) =>
      gfn === undefined ? state : addToImage(world.rules, state, vcpu, gfn),
  },
  KVM_TDX_FINALIZE_VM: { models: 'tdx_td_finalize', run: ({ world }, state) => finalizeTd(world.rules, state) },
};

/**
 * An ioctl of the VM or of a vCPU. On a dead VM each returns -EIO (`kvm_vm_ioctl()`, `kvm_vcpu_ioctl()`). Of those that
 * are not known here, on a live VM, the outcome says that they are not modelled.
 */
export function ioctl(stage: Stage, branch: Branch, call: Ioctl): readonly Played[] {
  const { name, vcpu } = call;
  const { state } = branch;
  const who = vcpu === undefined ? name : `${name} of vCPU ${vcpu}`;
  if (state.vm.dead) {
    const entry = vcpu === undefined ? 'kvm_vm_ioctl' : 'kvm_vcpu_ioctl';
    return [{ branch: sayOf(stage, branch, [entry], `${who}: the VM is dead, -EIO`), met: ['error'] }];
  }
  if (name === 'KVM_RUN' && state.vcpus.some(({ id }) => id === (vcpu ?? 0))) return runVcpu(stage, branch, { vcpu });
  const step = Object.hasOwn(TD_STEPS, name) ? TD_STEPS[name] : undefined;
  if (step === undefined) return [{ branch: noteUnmodelled(branch, `the ioctl ${name}`, stage.site) }];
  const after = step.run(stage, state, call);
  if (after === state)
    return [{ branch: sayOf(stage, branch, [step.models], `${who} is refused in this state`), met: ['error'] }];
  return [{ branch: sayOf(stage, { ...branch, state: after }, [step.models], who) }];
}
