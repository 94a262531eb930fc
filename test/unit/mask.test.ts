import { describe, expect, it } from 'vitest';
import { maskKernelC } from '../../extension/core/syntax/mask';
import type { Rewrite } from '../../extension/core/syntax/masked';
import { cParser } from './linking';

/** What masking made of a text, white space folded, and the notes as `kind: original`. */
function masked(source: string): { text: string; notes: string[] } {
  const { text, rewrites } = maskKernelC(source);
  expect(text.length).toBe(source.length);
  return {
    text: text.replace(/\s+/g, ' ').trim(),
    notes: rewrites.map(({ kind, original }) => `${kind}: ${original}`),
  };
}

/** The same for statements, shown without the function around them. */
function inBody(statements: string): { text: string; notes: string[] } {
  const { text, notes } = masked(`void f(void) { ${statements} }`);
  expect(text.startsWith('void f(void) { ')).toBe(true);
  return { text: text.slice('void f(void) { '.length, -' }'.length), notes };
}

function notesOf(kind: Rewrite['kind'], source: string): string[] {
  return maskKernelC(source)
    .rewrites.filter((rewrite) => rewrite.kind === kind)
    .map(({ original }) => original);
}

describe('attributes', () => {
  it.each([
    ['static void __init f(void) { }', 'static void f(void) { }', ['__init']],
    ['static noinline int f(void);', 'static int f(void);', ['noinline']],
    ['void f(void) __must_hold(&k->lock) { }', 'void f(void) { }', ['__must_hold(&k->lock)']],
    ['int x __aligned(8) __read_mostly;', 'int x ;', ['__aligned(8)', '__read_mostly']],
    ['struct s { int n; u8 d[] __counted_by(n); } __packed;', 'struct s { int n; u8 d[] ; } ;', ['__counted_by(n)', '__packed']],
    ['int __printf(1, 2) f(const char *s, ...);', 'int f(const char *s, ...);', ['__printf(1, 2)']],
    ['void __attribute__((weak)) f(void) { }', 'void f(void) { }', ['__attribute__((weak))']],
    // Not in any list: its place says what it is.
    ['void f(void) __some_new_rule(a, b) { }', 'void f(void) { }', ['__some_new_rule(a, b)']],
  ])('%s', (source, text, originals) => {
    expect(masked(source).text).toBe(text);
    expect(notesOf('attribute', source)).toEqual(originals);
  }); // prettier-ignore

  it('are not seen in functions whose names look alike', () => {
    const { text, notes } = inBody('__kvm_request(v); if (__is_on(v)) __must(v);');
    expect(text).toBe('__kvm_request(v); if (__is_on(v)) __must(v);');
    expect(notes).toEqual([]);
  });

  it('leave inline standing in its standard spelling', () => {
    expect(masked('static __always_inline bool f(void) { }').text).toBe('static inline bool f(void) { }');
  });
});

describe('macro calls at file scope', () => {
  it.each([
    ['module_init(f);'],
    ['EXPORT_SYMBOL_GPL(f)'],
    ['KVM_X86_OP(vm_init)\nKVM_X86_OP_OPTIONAL(x)'],
    ['static DEFINE_MUTEX(lock);'],
    ['DEFINE_STATIC_KEY_FALSE(key);'],
    ['BUILD_ACCESSORS(rax, RAX)'],
    ['DEFINE_GUARD(srcu, struct s *, srcu_lock(_T), srcu_unlock(_T))'],
  ])('are blanked and noted: %s', (source) => {
    expect(masked(source).text).toBe('');
    expect(notesOf('file-scope-call', source).join('\n')).toBe(source);
  });

  it('end where the next item begins', () => {
    const { text, notes } = masked('BUILD_X(a)\nint f(void) { return g(); }\nmodule_exit(f);');
    expect(text).toBe('int f(void) { return g(); }');
    expect(notes).toEqual(['file-scope-call: BUILD_X(a)', 'file-scope-call: module_exit(f);']);
  });

  it.each(['int f(void);', 'f(a) { return a; }', 'extern int (*fn)(void);', 'typeof(x) y;', 'struct s s = { F(1) };'])(
    'are not seen in %s',
    (source) => {
      expect(notesOf('file-scope-call', source)).toEqual([]);
    },
  );

  it('make fields in a struct, which stays a struct', () => {
    const { text, notes } = masked('struct s { int a; DECLARE_BITMAP(map, 64); int (*cb)(struct s *); };');
    expect(text).toBe('struct s { int a; int (*cb)(struct s *); };');
    expect(notes).toEqual(['other: DECLARE_BITMAP(map, 64);']);
  });
});

describe('declarations by macro', () => {
  it('name a field through a macro', () => {
    const { text, notes } = masked('struct s { u8 HINT_UNSAFE(exit); u8 (*fn)(u8); };');
    expect(text).toBe('struct s { u8 exit ; u8 (*fn)(u8); };');
    expect(notes).toEqual(['other: HINT_UNSAFE(', 'other: )']);
  });

  it('are calls in a function, static or not', () => {
    expect(inBody('static DEFINE_MUTEX(lock); DECLARE_BITMAP(map, 64); static int x = f(1);').text).toBe(
      'DEFINE_MUTEX(lock); DECLARE_BITMAP(map, 64); static int x = f(1);',
    );
  });
});

describe('operators without an operand', () => {
  it.each(['= - ', ', * ', ') ++ ', '; sizeof ', '.a = '])('are blanked where they come in hundreds: %j', (piece) => {
    const { faults, text } = maskKernelC(piece.repeat(500));
    expect(faults.map(({ message }) => message)).toEqual([expect.stringContaining('not C')]);
    // The first `.a` begins an entry.
    expect(text.slice(1)).not.toMatch(/[-*+.]|sizeof/);
  });

  it.each(['x = ;', 'x = - ;', 'g(a, * , b);'])('stand as they are one by one: %s', (source) => {
    expect(maskKernelC(`void f(void) { ${source} }`)).toMatchObject({ rewrites: [], faults: [] });
  });

  it.each([
    'i++; ',
    '(*p)++; ',
    'f(int *, u8 **); ',
    'int (*)(void); ',
    'int *, ',
    'x = -1; y -= *p; ',
    '.a = - 1, ',
    'g(&a, !b); ',
  ])('are none of those in %j, however often', (piece) => {
    expect(maskKernelC(`void f(void) { ${piece.repeat(500)} }`).faults).toEqual([]);
  });
});

describe('loop macros', () => {
  it.each([
    ['for_each_vcpu(i, v) { g(v); }', 'while (i, v) { g(v); }'],
    ['for_each_vcpu(i, v) g(v);', 'while (i, v) g(v);'],
    ['for_each_vcpu(i, v) *p = v;', 'while (i, v) *p = v;'],
    ['for_each_vcpu(i, v) *(u64 *)p = 0;', 'while (i, v) *(u64 *)p = 0;'],
    ['for_each_vcpu(i, v) if (g(v)) break;', 'while (i, v) if (g(v)) break;'],
    ['if (a) for_each_vcpu(i, v) g(v); else h();', 'if (a) while (i, v) g(v); else h();'],
    ['for_each_a(x) for_each_b(y) g(x, y);', 'while (x) while (y) g(x, y);'],
    ['out: for_each_a(x) g(x);', 'out: while (x) g(x);'],
    ['scoped_guard(mutex, &l) { g(); }', 'while (mutex, &l) { g(); }'],
    ['anything_goes(x) { g(x); }', 'while (x) { g(x); }'],
  ])('%s', (source, text) => {
    expect(inBody(source).text.replace(/while +/g, 'while ')).toBe(text);
    expect(notesOf('loop', `void f(void) { ${source} }`)).toEqual(source.match(/\b(?:for_each_\w+|scoped_guard|anything_goes)/g));
  }); // prettier-ignore

  it.each([
    'getter(x); helper(x);',
    'if (getter(x)) { }',
    'while (getter(x)) helper();',
    'do { getter(); } while (helper(x));',
    'a = getter(x) * helper(x);',
    'return getter(x) + 1;',
    'a ? getter(x) : helper(x);',
    'y = a ? getter(x) : helper(x) * z;',
    'sizeof(x);',
  ])('are not seen in %s', (source) => {
    expect(inBody(source)).toEqual({ text: source, notes: [] });
  });
});

it('a macro without a semicolon among fields heads no loop', () => {
  expect(notesOf('loop', 'struct s { begin_group(a) int b; };')).toEqual([]);
});

describe('types as arguments', () => {
  it.each([
    ['x = container_of(p, struct foo, m);', ['struct foo']],
    ['x = min_t(unsigned long, a, b);', ['unsigned long']],
    ['x = container_of(p, struct foo *, m);', ['struct foo *']],
    ['x = f(g(u8 *, 1), const char **);', ['u8 *', 'const char **']],
    ['x = list_first_entry(l, typeof(*w), q);', ['typeof(*w)']],
  ])('are words of the same length in %s', (source, originals) => {
    const { text } = inBody(source);
    expect(notesOf('type-argument', `void f(void) { ${source} }`)).toEqual(originals);
    for (const original of originals) expect(text).not.toContain(original);
  });

  it('are not seen in products, casts and parameter lists', () => {
    for (const source of ['x = f(a * b, *p, (u32)x, (u8 *)p);', 'x = sizeof(struct foo);'])
      expect(inBody(source)).toEqual({ text: source, notes: [] });
    const prototype = 'int f(struct foo *, unsigned long); struct s { int (*cb)(struct s *); };';
    expect(masked(prototype)).toEqual({ text: prototype, notes: [] });
  });
});

describe('other macros in statements', () => {
  it('case ranges become an alternative, noted', () => {
    const { text, notes } = inBody('switch (x) { case A ... B: g(); case 1: h(a ? b : c); }');
    expect(text).toBe('switch (x) { case A || B: g(); case 1: h(a ? b : c); }');
    expect(notes).toEqual(['case-range: ...']);
  });

  it('macros as case labels become case labels', () => {
    const { text, notes } = inBody('switch (x) { GROUP64(AB): CASES(CD): g(); default: h(); }');
    expect(text).toMatch(/^switch \(x\) \{ case \w+: case \w+: g\(\); default: h\(\); \}$/);
    expect(notes).toEqual(['label-macro: GROUP64(AB)', 'label-macro: CASES(CD)']);
  });

  it('a template name is one word, where it defines and where it is called', () => {
    const { text, notes } = masked('static int FNAME(walk)(int a) { return FNAME(next)(a); }');
    expect(text).toBe('static int FNAME_walk_(int a) { return FNAME_next_(a); }');
    expect(notes).toEqual(['template-name: FNAME(walk)', 'template-name: FNAME(next)']);
  });

  it('a trailing comma in a call goes', () => {
    expect(inBody('g(a, b, );').text).toBe('g(a, b );');
  });

  it('a path within offsetof stays an expression', async () => {
    const source = 'int x = offsetof(struct s, a.b[2].c) + __alignof__(struct s);';
    const tree = (await cParser()).parse(maskKernelC(source).text);
    expect(tree?.rootNode.hasError).toBe(false);
    tree?.delete();
  });
});

describe('inline assembler', () => {
  it('is a call of its operands, outputs first', () => {
    const source = 'asm volatile("vmread %1, %0" : "=r"(value), "+m" (*p) : "r"(f(field)) : "cc", "memory");';
    const { text } = inBody(source);
    expect(text.replace(/\s/g, '')).toBe('_a_((value),(*p),(f(field)));');
    const [note] = maskKernelC(`void f(void) { ${source} }`).rewrites;
    expect(note).toMatchObject({ kind: 'asm', outputs: 2, original: source.slice(0, -1) });
  });

  it('may jump, may have macros for operands, and may be without any', () => {
    expect(inBody('asm goto("1: jmp %l[out]" : : [r] "r"(x) : "cc" : out);').text.replace(/\s/g, '')).toBe('_a_((x));');
    expect(inBody('asm("nop");').text.replace(/\s/g, '')).toBe('_a_();');
    expect(inBody('asm volatile(INSN(a) : OUT(b) : "r"(c));').text.replace(/\s/g, '')).toBe('_a_((c));');
  });
});

it('masked kernel C has no syntax error where the source has many', async () => {
  const source = `
KVM_X86_OP(vm_init)
static __always_inline void __must_hold(l) f(struct s *s)
{
	for_each_vcpu(i, v)
		g(container_of(v, struct t, x));
	switch (x) {
	case A ... B:
	GROUP(C):
		asm goto("x" : : "r" (x) : : out);
	}
#ifdef CONFIG_A
	if (a)
		return;
	else
#endif
		FNAME(h)(s, );
}
EXPORT_SYMBOL_GPL(f)
`;
  const parser = await cParser();
  const errors = (text: string): boolean => {
    const tree = parser.parse(text);
    const has = tree?.rootNode.hasError ?? true;
    tree?.delete();
    return has;
  };
  expect(errors(source)).toBe(true);
  expect(errors(maskKernelC(source).text)).toBe(false);
});
