import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuiltCommand } from '../command';
import { SAMPLE } from '../sample';
import { expectTranscript } from './golden';

let command: BuiltCommand;

beforeAll(() => {
  command = new BuiltCommand();
  const at = (name: string): string => join(command.work, name);
  cpSync(SAMPLE, at('tree'), { recursive: true });
  mkdirSync(at('empty'));
  mkdirSync(at('other/arch/arm64'), { recursive: true });
  mkdirSync(at('hollow/arch/x86/kvm'), { recursive: true });
  writeFileSync(at('file'), 'text\n');
  for (const name of ['dangling', 'folder', 'pipe']) cpSync(SAMPLE, at(name), { recursive: true });
  for (const name of ['dangling', 'folder', 'pipe']) rmSync(at(`${name}/arch/x86/kvm/mtrr.c`));
  symlinkSync('nowhere.c', at('dangling/arch/x86/kvm/mtrr.c'));
  mkdirSync(at('folder/arch/x86/kvm/mtrr.c'));
  execFileSync('mkfifo', [at('pipe/arch/x86/kvm/mtrr.c')]);
  const hunk = ['@@ -1,3 +1,3 @@', ' no', '-such', '+other', ' text', ''].join('\n');
  writeFileSync(at('misfit.patch'), `--- a/arch/x86/kvm/x86.c\n+++ b/arch/x86/kvm/x86.c\n${hunk}`);
  writeFileSync(at('absent.patch'), `--- a/arch/x86/kvm/no.c\n+++ b/arch/x86/kvm/no.c\n${hunk}`);
  for (const [name, text] of SCENARIOS) writeFileSync(at(`${name}.json`), text);
  writeFileSync(at('latin.json'), Buffer.from('{"name":"caf\xe9"}', 'latin1'));
  writeFileSync(at('short.patch'), `--- a/arch/x86/kvm/x86.c\n+++ b/arch/x86/kvm/x86.c\n@@ -1,9 +1,9 @@\n-a\n`);
});

const SCENARIOS = [
  ['no-json', '{"name": "n",\n "vcpus": 2,}\n'],
  ['twice', '{"name": "n", "private": [1, {"a": 1, "a": 2}]}'],
  ['bad-gfn', '{"name": "n", "actions": [{"action": "zap"}, {"action": "fault", "gfn": "0xg"}]}'],
  ['bad-action', '{"name": "n", "actions": [{"action": "explode"}]}'],
  ['bad-host', '{"name": "n", "host": {"enable_apic": "0"}}'],
  ['large', `{"name": "${'n'.repeat(70_000)}"}`],
] as const;

afterAll(() => {
  command.dispose();
});

describe('bad input gives one clear line and exit code 2', () => {
  it.each([
    ['bad-tree-missing', ['check', 'nowhere']],
    ['bad-tree-empty', ['check', 'empty']],
    ['bad-tree-other', ['check', 'other']],
    ['bad-tree-hollow', ['check', 'hollow']],
    ['bad-tree-file', ['check', 'file']],
    ['bad-tree-why', ['why', './nowhere', 'update_mtrr']],
    ['bad-tree-patch', ['patch', 'empty', 'misfit.patch']],
    ['bad-file-dangling', ['check', 'dangling']],
    ['bad-file-folder', ['check', 'folder']],
    ['bad-file-pipe', ['check', 'pipe']],
    ['bad-sink', ['check', 'tree', '--sink', 'kvm_zap_gfn_rage']],
    ['bad-sink-far', ['check', 'tree', '--sink', 'xyzzy']],
    ['bad-site-line', ['why', 'tree', 'x86.c:1']],
    ['bad-site-file', ['why', 'tree', 'no.c:1']],
    ['bad-site-name', ['why', 'tree', 'update_mtr']],
    ['bad-no-site', ['why', 'tree']],
    ['bad-patch-misfit', ['patch', 'tree', 'misfit.patch']],
    ['bad-patch-absent', ['patch', 'tree', 'absent.patch']],
    ['bad-patch-short', ['patch', 'tree', 'short.patch']],
    ['bad-patch-none', ['patch', 'tree', 'file']],
    ['bad-patch-missing', ['patch', 'tree', 'no.patch']],
    ['bad-no-patch', ['patch', 'tree']],
    ['bad-command', ['chekc', 'tree']],
    ['bad-no-command', []],
    ['bad-option', ['check', 'tree', '--sinks', 'x']],
    ['bad-option-value', ['check', 'tree', '--sink']],
    ['bad-vm', ['check', 'tree', '--vm', 'riscv']],
    ['bad-host', ['check', 'tree', '--host', 'enable_apicv']],
    ['bad-host-key', ['check', 'tree', '--host', 'enable_apic=0']],
    ['bad-host-vendor', ['check', 'tree', '--host', 'vendor=via']],
    ['bad-format', ['check', 'tree', '--format', 'yaml']],
    ['bad-format-later', ['check', 'tree', '--format', 'sarif']],
    ['bad-command-later', ['diff', 'tree', 'tree']],
    ['bad-output', ['check', 'tree', '--output', 'nowhere/report.txt']],
    ['bad-extra', ['check', 'tree', 'tree']],
    ['bad-scenario-name', ['outcome', 'tree', '--scenario', 'runing']],
    ['bad-scenario-missing', ['outcome', 'tree', '--scenario', './no.json']],
    ['bad-scenario-folder', ['outcome', 'tree', '--scenario', 'tree']],
    ['bad-scenario-json', ['outcome', 'tree', '--scenario', 'no-json.json']],
    ['bad-scenario-utf8', ['outcome', 'tree', '--scenario', 'latin.json']],
    ['bad-scenario-twice', ['outcome', 'tree', '--scenario', 'twice.json']],
    ['bad-scenario-gfn', ['outcome', 'tree', '--scenario', 'bad-gfn.json']],
    ['bad-scenario-action', ['outcome', 'tree', '--scenario', 'bad-action.json']],
    ['bad-scenario-host', ['outcome', 'tree', '--scenario', 'bad-host.json']],
    ['bad-scenario-large', ['outcome', 'tree', '--scenario', 'large.json']],
    ['bad-scenario-endless', ['outcome', 'tree', '--scenario', '/dev/zero']],
    ['bad-scenario-command', ['check', 'tree', '--scenario', 'running']],
    ['bad-paths-macro', ['paths', 'tree', '--from', 'msr_io', '--to', 'for_each_valid_tdp_mmu_root_yield_safe']],
    ['bad-paths', ['paths', 'tree', '--from', 'msr_io']],
  ])('%s', (name, args) => {
    const files = readdirSync(command.work).sort();
    const ended = command.run(args);
    expect(ended).toMatchObject({ exit: 2, stdout: '' });
    expect(ended.stderr).toMatch(/^kvm-lens: [^\n]+\n$/);
    expectTranscript(name, args, ended);
    expect(readdirSync(command.work).sort()).toEqual(files);
  });

  it('leaves the tree as it was', () => {
    command.run(['patch', 'tree', 'tree/seed.patch']);
    expect(existsSync(join(command.work, 'tree/arch/x86/kvm/mmu/mmu.c.orig'))).toBe(false);
    execFileSync('diff', ['-r', SAMPLE, join(command.work, 'tree')]);
  });
});
