import { describe, expect, it } from 'vitest';
import { linkProgram } from '../../extension/core/program/link';
import { FactsStore, loadFacts } from '../../extension/core/program/load';
import { memoryTree } from '../sample';
import { cParser } from './linking';

/** A header outside of KVM, and what a constant or predicate that KVM takes from it comes to. */
const CONSTANTS: Record<string, readonly [header: string, value: bigint]> = {
  'a macro': ['#define WANTED 5', 5n],
  'a macro with blanks': ['  #  define\tWANTED\t5', 5n],
  'a macro of several lines': ['#define WANTED (1 | \\\n\t4)', 5n],
  'a macro of another macro': ['#define BASE_OF_IT 4\n#define WANTED (BASE_OF_IT + 1)', 5n],
  'a macro of a later macro': ['#define WANTED (BASE_OF_IT + 1)\n#define BASE_OF_IT 4', 5n],
  'a macro behind an include guard': ['#ifndef H\n#define H\n#define WANTED 5\n#endif', 5n],
  'a macro in a live arm': ['#ifdef CONFIG_X86_64\n#define WANTED 5\n#else\n#define WANTED 6\n#endif', 5n],
  'a macro beside an enumerator': ['enum e {\n\tWANTED = 5,\n#define WANTED WANTED\n};', 5n],
  'an enumerator': ['enum e {\n\tFIRST = 4,\n\tWANTED,\n};', 5n],
  'an enumerator behind the brace': ['enum e { WANTED = 5,\n\tNEXT };', 5n],
  'an enumerator of one line': ['enum e { FIRST = 4, WANTED };', 5n],
  'an enumerator of two in a line': ['enum e {\n\tZERO, ONE, TWO,\n\tTHREE, FOUR, WANTED,\n};', 5n],
  'an enumerator without a tag': ['enum {\n\tWANTED = 5\n};', 5n],
  'an enumerator of a typedef': ['typedef enum {\n\tWANTED = 5,\n} e_t;', 5n],
  'an enumerator behind a comment': ['enum e {\n\t/* the\n\t * first } */\n\tWANTED = 5, /* one */\n};', 5n],
  'an enumerator whose brace is on the next line': ['enum e\n{\n\tWANTED = 5,\n};', 5n],
  'an enumerator of a macro': ['#define BASE_OF_IT 4\nenum e {\n\tWANTED = BASE_OF_IT + 1,\n};', 5n],
  'an enumerator behind one of another #if': [
    'enum e {\n\tA0,\n#ifdef CONFIG_X86_32\n\tA1,\n#endif\n\tA2, A3, A4, A5, WANTED,\n};',
    5n,
  ],
};

const PREDICATES: Record<string, string> = {
  'an inline function': 'static inline bool wanted(int x)\n{\n\treturn x;\n}',
  'an inline function of one line': 'static inline bool wanted(int x) { return x; }',
  'an inline function with an attribute': 'static __always_inline __must_check bool wanted(int x)\n{\n\treturn x;\n}',
  'an inline function with its type on a line above': 'static inline bool\nwanted(int x)\n{\n\treturn x;\n}',
  'an inline function of many parameters':
    'static inline bool wanted(int x,\n\t\t\t  int y,\n\t\t\t  int z)\n{\n\treturn x;\n}',
  'an inline function behind its prototype':
    'static inline bool wanted(int x);\nstatic inline bool wanted(int x)\n{\n\treturn x;\n}',
  'an inline function with an #if inside':
    'static inline bool wanted(int x)\n{\n#ifdef CONFIG_X86_64\n\treturn x;\n#else\n\treturn 0;\n#endif\n}',
  'an inline function whose line of comment has a brace':
    'static inline bool wanted(int x) /* { } */\n{\n\t/* } */\n\treturn x;\n}',
  'an inline function with static behind': 'inline static bool wanted(int x)\n{\n\treturn x;\n}',
  'an extern inline function': 'extern inline bool wanted(int x)\n{\n\treturn x;\n}',
  'an inline function with an array inside':
    'static inline bool wanted(int x)\n{\n\tstatic const int table[] = {\n\t\t1,\n\t};\n\treturn table[x];\n}',
};

async function linkWith(header: string) {
  const code = '#include <asm/other.h>\nint use(int x)\n{\n\tif (x == WANTED)\n\t\treturn 0;\n\treturn wanted(x);\n}\n';
  const tree = memoryTree(
    new Map([
      ['arch/x86/kvm/x86.c', code],
      ['arch/x86/include/asm/other.h', `${header}\n`],
    ]),
  );
  return linkProgram(await loadFacts(tree, await cParser(), new FactsStore()), '');
}

describe('a header gives', () => {
  it.each(Object.entries(CONSTANTS))('%s', async (_, [header, value]) => {
    expect((await linkWith(header)).symbols.constant('WANTED', 'arch/x86/kvm/x86.c')).toBe(value);
  });

  it.each(Object.entries(PREDICATES))('%s', async (_, header) => {
    const program = await linkWith(header);
    expect(program.callees.get('arch/x86/kvm/x86.c:use')?.map((edge) => edge.callee)).toEqual(['wanted']);
    expect(program.problems).toEqual([]);
  });
});
