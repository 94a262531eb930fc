import { describe, expect, it } from 'vitest';
import { columnOf, lineOf, type FileFacts, type Stmt } from '../../extension/core/syntax/facts';
import { readFacts } from '../../extension/core/syntax/read-facts';
import { cParser } from './linking';
import { showStmts } from './show-facts';

/** The facts of a function with this body, which begins in line 3. */
async function read(body: string): Promise<FileFacts> {
  return readFacts(await cParser(), 'a.c', `int f(int a)\n{\n${body}\n}\n`);
}

async function body(text: string): Promise<readonly Stmt[]> {
  const facts = await read(text);
  expect(facts.problems).toEqual([]);
  expect(facts.functions).toHaveLength(1);
  return facts.functions[0]?.body ?? [];
}

async function shown(text: string): Promise<string> {
  return showStmts(await body(text));
}

describe('a statement', () => {
  it.each([
    ['if (a) f(); else if (b) { g(); } else h();', 'if (a) { f(); } else { if (b) { g(); } else { h(); } }'],
    ['if (a) ;', 'if (a) {}'],
    ['while (a--) { if (b) break; continue; }', 'while ([a --]) { if (b) { break; } continue; }'],
    ['do { f(); } while (a && b);', 'do ([a && b]) { f(); }'],
    ['for (i = 0; i < n; i++, j--) f(i);', 'for ([i = 0]; [i < n]; [[i ++] , [j --]]) { f(i); }'],
    ['for (int i = 0, j = 1; ; ) f(i);', 'for (<int> i = 0; <int> j = 1; ; ) { f(i); }'],
    ['for (;;) f();', 'for ( ; ) { f(); }'],
    ['goto out;\nout:\n\treturn -EINVAL;', 'goto out; out: return [- EINVAL];'],
    ['return;', 'return;'],
    ['{ f(); { g(); } }', '{ f(); { g(); } }'],
    ['a = b;;', '[a = b];'],
  ])('%s', async (text, expected) => {
    expect(await shown(text)).toBe(expected);
  });

  it('keeps the controlling text as written, white space folded', async () => {
    const [first, second, third] = await body(
      'if (unlikely(a &&\t/* why */\n\t    is_td(kvm))) return (a);\nfor (i = 0;  i < n;\n i++) ;\nswitch (x /* y */) { }',
    );
    expect(first).toMatchObject({ k: 'if', text: 'unlikely(a && is_td(kvm))', then: [{ k: 'return', text: '(a)' }] });
    expect(second).toMatchObject({ k: 'loop', text: 'i = 0; i < n; i++' });
    expect(third).toMatchObject({ k: 'switch', text: 'x' });
  });

  it('stands where its first character does', async () => {
    const stmts = await body('\tif (a)\n\t\tx = 1;\n  out: return a;');
    const places = stmts.map((s) => `${s.k} ${lineOf(s.at)}:${columnOf(s.at)}`);
    expect(places).toEqual(['if 3:2', 'label 5:3', 'return 5:8']);
  });
});

describe('a switch', () => {
  it('has its labels flat among the statements', async () => {
    expect(
      await shown('switch (a) { case 1: case 2: f(); break; case A ... B + 1: g(); fallthrough; default: h(); }'),
    ).toBe('switch (a) { case 1: case 2: f(); break; case A ... [B + 1]: g(); fallthrough; default: h(); }');
  });

  it('reads a macro of labels as a call', async () => {
    expect(await shown('switch (a) {\ncase 1:\n\tf();\n\tbreak;\nGROUP(x, 2):\n\tg();\n\tbreak;\n}')).toBe(
      'switch (a) { case 1: f(); break; case GROUP(x, 2): g(); break; }',
    );
  });

  it('keeps what follows a conditional label outside of its condition', async () => {
    expect(await shown('switch (a) {\n#ifdef CONFIG_X\ncase 1:\n#endif\ncase 2:\n\tf();\n\tbreak;\n}')).toBe(
      'switch (a) { #if defined(CONFIG_X) { case 1: } case 2: f(); break; }',
    );
    expect(await shown('switch (a) {\ncase 2:\n#ifdef CONFIG_X\ncase 1:\n#endif\n\tf();\n\tbreak;\n}')).toBe(
      'switch (a) { case 2: #if defined(CONFIG_X) { case 1: } f(); break; }',
    );
  });
});

describe('a declaration', () => {
  it.each([
    ['struct kvm_vcpu *vcpu = x, **pp;', '<struct kvm_vcpu *> vcpu = x; <struct kvm_vcpu **> pp;'],
    ['const u8 buf[N + 1] = { 1 }, *p;', '<u8 [N + 1]> buf = {1}; <u8 *> p;'],
    ['static unsigned   long x;', 'static <unsigned long> x;'],
    ['int (*hook)(struct kvm *kvm, u32) = g;', '<int (*)(struct kvm *, u32)> hook = g;'],
    ['struct page *page __free(put_page) = get();', '<struct page *> page cleanup(put_page) = get();'],
    ['int r __maybe_unused;', '<int> r;'],
    ['typeof(a) b = a;', '<typeof(a)> b = a;'],
    ['enum { A, B } e = A;', '<enum> e = A;'],
  ])('%s', async (text, expected) => {
    expect(await shown(text)).toBe(expected);
  });
});

describe('what only looks like C', () => {
  it.each([
    [
      'list_for_each_entry(p, &head, list)\n\tif (p->x)\n\t\thit(p);',
      'each list_for_each_entry(p, [& head], list) { if (p->x) { hit(p); } }',
    ],
    ['kvm_for_each_vcpu(i, vcpu, kvm) { f(vcpu); }', 'each kvm_for_each_vcpu(i, vcpu, kvm) { f(vcpu); }'],
    ['for_each_x(p, (struct q *)n, f(a, b)) g();', 'each for_each_x(p, [<struct q *> n], f(a, b)) { g(); }'],
    ['for_each_x(p)\n\t*(u64 *)(p + 1) = 0;', 'each for_each_x(p) { [[* [<u64 *> [p + 1]]] = 0]; }'],
    ['guard(srcu)(&kvm->srcu);\nf();', 'guard srcu([& kvm->srcu]); f();'],
    ['scoped_guard(mutex, &kvm->lock) { f(); }\ng();', 'scoped_guard mutex([& kvm->lock]) { f(); } g();'],
    [
      'scoped_cond_guard(mutex_intr, return -EINTR, &l) f();',
      'scoped_cond_guard mutex_intr(OPAQUE(return -EINTR), [& l]) { f(); }',
    ],
    ['CLASS(fd, f)(n);\nuse(f);', 'CLASS fd f(n); use(f);'],
  ])('%s', async (text, expected) => {
    expect(await shown(text)).toBe(expected);
  });

  it.each([
    ['asm volatile("x" : "=r" (a), [q] "+m" (*b) : "r" (c + 1) : "memory");', 'asm(a, [* b] : [c + 1]);'],
    ['asm volatile("nop");', 'asm( : );'],
    ['asm goto("jmp %l[bad]" : : "r" (a) : "cc" : bad, out);\nout: bad: f();', 'asm( : a : bad, out); out: bad: f();'],
    ['asm_goto_output("1: x" : [o] "=r" (v) : [f] "r" (field) : : fault);', 'asm(v : field : fault);'],
  ])('%s', async (text, expected) => {
    expect(await shown(text)).toBe(expected);
  });
});

describe('#if in a body', () => {
  it('wraps the statements of each branch, in order', async () => {
    expect(await shown('a();\n#ifdef CONFIG_X\nb();\nc();\n#elif FOO > 3\nd();\n#else\ne();\n#endif\ng();')).toBe(
      'a(); #if defined(CONFIG_X) { b(); c(); } #if !(defined(CONFIG_X)) && (FOO > 3) { d(); } ' +
        '#if !(defined(CONFIG_X)) && !(FOO > 3) { e(); } g();',
    );
  });

  it('nests', async () => {
    expect(await shown('#if A\na();\n#ifdef B\nb();\n#endif\nif (x) {\n#ifdef C\nc();\n#endif\n}\n#endif')).toBe(
      '#if A { a(); #if defined(B) { b(); } if (x) { #if defined(C) { c(); } } }',
    );
  });

  it('after a label does not take the label along', async () => {
    expect(await shown('out:\n#ifdef CONFIG_X\n\tf();\n#endif\n\treturn a;')).toBe(
      'out: #if defined(CONFIG_X) { f(); } return a;',
    );
    expect(await shown('#ifdef CONFIG_X\nout:\n#endif\n\tf();')).toBe('#if defined(CONFIG_X) { out: } f();');
  });

  it('that splits a statement leaves one reading of it, without a condition', async () => {
    expect(await shown('#ifdef CONFIG_X86_64\nif (a) {\n#else\nif (b) {\n#endif\n\tf();\n}\ng();')).toBe(
      'if (a) { f(); } g();',
    );
    expect(await shown('#ifdef CONFIG_X86_64\nif (a)\n\tg();\nelse\n#endif\n\tf();')).toBe(
      'if (a) { g(); } else { f(); }',
    );
    expect(await shown('f(a,\n#ifdef CONFIG_X86_64\n  b,\n#endif\n  c);')).toBe('f(a, b, c);');
  });
});

describe('a body that is broken', () => {
  it('is a problem with its line, and the rest is read', async () => {
    const facts = await read('\ta();\n\tif (;\n\tb();');
    expect(facts.problems.length).toBeGreaterThan(0);
    for (const problem of facts.problems) expect(problem).toMatchObject({ file: 'a.c', line: 4 });
    expect(showStmts(facts.functions[0]?.body ?? [])).toContain('a();');
    expect(showStmts(facts.functions[0]?.body ?? [])).toContain('b();');
  });

  it('is told where nesting is beyond reading', async () => {
    const facts = await read(`return ${'a + '.repeat(3000)}a;`);
    expect(facts.problems).toEqual([{ file: 'a.c', line: 3, message: 'nested too deeply' }]);
  });
});
