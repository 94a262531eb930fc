import { describe, expect, it } from 'vitest';
import { maskKernelC } from '../../extension/core/syntax/mask';
import { referenceValue } from '../../extension/core/syntax/reference-value';

const lines = (...all: string[]): string => `${all.join('\n')}\n`;

/** Branches as `+` kept, `!` chosen for all, `-` dropped, with condition and text. */
function branches(source: string): string[] {
  return maskKernelC(source).branches.map(({ start, end, when, dropped, chosen }) => {
    const sign = dropped ? '-' : chosen === true ? '!' : '+';
    return `${sign} ${when}: ${source.slice(start, end).trim().replace(/\s+/g, ' ')}`;
  });
}

describe('directives', () => {
  it('are blanked, continuation lines too, and nothing else is', () => {
    const source = lines('#define A(x) \\', '\tf(x)', 'int a; /* c */', '  # pragma once', '// #if', 'int b;');
    expect(maskKernelC(source).text).toBe(
      lines('              ', '     ', 'int a;        ', '               ', '      ', 'int b;'),
    );
  });

  it('give macros with their parameters and their body at its place', () => {
    const source = lines('#define N 4 /* four */', '#define F(a, b...)\\', '\tg(a, ##b)');
    const [object, fn] = maskKernelC(source).defines;
    expect(object).toMatchObject({ name: 'N', body: ' 4           ' });
    expect(object?.params).toBeUndefined();
    expect(fn).toMatchObject({ name: 'F', params: ['a', 'b...'] });
    expect(source.slice(fn?.nameStart).startsWith('F(')).toBe(true);
    // Unit for unit: an offset in the body is an offset in the file.
    expect(source.indexOf('g(a')).toBe((fn?.bodyStart ?? 0) + (fn?.body.indexOf('g(a') ?? 0));
    expect(fn?.body).not.toMatch(/[\\\n]/);
  });

  it('give includes', () => {
    const { includes } = maskKernelC(lines('#include <linux/kvm.h>', ' #  include "x86.h"', '#include MACRO'));
    expect(includes.map(({ target, system }) => [target, system])).toEqual([
      ['linux/kvm.h', true],
      ['x86.h', false],
    ]);
  });

  it('are none within a comment, a string or a continued line comment', () => {
    const source = lines('/*', '#if A', '*/', 'char *s = "\\', '#else";', '// \\', '#endif', 'int x;');
    expect(maskKernelC(source)).toMatchObject({ branches: [], faults: [] });
  });

  it.each([
    ['#endif without #if', '#endif\n'],
    ['#else without #if', '#else\n'],
    ['#if without #endif', '#if A\nint x;\n'],
    ['a comment is not closed', 'int x; /* y\n'],
    ['#if nested too deeply', '#if A\n'.repeat(101) + '#endif\n'.repeat(101)],
  ])('that do not pair are faults: %s', (message, source) => {
    expect(maskKernelC(source).faults.map((fault) => fault.message)).toEqual([message]);
  });
});

describe('conditions of branches', () => {
  it('are positive, and those of later branches deny the earlier ones', () => {
    const source = lines(
      '#ifdef A',
      'int a;',
      '#elif B > 1',
      'int b;',
      '#elifdef C',
      'int c;',
      '#else',
      'int d;',
      '#endif',
    );
    expect(branches(source)).toEqual([
      '+ defined(A): int a;',
      '+ !(defined(A)) && (B > 1): int b;',
      '+ !(defined(A)) && !(B > 1) && (defined(C)): int c;',
      '+ !(defined(A)) && !(B > 1) && !(defined(C)): int d;',
    ]);
  });

  it('leave include guards out, but not a default for a macro', () => {
    const guarded = lines(
      '/* SPDX */',
      '#ifndef A_H',
      '#define A_H',
      '#ifdef X',
      'int x;',
      '#endif',
      '#endif /* A_H */',
    );
    expect(branches(guarded)).toEqual(['+ defined(X): int x;']);
    const byDefault = lines('#ifndef LIMIT', '#define LIMIT 4', '#endif', 'int x[LIMIT];');
    expect(branches(byDefault)).toEqual(['+ !(defined(LIMIT)): #define LIMIT 4']);
  });

  it.each([
    ['CONFIG_KVM && !CONFIG_X86_32', true],
    ['defined(CONFIG_KVM) && defined MODULE', false],
    ['IS_ENABLED(CONFIG_HYPERV) || UNKNOWN', true],
    ['!(defined(CONFIG_S390))', true],
    ['0', false],
    ['UNKNOWN', undefined],
    ['UNKNOWN && 0', false],
    ['(CONFIG_KVM) > 1', undefined],
    ['CONFIG_NR == (2) && 0', false],
    ['f(CONFIG_A, (b)) || 1', true],
    ['', undefined],
  ])('%j is %s in the reference configuration', (condition, value) => {
    expect(referenceValue(condition)).toBe(value);
  });

  it.each(['('.repeat(100_000), '!'.repeat(100_001), ') ('.repeat(1000)])('are answered whatever they say', (text) => {
    expect(referenceValue(text)).toBeUndefined();
  });
});

describe('branches of an #if', () => {
  const kept = (...source: string[]): string => maskKernelC(lines(...source)).text.replace(/\s+/g, ' ').trim();

  it.each([
    ['items at file scope', ['#ifdef A', 'int f(void) { return 1; }', '#else', 'int f(void) { return 0; }', '#endif']],
    ['statements', ['void f(void) {', '#ifdef A', 'a();', '#else', 'b();', '#endif', '}']],
    ['cases', ['void f(int x) { switch (x) {', '#ifdef A', 'case 1:', '#endif', 'case 2: g(); } }']],
    ['fields', ['struct s {', 'int a;', '#ifdef A', 'int b;', '#endif', '};']],
    ['enumerators', ['enum {', 'X,', '#ifdef A', 'Y,', '#endif', 'Z };']],
    ['entries of an initialiser', ['struct s s = {', '.a = 1,', '#ifdef A', '.b = f,', '#else', '.b = g,', '#endif', '};']],
    ['a last entry without its comma', ['int a[] = {', '1,', '#ifdef A', '2', '#endif', '};']],
    ['macro calls at file scope', ['#ifdef A', 'KVM_X86_OP(x)', '#else', 'KVM_X86_OP(y)', '#endif']],
  ])('are all kept where each is whole: %s', (_, source) => {
    expect(branches(lines(...source)).every((branch) => branch.startsWith('+'))).toBe(true);
  });

  it('are chosen from where they split an expression', () => {
    const source = ['int f(void) { return a(', '#ifdef CONFIG_SMP', 'b)', '#else', 'c)', '#endif', '+ 1; }'];
    expect(kept(...source)).toBe('int f(void) { return a( b) + 1; }');
    expect(branches(lines(...source))).toEqual(['! defined(CONFIG_SMP): b)', '- !(defined(CONFIG_SMP)): c)']);
  });

  it('are chosen from where one ends in else: the call behind it is not lost', () => {
    const source = ['void f(void) {', '#ifdef CONFIG_X86_64', 'if (a())', 'b();', 'else', '#endif', 'c();', '}'];
    expect(kept(...source)).toBe('void f(void) { if (a()) b(); else c(); }');
  });

  it('are chosen from where one begins with else, or continues a brace', () => {
    const tail = ['void f(void) { if (a) b();', '#ifdef CONFIG_A', 'else if (c) d();', '#endif', '}'];
    expect(kept(...tail)).toBe('void f(void) { if (a) b(); else if (c) d(); }');
    const brace = ['void f(void) { if (a) {', '#ifdef MODULE', '} else if (b) {', 'c();', '#endif', '} }'];
    expect(kept(...brace)).toBe('void f(void) { if (a) { } }');
  });

  it('are chosen from where they are heads of one body', () => {
    const source = ['#ifdef CONFIG_X86_32', 'int f(int a)', '#else', 'int f(long a)', '#endif', '{ return g(a); }'];
    expect(kept(...source)).toBe('int f(long a) { return g(a); }');
  });

  it('are chosen the first of where none can be told', () => {
    expect(kept('int x = f(', '#if A', '1', '#elif B', '2', '#else', '3', '#endif', ');')).toBe('int x = f( 1 );');
  });

  it('are none of them kept where all are off', () => {
    expect(kept('int x = 1', '#if 0', '+ f()', '#endif', ';')).toBe('int x = 1 ;');
  });

  it('are judged without the brackets of those that were dropped', () => {
    const split = ['#ifdef CONFIG_A', 'if (a(', '#else', 'if (b((', '#endif', 'c)) d();'];
    const whole = ['#ifdef X', 'e();', '#else', 'g();', '#endif'];
    const after = branches(lines('void f(void) {', ...split, ...whole, '}')).slice(2);
    expect(after).toEqual(['+ defined(X): e();', '+ !(defined(X)): g();']);
  });

  it('are judged after inner ones have been settled', () => {
    const source = ['int x = f(', '#ifdef CONFIG_A', '#ifdef CONFIG_X86_32', '1', '#else', '2', '#endif', '#else', '3', '#endif', ');'];
    expect(kept(...source)).toBe('int x = f( 2 );');
  });
}); // prettier-ignore
