import { describe, expect, it } from 'vitest';
import { pos, type FileFacts, type FunctionFact } from '../../extension/core/syntax/facts';
import { MAX_TEXT } from '../../extension/core/syntax/parser';
import { readFacts } from '../../extension/core/syntax/read-facts';
import { cParser } from './linking';
import { showExpr } from './show-facts';

async function read(text: string): Promise<FileFacts> {
  return readFacts(await cParser(), 'a.c', text);
}

async function understood(text: string): Promise<FileFacts> {
  const facts = await read(text);
  expect(facts.problems).toEqual([]);
  return facts;
}

describe('functions and prototypes', () => {
  it('have name, place, lines, types and linkage', async () => {
    const facts = await understood(
      '\nstatic inline struct kvm *\nget(const struct kvm_vcpu *vcpu,\n    u8 regs[16], ...)\n{\n}\n',
    );
    expect(facts.functions).toEqual([
      {
        name: 'get',
        at: pos(3, 1),
        returns: 'struct kvm *',
        params: [
          { name: 'vcpu', type: 'struct kvm_vcpu *' },
          { name: 'regs', type: 'u8 *' },
          { name: '', type: '...' },
        ],
        linkage: 'static',
        inline: true,
        firstLine: 2,
        lastLine: 6,
        body: [],
      },
    ]);
    expect(facts.lines).toBe(6);
  });

  const head = ({ name, returns, params, linkage, inline }: Omit<FunctionFact, 'body'>): string =>
    `${linkage}${inline ? ' inline' : ''} <${returns}> ${name}(${params.map((p) => `<${p.type}> ${p.name}`).join(', ')})`;

  it.each([
    ['void f(void) {}', 'extern <void> f()'],
    ['void f() {}', 'extern <void> f()'],
    ['int f(int, char *) {}', 'extern <int> f(<int> , <char *> )'],
    ['static __always_inline u64 f(u64 x) {}', 'static inline <u64> f(<u64> x)'],
    ['static void __init f(void) {}', 'static <void> f()'],
    ['noinline int f(void) __must_hold(x) {}', 'extern <int> f()'],
    ['int __weak f(void) {}', 'weak <int> f()'],
    ['__weak int f(void) {}', 'weak <int> f()'],
    [
      'void f(int (*cb)(struct kvm *, u32), void *p) {}',
      'extern <void> f(<int (*)(struct kvm *, u32)> cb, <void *> p)',
    ],
    ['void f(struct kvm **a[], int m[3][4]) {}', 'extern <void> f(<struct kvm ***> a, <int (*)[4]> m)'],
    ['void f(u8 (*p)[4], int (*t[3])(int)) {}', 'extern <void> f(<u8 (*)[4]> p, <int (*[3])(int)> t)'],
    ['void f(enum e e, unsigned   long long x) {}', 'extern <void> f(<enum e> e, <unsigned long long> x)'],
    ['int FNAME(walk)(struct FNAME(walker) *w) {}', 'extern <int> FNAME(walk)(<struct FNAME(walker) *> w)'],
  ])('%s', async (text, expected) => {
    const facts = await understood(text);
    expect(facts.functions.map(head)).toEqual([expected]);
  });

  it('keep prototypes apart from variables that point to functions', async () => {
    const facts = await understood(
      'extern int f(struct kvm *kvm), *g(void);\nstatic int (*h)(void);\nint __weak w(void);',
    );
    expect(facts.prototypes.map((p) => `${p.linkage} <${p.returns}> ${p.name}`)).toEqual([
      'extern <int> f',
      'extern <int *> g',
      'weak <int> w',
    ]);
    expect(facts.variables.map((v) => `${v.linkage} <${v.type}> ${v.name}`)).toEqual(['static <int (*)()> h']);
  });

  it('keep both definitions of an #if, each with its condition', async () => {
    const facts = await understood(
      '#ifdef A\nint f(void) { return 1; }\n#else\n#if B\nint f(void) { return 2; }\n#endif\n#endif',
    );
    expect(facts.functions.map((fn) => fn.when)).toEqual([['defined(A)'], ['!(defined(A))', 'B']]);
  });

  it('have no condition by an include guard, nor by an #if that splits their head', async () => {
    const facts = await understood('#ifndef A_H\n#define A_H\nint f(void) { return 1; }\n#endif');
    expect(facts.functions.map((fn) => fn.when)).toEqual([undefined]);
    const split = await understood(
      '#ifdef CONFIG_X86_64\nint f(int a)\n#else\nint f(long a)\n#endif\n{\n\treturn a;\n}',
    );
    expect(split.functions.map((fn) => [fn.params[0]?.type, fn.when])).toEqual([['int', undefined]]);
  });
});

describe('variables', () => {
  it('carry their initialisers, entries of an #if under its condition', async () => {
    const facts = await understood(
      'static struct ops ops __initdata = {\n\t.set = f,\n#ifdef CONFIG_SMM\n\t.smm = g,\n#endif\n\t.sub = { .get = &h },\n};\nint (*table[])(int) = { [A] = a, [B ... C] = b };',
    );
    const [ops, table] = facts.variables;
    expect(ops).toMatchObject({ name: 'ops', type: 'struct ops', linkage: 'static', at: pos(1, 19) });
    expect(ops?.init && showExpr(ops.init)).toBe(
      '{.set = f, #if defined(CONFIG_SMM): .smm = g, .sub = {.get = [& h]}}',
    );
    expect(table).toMatchObject({ name: 'table', type: 'int (*[])(int)', linkage: 'global' });
    expect(table?.init && showExpr(table.init)).toBe('{[A] = a, [B ... C] = b}');
  });

  it('are one fact for each declarator', async () => {
    const facts = await understood('extern u32 a, *b, c[3];');
    expect(facts.variables.map((v) => `${v.linkage} ${v.type} ${v.name}`)).toEqual([
      'extern u32 a',
      'extern u32 * b',
      'extern u32 [3] c',
    ]);
  });
});

describe('structs', () => {
  const fieldsOf = (facts: FileFacts, name: string): string[] | undefined =>
    facts.structs
      .find((struct) => struct.name === name)
      ?.fields.map(({ name: field, type, bits, when }) => {
        const width = bits === undefined ? '' : `:${bits}`;
        return `${type} ${field}${width}${when === undefined ? '' : ` if ${when.join(' + ')}`}`;
      });

  it('have the members of anonymous ones flat, and named ones as types of their own', async () => {
    const facts = await understood(
      'struct s {\n\tu64 a;\n\tunion {\n\t\tu32 b;\n\t\tstruct { u8 c; u8 d; };\n\t};\n\tstruct { int x; } in[2];\n\tstruct named { int y; } other;\n};',
    );
    expect(fieldsOf(facts, 's')).toEqual([
      'u64 a',
      'u32 b',
      'u8 c',
      'u8 d',
      'struct s.in [2] in',
      'struct named other',
    ]);
    expect(fieldsOf(facts, 's.in')).toEqual(['int x']);
    expect(fieldsOf(facts, 'named')).toEqual(['int y']);
  });

  it('have bit-fields, pointers to functions and made fields', async () => {
    const facts = await understood(
      'union u {\n\tunsigned a:3, b : N + 1, c;\n\tunsigned :4;\n\tint (*get)(struct kvm *, const u32 __user *p);\n\tconst char *const names[3];\n' +
        '\tDECLARE_BITMAP(map, MAX);\n\tDECLARE_FLEX_ARRAY(struct e, list);\n};',
    );
    expect(facts.structs[0]?.kind).toBe('union');
    expect(fieldsOf(facts, 'u')).toEqual([
      'unsigned a:3',
      'unsigned b:N + 1',
      'unsigned c',
      'int (*)(struct kvm *, u32 *) get',
      'char *[3] names',
      'unsigned long [BITS_TO_LONGS(MAX)] map',
      'struct e [] list',
    ]);
  });

  it('say under which #if within them a field stands, through anonymous members', async () => {
    const facts = await understood(
      '#if OUT\nstruct s {\n\tint a;\n#ifdef A\n\tunion {\n\t\tint b;\n#ifdef B\n\t\tint c;\n#endif\n\t};\n#endif\n};\n#endif',
    );
    expect(facts.structs[0]?.when).toEqual(['OUT']);
    expect(fieldsOf(facts, 's')).toEqual(['int a', 'int b if defined(A)', 'int c if defined(A) + defined(B)']);
  });

  it('are named by their typedef where they have no tag', async () => {
    const facts = await understood('typedef struct { int counter; } atomic_x, *atomic_p;\ntypedef u64 gfn_x;');
    expect(facts.structs.map((struct) => struct.name)).toEqual(['atomic_x']);
    expect(facts.typedefs.map((t) => `${t.name}: ${t.type}`)).toEqual([
      'atomic_x: struct atomic_x',
      'atomic_p: struct atomic_x *',
      'gfn_x: u64',
    ]);
  });
});

describe('enumerators', () => {
  it('know their enum, value and condition, also inside structs and functions', async () => {
    const facts = await understood(
      'enum e {\n\tA,\n\tB = 1 << 3,\n#ifdef X\n\tC,\n#endif\n};\nenum { D };\nstruct s { enum { E } e; };\nvoid f(void) { enum { F } x = F; }',
    );
    expect(
      facts.enumerators.map((e) =>
        `${e.of} ${e.name} ${e.value ? showExpr(e.value) : ''} ${e.when?.join() ?? ''}`.trim(),
      ),
    ).toEqual(['e A', 'e B [1 << 3]', 'e C  defined(X)', '@8 D', '@9 E', '@10 F']);
  });
});

describe('includes and file-scope calls', () => {
  it('are read with their conditions', async () => {
    const facts = await understood(
      '#include <linux/kvm.h>\n#ifdef X\n#include "x.h"\n#endif\nmodule_init(f);\nEXPORT_SYMBOL_GPL(g);\nKVM_X86_OP(set_msr)\n' +
        '#ifdef X\nstatic DEFINE_PER_CPU(struct list_head, a_list);\n#endif\nMACRO("a, b", (c, d), { .e = f });\nDEFINE_X(x) = { g(), };\n',
    );
    expect(facts.includes).toEqual([
      { target: 'linux/kvm.h', system: true, at: pos(1, 1) },
      { target: 'x.h', system: false, at: pos(3, 1), when: ['defined(X)'] },
    ]);
    expect(facts.fileScopeCalls).toEqual([
      { name: 'module_init', at: pos(5, 1), args: ['f'] },
      { name: 'EXPORT_SYMBOL_GPL', at: pos(6, 1), args: ['g'] },
      { name: 'KVM_X86_OP', at: pos(7, 1), args: ['set_msr'] },
      { name: 'DEFINE_PER_CPU', at: pos(9, 8), args: ['struct list_head', 'a_list'], when: ['defined(X)'] },
      { name: 'MACRO', at: pos(11, 1), args: ['"a, b"', '(c, d)', '{ .e = f }'] },
      { name: 'DEFINE_X', at: pos(12, 1), args: ['x'] },
    ]);
  });
});

describe('assembler at file scope', () => {
  it('is a macro call each, and no problem', async () => {
    const facts = await understood(
      'FOP_START(a)\nFOP_FUNC(b)\n"pushf; popf \\n\\t" FOP_RET(b)\nFOP_END;\nint f(void) { return 1; }\nX(c)\nFOP_END;\n',
    );
    expect(facts.fileScopeCalls.map((call) => `${call.name}(${call.args.join()})`)).toEqual([
      'FOP_START(a)',
      'FOP_FUNC(b)',
      'X(c)',
      'FOP_END()',
    ]);
    expect(facts.functions.map((fn) => fn.name)).toEqual(['f']);
  });
});

describe('any text', () => {
  it('has facts', async () => {
    expect(await read('')).toMatchObject({ lines: 0, functions: [], problems: [] });
    expect(await read('\r\n\r\nint f(void)\r\n{\r\n\treturn 1;\r\n}\r\n')).toMatchObject({
      lines: 6,
      functions: [{ name: 'f', firstLine: 3, lastLine: 6 }],
      problems: [],
    });
    expect(await read('int f(void) { return 1; }')).toMatchObject({ lines: 1, functions: [{ name: 'f' }] });
  });

  it('that is no C is a problem with a line', async () => {
    expect((await read('int a;\nif (x) { while (1) ]]] }\n')).problems[0]).toMatchObject({ file: 'a.c', line: 2 });
    expect((await read('int a;\n#if X\nint b;\n')).problems).toEqual([
      { file: 'a.c', line: 2, message: '#if without #endif' },
    ]);
  });

  it('that is too long or binary is skipped, and said so', async () => {
    const long = await read(' '.repeat(MAX_TEXT + 1));
    expect(long.problems.map(({ message }) => message)).toEqual([
      `skipped: ${MAX_TEXT + 1} characters are more than ${MAX_TEXT}`,
    ]);
    const binary = await read('int f(void) { }\0');
    expect(binary).toMatchObject({ functions: [], problems: [{ file: 'a.c', message: 'skipped: not a text file' }] });
  });

  it('survives JSON, and gives the same facts again', async () => {
    const text =
      'struct s { int a; };\nint f(struct s *s) { return s->a ?: (u32)(1); }\n#define X(a) g(a)\nmodule_init(f);\n';
    const facts = await understood(text);
    expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
    expect(await read(text)).toEqual(facts);
    expect((await read(`${text} `)).hash).not.toBe(facts.hash);
  });
});
