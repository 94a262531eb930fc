import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Applied, applyPatches } from '../../extension/core/patch/apply';
import { parsePatch } from '../../extension/core/patch/parse';
import { memoryTree } from '../sample';

const FILE = 'arch/x86/kvm/a.c';
const body = Array.from({ length: 30 }, (_, i) => `line ${i + 1}`);

function apply(text: readonly string[], patch: readonly string[], file = FILE): Promise<Applied> {
  const tree = memoryTree(new Map([[file, `${text.join('\n')}\n`]]));
  return applyPatches(tree, parsePatch([`--- a/${file}`, `+++ b/${file}`, ...patch, ''].join('\n')));
}

const CHANGE = ['@@ -10,5 +10,5 @@', ' line 10', ' line 11', '-line 12', '+new', ' line 13', ' line 14'];

describe('applying a patch', () => {
  it('changes the text at the place that it names', async () => {
    const { texts, files } = await apply(body, CHANGE);
    expect(texts.get(FILE)).toBe(`${body.join('\n')}\n`.replace('line 12', 'new'));
    expect(files).toEqual([{ path: FILE, hunks: [{ line: 10, offset: 0, fuzz: 0 }] }]);
  });

  it('finds the place when lines were added before it, and says how far it is', async () => {
    const { files } = await apply(['a', 'b', 'c', ...body], CHANGE);
    expect(files[0]?.hunks).toEqual([{ line: 13, offset: 3, fuzz: 0 }]);
  });

  it('ignores context at the ends as patch(1) does, keeps what the file has there, and says so', async () => {
    const changed = body.with(9, 'another 10');
    const { texts, files } = await apply(changed, CHANGE);
    expect(files[0]?.hunks).toEqual([{ line: 10, offset: 0, fuzz: 1 }]);
    expect(texts.get(FILE)).toContain('another 10\nline 11\nnew\n');
  });

  it('moves later hunks as the earlier ones were moved', async () => {
    const second = ['@@ -20,3 +20,4 @@', ' line 20', '+more', ' line 21', ' line 22'];
    const { files } = await apply(['a', ...body], [...CHANGE, ...second]);
    expect(files[0]?.hunks.map(({ line, offset }) => [line, offset])).toEqual([
      [11, 1],
      [21, 0],
    ]);
  });

  it('says which hunk does not fit, where, what it expects and what stands there', async () => {
    await expect(apply(body.with(11, 'something else'), CHANGE)).rejects.toThrow(
      `does not apply: ${FILE}, hunk 1 of 1 (line 3 of the patch): at ${FILE}:12 it expects "line 12", there stands "something else"`,
    );
  });

  it('says when the tree has the change already', async () => {
    await expect(apply(body.with(11, 'new'), CHANGE)).rejects.toThrow('the tree already has this change');
  });

  it('says which file is missing', async () => {
    await expect(apply(body, CHANGE, 'arch/x86/kvm/b.c').then(() => apply([], []))).rejects.toThrow('no diff in it');
    const tree = memoryTree(new Map());
    const patches = parsePatch([`--- a/${FILE}`, `+++ b/${FILE}`, ...CHANGE, ''].join('\n'));
    await expect(applyPatches(tree, patches)).rejects.toThrow(`${FILE} is not in the tree`);
  });

  it('leaves out documentation that the tree does not have', async () => {
    const tree = memoryTree(new Map());
    const patches = parsePatch(['--- a/Documentation/a.rst', '+++ b/Documentation/a.rst', ...CHANGE, ''].join('\n'));
    expect((await applyPatches(tree, patches)).skipped).toEqual(['Documentation/a.rst']);
  });

  it('never reads outside of the tree', async () => {
    const patches = parsePatch(['--- a/../../etc/passwd', '+++ b/../../etc/passwd', ...CHANGE, ''].join('\n'));
    await expect(applyPatches(memoryTree(new Map()), patches)).rejects.toThrow('outside of the tree');
  });

  it('makes, removes and renames files', async () => {
    const tree = memoryTree(
      new Map([
        ['arch/x86/kvm/old.c', 'x\n'],
        ['arch/x86/kvm/from.c', 'y\n'],
      ]),
    );
    const patches = parsePatch(
      [
        '--- /dev/null',
        '+++ b/arch/x86/kvm/new.c',
        '@@ -0,0 +1,2 @@',
        '+a',
        '+b',
        '--- a/arch/x86/kvm/old.c',
        '+++ /dev/null',
        '@@ -1 +0,0 @@',
        '-x',
        'diff --git a/arch/x86/kvm/from.c b/arch/x86/kvm/to.c',
        'rename from arch/x86/kvm/from.c',
        'rename to arch/x86/kvm/to.c',
        '--- a/arch/x86/kvm/from.c',
        '+++ b/arch/x86/kvm/to.c',
        '@@ -1 +1,2 @@',
        ' y',
        '+z',
        '',
      ].join('\n'),
    );
    const { texts, renames } = await applyPatches(tree, patches);
    expect(Object.fromEntries(texts)).toEqual({
      'arch/x86/kvm/new.c': 'a\nb\n',
      'arch/x86/kvm/old.c': null,
      'arch/x86/kvm/from.c': null,
      'arch/x86/kvm/to.c': 'y\nz\n',
    });
    expect([...renames]).toEqual([['arch/x86/kvm/from.c', 'arch/x86/kvm/to.c']]);
  });

  it('does what patch(1) does, on any edit and any drift of the file', async () => {
    const line = fc.constantFrom('a', 'b', 'c', '{', '}', '', '\tx();');
    const text = fc.array(line, { minLength: 4, maxLength: 24 });
    /** Replaces, removes or inserts a line. */
    const edits = (most: number): fc.Arbitrary<[number, string | null, boolean][]> =>
      fc.array(fc.tuple(fc.nat(24), fc.option(line), fc.boolean()), { minLength: 1, maxLength: most });
    const folder = mkdtempSync(join(tmpdir(), 'kvm-lens-patch-'));
    mkdirSync(join(folder, 'arch/x86/kvm'), { recursive: true });
    try {
      await fc.assert(
        fc.asyncProperty(text, edits(3), edits(4), async (base, wanted, drift) => {
          const before = `${base.join('\n')}\n`;
          const after = `${edit(base, wanted).join('\n')}\n`;
          const drifted = `${edit(base, drift).join('\n')}\n`;
          const diff = unifiedDiff(folder, before, after);
          if (diff === '') return;
          const ours = await applyPatches(memoryTree(new Map([[FILE, drifted]])), parsePatch(diff)).then(
            ({ texts }) => texts.get(FILE) ?? null,
            () => undefined,
          );
          expect(ours).toEqual(gnuPatch(folder, drifted, diff));
        }),
        { numRuns: 200 },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function edit(lines: readonly string[], changes: readonly (readonly [number, string | null, boolean])[]): string[] {
  const out = [...lines];
  for (const [at, text, insert] of changes) {
    const index = at % out.length;
    if (text === null) {
      if (out.length > 1) out.splice(index, 1);
    } else out.splice(index, insert ? 0 : 1, text);
  }
  return out;
}

function unifiedDiff(folder: string, before: string, after: string): string {
  writeFileSync(join(folder, 'before'), before);
  writeFileSync(join(folder, 'after'), after);
  try {
    execFileSync('diff', ['-u', '--label', `a/${FILE}`, '--label', `b/${FILE}`, 'before', 'after'], { cwd: folder });
    return '';
  } catch (error) {
    return String((error as { stdout: Buffer }).stdout);
  }
}

/** What patch(1) makes of the file; `undefined` if the patch does not apply in whole. */
function gnuPatch(folder: string, text: string, diff: string): string | undefined {
  writeFileSync(join(folder, FILE), text);
  try {
    execFileSync('patch', ['-p1', '--force', '--no-backup-if-mismatch', '-r', '-'], {
      cwd: folder,
      input: diff,
      stdio: 'pipe',
    });
    return readFileSync(join(folder, FILE), 'utf8');
  } catch {
    return undefined;
  }
}
