import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../extension/core/mmu/outcome';
import { VM_TYPES } from '../../extension/core/reach/verdict';
import { renderOutcome } from '../../extension/core/report/render-outcome';
import { outcomeOf, type Variant } from './mmu-tree';

async function blocks(variant: Variant, options = { full: false, hypotheticalTd: false }): Promise<string[]> {
  const outcomes: Outcome[] = [];
  for (const vm of VM_TYPES) outcomes.push(await outcomeOf(variant, vm));
  const [title, ...rest] = renderOutcome({ schemaVersion: 1, outcomes }, options).trimEnd().split('\n\n');
  expect(title).toBe('zap_it(), scenario running');
  return rest;
}

const heads = (all: readonly string[]): string[] => all.map((block) => block.split(':', 1).join(''));

describe('the text of an outcome', () => {
  it.each<[string, Variant, readonly string[]]>([
    ['unguarded', {}, ['TDX', 'DEFAULT, SW_PROTECTED, SEV, SEV-ES, SNP']],
    ['one for all', { body: 'cond_resched();' }, ['TDX, DEFAULT, SW_PROTECTED, SEV, SEV-ES, SNP']],
    [
      'SNP too',
      { arm: 'KVM_BUG_ON(is_td(kvm) || is_snp(kvm), kvm);' },
      ['TDX', 'DEFAULT, SW_PROTECTED, SEV, SEV-ES', 'SNP'],
    ],
    ['leaked', { locked: 'if (is_td(kvm)) return;' }, ['TDX', 'DEFAULT, SW_PROTECTED, SEV, SEV-ES, SNP']],
    [
      'much that is open',
      {
        locked: 'if (kvm->arch.a) poke(kvm); else poke2(kvm);\n\tpoke3(kvm);\n\tpoke4(kvm);',
        arm: 'KVM_BUG_ON(kvm->arch.b, kvm);\n\t\tif (kvm->arch.c) return;',
      },
      ['TDX', 'DEFAULT, SW_PROTECTED, SEV, SEV-ES, SNP'],
    ],
  ])('has one block of at most six lines for VM types with the same outcome: %s', async (_, variant, expected) => {
    const all = await blocks(variant);
    expect(heads(all)).toEqual(expected);
    for (const block of all) expect(block.split('\n').length, block).toBeLessThanOrEqual(6);
  });

  it('tells what still runs behind a KVM_BUG_ON, and of what lies before it nothing', async () => {
    const [td = ''] = await blocks({ arm: 'KVM_BUG_ON(is_td(kvm), kvm);' });
    expect(td).toMatch(/^TDX: KVM_BUG_ON\(\) at mmu\/mmu\.c:\d+, VM dead; all private and shared pages are zapped/);
    expect(td).toMatch(/still runs: zap of 2 SPTEs .*, removal of 3 private pages from the S-EPT .*, TLB flush /);
    const behind = `	if (kvm_tdp_mmu_zap_leafs(kvm, gfn_start, gfn_end, false))
		kvm_flush_remote_tlbs(kvm);
	write_unlock(&kvm->mmu_lock);
	KVM_BUG_ON(is_td(kvm), kvm);`;
    const [late = ''] = await blocks({ body: `	write_lock(&kvm->mmu_lock);\n${behind}` });
    expect(late).toContain('VM dead');
    expect(late).not.toContain('still runs');
  });

  it('with --full has the steps with their changes, and the state at the end', async () => {
    const [td = ''] = await blocks({}, { full: true, hypotheticalTd: true });
    expect(td).toMatch(/^TDX \(hypothetical: .*\):/);
    expect(td).toContain('       S-EPT 0x100: MAPPED -> BLOCKED in TD epoch 0');
    expect(td.split('at the end:')[1]).toContain('S-EPT 0x100: FREE');
  });
});
