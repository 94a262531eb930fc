import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sinkOutcome } from '../../extension/core/mmu/sink';
import type { Outcome } from '../../extension/core/mmu/outcome';
import type { Program, Site } from '../../extension/core/program/program';
import { VM_TYPES, type VmType } from '../../extension/core/reach/verdict';
import { programWith, sinkId } from './mmu-outcomes';
import { atEntry, checkIn, inArm, VARIANTS } from './sink-variants';
import { describeTree, TREES } from './trees';

const FOLDER = join(import.meta.dirname, '../golden/traces');

/** `UPDATE_GOLDEN=1 npx vitest run test/kernel/traces` writes the traces anew. They hold no line numbers: point releases move them. */
function expectTrace(name: string, text: string): void {
  const file = join(FOLDER, `${name}.txt`);
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(file, text);
    return;
  }
  expect(existsSync(file), `${file} is missing: UPDATE_GOLDEN=1 writes it`).toBe(true);
  expect(text).toBe(readFileSync(file, 'utf8'));
}

function run(program: Program, vm: VmType, host: Record<string, string> = {}): Outcome {
  const question = { vm, sinks: ['kvm_zap_gfn_range'], host, assumptions: true };
  return sinkOutcome(program, sinkId(program), question, () => 'unknown');
}

/** All VM types, those that come to the same told once. */
function traces(program: Program): string {
  const hosts = [
    ...VM_TYPES.map((vm): [string, Outcome] => [vm, run(program, vm)]),
    ['default on AMD', run(program, 'default', { vendor: 'amd' })] as const,
  ];
  const told = new Map<string, string[]>();
  for (const [name, outcome] of hosts) {
    const text = words(outcome);
    told.set(text, [...(told.get(text) ?? []), name]);
  }
  return [...told].map(([text, names]) => `== ${names.join(', ')}\n${text}`).join('\n');
}

function words(outcome: Outcome): string {
  const { classes, bugSite, zapped, flushed, returnsEarly, leaked, guest, userspace, trace, unmodelled } = outcome;
  const kinds = Object.entries(zapped).flatMap(([kind, is]) => (is ? [kind] : []));
  return [
    `classes: ${classes.join(', ')}`,
    `bugged in: ${bugSite === undefined ? 'nothing' : where(bugSite)}`,
    `zapped: ${kinds.join(', ') || 'nothing'}; flushed: ${String(flushed)}; returns early: ${String(returnsEarly)}; leaked: ${leaked.join(', ') || 'nothing'}`,
    `guest: ${guest}`,
    `userspace: ${userspace}`,
    // The first event names the VM type.
    ...trace
      .slice(1)
      .map(({ text, site }, i) => `  ${String(i + 1)}. ${text}${site === undefined ? '' : `  ${where(site)}`}`),
    ...unmodelled.map((call) => `  not modelled: ${call.text}  ${where(call)}`),
    '',
  ].join('\n');
}

function where(site: Site): string {
  return `${site.file.replace('arch/x86/kvm/', '')} ${site.function}()`;
}

for (const tree of TREES)
  describeTree(tree, (top) => {
    it.each(VARIANTS)('what happens, step by step: $name', async ({ name, change }) => {
      const program = await programWith(top, (sink) => change(sink, checkIn(tree)));
      const text = traces(program);
      expect(text).not.toContain('not modelled');
      expectTrace(`${tree}-${name.replace(/\W+/g, '-')}`, text);
    });
  });

describeTree('7.x', (top) => {
  it('a check that is true for SNP kills healthy SNP guests', async () => {
    const check = 'KVM_BUG_ON(kvm_arch_has_private_mem(kvm), kvm)';
    const program = await programWith(top, (sink) => inArm(sink, `${check};`));
    for (const vm of ['snp', 'tdx', 'sw-protected'] as const)
      expect(run(program, vm)).toMatchObject({ bugged: true, dead: true });
    expect(run(program, 'snp').guest).toContain('It kills healthy SNP guests');
    for (const vm of ['default', 'sev', 'sev-es'] as const) expect(run(program, vm).bugged).toBe(false);
    const guarded = await programWith(top, (sink) => atEntry(sink, `if (${check})\n\t\treturn;`));
    expect(run(guarded, 'snp')).toMatchObject({ bugged: true, zapped: { direct: false, mirror: false, rmap: false } });
    expectTrace('7.x-a-check-that-is-true-for-SNP', traces(program));
  });
});
