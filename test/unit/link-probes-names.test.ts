import { describe, it } from 'vitest';
import { F } from './probe-code';
import { check, type Probes } from './probes';

/** Which definition a name means, and where in a body calls stand. */
const DEFINITIONS: Probes = {
  'a static means its own file': {
    c: {
      'arch/x86/kvm/a.c': 'static void f(void) {}\nvoid a(void) { f(); }',
      'arch/x86/kvm/b.c': 'static void f(void) {}\nvoid b(void) { f(); }',
    },
    calls: { a: 'a.c:f', b: 'b.c:f' },
  },
  'a static of another file is out of sight': {
    c: { 'arch/x86/kvm/a.c': 'static void f(void) {}\n', 'arch/x86/kvm/b.c': 'void b(void) { f(); }' },
    calls: { b: '' },
  },
  'a static wins over an external of the same name': {
    c: {
      'arch/x86/kvm/a.c': 'void f(void) {}\n',
      'arch/x86/kvm/b.c': 'static void f(void) {}\nvoid b(void) { f(); }',
      'arch/x86/kvm/c.c': 'void f(void);\nvoid c(void) { f(); }',
    },
    calls: { b: 'b.c:f', c: 'a.c:f' },
  },
  'a static passed on keeps its file': {
    c: {
      'arch/x86/kvm/a.c': 'static void f(void) {}\nvoid a(void) { each(f); }',
      'arch/x86/kvm/b.c': 'static void f(void) {}\nvoid each(void (*fn)(void)) { fn(); }',
    },
    calls: { each: 'a.c:f' },
  },
  'a static in a table keeps its file': {
    c: {
      'arch/x86/kvm/t.h': 'struct t { void (*go)(void); };',
      'arch/x86/kvm/a.c': '#include "t.h"\nstatic void f(void) {}\nstruct t one = { .go = f };',
      'arch/x86/kvm/b.c': '#include "t.h"\nstatic void f(void) {}\nvoid run(struct t *t) { t->go(); }',
    },
    calls: { run: 'a.c:f' },
  },
  'both of an undecided #if are kept': {
    c: '#ifdef SOME_SWITCH\nstatic void f(void) { g(); }\n#else\nstatic void f(void) { h(); }\n#endif\nstatic void g(void) {}\nstatic void h(void) {}\nvoid run(void) { f(); }',
    calls: { run: 'x86.c:f x86.c:f#2', 'x86.c:f': 'g', 'x86.c:f#2': 'h' },
  },
  'of an option that is on one is live': {
    c: '#ifdef CONFIG_KVM_SMM\nstatic void f(void) { g(); }\n#else\nstatic void f(void) { h(); }\n#endif\nstatic void g(void) {}\nstatic void h(void) {}\nvoid run(void) { f(); }',
    calls: { run: 'x86.c:f', 'x86.c:f': 'g', 'x86.c:f#2': '' },
  },
  'a stub in the header yields to the definition': {
    c: {
      'arch/x86/kvm/x.h': '#if IS_ENABLED(CONFIG_KVM_XEN)\nvoid f(void);\n#else\nstatic inline void f(void) {}\n#endif',
      'arch/x86/kvm/xen.c': 'void f(void) {}\n',
      'arch/x86/kvm/a.c': '#include "x.h"\nvoid run(void) { f(); }',
    },
    calls: { run: 'xen.c:f' },
  },
  'a stub of a 32-bit build is off': {
    c: '#ifdef CONFIG_X86_64\nstatic void f(void) {}\n#else\n#define f() g()\n#endif\nstatic void g(void) {}\nvoid run(void) { f(); }',
    calls: { run: 'f' },
  },
  'a strong definition wins over a weak one': {
    c: {
      'virt/kvm/main.c': 'void __weak f(void) {}\nvoid run(void) { f(); }',
      'arch/x86/kvm/x86.c': 'void f(void) {}',
    },
    calls: { run: 'x86.c:f' },
  },
  'an attribute spells a weak one too': {
    c: {
      'virt/kvm/main.c': 'void __attribute__((weak)) f(void) {}\nvoid run(void) { f(); }',
      'arch/x86/kvm/x86.c': 'void f(void) {}',
    },
    calls: { run: 'x86.c:f' },
  },
  'a weak one alone is called': {
    c: 'void __weak f(void) {}\nvoid run(void) { f(); }',
    calls: { run: 'f' },
  },
  'a static inline of a header is called from all that include it': {
    c: {
      'arch/x86/kvm/x.h': 'static inline void f(void) { g(); }',
      'arch/x86/kvm/a.c': '#include "x.h"\nvoid g(void) {}\nvoid a(void) { f(); }',
      'arch/x86/kvm/b.c': '#include "x.h"\nvoid b(void) { f(); }',
    },
    calls: { a: 'f', b: 'f', f: 'g' },
  },
  'static inlines of two headers are told apart by the include': {
    c: {
      'arch/x86/kvm/vmx/v.h': 'static inline void f(void) {}',
      'arch/x86/kvm/svm/s.h': 'static inline void f(void) {}',
      'arch/x86/kvm/vmx/v.c': '#include "v.h"\nvoid v(void) { f(); }',
      'arch/x86/kvm/svm/s.c': '#include "s.h"\nvoid s(void) { f(); }',
    },
    calls: { v: 'v.h:f', s: 's.h:f' },
  },
  'a header that another header includes is seen': {
    c: {
      'arch/x86/kvm/x.h': '#include "y.h"',
      'arch/x86/kvm/y.h': 'static inline void f(void) {}',
      'arch/x86/kvm/a.c': '#include "x.h"\nvoid run(void) { f(); }',
    },
    calls: { run: 'f' },
  },
  'a function named like a slot is not the slot': {
    c: 'struct kvm_x86_ops { void (*go)(void); };\nstruct kvm_x86_ops kvm_x86_ops;\n#define kvm_x86_call(f) static_call(kvm_x86_##f)\n#define KVM_X86_OP(func) DECLARE_STATIC_CALL(kvm_x86_##func, *(((struct kvm_x86_ops *)0)->func));\nvoid go(void) {}\nvoid run(void) { kvm_x86_call(go)(); }',
    calls: { run: '' },
  },
  'a local variable hides the function of its name': {
    c: 'static void f(void) {}\nstatic void g(void) {}\nvoid run(void) { void (*f)(void) = g; f(); }',
    calls: { run: 'g' },
  },
  'a parameter hides the function of its name': {
    c: 'static void f(void) {}\nstatic void g(void) {}\nstatic void each(void (*f)(void)) { f(); }\nvoid run(void) { each(g); }',
    calls: { each: 'g' },
  },
  'recursion is an edge': {
    c: 'void f(int n) { if (n) f(n - 1); }',
    calls: { f: 'f' },
  },
  'an old alias of a function is the function': {
    c: 'static void f_new(void) {}\n#define f_old f_new\nvoid run(void) { f_old(); }',
    calls: { run: 'f_new' },
  },
  'svm code does not call a vmx function by name': {
    c: {
      'arch/x86/kvm/vmx/v.c': 'static void f(void) {}\n',
      'arch/x86/kvm/svm/s.c': 'void run(void) { f(); }',
    },
    calls: { run: '' },
  },
  'attributes before the name': {
    c: 'static noinline __maybe_unused int f(int x) { return x; }\nstatic __always_inline void __init g(void) { f(1); }\nnoinstr void run(void) { g(); }',
    calls: { g: 'f', run: 'g' },
  },
  'attributes after the parameters': {
    c: 'static void f(void) __acquires(x) { g(); }\nstatic void g(void) __must_hold(y)\n{ }\nvoid run(void) { f(); }',
    calls: { run: 'f', f: 'g' },
  },
  'a return type on its own line': {
    c: 'static const struct s * const *\nf(int x)\n{ return 0; }\nvoid\nrun(void)\n{ f(1); }',
    calls: { run: 'f' },
  },
  'a head in both arms of an #if': {
    c: '#ifdef SOME_SWITCH\nstatic void f(int a)\n#else\nstatic void f(long a)\n#endif\n{ g(); }\nstatic void g(void) {}\nvoid run(void) { f(1); }',
    calls: { g: '' },
  },
  'annotated parameters': {
    c: 'static int f(struct s __user *p, u32 __percpu *q, int n __maybe_unused) { return n; }\nint run(void) { return f(0, 0, 1); }',
    calls: { run: 'f' },
  },
  'a static prototype first': {
    c: 'static int f(int x);\nint run(void) { return f(1); }\nstatic int f(int x) { return x; }',
    calls: { run: 'f' },
  },
  'extern inline': {
    c: 'extern inline int f(int x) { return x; }\nint run(void) { return f(1); }',
    calls: { run: 'f' },
  },
  'vmx code does not call the static inline of svm': {
    c: { 'arch/x86/kvm/svm/s.h': 'static inline void f(void) {}', 'arch/x86/kvm/vmx/v.c': 'void run(void) { f(); }' },
    calls: { run: '' },
  },
};

/** Every place in a body that a call can stand at. */
const PLACES: Probes = {
  'an if': { c: `${F}void run(int a) { if (f(a)) g(a); }`, calls: { run: 'f g' } },
  'an else without braces': { c: `${F}void run(int a) { if (a) ; else f(a); }`, calls: { run: 'f' } },
  'an else behind #ifdef': {
    c: `${F}void run(int a) {\n#ifdef CONFIG_X86_64\n\tif (a)\n\t\tf(a);\n\telse\n#endif\n\t\tg(a);\n}`,
    calls: { run: 'f g' },
  },
  'a for head': { c: `${F}void run(int a) { for (a = f(0); a < g(1); a++) ; }`, calls: { run: 'f g' } },
  'a do while': { c: `${F}void run(int a) { do { a = f(a); } while (g(a)); }`, calls: { run: 'f g' } },
  'a switch and a case': {
    c: `${F}void run(int a) { switch (f(a)) { case 1: g(a); break; default: break; } }`,
    calls: { run: 'f g' },
  },
  'a case range': {
    c: `${F}void run(int a) { switch (a) { case 1 ... 4: f(a); break; case 9: g(a); } }`,
    calls: { run: 'f g' },
  },
  'a call in a case label': {
    c: `${F}#define NR(x) f(x)\nvoid run(int a) { switch (a) { case NR(3): g(a); } }`,
    calls: { run: 'f g' },
  },
  'a ternary': { c: `${F}int run(int a) { return a ? f(a) : g(a); }`, calls: { run: 'f g' } },
  'an elvis': { c: `${F}int run(int a) { return f(a) ?: g(a); }`, calls: { run: 'f g' } },
  'a short circuit': { c: `${F}int run(int a) { return f(a) && !g(a); }`, calls: { run: 'f g' } },
  'a comma': { c: `${F}int run(int a) { return f(a), g(a); }`, calls: { run: 'f g' } },
  'a nested argument': { c: `${F}int run(int a) { return f(g(a)); }`, calls: { run: 'f g' } },
  'an index': { c: `${F}int run(int *a) { return a[f(0)]; }`, calls: { run: 'f' } },
  'a receiver': {
    c: `struct s { int x; };\nstatic struct s *f(void) { return 0; }\nint run(void) { return f()->x; }`,
    calls: { run: 'f' },
  },
  'a cast': { c: `${F}int run(int a) { return (int)(long)f(a); }`, calls: { run: 'f' } },
  'a discarded value': { c: `${F}void run(int a) { (void)f(a); }`, calls: { run: 'f' } },
  'a declaration': { c: `${F}void run(int a) { int b = f(a), c = g(b); }`, calls: { run: 'f g' } },
  'an initialiser list': {
    c: `struct s { int x, y; };\n${F}void run(int a) { struct s s = { .x = f(a), .y = 1 }; }`,
    calls: { run: 'f' },
  },
  'an array initialiser': { c: `${F}void run(int a) { int s[] = { f(a), g(a) }; }`, calls: { run: 'f g' } },
  'a compound literal': {
    c: `struct s { int x; };\n${F}int run(int a) { return use(&(struct s){ .x = f(a) }); }`,
    calls: { run: 'f' },
  },
  'a statement expression': {
    c: `${F}int run(int a) { return ({ int b = f(a); b + g(b); }); }`,
    calls: { run: 'f g' },
  },
  'an assignment in a condition': {
    c: `${F}void run(int a) { int r; if ((r = f(a)) < 0) g(r); }`,
    calls: { run: 'f g' },
  },
  'a block in a switch without a case': {
    c: `${F}void run(int a) { { { f(a); } } out: g(a); }`,
    calls: { run: 'f g' },
  },
  'asm operands': {
    c: `${F}void run(int a) { asm volatile("x" : : "r" (f(a)) : "memory"); g(a); }`,
    calls: { run: 'f g' },
  },
  'asm goto': {
    c: `${F}void run(int a) { asm goto("1: x\\n" : : : : fault); f(a); return; fault: g(a); }`,
    calls: { run: 'f g' },
  },
  'a parenthesised name': { c: `${F}void run(int a) { (f)(a); }`, calls: { run: 'f' } },
  'a starred name': { c: `${F}void run(int a) { (*f)(a); }`, calls: { run: 'f' } },
  'an address': { c: `${F}void run(int a) { (&f)(a); }`, calls: { run: 'f' } },
  'READ_ONCE and likely': {
    c: `${F}void run(int a) { if (likely(f(a))) READ_ONCE(*p(g(a))); }`,
    calls: { run: 'f g' },
  },
  'WARN_ON and KVM_BUG_ON': {
    c: `${F}void run(struct kvm *kvm) { if (WARN_ON_ONCE(f(0)) || KVM_BUG_ON(g(1), kvm)) return; }`,
    calls: { run: 'f g' },
  },
  'a loop macro': {
    c: `${F}void run(struct kvm *kvm) { unsigned long i; kvm_for_each_vcpu(i, v, kvm) { f(1); } kvm_for_each_vcpu(i, v, kvm) g(2); }`,
    calls: { run: 'f g' },
  },
  'a loop macro without braces after an if': {
    c: `${F}void run(struct kvm *kvm, int a) { if (a) list_for_each_entry(p, h, list) f(1); else g(1); }`,
    calls: { run: 'f g' },
  },
  'an argument of a loop macro': {
    c: `${F}void run(int a) { for_each_set_bit(i, f(a), 64) { g(a); } }`,
    calls: { run: 'f g' },
  },
  'both arms of an #if inside an expression': {
    c: `${F}int run(int a) { return a\n#ifdef SOME_SWITCH\n\t&& f(a)\n#endif\n\t&& g(a); }`,
    calls: { run: 'f g' },
  },
  'a scoped guard': {
    c: `${F}void run(int a) { scoped_guard(mutex, &m) { f(a); } guard(mutex)(&m); g(a); }`,
    calls: { run: 'f g' },
  },
  'a line break before the parenthesis': {
    c: `${F}int run(int a) { return f\n\t(a) + g /* x */ (a); }`,
    calls: { run: 'f g' },
  },
  'a type argument': {
    c: `${F}int run(int a) { return min_t(int, f(a), 3) + container_of(p(g(a)), struct s, m)->x; }`,
    calls: { run: 'f g' },
  },
  'an else if': { c: `${F}void run(int a) { if (a) ; else if (f(a)) ; else if (g(a)) ; }`, calls: { run: 'f g' } },
  'a while head': {
    c: `${F}void run(int a) { while ((a = f(a)) > 0) cpu_relax(); while (!g(a)) ; }`,
    calls: { run: 'f g' },
  },
  static_branch_unlikely: {
    c: `${F}void run(int a) { if (static_branch_unlikely(&key) && f(a)) return; }`,
    calls: { run: 'f' },
  },
  IS_ENABLED: { c: `${F}void run(int a) { if (IS_ENABLED(CONFIG_KVM_XEN) && f(a)) g(a); }`, calls: { run: 'f g' } },
  'a format with macros': {
    c: `${F}void run(int a) { pr_info("x" PRIx64 " y", f(a)); kvm_pr_unimpl("%d" FMT, g(a)); }`,
    calls: { run: 'f g' },
  },
  'an #ifdef around an else block': {
    c: `${F}void run(int a) {\n\tif (a) {\n\t\tf(a);\n#ifdef CONFIG_X86_64\n\t} else {\n\t\tg(a);\n#endif\n\t}\n}`,
    calls: { run: 'f g' },
  },
  'an #ifdef around an argument': {
    c: `${F}int run(int a) { return call(1,\n#ifdef CONFIG_X86_64\n\tf(a),\n#endif\n\tg(a)); }`,
    calls: { run: 'f g' },
  },
  'an #ifdef around a case': {
    c: `${F}void run(int a) { switch (a) {\n#ifdef CONFIG_X86_64\n\tcase 1: f(a); break;\n#endif\n\tdefault: g(a); } }`,
    calls: { run: 'f g' },
  },
  'an #ifdef around an if head': {
    c: `${F}void run(int a) {\n#ifdef CONFIG_X86_64\n\tif (f(a))\n#endif\n\t\tg(a);\n}`,
    calls: { run: 'f g' },
  },
  'an #elif': {
    c: `${F}void run(int a) {\n#if defined(CONFIG_X86_32)\n\tg(a);\n#elif defined(CONFIG_X86_64)\n\tf(a);\n#endif\n}`,
    calls: { run: 'f' },
  },
  'a local struct definition before': {
    c: `${F}void run(int a) { struct { int x; } s = { f(a) }; g(s.x); }`,
    calls: { run: 'f g' },
  },
  'a goto loop': { c: `${F}void run(int a) {\nretry:\n\tf(a);\n\tif (g(a)) goto retry;\n}`, calls: { run: 'f g' } },
  'a nested ternary argument': {
    c: `${F}int run(int a) { return h(a ? f(a) : a > 2 ? g(a) : 0); }`,
    calls: { run: 'f g' },
  },
  '__builtin_choose_expr and _Generic': {
    c: `${F}int run(int a) { return __builtin_choose_expr(1, f(a), 0) + __builtin_expect(!!g(a), 0); }`,
    calls: { run: 'f g' },
  },
  'an array designator': {
    c: `${F}void run(int a) { int s[] = { [0] = f(a), [1 ... 3] = g(a) }; use(s); }`,
    calls: { run: 'f g' },
  },
  'a conditional callee': { c: `${F}int run(int a) { return (a ? f : g)(a); }`, calls: { run: 'f g' } },
  'a starred conditional callee': { c: `${F}int run(int a) { return (*(a ? f : g))(a); }`, calls: { run: 'f g' } },
  'do_div and swap': { c: `${F}void run(int a) { do_div(x(f(a)), g(a)); }`, calls: { run: 'f g' } },
  'a K&R line splice': { c: `${F}int run(int a) { return f\\\n(a) + \\\ng(a); }`, calls: { run: 'f g' } },
  'the last expression of a macro block': {
    c: `${F}#define BOTH(x) do { if (f(x)) g(x); } while (0)\nvoid run(int a) { if (a) BOTH(a); else BOTH(2); }`,
    calls: { run: 'f g' },
  },
};

/** A function's name that is no call. */
const NO_CALL: Probes = {
  'in sizeof': { c: `${F}int run(int a) { return sizeof(f(a)) + sizeof f(a); }`, calls: { run: '' } },
  'in typeof': { c: `${F}int run(int a) { typeof(f(a)) b = 0; __typeof__(&g) c; return b; }`, calls: { run: '' } },
  'in the size of an array': { c: `${F}int run(int a) { char buffer[sizeof(f(0))]; return 0; }`, calls: { run: '' } },
  'in BUILD_BUG_ON': {
    c: `${F}void run(void) { BUILD_BUG_ON(sizeof(f(1)) != 4); BUILD_BUG_ON(&f == 0); }`,
    calls: { run: '' },
  },
  'in offsetof': { c: `${F}struct s { int f; };\nint run(void) { return offsetof(struct s, f); }`, calls: { run: '' } },
  'in a comparison': {
    c: `${F}struct s { int (*h)(int); };\nint run(struct s *s) { return s->h == f; }`,
    calls: { run: '' },
  },
  'in a comparison with &': { c: `${F}int run(int (*h)(int)) { return h != &f ? 1 : 0; }`, calls: { run: '' } },
  'in #if 0': { c: `${F}void run(int a) {\n#if 0\n\tf(a);\n#else\n\tg(a);\n#endif\n}`, calls: { run: 'g' } },
  'behind an option of 32 bit': {
    c: `${F}void run(int a) {\n#ifndef CONFIG_X86_64\n\tf(a);\n#endif\n\tg(a);\n}`,
    calls: { run: 'g' },
  },
  'in a comment and a string': {
    c: `${F}void run(void) { /* f(1) */ // g(1)\n\tpr_info("f(%d)", 1); }`,
    calls: { run: '' },
  },
  'as the field of a struct': {
    c: `struct s { int f; };\n${F}int run(struct s *s) { return s->f; }`,
    calls: { run: '' },
  },
  'as a cast that looks like a call': {
    c: `typedef unsigned int u32;\n${F}int run(int x) { return (u32)(x) + (u32)-(x); }`,
    calls: { run: '' },
  },
  'in a prototype in a body': { c: `${F}void run(void) { int f(int x); }`, calls: { run: '' } },
  'in an unused macro': { c: `${F}#define UNUSED(x) f(x)\nvoid run(void) {}`, calls: { run: '' } },
  'in a cast of a pointer': {
    c: `${F}typedef int (*fn_t)(int);\nunsigned long run(void) { return (unsigned long)(fn_t)f; }`,
    calls: { run: '' },
  },
  'in printing its address': { c: `${F}void run(void) { pr_info("%ps", f); }`, calls: { run: '' } },
  'in an if': { c: `${F}int run(void) { if (f) return 1; return !g; }`, calls: { run: '' } },
  'stored and never called': {
    c: `${F}struct s { int (*h)(int); };\nvoid run(struct s *s) { s->h = f; }`,
    calls: { run: '' },
  },
  'behind an unknown option that is negated': {
    c: `${F}void run(int a) {\n#ifdef CONFIG_KVM_XEN\n\tf(a);\n#else\n\tg(a);\n#endif\n}`,
    calls: { run: 'f' },
  },
};

describe.each([
  ['a name', DEFINITIONS],
  ['a call in', PLACES],
  ['no call', NO_CALL],
])('%s', (_, probes) => {
  it.each(Object.entries(probes))('%s', (_name, probe) => check(probe));
});
