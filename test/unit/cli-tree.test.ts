import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseTree } from '../../extension/cli/tree-argument';
import { DiskTree } from '../../extension/node/disk-tree';
import { SAMPLE_FOLDER } from '../../extension/node/package-files';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvm-lens-tree-'));
  mkdirSync(join(folder, 'linux/arch/x86/kvm/mmu'), { recursive: true });
  mkdirSync(join(folder, 'update_mtrr'));
  const kvm = join(folder, 'linux/arch/x86/kvm');
  writeFileSync(join(kvm, 'x86.c'), 'int x;\n');
  writeFileSync(join(kvm, 'mmu/mmu.c'), 'int ä;\n');
  symlinkSync('../../..', join(kvm, 'up'));
  symlinkSync('x86.c', join(kvm, 'alias.c'));
  symlinkSync('nowhere.c', join(kvm, 'dangling.c'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('TREE on the command line', () => {
  it('is the first operand if that is a kernel tree', () => {
    expect(chooseTree(['linux', 'f'], folder, 'sites')).toMatchObject({ top: join(folder, 'linux'), rest: ['f'] });
  });

  it('is the current folder if that is one and the first operand is none', () => {
    const linux = join(folder, 'linux');
    expect(chooseTree(['f', 'x86.c:12'], linux, 'sites')).toMatchObject({ top: linux, rest: ['f', 'x86.c:12'] });
    expect(chooseTree([], linux, 'none')).toMatchObject({ top: linux, isSample: false });
  });

  it('is the bundled sample if nothing else is one', () => {
    const chosen = chooseTree(['arch/x86/kvm/x86.c:12'], folder, 'sites');
    expect(chosen).toEqual({
      top: SAMPLE_FOLDER,
      label: 'the bundled sample',
      isSample: true,
      rest: ['arch/x86/kvm/x86.c:12'],
    });
    expect(chooseTree(['my.patch'], folder, 'files')).toMatchObject({ isSample: true, rest: ['my.patch'] });
  });

  it.each([
    ['nowhere', 'none'],
    ['./nowhere', 'sites'],
    ['/nowhere', 'sites'],
    ['update_mtrr', 'sites'],
    ['linux/arch', 'files'],
  ] as const)('is refused if it is meant and none: %s, before %s', (text, kind) => {
    expect(() => chooseTree([text], folder, kind)).toThrow(`${text}: `);
  });
});

describe('a tree on the disk', () => {
  it('lists what stands in it, sorted, and follows no link to a folder', async () => {
    const tree = new DiskTree(join(folder, 'linux'));
    const kvm = 'arch/x86/kvm';
    expect(await tree.list(kvm)).toEqual([`${kvm}/alias.c`, `${kvm}/dangling.c`, `${kvm}/mmu/mmu.c`, `${kvm}/x86.c`]);
    expect(await tree.list('virt/kvm')).toEqual([]);
  });

  it('reads files and links to files, and says what cannot be read', async () => {
    const tree = new DiskTree(join(folder, 'linux'));
    expect(await tree.read('arch/x86/kvm/mmu/mmu.c')).toEqual({ kind: 'text', text: 'int ä;\n' });
    expect(await tree.read('arch/x86/kvm/alias.c')).toEqual({ kind: 'text', text: 'int x;\n' });
    expect(await tree.read('arch/x86/kvm/no.c')).toEqual({ kind: 'absent' });
    expect(await tree.read('arch/x86/kvm/dangling.c')).toMatchObject({ kind: 'unreadable' });
    expect(await tree.read('arch/x86/kvm/mmu')).toMatchObject({ kind: 'unreadable' });
  });
});
