import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PatchAnalysis } from '../../extension/core/patch-analysis';
import { applyPatches } from '../../extension/core/patch/apply';
import { parsePatch } from '../../extension/core/patch/parse';
import { DEFAULT_SINK } from '../../extension/core/reach/verdict';
import { DiskTree } from '../../extension/node/disk-tree';
import { loadParser } from '../../extension/node/parser';
import { describeTree } from './trees';

const MMU = 'arch/x86/kvm/mmu/mmu.c';
/** A patch's base is older than the tree that it is applied to: its line numbers are off by so many. */
const DRIFT = 37;

/** The seed's shape, from the tree's own lines: a KVM_BUG_ON inside the TDP MMU arm of the sink. */
function seedLike(top: string, predicate: string): { patch: string; at: number } {
  const lines = readFileSync(join(top, MMU), 'utf8').split('\n');
  const sink = lines.findIndex((line) => line.startsWith(`void ${DEFAULT_SINK}(`));
  const arm = lines.findIndex((line, i) => i > sink && line === '\tif (tdp_mmu_enabled)');
  expect(arm - sink).toBeLessThan(40);
  const context = (from: number, to: number): string[] => lines.slice(from, to).map((line) => ` ${line}`);
  const patch = [
    `diff --git a/${MMU} b/${MMU}`,
    `--- a/${MMU}`,
    `+++ b/${MMU}`,
    `@@ -${arm - 2 - DRIFT},8 +${arm - 2 - DRIFT},10 @@ void ${DEFAULT_SINK}(struct kvm *kvm, gfn_t gfn_start, gfn_t gfn_end)`,
    ...context(arm - 3, arm),
    `-${lines[arm] ?? ''}`,
    `+${lines[arm] ?? ''} {`,
    `+\t\tKVM_BUG_ON(${predicate}, kvm);`,
    ...context(arm + 1, arm + 2),
    '+\t}',
    ...context(arm + 2, arm + 5),
    '-- ',
    '2.39.5',
    '',
  ];
  return { patch: patch.join('\n'), at: arm - 2 };
}

describeTree('6.12', (top) => {
  it('takes a patch that was made for an older base, with its offset', async () => {
    const { patch, at } = seedLike(top, 'kvm_gfn_shared_mask(kvm)');
    const { files } = await applyPatches(new DiskTree(top), parsePatch(patch));
    expect(files).toEqual([{ path: MMU, hunks: [{ line: at, offset: DRIFT, fuzz: 0 }] }]);
  });
});

describeTree('7.x', (top) => {
  it('with the check in the arm is bugged and zapped, and no call path changes', { timeout: 300_000 }, async () => {
    const { patch, at } = seedLike(top, 'is_td(kvm)');
    const patched = await PatchAnalysis.open(new DiskTree(top), await loadParser(), [patch]);
    const report = patched.report({ vm: 'tdx', sinks: [DEFAULT_SINK], host: {}, assumptions: true });
    expect(report.changes).toEqual([]);
    expect(report.outcome.before).toMatchObject({ bugged: false, zapped: { mirror: true } });
    expect(report.outcome.after).toMatchObject({ bugged: true, dead: true, zapped: { mirror: true } });
    expect(report.outcome.after.bugSite).toMatchObject({ file: MMU, line: at + 4 });
  });
});
