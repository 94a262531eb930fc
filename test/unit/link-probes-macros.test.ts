import { describe, it } from 'vitest';
import { F } from './probe-code';
import { check, type Probes } from './probes';

const MACROS: Probes = {
  'is a node, and contracted': {
    c: `${F}#define CALL(x) f(x)\nvoid run(void) { CALL(1); }`,
    calls: { run: 'f' },
    edges: { run: ['f macro -'] },
  },
  'in a macro in a macro': {
    c: `${F}#define A(x) B(x)\n#define B(x) C(x)\n#define C(x) ({ f(x); })\nvoid run(void) { A(1); }`,
    calls: { run: 'f' },
  },
  'joins no callers of its other uses': {
    c: `${F}#define DO(fn, x) fn(x)\nvoid a(void) { DO(f, 1); }\nvoid b(void) { DO(g, 1); }`,
    calls: { a: 'f', b: 'g' },
  },
  'gets a call as an argument': {
    c: `${F}#define TWICE(x) ((x) + (x))\nint run(void) { return TWICE(f(1)); }`,
    calls: { run: 'f' },
  },
  'passes a name on to another macro': {
    c: `${F}#define DO(fn, x) fn(x)\n#define OUTER(fn) DO(fn, 2)\nvoid run(void) { OUTER(g); }`,
    calls: { run: 'g' },
  },
  'passes a name on to a function': {
    c: `${F}static int each(int (*h)(int)) { return h(1); }\n#define EACH(fn) each(fn)\nint run(void) { return EACH(f); }`,
    calls: { run: 'each', each: 'f' },
  },
  'names a function itself, for a function': {
    c: `${F}static int each(int (*h)(int)) { return h(1); }\n#define EACH() each(g)\nint run(void) { return EACH(); }`,
    calls: { run: 'each', each: 'g' },
  },
  'pastes a name': {
    c: 'static void do_a(void) {}\nstatic void do_b(void) {}\n#define DO(x) do_##x()\nvoid run(void) { DO(a); }',
    calls: { run: 'do_a' },
  },
  'pastes in the middle': {
    c: 'static void do_a_now(void) {}\n#define DO(x) do_##x##_now()\nvoid run(void) { DO(a); }',
    calls: { run: 'do_a_now' },
  },
  'pastes a name that it returns': {
    c: 'static void do_a(void) {}\nstatic void do_b(void) {}\n#define OP(x) do_##x\nvoid run(void) { OP(a)(); }',
    calls: { run: 'do_a' },
  },
  'has any number of arguments': {
    c: `${F}#define CALL(fn, ...) fn(__VA_ARGS__)\nint run(void) { return CALL(f, 1); }`,
    calls: { run: 'f' },
  },
  'has a named rest': {
    c: `${F}#define CALL(fn, args...) fn(args)\nint run(void) { return CALL(g, 1); }`,
    calls: { run: 'g' },
  },
  'is defined in both arms of an #if': {
    c: `${F}#ifdef SOME_SWITCH\n#define CALL() f(1)\n#else\n#define CALL() g(1)\n#endif\nint run(void) { return CALL(); }`,
    calls: { run: 'f g' },
  },
  'is off': {
    c: `${F}#ifdef CONFIG_X86_64\n#define CALL() f(1)\n#else\n#define CALL() g(1)\n#endif\nint run(void) { return CALL(); }`,
    calls: { run: 'f' },
  },
  'wraps the function of its name': {
    c: `${F}#define f(x) f((x) + 1)\nint run(void) { return f(1); }`,
    calls: { run: 'f' },
  },
  'is a loop with a call in its head': {
    c: 'static struct s *first(void) { return 0; }\nstatic struct s *next(struct s *s) { return 0; }\nstatic void f(void) {}\n#define for_each_s(s) for (s = first(); s; s = next(s))\nvoid run(void) { struct s *s; for_each_s(s) f(); }',
    calls: { run: 'f first next' },
  },
  'lives in a header': {
    c: {
      'arch/x86/kvm/x.h': '#define CALL(x) helper(x)\nvoid helper(int x);',
      'arch/x86/kvm/h.c': '#include "x.h"\nvoid helper(int x) {}',
      'arch/x86/kvm/a.c': '#include "x.h"\nvoid run(void) { CALL(1); }',
    },
    calls: { run: 'helper' },
  },
  'is a condition': {
    c: `${F}#define is_on(x) (f(x) != 0)\nvoid run(void) { if (!is_on(1) || 2) g(1); }`,
    calls: { run: 'f g' },
  },
  'has __VA_OPT__': {
    c: `${F}#define CALL(fn, ...) fn(1 __VA_OPT__(,) __VA_ARGS__)\nint run(void) { return CALL(f); }`,
    calls: { run: 'f' },
  },
  'pastes an empty argument': {
    c: `static void do_(void) {}\n#define DO(x) do_##x()\nvoid run(void) { DO(); }`,
    calls: { run: 'do_' },
  },
  'pastes two arguments': {
    c: `static void a_b(void) {}\n#define DO(x, y) x##_##y()\nvoid run(void) { DO(a, b); }`,
    calls: { run: 'a_b' },
  },
  'has a comment and line splices': {
    c: `${F}#define CALL(x)  /* one */ \\\n\tdo {\t\\\n\t\tf(x); /* two */ \\\n\t} while (0)\nvoid run(void) { CALL(1); }`,
    calls: { run: 'f' },
  },
  'is used in a header inline': {
    c: {
      'arch/x86/kvm/x.h': '#define CALL() helper()\nstatic inline void in(void) { CALL(); }',
      'arch/x86/kvm/a.c': '#include "x.h"\nvoid helper(void) {}\nvoid run(void) { in(); }',
    },
    calls: { run: 'in', in: 'helper' },
  },
  'is a loop with a call in its step, over a pointer': {
    c: `static int next(int *p) { return 0; }\nstatic void f(int *p) {}\n#define for_each_thing(p) while (next(p))\nvoid run(int *p) { for_each_thing(p) { f(p); } }`,
    calls: { run: 'f next' },
  },
  'passes a name behind a string with a comma': {
    c: `${F}static int each(const char *s, int (*h)(int)) { return h(1); }\n#define EACH(fn) each("a), (b", fn)\nint run(void) { return EACH(f); }`,
    calls: { run: 'each', each: 'f' },
  },
};

const GENERATORS: Probes = {
  'of a function, in the same file': {
    c: `${F}#define BUILD(name) static int get_##name(int x) { return f(x); }\nBUILD(rax)\nBUILD(rbx)\nint run(void) { return get_rbx(1); }`,
    calls: { run: 'get_rbx', get_rbx: 'f' },
  },
  'of two functions': {
    c: `${F}#define BUILD(name) \\\nstatic int get_##name(int x) { return f(x); } \\\nstatic int set_##name(int x) { return g(x); }\nBUILD(cr3);\nint run(void) { return get_cr3(set_cr3(1)); }`,
    calls: { run: 'get_cr3 set_cr3', get_cr3: 'f', set_cr3: 'g' },
  },
  'with a suffix': {
    c: `${F}#define BUILD(name, bits) int name##bits(int x) { return f(bits); }\nBUILD(read, 64)\nint run(void) { return read64(1); }`,
    calls: { run: 'read64', read64: 'f' },
  },
  'through a second generator': {
    c: `${F}#define ONE(name, bits) static int name##bits(int x) { return f(bits); }\n#define ALL(name) ONE(name, 16) ONE(name, 32)\nALL(read)\nint run(void) { return read32(1); }`,
    calls: { run: 'read32', read32: 'f' },
  },
  'calls a function that it pastes': {
    c: 'static int raw_a(int x) { return x; }\nstatic int raw_b(int x) { return x; }\n#define BUILD(name) static int get_##name(int x) { return raw_##name(x); }\nBUILD(a)\nBUILD(b)\nint run(void) { return get_a(1); }',
    calls: { run: 'get_a', get_a: 'raw_a', get_b: 'raw_b' },
  },
  'generated in a header, used in another file': {
    c: {
      'arch/x86/kvm/cache.h':
        '#define BUILD(name) static inline int get_##name(int x) { return reg_read(x); }\nBUILD(rax)\n',
      'arch/x86/kvm/a.c': '#include "cache.h"\nint reg_read(int x) { return x; }\nint run(void) { return get_rax(1); }',
    },
    calls: { run: 'get_rax', get_rax: 'reg_read' },
  },
  'named in a table': {
    c: `${F}struct ops { int (*go)(int); };\n#define BUILD(name) static int get_##name(int x) { return f(x); }\nBUILD(rax)\nstruct ops ops = { .go = get_rax };\nint run(struct ops *o) { return o->go(1); }`,
    calls: { run: 'get_rax' },
  },
  'writes its last lines as a prototype': {
    c: `${F}#define BUILD(name) static int get_##name(int x); static int get_##name(int x) { return g(x); }\nBUILD(rax)\nint run(void) { return get_rax(1); }`,
    calls: { run: 'get_rax', get_rax: 'g' },
  },
};

const WALK = `#if PTTYPE == 64
#define FNAME(name) long##64_##name
#elif PTTYPE == 32
#define FNAME(name) long##32_##name
#endif
`;
const INCLUDE =
  '#define PTTYPE 64\n#include "walk.h"\n#undef PTTYPE\n#define PTTYPE 32\n#include "walk.h"\n#undef PTTYPE\n';

const TEMPLATES: Probes = {
  'calls itself per instance': {
    c: {
      'arch/x86/kvm/walk.h': `${WALK}static void FNAME(step)(void) {}\nstatic void FNAME(walk)(void) { FNAME(step)(); }`,
      'arch/x86/kvm/mmu.c': `${INCLUDE}void run(void) { long32_walk(); }`,
    },
    calls: { run: 'long32_walk', long32_walk: 'long32_step', long64_walk: 'long64_step' },
  },
  'leaves out what an instance switches off': {
    c: {
      'arch/x86/kvm/walk.h': `${WALK}static void FNAME(walk)(void) {\n#if PTTYPE == 64\n\tf();\n#else\n\tg();\n#endif\n}`,
      'arch/x86/kvm/mmu.c': `static void f(void) {}\nstatic void g(void) {}\n${INCLUDE}`,
    },
    calls: { long64_walk: 'f', long32_walk: 'g' },
  },
  'is stored in a field per instance': {
    c: {
      'arch/x86/kvm/walk.h': `${WALK}static void FNAME(walk)(void) {}`,
      'arch/x86/kvm/mmu.c': `struct mmu { void (*walk)(void); };\n${INCLUDE}void set(struct mmu *m) { m->walk = long64_walk; }\nvoid run(struct mmu *m) { m->walk(); }`,
    },
    calls: { run: 'long64_walk' },
  },
  'passes an instance as an argument': {
    c: {
      'arch/x86/kvm/walk.h': `${WALK}static void FNAME(step)(void) {}\nstatic void FNAME(walk)(void) { each(FNAME(step)); }`,
      'arch/x86/kvm/mmu.c': `static void each(void (*fn)(void)) { fn(); }\n${INCLUDE}`,
    },
    calls: { each: 'long32_step long64_step', long64_walk: 'each' },
  },
  'sees the statics of its includer': {
    c: {
      'arch/x86/kvm/walk.h': `${WALK}static void FNAME(walk)(void) { helper(); }`,
      'arch/x86/kvm/mmu.c': `static void helper(void) {}\n${INCLUDE}`,
      'arch/x86/kvm/b.c': 'static void helper(void) {}\n',
    },
    calls: { long64_walk: 'mmu.c:helper' },
  },
  'an instance called from another instance': {
    c: {
      'arch/x86/kvm/walk.h':
        '#if PTTYPE == 64\n#define FNAME(name) long##64_##name\n#else\n#define FNAME(name) long##32_##name\n#endif\nstatic int FNAME(walk)(int x) { return FNAME(step)(FNAME(next)(x)); }\nstatic int FNAME(step)(int x) { return x; }\nstatic int FNAME(next)(int x) { return x; }',
      'arch/x86/kvm/mmu.c':
        '#define PTTYPE 64\n#include "walk.h"\n#undef PTTYPE\n#define PTTYPE 32\n#include "walk.h"\n#undef PTTYPE\n',
    },
    calls: { long64_walk: 'long64_next long64_step', long32_walk: 'long32_next long32_step' },
  },
  'in a table of the includer': {
    c: {
      'arch/x86/kvm/walk.h': '#define FNAME(name) ept_##name\nstatic void FNAME(walk)(void) {}',
      'arch/x86/kvm/mmu.c':
        'struct ops { void (*walk)(void); };\n#define PTTYPE 18\n#include "walk.h"\nstatic struct ops ops = { .walk = ept_walk };\nvoid run(struct ops *o) { o->walk(); }',
    },
    calls: { run: 'ept_walk' },
  },
  'with an #ifdef of a macro of one instance': {
    c: {
      'arch/x86/kvm/walk.h':
        '#if PTTYPE == 64\n#define FNAME(name) long##64_##name\n#define HAS_NX 1\n#else\n#define FNAME(name) long##32_##name\n#define HAS_NX 0\n#endif\nstatic int FNAME(walk)(int x) {\n#if HAS_NX\n\treturn f(x);\n#endif\n\treturn 0;\n}',
      'arch/x86/kvm/mmu.c':
        'static int f(int x) { return x; }\n#define PTTYPE 64\n#include "walk.h"\n#undef PTTYPE\n#define PTTYPE 32\n#include "walk.h"\n#undef PTTYPE\n',
    },
    calls: { long64_walk: 'f', long32_walk: '' },
  },
};

const LISTS: Probes = {
  'of slots makes no calls': {
    c: {
      'arch/x86/include/asm/kvm-x86-ops.h': 'KVM_X86_OP(go)\nKVM_X86_OP_OPTIONAL(stop)\n',
      'arch/x86/kvm/x86.c':
        'static void go(void) {}\nstatic void stop(void) {}\n#define KVM_X86_OP(func) static_call_update(kvm_x86_##func, kvm_x86_ops.func);\nvoid run(void) {\n#include <asm/kvm-x86-ops.h>\n}',
    },
    calls: { run: '' },
  },
  'of tracepoints is left out': {
    c: {
      'arch/x86/kvm/trace.h':
        'TRACE_EVENT(kvm_exit,\n\tTP_PROTO(int a),\n\tTP_ARGS(a),\n\tTP_STRUCT__entry(__field(int, a)),\n\tTP_fast_assign(__entry->a = reason(a);),\n\tTP_printk("%d", __entry->a)\n);',
      'arch/x86/kvm/x86.c':
        '#include "trace.h"\nstatic int reason(int a) { return a; }\nvoid run(int a) { trace_kvm_exit(a); }',
    },
    calls: { run: '' },
  },
  'a tracepoint gets the value of a call': {
    c: 'static int reason(int a) { return a; }\nvoid run(int a) { trace_kvm_exit(reason(a)); }',
    calls: { run: 'reason' },
  },
};

/** The functions that a class makes, as its user calls them, and what they call. */
const USES = (name: string): string => `class_${name}_constructor class_${name}_destructor`;
const CALL = (name: string, enter: string, leave: string): Record<string, string> => ({
  [`class_${name}_constructor`]: enter,
  [`class_${name}_destructor`]: leave,
});

const GUARDS: Probes = {
  'guard(x)(y)': {
    c: 'static void take(struct s *s) {}\nstatic void drop(struct s *s) {}\nDEFINE_GUARD(hold, struct s *, take(_T), drop(_T))\nvoid run(struct s *s) { guard(hold)(s); }',
    calls: { run: USES('hold'), ...CALL('hold', 'take', 'drop') },
  },
  'scoped_guard(x, y)': {
    c: 'static void take(struct s *s) {}\nstatic void drop(struct s *s) {}\nstatic void f(void) {}\nDEFINE_GUARD(hold, struct s *, take(_T), drop(_T))\nvoid run(struct s *s) { scoped_guard(hold, s) f(); }',
    calls: { run: `${USES('hold')} f`, ...CALL('hold', 'take', 'drop') },
  },
  DEFINE_LOCK_GUARD_1: {
    c: 'static int take(struct s *s) { return 0; }\nstatic void drop(struct s *s, int i) {}\nDEFINE_LOCK_GUARD_1(srcu2, struct s, _T->idx = take(_T->lock), drop(_T->lock, _T->idx), int idx)\nvoid run(struct s *s) { guard(srcu2)(s); }',
    calls: { run: USES('srcu2'), ...CALL('srcu2', 'take', 'drop') },
  },
  DEFINE_LOCK_GUARD_0: {
    c: 'static void take(void) {}\nstatic void drop(void) {}\nDEFINE_LOCK_GUARD_0(all, take(), drop())\nvoid run(void) { guard(all)(); }',
    calls: { run: USES('all'), ...CALL('all', 'take', 'drop') },
  },
  'CLASS(x, v)(y)': {
    c: 'static struct s *get(int n) { return 0; }\nstatic void put(struct s *s) {}\nDEFINE_CLASS(held, struct s *, if (_T) put(_T), get(n), int n)\nvoid run(void) { CLASS(held, s)(3); }',
    calls: { run: USES('held'), ...CALL('held', 'get', 'put') },
  },
  '__free(x)': {
    c: 'static void put(struct s *s) {}\nstatic struct s *get(void) { return 0; }\nDEFINE_FREE(s_put, struct s *, if (_T) put(_T))\nvoid run(void) { struct s *s __free(s_put) = get(); }',
    calls: { run: '__free_s_put get', __free_s_put: 'put' },
  },
  '__cleanup(f)': {
    c: 'static void put(struct s **s) {}\nvoid run(void) { struct s *s __cleanup(put) = 0; }',
    calls: { run: 'put' },
  },
  'the argument of a guard': {
    c: 'static struct s *lock_of(int n) { return 0; }\nvoid run(void) { guard(mutex)(lock_of(1)); scoped_guard(mutex, lock_of(2)) { } }',
    calls: { run: 'lock_of' },
  },
  'a class of a header': {
    c: {
      'arch/x86/kvm/x.h': 'DEFINE_GUARD(hold, struct s *, take(_T), drop(_T))\n',
      'arch/x86/kvm/a.c':
        '#include "x.h"\nvoid take(struct s *s) {}\nvoid drop(struct s *s) {}\nvoid run(struct s *s) { guard(hold)(s); }',
    },
    calls: { run: USES('hold'), ...CALL('hold', 'take', 'drop') },
  },
  'no_free_ptr and return_ptr call nothing': {
    c: 'static void put(struct s *s) {}\nstatic struct s *get(void) { return 0; }\nstruct s *run(void) { struct s *s = get(); return no_free_ptr(s); }',
    calls: { run: 'get' },
  },
  'EXTEND_CLASS adds an init': {
    c: 'static struct s *get(int n) { return 0; }\nstatic struct s *get_raw(int n) { return 0; }\nstatic void put(struct s *s) {}\nDEFINE_CLASS(held, struct s *, put(_T), get(n), int n)\nEXTEND_CLASS(held, _raw, get_raw(n), int n)\nvoid run(void) { CLASS(held_raw, s)(3); }\nvoid run2(void) { CLASS(held, s)(3); }',
    calls: {
      run: USES('held_raw'),
      run2: USES('held'),
      ...CALL('held', 'get', 'put'),
      ...CALL('held_raw', 'get_raw', 'class_held_destructor'),
    },
  },
  'DEFINE_GUARD_COND adds a trylock': {
    c: 'static void take(struct s *s) {}\nstatic int try_take(struct s *s) { return 1; }\nstatic void drop(struct s *s) {}\nDEFINE_GUARD(hold, struct s *, take(_T), drop(_T))\nDEFINE_GUARD_COND(hold, _try, try_take(_T))\nvoid run(struct s *s) { scoped_guard(hold_try, s) { } }\nvoid run2(struct s *s) { guard(hold)(s); }',
    calls: {
      run: USES('hold_try'),
      run2: USES('hold'),
      ...CALL('hold', 'take', 'drop'),
      ...CALL('hold_try', 'try_take', 'class_hold_destructor'),
    },
  },
  scoped_cond_guard: {
    c: 'static void take(struct s *s) {}\nstatic int try_take(struct s *s) { return 1; }\nstatic void drop(struct s *s) {}\nDEFINE_GUARD(hold, struct s *, take(_T), drop(_T))\nDEFINE_GUARD_COND(hold, _try, try_take(_T))\nint run(struct s *s) { scoped_cond_guard(hold_try, return -1, s) { return 0; } }',
    calls: { run: USES('hold_try'), ...CALL('hold_try', 'try_take', 'class_hold_destructor') },
  },
  'a class whose functions are macros': {
    c: 'static void real_take(struct s *s) {}\nstatic void drop(struct s *s) {}\n#define take(s) real_take(s)\nDEFINE_GUARD(hold, struct s *, take(_T), drop(_T))\nvoid run(struct s *s) { guard(hold)(s); }',
    calls: { run: USES('hold'), ...CALL('hold', 'real_take', 'drop') },
  },
};

describe.each([
  ['a macro that', MACROS],
  ['a generator', GENERATORS],
  ['a template header', TEMPLATES],
  ['a list', LISTS],
  ['a guard class', GUARDS],
])('%s', (_, probes) => {
  it.each(Object.entries(probes))('%s', (_name, probe) => check(probe));
});
