import { describe, expect, it } from 'vitest';
import { sliceHeader } from '../../extension/core/program/headers';
import { kconfigFacts } from '../../extension/core/program/kconfig';
import { linkProgram } from '../../extension/core/program/link';
import { FactsStore, loadFacts } from '../../extension/core/program/load';
import type { ReadResult, SourceTree } from '../../extension/core/source/tree';
import { cParser } from './linking';

function tree(files: Readonly<Record<string, string | { why: string }>>): SourceTree {
  return {
    label: 'test',
    list: (folder) =>
      Promise.resolve(
        Object.keys(files)
          .filter((path) => path.startsWith(`${folder}/`))
          .sort(),
      ),
    read: (path): Promise<ReadResult> => {
      const file = files[path];
      if (file === undefined) return Promise.resolve({ kind: 'absent' });
      return Promise.resolve(typeof file === 'string' ? { kind: 'text', text: file } : { kind: 'unreadable', ...file });
    },
  };
}

const files = {
  'arch/x86/kvm/x86.c':
    '#include <asm/msr.h>\n#include "local.h"\nint f(int m) { switch (m) { case MSR_A: return LOCAL; } return is_even(m); }\n',
  'arch/x86/kvm/local.h': '#define LOCAL 5\n',
  'arch/x86/include/asm/msr.h':
    '#include <asm/more.h>\n#define MSR_A (BASE + 1)\n#define UNUSED 3\nstatic inline bool is_even(int x)\n{\n\treturn !(x & 1);\n}\n',
  'arch/x86/include/asm/more.h': 'struct big { int x; };\n#define BASE 0x10\n',
};

describe('loading', () => {
  it('adds the headers that define what KVM uses, and of these only the wanted definitions', async () => {
    const facts = await loadFacts(tree(files), await cParser(), new FactsStore());
    expect(facts.map((one) => one.path)).toEqual([
      'arch/x86/include/asm/more.h',
      'arch/x86/include/asm/msr.h',
      'arch/x86/kvm/local.h',
      'arch/x86/kvm/x86.c',
    ]);
    const program = linkProgram(facts, '');
    expect(program.symbols.constant('MSR_A')).toBe(0x11n);
    expect(program.symbols.macro('UNUSED')).toBeUndefined();
    expect(program.functions.get('arch/x86/include/asm/msr.h:is_even')?.line).toBe(4);
    expect(program.problems).toEqual([]);
  });

  it('counts only the lines of a header that were read', async () => {
    const facts = await loadFacts(tree(files), await cParser(), new FactsStore());
    const lines = Object.fromEntries(facts.map((one) => [one.path, one.lines]));
    expect(lines['arch/x86/kvm/x86.c']).toBe(3);
    // Of 7 lines the include, MSR_A and is_even(); UNUSED was passed over.
    expect(lines['arch/x86/include/asm/msr.h']).toBe(6);
    expect(lines['arch/x86/include/asm/more.h']).toBe(1);
  });

  it('parses nothing twice', async () => {
    const store = new FactsStore();
    const parser = await cParser();
    const first = await loadFacts(tree(files), parser, store);
    const { misses } = store;
    const again = await loadFacts(tree(files), parser, store);
    expect(store.misses).toBe(misses);
    expect(again).toEqual(first);
    await loadFacts(tree({ ...files, 'arch/x86/kvm/local.h': '#define LOCAL 6\n' }), parser, store);
    expect(store.misses).toBe(misses + 1);
  });

  it('counts a file that cannot be read as a problem', async () => {
    const facts = await loadFacts(
      tree({ ...files, 'arch/x86/kvm/local.h': { why: 'EACCES' } }),
      await cParser(),
      new FactsStore(),
    );
    expect(linkProgram(facts, '').problems).toEqual([
      { file: 'arch/x86/kvm/local.h', message: 'cannot be read: EACCES' },
    ]);
  });

  it('gives nothing for a tree without KVM', async () => {
    expect(await loadFacts(tree({ Makefile: '' }), await cParser(), new FactsStore())).toEqual([]);
  });
});

describe('a header slice', () => {
  it('keeps lines, columns and conditions', () => {
    const text =
      '#ifndef H\n#define H\n#ifdef X\n  #define A 1\n#else\n#define B \\\n\t2\n#endif\nstruct s { int A; };\nenum e {\n\tE1,\n\tE2,\n};\n#endif\n';
    const slice = sliceHeader(text, new Set(['B', 'E2']));
    expect(slice.split('\n')).toEqual([
      '#ifndef H',
      '#define H',
      '#ifdef X',
      '',
      '#else',
      '#define B \\',
      '\t2',
      '#endif',
      '',
      'enum e {',
      '\tE1,',
      '\tE2,',
      '};',
      '#endif',
      '',
    ]);
  });

  it('does not leave a comment open', () => {
    const slice = sliceHeader('#define A 1 /* one\n * and more\n */\n#define B 2\n', new Set(['A', 'B']));
    expect(slice.split('\n').map((line) => line.trimEnd())).toEqual(['#define A 1', '', '', '#define B 2', '']);
  });

  it.each(['static inline int f(', 'enum e {', 'enum\n', '#define \\', 'static inline\n'])('survives %j', (text) => {
    expect(sliceHeader(text, new Set(['f', 'e'])).split('\n').length).toBe(text.split('\n').length);
  });
});

describe('the reference configuration', () => {
  it('has x86 options on, and generic ones that are chosen or selected', () => {
    const facts = kconfigFacts([
      {
        path: 'arch/x86/kvm/Kconfig',
        hash: '',
        text: 'config KVM_X\n\tdef_tristate y\n\tselect HAVE_A\n\nconfig KVM_SMM\n\tbool "SMM"\n',
      },
      {
        path: 'virt/kvm/Kconfig',
        hash: '',
        text: 'config HAVE_A\n\tbool\n\tselect HAVE_B\n\nconfig HAVE_B\n       bool\n\nconfig HAVE_ARM\n\tbool\n',
      },
    ]);
    const on = facts.flatMap((file) => file.macros).filter((macro) => macro.text === '1');
    expect(on.map((macro) => macro.name)).toEqual(['CONFIG_KVM_X', 'CONFIG_KVM_SMM', 'CONFIG_HAVE_A', 'CONFIG_HAVE_B']);
  });
});
