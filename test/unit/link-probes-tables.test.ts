import { describe, it } from 'vitest';
import { F, OP, emulator } from './probe-code';
import { check, type Probes } from './probes';

const HOST = `
struct kvm_x86_nested_ops { int (*check)(int x); };
struct kvm_pmu_ops { int (*set)(int x); int (*msr_to_pmc)(int x); };
struct kvm_x86_ops { int (*go)(int x); int (*stop)(int x); int limit; struct kvm_x86_nested_ops *nested_ops; };
struct kvm_x86_init_ops { struct kvm_x86_ops *runtime_ops; struct kvm_pmu_ops *pmu_ops; int (*hardware_setup)(void); };
extern struct kvm_x86_ops kvm_x86_ops;
#define KVM_X86_OP(func) DECLARE_STATIC_CALL(kvm_x86_##func, *(((struct kvm_x86_ops *)0)->func));
#define kvm_x86_call(func) static_call(kvm_x86_##func)
#define KVM_X86_PMU_OP(func) DECLARE_STATIC_CALL(kvm_x86_pmu_##func, *(((struct kvm_pmu_ops *)0)->func));
#define kvm_pmu_call(func) static_call(kvm_x86_pmu_##func)
`;
const VENDORS = {
  'arch/x86/include/asm/kvm_host.h': HOST,
  'arch/x86/kvm/svm/svm.c':
    'static int svm_go(int x) { return x; }\nstatic int svm_check(int x) { return x; }\nstatic int amd_set(int x) { return x; }\nstatic struct kvm_x86_nested_ops svm_nested = { .check = svm_check };\nstruct kvm_x86_ops svm_x86_ops = { .go = svm_go, .nested_ops = &svm_nested, .limit = 3 };\nstruct kvm_pmu_ops amd_pmu_ops = { .set = amd_set };',
  'arch/x86/kvm/vmx/main.c':
    '#ifdef CONFIG_KVM_INTEL_TDX\nint vt_go(int x) { return vmx_go(x); }\n#define vt_op(name) vt_##name\n#define vt_op_tdx_only(name) vt_##name\n#else\n#define vt_op(name) vmx_##name\n#define vt_op_tdx_only(name) NULL\n#endif\n' +
    '#ifdef CONFIG_KVM_INTEL_TDX\nint vt_stop(int x) { return x; }\n#endif\nstruct kvm_x86_ops vt_x86_ops = { .go = vt_op(go), .stop = vt_op_tdx_only(stop), .limit = 7 };',
  'arch/x86/kvm/vmx/vmx.c':
    'int vmx_go(int x) { return x; }\nint late_stop(int x) { return x; }\nstatic int intel_set(int x) { return x; }\nstruct kvm_pmu_ops intel_pmu_ops = { .set = intel_set };',
};
const dispatch = (code: string) => ({ ...VENDORS, 'arch/x86/kvm/x86.c': `${HOST}${code}` });

const OPERATIONS: Probes = {
  'kvm_x86_call()': {
    c: dispatch('int run(int x) { return kvm_x86_call(go)(x); }'),
    edges: { run: ['svm_go ops kvm_x86_ops.go', 'vt_go ops kvm_x86_ops.go'] },
  },
  'static_call()': {
    c: dispatch('int run(int x) { return static_call(kvm_x86_go)(x); }'),
    calls: { run: 'svm_go vt_go' },
  },
  'static_call_cond()': {
    c: dispatch('void run(int x) { static_call_cond(kvm_x86_go)(x); }'),
    calls: { run: 'svm_go vt_go' },
  },
  'static_call_mod()': {
    c: dispatch('int run(int x) { return static_call_mod(kvm_x86_go)(x); }'),
    calls: { run: 'svm_go vt_go' },
  },
  'kvm_x86_ops.x()': { c: dispatch('int run(int x) { return kvm_x86_ops.go(x); }'), calls: { run: 'svm_go vt_go' } },
  'a pointer to the table': {
    c: dispatch('int run(struct kvm_x86_ops *ops, int x) { return ops->go(x); }'),
    calls: { run: 'svm_go vt_go' },
  },
  'a test of a slot is no call': {
    c: dispatch('int run(int x) { return kvm_x86_ops.go ? 1 : 0; }'),
    calls: { run: '' },
  },
  'a slot of TDX only': { c: dispatch('int run(int x) { return kvm_x86_call(stop)(x); }'), calls: { run: 'vt_stop' } },
  'a wrapper calls the plain one': { c: dispatch(''), calls: { vt_go: 'vmx_go' } },
  'a slot called in an argument': {
    c: dispatch('void run(int x) { if (!kvm_x86_call(go)(kvm_x86_call(stop)(x))) return; }'),
    calls: { run: 'svm_go vt_go vt_stop' },
  },
  'a slot called in a macro': {
    c: dispatch('#define GO(x) kvm_x86_call(go)(x)\nint run(int x) { return GO(x); }'),
    calls: { run: 'svm_go vt_go' },
  },
  'nested ops': {
    c: dispatch('int run(int x) { return kvm_x86_ops.nested_ops->check(x); }'),
    calls: { run: 'svm_check' },
  },
  'kvm_pmu_call()': {
    c: dispatch('int run(int x) { return kvm_pmu_call(set)(x); }'),
    edges: { run: ['amd_set ops kvm_pmu_ops.set', 'intel_set ops kvm_pmu_ops.set'] },
  },
  'a patch at run time': {
    c: {
      ...dispatch('int run(int x) { return kvm_x86_call(stop)(x); }'),
      'arch/x86/kvm/vmx/setup.c':
        'extern struct kvm_x86_ops vt_x86_ops;\nint late_stop(int x);\nvoid setup(void) { if (enable) vt_x86_ops.stop = late_stop; }',
    },
    calls: { run: 'late_stop vt_stop' },
  },
  'a patch at run time to NULL': {
    c: {
      ...dispatch('int run(int x) { return kvm_x86_call(go)(x); }'),
      'arch/x86/kvm/vmx/setup.c': 'extern struct kvm_x86_ops vt_x86_ops;\nvoid setup(void) { vt_x86_ops.go = NULL; }',
    },
    calls: { run: 'svm_go vt_go' },
  },
  'a patch through a ternary': {
    c: {
      ...dispatch('int run(int x) { return kvm_x86_call(stop)(x); }'),
      'arch/x86/kvm/svm/setup.c':
        'static int s1(int x) { return x; }\nstatic int s2(int x) { return x; }\nextern struct kvm_x86_ops svm_x86_ops;\nvoid setup(int on) { svm_x86_ops.stop = on ? s1 : s2; }',
    },
    calls: { run: 's1 s2 vt_stop' },
  },
  'a patch through a pointer': {
    c: {
      ...dispatch('int run(int x) { return kvm_x86_call(stop)(x); }'),
      'arch/x86/kvm/svm/setup.c':
        'static int s1(int x) { return x; }\nvoid setup(struct kvm_x86_ops *ops) { ops->stop = s1; }',
    },
    calls: { run: 's1 vt_stop' },
  },
  'init ops by pointer': {
    c: {
      'arch/x86/include/asm/kvm_host.h': HOST,
      'arch/x86/kvm/svm/svm.c':
        'static int setup(void) { return 0; }\nstruct kvm_x86_init_ops svm_init_ops = { .hardware_setup = setup };\nint svm_init(void) { return vendor_init(&svm_init_ops); }',
      'arch/x86/kvm/x86.c': `${HOST}int vendor_init(struct kvm_x86_init_ops *ops) { return ops->hardware_setup(); }`,
    },
    calls: { vendor_init: 'setup', svm_init: 'vendor_init' },
  },
  'a table copied with memcpy': {
    c: dispatch(
      'struct kvm_x86_ops kvm_x86_ops;\nvoid update(struct kvm_x86_init_ops *ops) { memcpy(&kvm_x86_ops, ops->runtime_ops, sizeof(kvm_x86_ops)); }\nint run(int x) { return kvm_x86_call(go)(x); }',
    ),
    calls: { run: 'svm_go vt_go', update: '' },
  },
  'vmx code calls the intel slot only': {
    c: { ...VENDORS, 'arch/x86/kvm/vmx/x.c': 'int run(int x) { return kvm_x86_call(go)(x); }' },
    calls: { run: 'vt_go' },
  },
  'a slot that a macro of one #if fills': {
    c: {
      ...dispatch('int run(int x) { return kvm_x86_call(stop)(x); }'),
      'arch/x86/kvm/svm/t.c':
        'static int s(int x) { return x; }\nstruct kvm_x86_ops t = {\n#ifdef CONFIG_X86_32\n\t.stop = s,\n#endif\n};',
    },
    calls: { run: 'vt_stop' },
  },
};

const HANDLER = 'static int one(struct kvm_vcpu *v) { return 0; }\nstatic int two(struct kvm_vcpu *v) { return 0; }\n';

const ARRAYS: Probes = {
  'by index': {
    c: `${HANDLER}static int (*kvm_vmx_exit_handlers[])(struct kvm_vcpu *v) = { [EXIT_REASON_A] = one, [EXIT_REASON_B] = two };\nint run(struct kvm_vcpu *v, int i) { return kvm_vmx_exit_handlers[i](v); }`,
    edges: {
      run: ['one table kvm_vmx_exit_handlers[EXIT_REASON_A]', 'two table kvm_vmx_exit_handlers[EXIT_REASON_B]'],
    },
    entries: ['exit EXIT_REASON_A one', 'exit EXIT_REASON_B two'],
  },
  'by a range': {
    c: `${HANDLER}static int (*const svm_exit_handlers[])(struct kvm_vcpu *v) = { [SVM_EXIT_READ_CR0 ... SVM_EXIT_READ_CR8] = one, [SVM_EXIT_MSR] = two };\nint run(struct kvm_vcpu *v, int i) { return svm_exit_handlers[i](v); }`,
    calls: { run: 'one two' },
  },
  'by position': {
    c: `${HANDLER}static int (*handlers[])(struct kvm_vcpu *v) = { one, NULL, two };\nint run(struct kvm_vcpu *v, int i) { return handlers[i](v); }`,
    calls: { run: 'one two' },
  },
  'of a typedef': {
    c: `typedef int (*exit_fn)(struct kvm_vcpu *v);\n${HANDLER}static exit_fn handlers[4] = { [1] = one };\nint run(struct kvm_vcpu *v, int i) { return handlers[i](v); }`,
    calls: { run: 'one' },
  },
  'of a function type': {
    c: `typedef int exit_fn(struct kvm_vcpu *v);\n${HANDLER}static exit_fn *handlers[4] = { [1] = one };\nint run(struct kvm_vcpu *v, int i) { return handlers[i](v); }`,
    calls: { run: 'one' },
  },
  'filled at run time': {
    c: `${HANDLER}static int (*handlers[4])(struct kvm_vcpu *v);\nvoid setup(void) { handlers[2] = two; }\nint run(struct kvm_vcpu *v, int i) { return handlers[i](v); }`,
    calls: { run: 'two' },
  },
  'starred and parenthesised': {
    c: `${HANDLER}static int (*handlers[])(struct kvm_vcpu *v) = { one };\nint run(struct kvm_vcpu *v, int i) { return (*handlers[i])(v); }`,
    calls: { run: 'one' },
  },
  'of two dimensions': {
    c: `${HANDLER}static int (*handlers[2][2])(struct kvm_vcpu *v) = { { one, NULL }, { NULL, two } };\nint run(struct kvm_vcpu *v, int i) { return handlers[i][1](v); }`,
    calls: { run: 'one two' },
  },
  'through a local': {
    c: `${HANDLER}static int (*handlers[])(struct kvm_vcpu *v) = { one, two };\nint run(struct kvm_vcpu *v, int i) { int (*h)(struct kvm_vcpu *) = handlers[array_index_nospec(i, 2)]; return h(v); }`,
    calls: { run: 'one two' },
  },
  'filled by a callee': {
    c: `${HANDLER}static void init(int (*h[])(struct kvm_vcpu *)) { h[1] = two; }\nstatic int (*handlers[4])(struct kvm_vcpu *v) = { [0] = one };\nvoid setup(void) { init(handlers); }\nint run(struct kvm_vcpu *v, int i) { return handlers[i](v); }`,
    calls: { run: 'one two' },
  },
  'with an #if inside': {
    c: `${HANDLER}static int (*handlers[])(struct kvm_vcpu *v) = {\n\t[0] = one,\n#ifdef CONFIG_X86_32\n\t[1] = two,\n#endif\n};\nint run(struct kvm_vcpu *v, int i) { return handlers[i](v); }`,
    calls: { run: 'one' },
  },
  'tested but not called': {
    c: `${HANDLER}static int (*handlers[])(struct kvm_vcpu *v) = { one };\nint run(int i) { return !handlers[i]; }`,
    calls: { run: '' },
  },
  'const, local and static': {
    c: `${HANDLER}int run(struct kvm_vcpu *v, int i) { static int (*const h[])(struct kvm_vcpu *) = { [0] = one, [1] = two }; return h[i](v); }`,
    calls: { run: 'one two' },
  },
};

const STRUCTS: Probes = {
  'an array of structs': {
    c: `${OP}static const struct op ops[] = { { .id = 1, .fn = f }, { .id = 2, .fn = g } };\nint run(int i) { return ops[i].fn(i); }`,
    calls: { run: 'f g' },
  },
  'a pointer into the table': {
    c: `${OP}static const struct op ops[] = { { .fn = f } };\nint run(int i) { const struct op *o = &ops[i]; return o->fn(i); }`,
    calls: { run: 'f' },
  },
  'a pointer into the table by addition': {
    c: `${OP}static const struct op ops[] = { { .fn = f } };\nint run(int i) { const struct op *o = ops + i; return o->fn(i); }`,
    calls: { run: 'f' },
  },
  'a positional struct': {
    c: `${OP}static const struct op one = { 1, f, "x" };\nint run(void) { return one.fn(1); }`,
    calls: { run: 'f' },
  },
  'positional structs in an array': {
    c: `${OP}static const struct op ops[] = { { 1, f, "x" }, { 2, g, "y" } };\nint run(int i) { return ops[i].fn(1); }`,
    calls: { run: 'f g' },
  },
  'a position after a designator': {
    c: `${OP}static const struct op one = { .id = 1, f };\nint run(void) { return one.fn(1); }`,
    calls: { run: 'f' },
  },
  'a nested struct': {
    c: `${OP}struct outer { int a; struct op inner; };\nstatic struct outer o = { .inner = { .fn = f } };\nint run(void) { return o.inner.fn(1); }`,
    calls: { run: 'f' },
  },
  'a nested designator': {
    c: `${OP}struct outer { int a; struct op inner; };\nstatic struct outer o = { .inner.fn = f };\nint run(void) { return o.inner.fn(1); }`,
    calls: { run: 'f' },
  },
  'a nested positional struct': {
    c: `${OP}struct outer { int a; struct op inner; };\nstatic struct outer o = { 1, { 2, f } };\nint run(void) { return o.inner.fn(1); }`,
    calls: { run: 'f' },
  },
  'an indexed designator of a field': {
    c: `${OP}static struct op ops[4] = { [2].fn = f, [3].id = 1 };\nint run(int i) { return ops[i].fn(1); }`,
    calls: { run: 'f' },
  },
  'a pointer to an anonymous table': {
    c: `${OP}struct outer { const struct op *ops; };\nstatic struct outer o = { .ops = (const struct op[]){ { .fn = f }, { .fn = g } } };\nint run(int i) { return o.ops[i].fn(1); }`,
    calls: { run: 'f g' },
  },
  'an array of fn in a struct': {
    c: `${OP}struct set { int (*fns[4])(int); };\nstatic struct set s = { .fns = { [1] = f, g } };\nint run(int i) { return s.fns[i](1); }`,
    calls: { run: 'f g' },
  },
  'a table found by a function': {
    c: `${OP}static const struct op ops[] = { { .fn = f } };\nstatic const struct op *find(int i) { return &ops[i]; }\nint run(int i) { return find(i)->fn(i); }`,
    calls: { run: 'f find' },
  },
  'two tables of one type share its field': {
    c: `${OP}static struct op a = { .fn = f };\nstatic struct op b = { .fn = g };\nint run(struct op *o) { return o->fn(1); }`,
    edges: { run: ['f table op.fn', 'g table op.fn'] },
  },
  'a compound literal stored': {
    c: `${OP}void set(struct op *o) { *o = (struct op){ .fn = f }; }\nint run(struct op *o) { return o->fn(1); }`,
    calls: { run: 'f' },
  },
  'a compound literal passed': {
    c: `${OP}static int call(struct op *o) { return o->fn(1); }\nint run(void) { return call(&(struct op){ .id = 1, .fn = g }); }`,
    calls: { call: 'g', run: 'call' },
  },
  'a local struct': {
    c: `${OP}static int call(const struct op *o) { return o->fn(1); }\nint run(void) { const struct op o = { .fn = f }; return call(&o); }`,
    calls: { call: 'f', run: 'call' },
  },
  'an old style designator': {
    c: `${OP}static struct op o = { fn: f };\nint run(void) { return o.fn(1); }`,
    calls: { run: 'f' },
  },
  'a cast entry': {
    c: `${OP}static struct op o = { .fn = (int (*)(int))f };\nint run(void) { return o.fn(1); }`,
    calls: { run: 'f' },
  },
  'an entry with &': {
    c: `${OP}static struct op o = { .fn = &f };\nint run(void) { return o.fn(1); }`,
    calls: { run: 'f' },
  },
  'an entry of a ternary': {
    c: `${OP}static struct op o = { .fn = IS_ENABLED(CONFIG_X86_64) ? f : g };\nint run(void) { return o.fn(1); }`,
    calls: { run: 'f g' },
  },
  'an entry that is a macro for a name': {
    c: `${OP}#define DEFAULT f\nstatic struct op o = { .fn = DEFAULT };\nint run(void) { return o.fn(1); }`,
    calls: { run: 'f' },
  },
  'an entry written by a macro': {
    c: `${OP}#define OP(_id, _fn) { .id = _id, .fn = _fn }\nstatic struct op ops[] = { OP(1, f), OP(2, g) };\nint run(int i) { return ops[i].fn(1); }`,
    calls: { run: 'f g' },
  },
  'an entry written by a pasting macro': {
    c: 'struct op { int (*fn)(int); };\nstatic int do_a(int x) { return x; }\nstatic int do_b(int x) { return x; }\n#define OP(n) { .fn = do_##n }\nstatic struct op ops[] = { OP(a) };\nint run(int i) { return ops[i].fn(1); }',
    calls: { run: 'do_a' },
  },
  'an indexed entry written by a macro': {
    c: `${OP}#define OP(_id, _fn) [_id] = { .id = _id, .fn = _fn }\nstatic struct op ops[] = { OP(1, f), OP(2, g) };\nint run(int i) { return ops[i].fn(1); }`,
    calls: { run: 'f g' },
  },
  'fields written by a macro': {
    c: `${OP}#define COMMON(_fn) .id = 1, .fn = _fn\nstatic struct op o = { COMMON(f), .name = "x" };\nint run(void) { return o.fn(1); }`,
    calls: { run: 'f' },
  },
  'an entry found by iteration': {
    c: `${OP}static const struct op ops[] = { { .fn = f }, { } };\nint run(void) { const struct op *o; for (o = ops; o->fn; o++) o->fn(1); return 0; }`,
    calls: { run: 'f' },
  },
  'a copy of an entry': {
    c: `${OP}static const struct op ops[] = { { .fn = f } };\nint run(int i) { struct op o = ops[i]; return o.fn(1); }`,
    calls: { run: 'f' },
  },
  'an indexed designator in a field': {
    c: `${OP}struct set { int (*fns[4])(int); };\nstatic struct set s = { .fns[2] = f };\nint run(int i) { return s.fns[i](1); }`,
    calls: { run: 'f' },
  },
  'an anonymous struct in a field': {
    c: `struct set { struct { int n; int (*fn)(int); } slots[4]; };\nstatic int f(int x) { return x; }\nstatic struct set s = { .slots = { { 1, f } } };\nint run(int i) { return s.slots[i].fn(1); }`,
    calls: { run: 'f' },
  },
  'a pointer kept in a static': {
    c: `${OP}static struct op a = { .fn = f };\nstatic const struct op *current_op;\nvoid set(const struct op *o) { current_op = o; }\nint run(void) { return current_op->fn(1); }`,
    calls: { run: 'f' },
  },
  'an array typedef': {
    c: `typedef int (*tbl_t[4])(int);\n${F}static tbl_t table = { f, g };\nint run(int i) { return table[i](1); }`,
    calls: { run: 'f g' },
  },
  'an entry or a default': {
    c: `${F}static int (*table[4])(int) = { f };\nint run(int i) { return (table[i] ?: g)(1); }`,
    calls: { run: 'f g' },
  },
  'a pointer to an entry': {
    c: `${F}static int (*table[4])(int) = { f };\nint run(int i) { int (**p)(int) = &table[i]; return (*p)(1); }`,
    calls: { run: 'f' },
  },
  'an entry written by two macros': {
    c: `${OP}#define FN(_fn) .fn = _fn\n#define OP2(_id, _fn) { .id = _id, FN(_fn) }\nstatic struct op ops[] = { OP2(1, f) };\nint run(int i) { return ops[i].fn(1); }`,
    calls: { run: 'f' },
  },
};

const EMULATED: Probes = {
  'I()': { c: emulator('static const struct opcode table[] = { I(4, em_a), N, D(2) };'), calls: { run: 'em_a' } },
  'II() with an intercept': {
    c: emulator('static const struct opcode table[] = { II(4 | 8, em_a, hlt), N };'),
    calls: { run: 'em_a' },
  },
  'IIP() with a check': {
    c: emulator('static const struct opcode table[] = { IIP(4, em_a, rdmsr, perm) };'),
    calls: { run: 'em_a', run_check: 'perm' },
  },
  'F()': { c: emulator('static const struct opcode table[] = { F(4, em_b) };'), calls: { run: 'em_b' } },
  'two entries of one macro': {
    c: emulator('static const struct opcode table[] = { I2bv(4, em_a), I6ALU(4, em_b) };'),
    calls: { run: 'em_a em_b' },
  },
  'N and D() have no function': {
    c: emulator('static const struct opcode table[] = { N, N, D(em_a) };'),
    calls: { run: '' },
  },
  'a range of entries': {
    c: emulator('static const struct opcode table[16] = { [0 ... 7] = I(4, em_a), [8] = II(4, em_b, x) };'),
    calls: { run: 'em_a em_b' },
  },
  'G() with a group': {
    c: emulator(
      'static const struct opcode group1[] = { I(1, em_a), N };\nstatic const struct opcode table[] = { G(4, group1) };',
    ),
    calls: { run: 'em_a' },
  },
  'GD() with two tables': {
    c: emulator(
      'static const struct group_dual group7 = { { N, II(1, em_a, x) }, { EXT(0, rm), N } };\nstatic const struct opcode rm[] = { I(1, em_b) };\nstatic const struct opcode table[] = { GD(4, &group7) };',
    ),
    calls: { run: 'em_a em_b' },
  },
  'nested braces with many N': {
    c: emulator(
      'static const struct group_dual g = { { N, N, I(1, em_a) }, { N, N, N, N, I(1, em_b) } };\nstatic const struct opcode table[] = { N };',
    ),
    calls: { run: 'em_a em_b' },
  },
  'X() repeating entries': {
    c: emulator(
      '#define X2(x...) x, x\n#define X4(x...) X2(x), X2(x)\nstatic const struct opcode table[] = { X4(I(1, em_a)), X2(N) };',
    ),
    calls: { run: 'em_a' },
  },
};

describe.each([
  ['a vendor table:', OPERATIONS],
  ['an array of handlers', ARRAYS],
  ['a table of structs:', STRUCTS],
  ["the emulator's table:", EMULATED],
])('%s', (_, probes) => {
  it.each(Object.entries(probes))('%s', (_name, probe) => check(probe));
});
