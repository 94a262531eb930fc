import { describe, test } from 'vitest';
import { EXIT_OPS, F, OP, RUN_FD, VCPU, VM_FD, WORK, emulator, now, receiver, way } from './probe-code';
import { check, type Probes } from './probes';

/**
 * Constructs that the linker got wrong when they were first tried. One with a `why` still is: it must fail, and says so
 * when it no longer does.
 */

/** A call that is there has no edge, a way in no entry: what can be reached may be called unreachable. */
const MISSING: Probes = {
  'by return': {
    c: `${F}static int (*pick(int a))(int) { return a ? f : g; }\nint run(int a) { return pick(a)(1); }`,
    calls: { run: 'f g pick' },
  },
  'of functions makes calls where it is included': {
    c: {
      'arch/x86/kvm/list.h': 'STEP(one)\nSTEP(two)\n',
      'arch/x86/kvm/a.c':
        'static void do_one(void) {}\nstatic void do_two(void) {}\nvoid run(void) {\n#define STEP(x) do_##x();\n#include "list.h"\n#undef STEP\n}',
    },
    calls: { run: 'do_one do_two' },
  },
  'of functions included twice, each time for others': {
    c: {
      'arch/x86/kvm/list.h':
        '#ifndef HOT\n#define HOT(x)\n#endif\n#ifndef COLD\n#define COLD(x)\n#endif\nHOT(one)\nCOLD(two)\n#undef HOT\n#undef COLD\n',
      'arch/x86/kvm/a.c':
        'static void one(void) {}\nstatic void two(void) {}\nvoid hot(void) {\n#define HOT(x) x();\n#include "list.h"\n}\nvoid cold(void) {\n#define COLD(x) x();\n#include "list.h"\n}',
    },
    calls: { hot: 'one', cold: 'two' },
  },
  'of functions, through its own macro and another name for the one of its user': {
    c: {
      'arch/x86/kvm/list.h': '#define STEP1(x) STEP(x##1)\nSTEP1(do_)\n#ifdef CONFIG_NOT_THERE\nSTEP1(not_)\n#endif\n',
      'arch/x86/kvm/a.c':
        'static void do_1(void) {}\nstatic void not_1(void) {}\nvoid run(int a) { if (a) {\n#define __STEP(x) x()\n#define STEP __STEP\n#include "list.h"\n} }',
    },
    calls: { run: 'do_1 not_1' },
    edges: { run: ['do_1 call -', 'not_1 call -'] },
  },
  'of labels': {
    c: {
      'arch/x86/kvm/list.h': 'FIELD(1)\nFIELD(2)\n',
      'arch/x86/kvm/a.c': `${F}int run(int a) { switch (a) {\n#define FIELD(x) case x:\n#include "list.h"\nreturn f(a);\ndefault: return g(a); } }`,
    },
    calls: { run: 'f g' },
  },
  'as a macro makes calls': {
    c: 'static void do_one(void) {}\nstatic void do_two(void) {}\n#define LIST(X) X(one) X(two)\n#define CALL(x) do_##x();\nvoid run(void) { LIST(CALL) }',
    calls: { run: 'do_one do_two' },
  },
  'that pastes, used twice by another macro': {
    c: 'static void do_one(void) {}\nstatic void do_two(void) {}\n#define CALL(x) do_##x()\n#define BOTH() do { CALL(one); CALL(two); } while (0)\nvoid run(void) { BOTH(); }',
    calls: { run: 'do_one do_two' },
  },
  'whose call ends a block without a semicolon': {
    c: `${F}#define CALL(x) f(x);\nvoid run(int a) { if (a) { CALL(g(1)) } }`,
    calls: { run: 'f g' },
  },
  'defined in a header, used in another file': {
    c: {
      'arch/x86/kvm/build.h': '#define BUILD(name) int get_##name(int x) { return reg_read(x); }\n',
      'arch/x86/kvm/a.c':
        '#include "build.h"\nint reg_read(int x) { return x; }\nBUILD(rax)\nint run(void) { return get_rax(1); }',
    },
    calls: { run: 'get_rax', get_rax: 'reg_read' },
  },
  'defined in a header through another macro, used in two files': {
    c: {
      'arch/x86/kvm/build.h':
        '#define BUILD_ONE(name, bits) static int get_##name##bits(int x) { return reg_read(x); }\n#define BUILD(name) BUILD_ONE(name, 32) BUILD_ONE(name, 64)\n',
      'arch/x86/kvm/a.c':
        '#include "build.h"\nstatic int reg_read(int x) { return x; }\nBUILD(rax)\nint run(void) { return get_rax64(1); }',
      'arch/x86/kvm/b.c':
        '#include "build.h"\nstatic int reg_read(int x) { return x; }\nBUILD(rax)\nint run2(void) { return get_rax32(1); }',
    },
    calls: {
      run: 'a.c:get_rax64',
      run2: 'b.c:get_rax32',
      'a.c:get_rax64': 'a.c:reg_read',
      'b.c:get_rax32': 'b.c:reg_read',
    },
  },
  'set with WRITE_ONCE': {
    c: `${VCPU}void set(struct vcpu *v) { WRITE_ONCE(v->arch.complete, f); }\nint run(struct vcpu *v) { return READ_ONCE(v->arch.complete)(v); }`,
    calls: { run: 'f' },
  },
  'set with rcu_assign_pointer': {
    c: `${VCPU}void set(struct vcpu *v) { rcu_assign_pointer(v->arch.complete, f); }\nint run(struct vcpu *v) { return rcu_dereference(v->arch.complete)(v); }`,
    calls: { run: 'f' },
  },
  exchanged: {
    c: `${VCPU}void set(struct vcpu *v) { xchg(&v->arch.complete, f); }\nint run(struct vcpu *v) { return v->arch.complete(v); }`,
    calls: { run: 'f' },
  },
  'stores a function in a field': {
    c: `${F}struct s { int (*h)(int); };\n#define SET(s, fn) ((s)->h = (fn))\nvoid set(struct s *s) { SET(s, f); }\nint run(struct s *s) { return s->h(1); }`,
    calls: { run: 'f' },
  },
  'stores a function in a statement': {
    c: `${F}struct s { int (*h)(int); };\n#define SET(s, fn) do { (s)->h = fn; } while (0)\nvoid set(struct s *s) { SET(s, g); }\nint run(struct s *s) { return s->h(1); }`,
    calls: { run: 'g' },
  },
  'stands for a whole table slot': {
    c: `struct ops { int (*go)(int); };\n${F}struct ops ops = { .go = f };\n#define go(o, x) (o)->go(x)\nint run(struct ops *o) { return go(o, 1); }`,
    calls: { run: 'f' },
  },
  'calls a pointer that it is given': {
    c: `${F}#define CALL(fn, x) (fn)(x)\nstatic int each(int (*h)(int)) { return CALL(h, 1); }\nint run(void) { return each(f); }`,
    calls: { run: 'each', each: 'f' },
  },
  'pastes through another macro': {
    c: 'static void do_a(void) {}\n#define PASTE(x) do_##x\n#define DO(x) PASTE(x)()\nvoid run(void) { DO(a); }',
    calls: { run: 'do_a' },
  },
  'is object-like and calls': {
    c: `${F}#define NOW f(1)\nint run(void) { return NOW; }`,
    calls: { run: 'f' },
  },
  'is object-like, a statement': {
    c: `${F}#define NOW do { f(1); } while (0)\nvoid run(void) { NOW; }`,
    calls: { run: 'f' },
  },
  'is object-like inside of a function-like one': {
    c: `${F}#define NOW f(1)\n#define OUTER(x) (NOW + (x))\nint run(void) { return OUTER(2); }`,
    calls: { run: 'f' },
  },
  'means what is static where it is used': {
    c: {
      'arch/x86/kvm/x.h': '#define CALL() f()\n',
      'arch/x86/kvm/a.c': '#include "x.h"\nstatic void f(void) {}\nvoid a(void) { CALL(); }',
      'arch/x86/kvm/b.c': '#include "x.h"\nstatic void f(void) {}\nvoid b(void) { CALL(); }',
    },
    calls: { a: 'a.c:f', b: 'b.c:f' },
  },
  'GP() with a prefix table': {
    c: emulator(
      'static const struct gprefix pfx = { I(1, em_a), N };\nstatic const struct opcode table[] = { GP(4, &pfx) };',
    ),
    calls: { run: 'em_a' },
  },
  'GP() with a positional II()': {
    c: emulator(
      'static const struct gprefix pfx = { N, II(1, em_b, rdpid) };\nstatic const struct opcode table[] = { GP(4, &pfx) };',
    ),
    calls: { run: 'em_b' },
  },
  'a positional entry written by a macro': {
    c: `${OP}#define OP(_id, _fn) { _id, _fn, #_fn }\nstatic struct op ops[] = { OP(1, f), OP(2, g) };\nint run(int i) { return ops[i].fn(1); }`,
    calls: { run: 'f g' },
  },
  'flat elements without braces': {
    c: `${OP}static const struct op ops[2] = { 1, f, "x", 2, g, "y" };\nint run(int i) { return ops[i].fn(1); }`,
    calls: { run: 'f g' },
  },
  'an anonymous struct type': {
    c: 'static int f(int x) { return x; }\nstatic const struct { int id; int (*fn)(int); } ops[] = { { 1, f } };\nint run(int i) { return ops[i].fn(1); }',
    calls: { run: 'f' },
  },
  'into an out-parameter': {
    c: `typedef int (*fn_t)(int);\n${F}static void pick(int a, fn_t *out) { *out = a ? f : g; }\nint run(int a) { fn_t h; pick(a, &h); return h(1); }`,
    calls: { run: 'f g pick' },
  },
  'into an out-parameter that is a field': {
    c: `typedef int (*fn_t)(int);\nstruct s { fn_t h; };\n${F}static void pick(fn_t *out) { *out = f; }\nvoid set(struct s *s) { pick(&s->h); }\nint run(struct s *s) { return s->h(1); }`,
    calls: { run: 'f' },
  },
  'into an out-parameter, two callers deep': {
    c: `typedef int (*fn_t)(int);\n${F}static void pick1(fn_t *out) { *out = f; }\nstatic void pick2(fn_t *out) { pick1(out); }\nint run(void) { fn_t h; pick2(&h); return h(1); }`,
    calls: { run: 'f pick2' },
  },
  'into an array of the caller': {
    c: `typedef int (*fn_t)(int);\n${F}static void fill(fn_t *h) { h[0] = f; h[1] = g; }\nint run(int i) { fn_t h[2]; fill(h); return h[i](1); }`,
    calls: { run: 'f fill g' },
  },
  'as void *': {
    c: `${F}static int each(void *h) { int (*k)(int) = h; return k(1); }\nint run(void) { return each(f); }`,
    calls: { each: 'f' },
  },
  'by an operation': {
    c: `typedef int (*fn_t)(int);\nstruct ops { fn_t (*pick)(int); };\n${F}static fn_t pick(int a) { return f; }\nstatic struct ops ops = { .pick = pick };\nint run(int a) { return ops.pick(a)(1); }`,
    calls: { run: 'f pick' },
  },
  'a parameter handed on to on_each_cpu': {
    c: `${WORK}static void everywhere(void (*h)(void *)) { on_each_cpu(h, NULL, 1); }\nvoid run(void) { everywhere(g); }`,
    calls: { everywhere: 'g', run: 'everywhere' },
    entries: [],
  },
  'on_each_cpu in a macro': {
    c: `${WORK}#define EVERYWHERE(h) on_each_cpu(h, NULL, 1)\nvoid run(void) { EVERYWHERE(g); }`,
    calls: { run: 'g' },
    entries: [],
  },
  'call_rcu in a macro': {
    c: `${WORK}#define FREE_LATER(s) call_rcu(&(s)->rcu, g)\nvoid run(struct s *s) { FREE_LATER(s); }`,
    calls: { run: '' },
    entries: ['work call_rcu(g) g'],
    why: 'a function that a macro hands to the kernel',
  },
  'INIT_WORK of a parameter': {
    c: `${WORK}static void setup(struct s *s, void (*h)(struct work_struct *)) { INIT_WORK(&s->work, h); }\nvoid run(struct s *s) { setup(s, f); }`,
    entries: ['work INIT_WORK(f) f'],
  },
  '__attribute__((cleanup(f)))': {
    c: 'static void put(struct s **s) {}\nvoid run(void) { struct s *s __attribute__((cleanup(put))) = 0; }',
    calls: { run: 'put' },
  },
  'a name in parentheses': {
    c: 'static int (f)(int x) { return x; }\nint run(void) { return f(1); }',
    calls: { run: 'f' },
  },
  'an alias of a macro with arguments is a macro': {
    c: `${F}#define h(x) f(x)\n#define k h\nint run(void) { return k(1); }`,
    calls: { run: 'f' },
  },
  'a function of a .c file that another .c file includes': {
    c: {
      'arch/x86/kvm/a.c': '#include "b.c"\nint run(void) { return f(1); }',
      'arch/x86/kvm/b.c': 'static int f(int x) { return x; }',
    },
    calls: { run: 'f' },
  },
  'a stub that is off, of a function outside': {
    c: {
      'arch/x86/include/asm/mshyperv.h':
        '#if IS_ENABLED(CONFIG_HYPERV)\nint flush(int (*fill)(int));\n#else\nstatic inline int flush(int (*fill)(int)) { return -1; }\n#endif',
      'arch/x86/kvm/a.c':
        '#include <asm/mshyperv.h>\nstatic int fill(int x) { return x; }\nint run(void) { return flush(fill); }',
    },
    entries: ['other flush(fill) fill'],
  },
  'dispatches through ops': {
    c: `struct ops { int (*go)(int); };\nstruct s { struct ops *ops; };\n${F}struct ops ops = { .go = f };\n#define call_go(s, x) ((s)->ops->go(x))\nint run(struct s *s) { return call_go(s, 1); }`,
    calls: { run: 'f' },
  },
  'gives a field that is called': {
    c: `struct ops { int (*go)(int); };\nstruct s { struct ops *ops; };\n${F}struct ops ops = { .go = f };\n#define go_of(s) ((s)->ops->go)\nint run(struct s *s) { return go_of(s)(1); }`,
    calls: { run: 'f' },
  },
  'with a static of the includer that has the same name elsewhere': {
    c: {
      'arch/x86/kvm/walk.h': '#define FNAME(name) ept_##name\nstatic void FNAME(walk)(void) { helper(); }',
      'arch/x86/kvm/mmu.c': 'static void helper(void) {}\n#define PTTYPE 18\n#include "walk.h"\n',
      'arch/x86/kvm/b.c': 'void helper(void) {}\n',
    },
    calls: { ept_walk: 'mmu.c:helper' },
  },
  'with a static of one includer, an external function for the other': {
    c: {
      'arch/x86/kvm/x.h': 'static inline void call(void) { helper(); }',
      'arch/x86/kvm/a.c': 'static void helper(void) {}\n#include "x.h"\n',
      'arch/x86/kvm/b.c': '#include "x.h"\n',
      'arch/x86/kvm/c.c': 'void helper(void) {}\n',
    },
    calls: { call: 'a.c:helper c.c:helper' },
  },
  'a .c file that is included calls what the other defines': {
    c: {
      'arch/x86/kvm/a.c': 'static int f(int x) { return x; }\n#define TWICE(x) f(f(x))\n#include "b.c"\n',
      'arch/x86/kvm/b.c': 'int run(void) { return TWICE(1); }',
      'arch/x86/kvm/c.c': 'int f(int x) { return x; }',
    },
    calls: { run: 'a.c:f' },
  },
  'in a macro that a template uses': {
    c: {
      'arch/x86/kvm/walk.h':
        '#define FNAME(name) ept_##name\n#define STEP() FNAME(step)()\nstatic void FNAME(step)(void) {}\nstatic void FNAME(walk)(void) { STEP(); }',
      'arch/x86/kvm/mmu.c': '#define PTTYPE 18\n#include "walk.h"\n',
    },
    calls: { ept_walk: 'ept_step' },
  },
  'entries included from a header': {
    c: {
      'arch/x86/kvm/list.h': 'ENTRY(1, f)\nENTRY(2, g)\n',
      'arch/x86/kvm/a.c': `${OP}#define ENTRY(i, h) { .id = i, .fn = h },\nstatic struct op ops[] = {\n#include "list.h"\n};\nint run(int i) { return ops[i].fn(1); }`,
    },
    calls: { run: 'f g' },
  },
  'a static call of its own': {
    c: `${F}DEFINE_STATIC_CALL(my_hook, f);\nvoid set(void) { static_call_update(my_hook, g); }\nint run(void) { return static_call(my_hook)(1); }`,
    calls: { run: 'f g' },
  },
  'shadowed by a local of the inner block': {
    c: `${F}static int each(int (*h)(int)) { { int (*h)(int) = g; h(1); } return h(2); }\nint run(void) { return each(f); }`,
    calls: { each: 'f g' },
  },
  'of a statement expression': {
    c: `${F}static int each(int (*h)(int)) { return h(1); }\nint run(int a) { return each(({ int (*k)(int) = f; k; })); }`,
    calls: { each: 'f' },
  },
  'a field that is handed to the kernel': {
    c: `struct kvm_x86_ops { void (*off)(void); };\nextern struct kvm_x86_ops kvm_x86_ops;\nstatic void off(void) {}\nstruct kvm_x86_ops svm_x86_ops = { .off = off };\nvoid run(void) { register_emergency_callback(kvm_x86_ops.off); }`,
    entries: ['notifier register_emergency_callback(off) off'],
  },
  'a parameter that is handed to the kernel': {
    c: `static int get(void *d, u64 *v) { return 0; }\nstatic int open_with(struct file *f, int (*get)(void *, u64 *)) { return simple_attr_open(f, get, 0); }\nint run(struct file *f) { return open_with(f, get); }`,
    calls: { run: 'open_with' },
    entries: ['other simple_attr_open(get) get'],
  },
  'a function that the assembler of this file calls': {
    c: 'void fixup(void) {}\nvoid run(void) { asm volatile("call fixup"); }',
    calls: { run: 'fixup' },
  },
  'a function given to the assembler': {
    c: 'static void target(void) {}\nvoid run(void) { asm volatile("call *%0" : : "r" (target)); asm volatile("call %c0" : : "i" (target)); }',
    calls: { run: 'target' },
  },
  'that others are refused before': {
    ...way(VM_FD('if (ioctl != KVM_SET_ONE)\n\t\treturn -25;\n\tzap(kvm);'), ['ioctl KVM_SET_ONE']),
  },
  'of two reasons with one handler': {
    ...way(
      `${EXIT_OPS}static int handle(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic int (*kvm_vmx_exit_handlers[])(struct kvm_vcpu *vcpu) = { [EXIT_REASON_A] = handle, [EXIT_REASON_B] = handle };\nstatic int vmx_handle_exit(struct kvm_vcpu *vcpu) { return kvm_vmx_exit_handlers[reason_of(vcpu)](vcpu); }\nstruct kvm_x86_ops vt_x86_ops = { .handle_exit = vmx_handle_exit };\n${RUN_FD}`,
      ['exit EXIT_REASON_A', 'exit EXIT_REASON_B'],
    ),
  },
  'with a switch that falls through': {
    ...way(
      `${EXIT_OPS}static int mmio(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic int tdx_handle_exit(struct kvm_vcpu *vcpu) { switch (reason_of(vcpu)) { case EXIT_REASON_A: note(vcpu); fallthrough; case EXIT_REASON_B: return mmio(vcpu); } return 0; }\nstruct kvm_x86_ops vt_x86_ops = { .handle_exit = tdx_handle_exit };\n${RUN_FD}`,
      ['exit EXIT_REASON_A', 'exit EXIT_REASON_B'],
    ),
  },
  'with a call that falls through': {
    ...way(
      VM_FD(
        'switch (ioctl) {\n\tcase KVM_SET_ONE:\n\t\tprepare(kvm);\n\t\tfallthrough;\n\tcase KVM_SET_TWO:\n\t\tzap(kvm);\n\t\tbreak;\n\t}',
      ),
      ['ioctl KVM_SET_ONE', 'ioctl KVM_SET_TWO'],
    ),
  },
  stop_one_cpu: { ...now('stop_one_cpu(0, g, s)') },
  sort_nonatomic: { ...now('sort_nonatomic(s, 4, 8, g, NULL)') },
  'the outer of two locals of one name': {
    ...receiver('int run(void) { struct a *p; { struct b *p = find(); use(p); } return p->go(1); }'),
  },
};

/** An edge that the code does not have: what cannot be reached may be called reachable. */
const SURPLUS: Probes = {
  'a test of a pointer, in a macro of the kernel': {
    c: {
      'include/linux/compiler.h': '#define unlikely(x) __branch_check__(x, 0)\n',
      'include/linux/array_size.h': '#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]) + __must_be_array(a))\n',
      'arch/x86/kvm/a.c': `#include <linux/compiler.h>\n#include <linux/array_size.h>\nstruct s { int (*h)(int); };\n${F}static int (*const all[])(int) = { g };\nvoid set(struct s *s) { s->h = f; }\nint run(struct s *s) { if (unlikely(s->h)) return s->h(1); return all[ARRAY_SIZE(all) - 1](2); }`,
    },
    calls: { run: 'f g' },
    entries: [],
  },
  '__free(x) of a name that a function has too': {
    c: 'static void put(struct s *s) {}\nstatic void vput(void) {}\nDEFINE_FREE(vput, struct s *, put(_T))\nvoid run(void) { struct s *s __free(vput) = 0; }',
    calls: { run: '__free_vput', __free_vput: 'put' },
  },
  'is undefined and defined again': {
    c: `${F}#define CALL() f(1)\nint a(void) { return CALL(); }\n#undef CALL\n#define CALL() g(1)\nint b(void) { return CALL(); }`,
    calls: { a: 'f', b: 'g' },
  },
  'in a string that a macro makes': {
    c: `${F}#define NAME(x) #x\nconst char *run(void) { return NAME(f(1)); }`,
    calls: { run: '' },
    why: 'an argument that is only made a string is read as code',
  },
  'in __alignof__ and ARRAY_SIZE': {
    c: `${F}int run(int a) { return __alignof__(f(a)) + ARRAY_SIZE(x); }`,
    calls: { run: '' },
  },
  'a struct defined twice, in two files': {
    c: {
      'arch/x86/kvm/a.c': `${OP}static struct op o = { .fn = f };\nint a(struct op *o) { return o->fn(1); }`,
      'arch/x86/kvm/b.c':
        'struct op { int (*fn)(int); };\nstatic int h(int x) { return x; }\nstatic struct op o = { .fn = h };\nint b(struct op *o) { return o->fn(1); }',
    },
    calls: { a: 'f', b: 'h' },
    why: 'struct types of one name in two files are one',
  },
  'a per-CPU variable': {
    ...receiver('static DEFINE_PER_CPU(struct a *, cpu_a);\nint run(int cpu) { return per_cpu(cpu_a, cpu)->go(1); }'),
  },
  this_cpu_read: {
    ...receiver('static DEFINE_PER_CPU(struct a *, cpu_a);\nint run(void) { return this_cpu_read(cpu_a)->go(1); }'),
  },
  typeof: { ...receiver('int run(struct a *a) { typeof(*a) *p = a; return p->go(1); }') },
  __auto_type: {
    ...receiver('int run(struct a *a) { __auto_type p = a; return p->go(1); }'),
  },
};

describe.each([
  ['missing', MISSING],
  ['surplus', SURPLUS],
])('%s', (_, probes) => {
  for (const [name, probe] of Object.entries(probes))
    if (probe.why === undefined) test(name, () => check(probe));
    else test.fails(`${name} (${probe.why})`, () => check(probe));
});
