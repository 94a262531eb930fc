import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuiltCommand } from '../command';
import { SAMPLE } from '../sample';
import { expectTranscript } from './golden';

let command: BuiltCommand;

beforeAll(() => {
  command = new BuiltCommand();
  cpSync(SAMPLE, join(command.work, 'tree'), { recursive: true });
});

afterAll(() => {
  command.dispose();
});

/** A patch of the sample's x86.c that takes the quirk's guard away. */
function unguarded(): string {
  const x86 = readFileSync(join(SAMPLE, 'arch/x86/kvm/x86.c'), 'utf8').split('\n');
  const guard = x86.findIndex((line) => line.includes('if (kvm_check_has_quirk(kvm, KVM_X86_QUIRK_IGNORE_GUEST_PAT))'));
  expect(guard).toBeGreaterThan(0);
  const [before, line, call, after] = x86.slice(guard - 1, guard + 3);
  return [
    '--- a/arch/x86/kvm/x86.c',
    '+++ b/arch/x86/kvm/x86.c',
    `@@ -${guard},4 +${guard},3 @@`,
    ` ${before ?? ''}`,
    `-${line ?? ''}`,
    `-${call ?? ''}`,
    `+${(call ?? '').replace('\t', '')}`,
    ` ${after ?? ''}`,
    '',
  ].join('\n');
}

describe('the command on the sample', () => {
  it.each([
    ['check', ['check', 'tree']],
    ['check-full', ['check', 'tree', '--full']],
    ['check-default', ['check', 'tree', '--vm', 'default']],
    ['check-snp', ['check', 'tree', '--vm', 'snp']],
    ['check-amd', ['check', 'tree', '--vm', 'default', '--host', 'vendor=amd']],
    ['check-bundled', ['check']],
    ['outcome', ['outcome', 'tree']],
    ['outcome-explore', ['outcome', 'tree', '--vm', 'tdx', '--explore']],
    ['outcome-full', ['outcome', 'tree', '--vm', 'tdx', '--full']],
    ['outcome-shadow', ['outcome', 'tree', '--vm', 'default', '--scenario', 'shadow']],
    ['outcome-scenario', ['outcome', 'tree', '--scenario', 'tree/scenario.json', '--full']],
    ['outcome-scenario-vm', ['outcome', 'tree', '--scenario', 'tree/scenario.json', '--vm', 'snp']],
    ['help-outcome', ['outcome', '--help']],
    ['why-blocked', ['why', 'tree', 'kvm_noncoherent_dma_assignment_start_or_stop']],
    ['why-reachable', ['why', 'tree', 'kvm_vcpu_ioctl', 'update_mtrr']],
    ['why-json', ['why', 'tree', 'kvm_noncoherent_dma_assignment_start_or_stop', '--format', 'json']],
    ['paths', ['paths', 'tree', '--from', 'msr_io', '--to', 'update_mtrr']],
    ['paths-entry', ['paths', 'tree', '--from', 'kvm_vcpu_ioctl', '--to', 'kvm_set_msr_common']],
    ['paths-cut', ['paths', 'tree', '--from', 'kvm_vfio_set_attr', '--to', 'kvm_zap_gfn_range', '--cut']],
    ['paths-all-cut', ['paths', 'tree', '--from', 'kvm_vfio_set_attr', '--to', 'kvm_zap_gfn_range']],
    ['paths-no-way', ['paths', 'tree', '--from', 'update_mtrr', '--to', 'msr_io']],
    ['paths-other-vendor', ['paths', 'tree', '--from', 'kvm_vcpu_ioctl', '--to', 'sev_handle_rmp_fault']],
    ['graph', ['graph', 'tree']],
    [
      'graph-dot',
      ['graph', 'tree', '--format', 'dot', '--around', 'do_set_msr', '--direction', 'both', '--depth', '2'],
    ],
    ['graph-dot-few', ['graph', 'tree', '--format', 'dot', '--nodes', '4']],
    ['help-graph', ['graph', '--help']],
    ['patch-seed', ['patch', 'tree', 'tree/seed.patch']],
    ['help', ['--help']],
    ['help-patch', ['patch', '--help']],
  ])('%s', (name, args) => {
    expectTranscript(name, args, command.run(args));
  });

  it('patch-unguarded, from standard input', () => {
    const args = ['patch', 'tree', '-'];
    const ended = command.run(args, { stdin: unguarded() });
    expectTranscript('patch-unguarded', args, ended);
    expect(ended.exit).toBe(1);
  });

  it('patch-guarded: the same patch backwards gets nothing worse', () => {
    const tree = join(command.work, 'without-guard');
    cpSync(SAMPLE, tree, { recursive: true });
    const file = join(tree, 'arch/x86/kvm/x86.c');
    const lines = unguarded().split('\n');
    const without = readFileSync(file, 'utf8').replace(
      lines
        .filter((line) => line.startsWith('-\t'))
        .map((line) => `${line.slice(1)}\n`)
        .join(''),
      lines
        .filter((line) => line.startsWith('+\t'))
        .map((line) => `${line.slice(1)}\n`)
        .join(''),
    );
    writeFileSync(file, without);
    const backwards = lines
      .map((line) =>
        line.startsWith('+\t') ? `-${line.slice(1)}` : line.startsWith('-\t') ? `+${line.slice(1)}` : line,
      )
      .map((line) => line.replace(/^@@ -(\d+),4 \+(\d+),3 @@/, '@@ -$1,3 +$2,4 @@'));
    const ordered = [...backwards.slice(0, 4), backwards[6], backwards[4], backwards[5], ...backwards.slice(7)];
    writeFileSync(join(command.work, 'guard.patch'), ordered.join('\n'));
    const args = ['patch', 'without-guard', 'guard.patch'];
    const ended = command.run(args);
    expectTranscript('patch-guarded', args, ended);
    expect(ended.exit).toBe(0);
  });

  const SINK = '\tbool flush;\n';
  const ARM = '\tif (tdp_mmu_enabled)\n\t\tflush';
  it.each([
    ['seed', 'value unused, in the TDP arm', ARM, `\tKVM_BUG_ON(kvm_gfn_direct_bits(kvm), kvm);\n${ARM}`],
    [
      'snp',
      'a predicate that holds for SNP too',
      SINK,
      `${SINK}\n\tKVM_BUG_ON(kvm->arch.vm_type >= KVM_X86_SNP_VM, kvm);\n`,
    ],
    ['entry', 'return at entry', SINK, `${SINK}\n\tif (KVM_BUG_ON(is_td(kvm), kvm))\n\t\treturn;\n`],
    ['leak', 'return with the lock held', ARM, `\tif (KVM_BUG_ON(is_td(kvm), kvm))\n\t\treturn;\n${ARM}`],
    [
      'unknown',
      'calls and conditions that nobody knows',
      ARM,
      `\tif (kvm->arch.mystery)\n\t\tpoke_hardware(kvm);\n${ARM}`,
    ],
  ])('outcome-patched-%s: %s', (name, _, from, to) => {
    const tree = join(command.work, `patched-${name}`);
    cpSync(SAMPLE, tree, { recursive: true });
    const file = join(tree, 'arch/x86/kvm/mmu/mmu.c');
    const text = readFileSync(file, 'utf8');
    expect(text.split(from)).toHaveLength(2);
    writeFileSync(
      file,
      text.replace(from, () => to),
    );
    const args = ['outcome', `patched-${name}`];
    expectTranscript(`outcome-patched-${name}`, args, command.run(args));
  });

  it('outcome-stdin: a scenario from standard input', () => {
    const args = ['outcome', 'tree', '--vm', 'tdx', '--scenario', '-'];
    const stdin = JSON.stringify({ name: 'one page', private: ['0x10'] });
    expectTranscript('outcome-stdin', args, command.run(args, { stdin }));
  });

  it('queries: claims held against the tree, bad ones told in their place', () => {
    const queries = [
      { id: 1, sites: ['update_mtrr'], expect: 'reachable' },
      { id: 'b', sites: ['kvm_noncoherent_dma_assignment_start_or_stop'], expect: 'reachable' },
      { id: 2, sites: ['no_such_function'] },
      { id: 3, vm: 'snp', sites: ['sev_handle_rmp_fault'], expect: 'reachable' },
      { id: 4, vm: 'riscv', sites: ['update_mtrr'] },
    ];
    const lines = [...queries.map((query) => JSON.stringify(query)), 'no json', ''].join('\n');
    const args = ['why', 'tree', '--queries', '-'];
    const all = command.run(args, { stdin: lines });
    expectTranscript('queries', args, all);
    expect(all.exit).toBe(2);
    const ask = (some: readonly object[]): number | null =>
      command.run(args, { stdin: some.map((query) => `${JSON.stringify(query)}\n`).join('') }).exit;
    expect(ask(queries.slice(0, 2))).toBe(1);
    expect(ask(queries.slice(0, 1))).toBe(0);
  });

  it('takes the current folder for the tree, and nothing in the answer tells', () => {
    const there = command.run(['check', '--format', 'json'], { cwd: join(command.work, 'tree') });
    const here = command.run(['check', 'tree', '--format', 'json']);
    expect(there).toEqual(here);
    expect(here.stderr).toBe('');
    expect(here.stdout).not.toContain(command.work);
  });

  it('writes --output in whole, and nothing on an error', () => {
    const args = ['check', 'tree', '--format', 'json'];
    expect(command.run([...args, '--output', 'report.json'])).toMatchObject({ exit: 1, stdout: '', stderr: '' });
    const report = readFileSync(join(command.work, 'report.json'), 'utf8');
    expect(report).toBe(command.run(args).stdout);
    command.run(['check', 'tree', '--sink', 'nothing', '--output', 'report.json']);
    expect(readFileSync(join(command.work, 'report.json'), 'utf8')).toBe(report);
  });

  it('tells times only on request', () => {
    const times = JSON.parse(command.run(['check', 'tree', '--format', 'json', '--timings']).stdout) as object;
    expect(times).toHaveProperty('timings.reach');
  });
});
