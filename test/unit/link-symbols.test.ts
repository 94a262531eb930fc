import { describe, expect, it } from 'vitest';
import { evaluateCondition } from '../../extension/core/syntax/condition-value';
import type { Program } from '../../extension/core/program/program';
import { link } from './linking';

function constants(program: Program, names: string[], from?: string): (bigint | undefined)[] {
  return names.map((name) => program.symbols.constant(name, from));
}

describe('constants', () => {
  it('fold through macros, enums, bits, shifts and casts', async () => {
    const program = await link({
      'arch/x86/kvm/a.h':
        '#define A (1 << 4)\n#define B (A | BIT(9))\n#define C ((u8)0x1ff)\n#define D GENMASK_ULL(7, 4)\n#define E _BITUL(3)\n#define F(x) ((x) + 1)\n#define G F(F(1))\n#define H (~0ull)\n#define O 010\n' +
        'enum r { R0, R1, R5 = 5, R6, NR };\n',
    });
    expect(constants(program, ['A', 'B', 'C', 'D', 'E', 'G', 'O', 'R0', 'R1', 'R5', 'R6', 'NR'])).toEqual([
      16n,
      0x210n,
      0xffn,
      0xf0n,
      8n,
      3n,
      8n,
      0n,
      1n,
      5n,
      6n,
      7n,
    ]);
    expect(constants(program, ['H', 'UNKNOWN'])).toEqual([(1n << 64n) - 1n, undefined]);
  });

  it('a default is none where a definition is seen', async () => {
    const files = {
      'arch/x86/include/asm/kvm_host.h': '#define SLOTS 3\n',
      'include/linux/kvm_host.h':
        '#include <asm/kvm_host.h>\n#ifndef SLOTS\n#define SLOTS 0\n#endif\n#ifndef OTHER\n#define OTHER 1\n#endif\n#define USER (100 - SLOTS)\n',
      'arch/x86/kvm/a.c': '#include <linux/kvm_host.h>\n#define PRIVATE (USER + OTHER)\nint a[PRIVATE];\n',
    };
    const program = await link(files);
    expect(constants(program, ['SLOTS', 'USER', 'PRIVATE'], 'arch/x86/kvm/a.c')).toEqual([3n, 97n, 98n]);
  });

  it('are undefined where definitions disagree or depend on themselves', async () => {
    const program = await link({
      'arch/x86/kvm/a.h':
        '#ifdef FOO\n#define A 1\n#else\n#define A 2\n#endif\n#define L1 L2\n#define L2 L1\n#define Z (1 / 0)\n#define S (1 << 5000)',
    });
    expect(constants(program, ['A', 'L1', 'Z', 'S'])).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('of another .c file are out of sight', async () => {
    const program = await link({
      'arch/x86/kvm/a.c': '#define X 1\n',
      'arch/x86/kvm/b.c': '#define X 2\n',
      'arch/x86/kvm/c.c': 'int c;',
    });
    expect(program.symbols.constant('X', 'arch/x86/kvm/a.c')).toBe(1n);
    expect(program.symbols.constant('X', 'arch/x86/kvm/b.c')).toBe(2n);
    expect(program.symbols.constant('X', 'arch/x86/kvm/c.c')).toBeUndefined();
  });

  it('skip enumerators that the configuration switches off', async () => {
    const program = await link({
      'arch/x86/kvm/a.h': 'enum e {\n\tE0,\n#ifdef CONFIG_X86_32\n\tE_OFF,\n#endif\n\tE1,\n};',
    });
    expect(program.symbols.constant('E1')).toBe(1n);
  });
});

describe('types', () => {
  it('follow typedefs, anonymous members and nested structs', async () => {
    const program = await link({
      'arch/x86/kvm/a.h':
        'typedef unsigned long long u64;\ntypedef u64 gpa_t;\nstruct s { gpa_t *g; union { int in_union; }; struct { long x; } named; struct s *next[3]; };',
    });
    const { symbols } = program;
    expect(symbols.resolveType('gpa_t')).toBe('unsigned long long');
    expect(symbols.fieldType('struct s *', 'g')).toBe('gpa_t *');
    expect(symbols.fieldType('struct s', 'in_union')).toBe('int');
    expect(symbols.fieldType(symbols.fieldType('struct s', 'named') ?? '', 'x')).toBe('long');
    expect(symbols.fieldType('struct s', 'absent')).toBeUndefined();
  });
});

describe('conditions', () => {
  const names = { defined: (name: string) => (name === 'U' ? undefined : name === 'T'), value: () => undefined };

  it.each([
    ['defined(T) && !defined(F)', true],
    ['defined(F) && defined(U)', false],
    ['defined(T) || defined(U)', true],
    ['defined(U) && defined(T)', undefined],
    ['!(defined(T)) && (1)', false],
    ['IS_ENABLED(T)', true],
    ['2 * 3 == 6 && 1 << 3 > 7', true],
    ['(', undefined],
    ['', undefined],
    ['f(1, (2)) || 1', true],
    ['"text"', undefined],
    ['('.repeat(5000), undefined],
    ['!'.repeat(5000) + '1', undefined],
  ])('%s', (text, value) => {
    expect(evaluateCondition(text, names)).toBe(value);
  });

  it('read options from facts of Kconfig files', async () => {
    const program = await link({ 'arch/x86/kvm/a.h': '#define CONFIG_KVM_OFF 0\n#define CONFIG_KVM_ON 1\n' });
    const { symbols } = program;
    expect(symbols.isActive(['defined(CONFIG_KVM_OFF)'])).toBe(false);
    expect(symbols.isActive(['defined(CONFIG_KVM_ON)'])).toBe(true);
    expect(symbols.isActive(['defined(CONFIG_X86_32)'])).toBe(false);
    expect(symbols.isActive(['defined(CONFIG_NUMA)'])).toBe(true);
    expect(symbols.isActive(undefined)).toBe(true);
  });
});
