import { execFileSync } from 'node:child_process';
import { mkdtempSync, cpSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Analysis } from '../../extension/core/analysis';
import { FactsStore } from '../../extension/core/program/load';
import type { Caller, Question, Verdict, VmType } from '../../extension/core/reach/verdict';
import { DEFAULT_SINK } from '../../extension/core/reach/verdict';
import type { CheckReport } from '../../extension/core/report/contract';
import type { CParser } from '../../extension/core/syntax/parser';
import { loadParser } from '../../extension/node/parser';
import { type Edit, edited, SAMPLE, sampleTree } from '../sample';

let parser: CParser;
const store = new FactsStore();

beforeAll(async () => {
  parser = await loadParser();
});

async function check(edits: readonly Edit[], vm: VmType = 'tdx'): Promise<CheckReport> {
  const question: Question = { vm, sinks: [DEFAULT_SINK], host: {}, assumptions: true };
  const analysis = await Analysis.open(await edited(sampleTree(), edits), parser, { store });
  return analysis.check(question);
}

function caller(report: CheckReport, name: string): Caller<unknown> {
  const found = report.callers.filter((each) => each.function === name);
  expect(found.map((each) => each.function)).toEqual([name]);
  return found[0] as Caller<unknown>;
}

const x86 = 'arch/x86/kvm/x86.c';
const tdx = 'arch/x86/kvm/vmx/tdx.c';
const main = 'arch/x86/kvm/vmx/main.c';

/** What the sample says of each caller, what a small edit makes of it, and why. */
const verdicts: readonly {
  readonly function: string;
  readonly vm: VmType;
  readonly verdict: Verdict;
  readonly cutBy?: string;
  readonly edit: Edit;
  readonly then: Verdict;
}[] = [
  {
    function: 'update_mtrr',
    vm: 'tdx',
    verdict: 'reachable',
    // The allow-list no longer holds the MTRRs.
    edit: {
      file: tdx,
      from: '\tcase MTRRphysBase_MSR(0) ... MSR_MTRRfix4K_F8000:\n\tcase MSR_MTRRdefType:\n',
      to: '',
    },
    then: 'blocked',
  },
  {
    function: 'kvm_post_set_cr0',
    vm: 'tdx',
    verdict: 'blocked',
    // Userspace may set a TD's special registers.
    edit: {
      file: x86,
      from: 'if (vcpu->kvm->arch.has_protected_state && vcpu->arch.guest_state_protected)',
      to: 'if (vcpu->kvm->arch.has_protected_state && !vcpu->arch.guest_state_protected)',
    },
    then: 'reachable',
  },
  {
    function: 'kvm_post_set_cr0',
    vm: 'tdx',
    verdict: 'blocked',
    // A TD's exits go to VMX's handlers.
    edit: { file: main, from: 'return tdx_handle_exit(vcpu);', to: 'return vmx_handle_exit(vcpu);' },
    then: 'reachable',
  },
  {
    function: 'kvm_noncoherent_dma_assignment_start_or_stop',
    vm: 'tdx',
    verdict: 'blocked',
    cutBy: 'kvm_check_has_quirk(kvm, KVM_X86_QUIRK_IGNORE_GUEST_PAT)',
    // Userspace can clear the quirk's bit.
    edit: {
      file: x86,
      from: 'kvm->arch.disabled_quirks |= cap->args[0];',
      to: 'kvm->arch.disabled_quirks = cap->args[0];',
    },
    then: 'reachable',
  },
  {
    function: 'kvm_noncoherent_dma_assignment_start_or_stop',
    vm: 'default',
    verdict: 'reachable',
    edit: {
      file: x86,
      from: 'if (kvm_check_has_quirk(kvm, KVM_X86_QUIRK_IGNORE_GUEST_PAT))',
      to: 'if (kvm->arch.vm_type != KVM_X86_DEFAULT_VM)',
    },
    then: 'blocked',
  },
  {
    function: '__kvm_set_or_clear_apicv_inhibit',
    vm: 'tdx',
    verdict: 'reachable',
    // Hyper-V's reason was the only open one that needs no failed allocation.
    edit: {
      file: x86,
      from: 'kvm_set_apicv_inhibit(vcpu->kvm, APICV_INHIBIT_REASON_HYPERV);',
      to: 'kvm_set_apicv_inhibit(vcpu->kvm, APICV_INHIBIT_REASON_PIT_REINJ);',
    },
    then: 'conditional',
  },
  {
    function: 'kvm_vm_ioctl_reinject',
    vm: 'tdx',
    verdict: 'blocked',
    // The vendor's mask holds the reason.
    edit: {
      file: 'arch/x86/kvm/vmx/vmx.h',
      from: 'BIT(APICV_INHIBIT_REASON_ABSENT) |',
      to: 'BIT(APICV_INHIBIT_REASON_PIT_REINJ) |',
    },
    then: 'reachable',
  },
  {
    function: 'kvm_arch_vcpu_ioctl_set_guest_debug',
    vm: 'tdx',
    verdict: 'blocked',
    // Guest state is not protected when the vCPU is made.
    edit: {
      file: tdx,
      from: 'vcpu->arch.guest_state_protected = true;',
      to: 'vcpu->arch.guest_state_protected = false;',
    },
    then: 'reachable',
  },
  {
    function: 'kvm_recalculate_apic_map',
    vm: 'tdx',
    verdict: 'conditional',
    edit: { file: 'arch/x86/kvm/lapic.c', from: 'if (!new) {', to: 'if (kvm->arch.apic_map) {' },
    then: 'reachable',
  },
  {
    function: 'kvm_mtrr_reset',
    vm: 'tdx',
    verdict: 'unreachable',
    // Dead code gets a caller.
    edit: { file: x86, from: '\tint r;\n\n\tdo {', to: '\tint r;\n\n\tkvm_mtrr_reset(vcpu);\n\tdo {' },
    then: 'reachable',
  },
  {
    function: 'sev_handle_rmp_fault',
    vm: 'snp',
    verdict: 'reachable',
    edit: {
      file: 'arch/x86/kvm/svm/svm.c',
      from: 'if (vcpu->kvm->arch.vm_type == KVM_X86_SNP_VM)\n\t\tsev_',
      to: 'if (vcpu->kvm->arch.vm_type == KVM_X86_SEV_VM)\n\t\tsev_',
    },
    then: 'blocked',
  },
];

describe('the bundled sample', () => {
  it('is C that gcc accepts', () => {
    expect(execFileSync('make', ['-s', '-C', SAMPLE, 'check'], { encoding: 'utf8', stdio: 'pipe' })).toBe('');
  });

  it('takes its own patch and stays C that gcc accepts', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kvm-lens-sample-'));
    try {
      cpSync(SAMPLE, folder, { recursive: true });
      execFileSync('patch', ['-s', '-p1', '-d', folder, '-i', 'seed.patch'], { stdio: 'pipe' });
      execFileSync('make', ['-s', '-C', folder, 'check'], { stdio: 'pipe' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('is read without a problem', async () => {
    expect((await check([])).problems).toEqual([]);
  });

  it('a TD never runs what only the other vendor has', async () => {
    expect(caller(await check([]), 'sev_handle_rmp_fault').verdict).toBe('unreachable');
  });

  it.each(verdicts)('$vm: $function is $verdict, and $then after an edit of $edit.file', async (row) => {
    const before = caller(await check([], row.vm), row.function);
    expect(before.verdict).toBe(row.verdict);
    if (row.cutBy !== undefined) expect(before.cutBy?.map((guard) => guard.text)).toContain(row.cutBy);
    expect(caller(await check([row.edit], row.vm), row.function).verdict).toBe(row.then);
  });

  it.each(verdicts)('$vm: the edit of $function in $edit.file is C that gcc accepts', async ({ edit }) => {
    const folder = mkdtempSync(join(tmpdir(), 'kvm-lens-sample-'));
    try {
      cpSync(SAMPLE, folder, { recursive: true });
      const read = await (await edited(sampleTree(), [edit])).read(edit.file);
      if (read.kind !== 'text') throw new Error(`${edit.file} is not in the sample`);
      execFileSync('sh', ['-c', 'cat > "$1"', 'sh', join(folder, edit.file)], { input: read.text });
      execFileSync(
        'make',
        [
          '-s',
          '-C',
          folder,
          'check',
          'FLAGS=-std=gnu11 -fsyntax-only -nostdinc -Iarch/x86/include -Iarch/x86/include/uapi -Iinclude -Iinclude/uapi -Iarch/x86/kvm -DCONFIG_KVM_INTEL_TDX=1 -DCONFIG_X86_64=1 -Wno-implicit-function-declaration',
        ],
        { stdio: 'pipe' },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
