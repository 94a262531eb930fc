import { describe, expect, it } from 'vitest';
import { loadParser } from '../../extension/node/parser';
import { Analysis } from '../../extension/core/analysis';
import type { Fact, Question } from '../../extension/core/reach/verdict';
import { DEFAULT_SINK } from '../../extension/core/reach/verdict';
import { renderCheck } from '../../extension/core/report/render-check';
import { otherEntries, proofText, reachedText } from '../../extension/core/report/words';
import { edited, sampleTree } from '../sample';

const fact: Fact = { id: 'a', text: 'a == 1', value: '1', from: 'axiom', writes: [] };
const site = { file: 'arch/x86/kvm/vmx/main.c', line: 59, column: 1, function: '' };

describe('where a fact comes from', () => {
  it('is the VM type, or the reason if one is given', () => {
    expect(proofText(fact)).toBe('by the VM type');
    expect(proofText({ ...fact, reason: 'given by --host' })).toBe('given by --host');
  });

  it('is never called proved where it is assumed', () => {
    expect(proofText({ ...fact, from: 'assumption', reason: 'no debug TD' })).toBe('assumed, not proved; no debug TD');
  });

  it('is a function, or a place outside of all functions', () => {
    expect(proofText({ ...fact, from: { ...site, function: 'vm_init' } })).toBe('set by vm_init() vmx/main.c:59');
    expect(proofText({ ...fact, from: site })).toBe('set at vmx/main.c:59');
  });
});

describe('counts', () => {
  it('say how many callers are reached, and None', () => {
    expect(reachedText([{ verdict: 'reachable' }, { verdict: 'blocked' }])).toBe(
      '1 of 2 direct callers can be reached',
    );
    expect(reachedText([{ verdict: 'blocked' }])).toBe('None of 1 direct caller can be reached');
  });

  it('leave out the entry that is shown, and those of another verdict', () => {
    const entry = (verdict: 'reachable' | 'conditional') =>
      ({ kind: 'ioctl', name: 'X', function: 'f', verdict }) as const;
    const entries = [entry('reachable'), entry('reachable'), entry('conditional')];
    expect(otherEntries({ verdict: 'reachable', entries })).toBe('also from 1 more entry point');
    expect(otherEntries({ verdict: 'conditional', entries })).toBe('');
  });
});

describe('why a caller is unreachable', () => {
  async function note(vm: Question['vm'], name: string): Promise<string> {
    // Dead code in a vendor's own file: no entry point leads there, whichever vendor the VM has.
    const dead = 'void vmx_dead(struct kvm_vcpu *vcpu)\n{\n\tkvm_post_set_cr0(vcpu, 0, 1);\n}\n\nint vmx_vm_init(';
    const tree = await edited(sampleTree(), [{ file: 'arch/x86/kvm/vmx/vmx.c', from: 'int vmx_vm_init(', to: dead }]);
    const analysis = await Analysis.open(tree, await loadParser());
    const report = analysis.check({ vm, sinks: [DEFAULT_SINK, 'kvm_post_set_cr0'], host: {}, assumptions: true });
    const line = renderCheck(report, { full: true })
      .split('\n')
      .find((each) => each.includes(`${name}()`) && /^unreachable/.test(each));
    return /:\d+(?:\s+(\S.*))?$/.exec(line ?? '')?.[1] ?? '';
  }

  it('is the other vendor for its code, and no entry point for the dead code of its own', async () => {
    expect(await note('tdx', 'sev_handle_rmp_fault')).toBe('kvm-amd only');
    expect(await note('tdx', 'vmx_dead')).toBe('no entry point leads there');
    expect(await note('snp', 'vmx_dead')).toBe('kvm-intel only');
  });
});
