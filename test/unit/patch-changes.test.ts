import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { PatchAnalysis } from '../../extension/core/patch-analysis';
import { type Change, gotWorse } from '../../extension/core/patch/changes';
import { FactsStore } from '../../extension/core/program/load';
import { DEFAULT_SINK, type Question } from '../../extension/core/reach/verdict';
import type { PatchReport } from '../../extension/core/report/contract';
import type { CParser } from '../../extension/core/syntax/parser';
import { loadParser } from '../../extension/node/parser';
import { SAMPLE, sampleTree } from '../sample';

const question: Question = { vm: 'tdx', sinks: [DEFAULT_SINK], host: {}, assumptions: true };
const X86 = 'arch/x86/kvm/x86.c';
const DMA = 'kvm_noncoherent_dma_assignment_start_or_stop';
const store = new FactsStore();
let parser: CParser;

beforeAll(async () => {
  parser = await loadParser();
});

async function report(...patches: string[]): Promise<PatchReport> {
  const patched = await PatchAnalysis.open(sampleTree(), parser, patches, { store });
  return patched.report(question);
}

function lines(file: string): string[] {
  return readFileSync(join(SAMPLE, file), 'utf8').split('\n');
}

/** A patch that replaces the one line that holds `text` by others. */
function replacing(file: string, text: string, by: readonly string[]): string {
  const all = lines(file);
  const at = all.flatMap((line, i) => (line.includes(text) ? [i] : []));
  expect(at, text).toHaveLength(1);
  const [index] = at as [number];
  const first = Math.max(index - 1, 0);
  const before = all.slice(first, index);
  const behind = all.slice(index + 1, index + 2);
  const context = before.length + behind.length;
  return [
    `--- a/${file}`,
    `+++ b/${file}`,
    `@@ -${first + 1},${context + 1} +${first + 1},${context + by.length} @@`,
    ...before.map((line) => ` ${line}`),
    `-${all[index] ?? ''}`,
    ...by.map((line) => `+${line}`),
    ...behind.map((line) => ` ${line}`),
    '',
  ].join('\n');
}

function toSink(changes: readonly Change[], name: string): Change | undefined {
  return changes.find((change) => change.function === name && change.callee === DEFAULT_SINK);
}

describe('what a patch changes', () => {
  it('is nothing for a patch of a comment', async () => {
    const patch = replacing(X86, 'SPDX-License-Identifier', ['// SPDX-License-Identifier: MIT', '// more']);
    const { changes, before, after } = await report(patch);
    expect(changes).toEqual([]);
    expect(after).toEqual(before);
  });

  it('is the outcome for a KVM_BUG_ON in the sink', async () => {
    const seed = await report(readFileSync(join(SAMPLE, 'seed.patch'), 'utf8'));
    expect(seed.changes).toEqual([]);
    expect([seed.outcome.before.bugged, seed.outcome.after.bugged]).toEqual([false, true]);
  });

  it('is worse where a guard goes, which is named', async () => {
    const { changes } = await report(
      replacing(X86, 'if (kvm_check_has_quirk(kvm, KVM_X86_QUIRK_IGNORE_GUEST_PAT))', ['\tif (kvm)']),
    );
    expect(toSink(changes, DMA)).toMatchObject({ kind: 'site', before: 'blocked', after: 'reachable' });
    expect(toSink(changes, DMA)?.because).toMatch(/^the guard kvm_check_has_quirk\(.*\) in .*, x86\.c:\d+, is gone$/);
    expect(changes.every(gotWorse)).toBe(true);
  });

  it('is worse where a write breaks what the guard rests on', async () => {
    const { changes } = await report(
      replacing(X86, 'disabled_quirks |= cap->args[0]', ['\t\tkvm->arch.disabled_quirks = cap->args[0];']),
    );
    expect(toSink(changes, DMA)).toMatchObject({ before: 'blocked', after: 'reachable' });
    expect(toSink(changes, DMA)?.because).toContain('no longer cuts');
  });

  it('is a new site where a function begins to call the sink, and the calls that lead to it', async () => {
    const file = 'arch/x86/kvm/lapic.c';
    const all = lines(file);
    const brace = all.findLastIndex((line) => line === '}');
    const patch = [
      `--- a/${file}`,
      `+++ b/${file}`,
      `@@ -${brace + 1},1 +${brace + 1},2 @@`,
      '+\tkvm_zap_gfn_range(kvm, 0, 1);',
      ' }',
      '',
    ];
    const { changes } = await report(patch.join('\n'));
    const [site] = changes.filter((change) => change.callee === DEFAULT_SINK);
    expect(site).toMatchObject({ file, before: null, line: brace + 1 });
    expect(site?.because).toMatch(/^the call of kvm_zap_gfn_range\(\) in \w+\(\), lapic\.c:\d+, is new/);
  });

  it('is no worse where a call goes', async () => {
    const { changes } = await report(
      replacing('arch/x86/kvm/mtrr.c', 'kvm_zap_gfn_range(vcpu->kvm, gpa_to_gfn(start)', ['\t(void)vcpu;']),
    );
    expect(toSink(changes, 'update_mtrr')).toMatchObject({ before: 'reachable', after: null });
    expect(changes.some(gotWorse)).toBe(false);
  });

  it('is nothing for a renamed file', async () => {
    const moved = [
      'diff --git a/arch/x86/kvm/mtrr.c b/arch/x86/kvm/range.c',
      'rename from arch/x86/kvm/mtrr.c',
      'rename to arch/x86/kvm/range.c',
      '',
    ];
    const { changes, files } = await report(moved.join('\n'));
    expect(files).toEqual([{ path: 'arch/x86/kvm/range.c', hunks: [] }]);
    expect(changes).toEqual([]);
  });

  it('costs the parse of the changed file alone', async () => {
    await report(readFileSync(join(SAMPLE, 'seed.patch'), 'utf8'));
    const before = store.misses;
    await report(
      replacing('arch/x86/kvm/mtrr.c', 'kvm_zap_gfn_range(vcpu->kvm, gpa_to_gfn(start)', ['\tif (vcpu) return;']),
    );
    expect(store.misses - before).toBe(1);
  });
});
