import { describe, expect, it } from 'vitest';
import { edgesOf, link } from './linking';

describe('direct calls', () => {
  it('resolve statics in their own file only', async () => {
    const program = await link({
      'arch/x86/kvm/a.c': 'static void f(void) {}\nvoid a(void) { f(); }',
      'arch/x86/kvm/b.c': 'static void f(void) {}\nvoid b(void) { f(); }',
      'arch/x86/kvm/c.c': 'void c(void) { f(); }',
    });
    expect(edgesOf(program, 'a')).toEqual(['a -> arch/x86/kvm/a.c:f call']);
    expect(edgesOf(program, 'b')).toEqual(['b -> arch/x86/kvm/b.c:f call']);
    expect(edgesOf(program, 'c')).toEqual([]);
  });

  it('prefer the definition that the configuration has to a stub', async () => {
    const program = await link({
      'arch/x86/kvm/x.h':
        '#ifdef CONFIG_KVM_SMM\nint smm(void);\n#else\nstatic inline int smm(void) { return 0; }\n#endif',
      'arch/x86/kvm/smm.c': 'int smm(void) { return 1; }',
      'arch/x86/kvm/a.c': '#include "x.h"\nint a(void) { return smm(); }',
    });
    expect(program.callees.get('arch/x86/kvm/a.c:a')?.map((edge) => edge.calleeId)).toEqual(['arch/x86/kvm/smm.c:smm']);
    const stub = program.edges.find((edge) => edge.calleeId === 'arch/x86/kvm/x.h:smm');
    expect(stub?.when).toContain('CONFIG_KVM_SMM');
    expect(program.functions.get('arch/x86/kvm/x.h:smm')?.active).toBe(false);
  });

  it('let a strong definition win over a weak one', async () => {
    const program = await link({
      'virt/kvm/main.c': 'bool __weak arch_ok(void) { return false; }\nvoid a(void) { arch_ok(); }',
      'arch/x86/kvm/x86.c': 'bool arch_ok(void) { return true; }',
    });
    // The file's own definition is weak, and yields.
    expect(program.callers.get('arch/x86/kvm/x86.c:arch_ok')?.map((edge) => edge.caller)).toEqual(['a']);
    expect(program.callers.get('virt/kvm/main.c:arch_ok')).toBeUndefined();
  });

  it('go through macros as nodes and contracted', async () => {
    const program = await link({
      'arch/x86/kvm/a.c':
        'static void f(int x) {}\n#define OUTER(x) INNER(x)\n#define INNER(x) do { f(x); } while (0)\nvoid a(void) {\n\tOUTER(1);\n}',
    });
    expect(edgesOf(program, 'a')).toEqual(['a -> arch/x86/kvm/a.c:OUTER call', 'a -> arch/x86/kvm/a.c:f macro']);
    expect(edgesOf(program, 'OUTER')).toEqual(['OUTER -> arch/x86/kvm/a.c:INNER macro']);
    expect(edgesOf(program, 'INNER')).toEqual(['INNER -> arch/x86/kvm/a.c:f macro']);
    expect(program.edges.find((edge) => edge.caller === 'a' && edge.callee === 'f')?.site).toMatchObject({
      line: 5,
      column: 2,
    });
    expect(program.functions.get('arch/x86/kvm/a.c:OUTER')?.kind).toBe('macro');
  });

  it('see a name that a macro pastes', async () => {
    const program = await link({
      'arch/x86/kvm/a.c':
        'static void do_read(void) {}\nstatic void do_write(void) {}\n#define DO(what) do_##what()\nvoid a(void) { DO(write); }',
    });
    expect(edgesOf(program, 'a')).toContain('a -> arch/x86/kvm/a.c:do_write macro');
    expect(edgesOf(program, 'a').join()).not.toContain('do_read');
  });
});

describe('linking', () => {
  it('does not depend on the order of the files', async () => {
    const files = {
      'arch/x86/kvm/a.c': 'static void f(void) {}\nvoid a(void (*cb)(void)) { f(); cb(); }',
      'arch/x86/kvm/b.c': 'static void g(void) {}\nvoid b(void) { a(g); }',
    };
    const forward = await link(files);
    const backward = await link(Object.fromEntries(Object.entries(files).reverse()));
    expect(forward.edges).toHaveLength(3);
    expect(backward.edges).toEqual(forward.edges);
    expect([...backward.functions.keys()]).toEqual([...forward.functions.keys()]);
  });

  it('lists a slot that only the other vendor fills', async () => {
    const program = await link({
      'arch/x86/kvm/o.h': 'struct kvm_x86_ops { int (*go)(void); };\nextern struct kvm_x86_ops kvm_x86_ops;',
      'arch/x86/kvm/vmx/v.c':
        '#include "../o.h"\nstatic int v(void) { return 0; }\nstruct kvm_x86_ops vt_x86_ops = { .go = v };',
      'arch/x86/kvm/svm/s.c': '#include "../o.h"\nint s(void) { return kvm_x86_ops.go(); }',
    });
    expect(program.edges).toEqual([]);
    expect(program.unresolved).toMatchObject([{ why: "only the other vendor's module fills kvm_x86_ops.go" }]);
  });
});

describe('template headers', () => {
  it('are instantiated once per inclusion', async () => {
    const program = await link({
      'arch/x86/kvm/mmu.c':
        '#define PTTYPE 64\n#include "walk_tmpl.h"\n#undef PTTYPE\n#define PTTYPE 32\n#include "walk_tmpl.h"\n#undef PTTYPE\nvoid a(void) { long64_walk(); }',
      'arch/x86/kvm/walk_tmpl.h':
        '#if PTTYPE == 64\n#define FNAME(name) long##64_##name\n#elif PTTYPE == 32\n#define FNAME(name) long##32_##name\n#endif\n' +
        '#if PTTYPE == 64\nstatic void FNAME(only)(void) {}\n#endif\nstatic void FNAME(step)(void) {}\nstatic void FNAME(walk)(void) {\n\tFNAME(step)();\n}\n',
    });
    expect(edgesOf(program, 'a')).toEqual(['a -> arch/x86/kvm/walk_tmpl.h:long64_walk call']);
    expect(edgesOf(program, 'long32_walk')).toEqual(['long32_walk -> arch/x86/kvm/walk_tmpl.h:long32_step call']);
    expect(program.functions.get('arch/x86/kvm/walk_tmpl.h:long64_walk')?.instance).toBe('long64_');
    expect([...program.functions.keys()].filter((id) => id.endsWith('_only'))).toEqual([
      'arch/x86/kvm/walk_tmpl.h:long64_only',
    ]);
  });
});

describe('vendor tables', () => {
  const header =
    'struct kvm_x86_ops {\n\tint (*set_msr)(void *v);\n\tint (*name_like)(void);\n\tint limit;\n};\nextern struct kvm_x86_ops kvm_x86_ops;\n' +
    '#define KVM_X86_OP(func) DECLARE_STATIC_CALL(kvm_x86_##func, *(((struct kvm_x86_ops *)0)->func));\n' +
    '#define kvm_x86_call(func) static_call(kvm_x86_##func)\n';
  const files = {
    'arch/x86/include/asm/kvm_host.h': header,
    'arch/x86/kvm/svm/svm.c':
      'static int svm_set_msr(void *v) { return 0; }\nstruct kvm_x86_ops svm_x86_ops = { .set_msr = svm_set_msr, .limit = 3 };',
    'arch/x86/kvm/vmx/main.c':
      '#ifdef CONFIG_KVM_INTEL_TDX\nstatic int vt_set_msr(void *v) { return vmx_set_msr(v); }\n#define vt_op(name) vt_##name\n#else\n#define vt_op(name) vmx_##name\n#endif\n' +
      'struct kvm_x86_ops vt_x86_ops = { .set_msr = vt_op(set_msr), .limit = 7 };',
    'arch/x86/kvm/vmx/vmx.c':
      'int vmx_set_msr(void *v) { return 1; }\nstatic int late(void) { return 0; }\nvoid setup(void) {\n\tvt_x86_ops.name_like = late;\n}',
    'arch/x86/kvm/x86.c': 'int name_like(void) { return 0; }\n',
  };

  it.each([
    ['6.1', 'static_call(kvm_x86_set_msr)(v)'],
    ['6.1, optional', 'static_call_cond(kvm_x86_set_msr)(v)'],
    ['6.12', 'kvm_x86_call(set_msr)(v)'],
    ['plain', 'kvm_x86_ops.set_msr(v)'],
  ])('are dispatched through in the form of %s', async (_, call) => {
    const program = await link({ ...files, 'arch/x86/kvm/call.c': `int a(void *v) {\n\treturn ${call};\n}` });
    const live = program.callees.get('arch/x86/kvm/call.c:a') ?? [];
    expect(live.map((edge) => [edge.callee, edge.via, edge.slot, edge.vendor])).toEqual([
      ['svm_set_msr', 'ops', 'kvm_x86_ops.set_msr', 'amd'],
      ['vt_set_msr', 'ops', 'kvm_x86_ops.set_msr', 'intel'],
    ]);
    expect(live[0]?.site).toMatchObject({ line: 2, function: 'a' });
    const off = program.edges.find((edge) => edge.caller === 'a' && edge.callee === 'vmx_set_msr');
    expect(off?.when).toBe('!(defined(CONFIG_KVM_INTEL_TDX))');
  });

  it('are filled at run time, and never by bare name', async () => {
    const program = await link({
      ...files,
      'arch/x86/kvm/call.c': 'int a(void) { return kvm_x86_call(name_like)(); }',
    });
    expect(edgesOf(program, 'a')).toEqual(['a -> arch/x86/kvm/vmx/vmx.c:late ops']);
    expect(program.symbols.slot('kvm_x86_ops.name_like')).toMatchObject([{ assigned: true, vendor: 'intel' }]);
  });

  it('give values of entries that are no functions', async () => {
    const program = await link(files);
    const entry = program.symbols.slotValue('kvm_x86_ops.limit', 'intel');
    expect(entry && program.symbols.fold(entry.value, entry.file)).toBe(7n);
  });

  it('list a slot that nobody fills', async () => {
    const program = await link({
      ...files,
      'arch/x86/kvm/call.c': 'int a(void *v) { return kvm_x86_call(other)(v); }',
    });
    expect(program.unresolved).toMatchObject([
      { site: { function: 'a' }, why: expect.stringContaining('kvm_x86_ops.other') as string },
    ]);
  });
});

describe('pointers to functions', () => {
  it('are followed through arguments', async () => {
    const program = await link({
      'arch/x86/kvm/a.c':
        'static int one(int x) { return x; }\nstatic int each(int (*fn)(int)) { return fn(1); }\nstatic int outer(int (*cb)(int)) { return each(cb); }\nint a(void) { return outer(one); }',
    });
    expect(edgesOf(program, 'each')).toEqual(['each -> arch/x86/kvm/a.c:one argument']);
  });

  it('are stored in a field and called later, by the type of the receiver', async () => {
    const program = await link({
      'arch/x86/kvm/a.h':
        'struct arch { int (*complete)(struct vcpu *v); };\nstruct vcpu { struct arch arch; };\nstruct other { int (*complete)(struct vcpu *v); };',
      'arch/x86/kvm/a.c':
        '#include "a.h"\nstatic int mine(struct vcpu *v) { return 0; }\nstatic int theirs(struct vcpu *v) { return 0; }\n' +
        'void set(struct vcpu *v, struct other *o) { v->arch.complete = mine; o->complete = theirs; }\n' +
        'int run(struct vcpu *v) { int (*cb)(struct vcpu *) = v->arch.complete; return cb(v); }\nint other_run(struct other *o) { return o->complete(0); }',
    });
    expect(edgesOf(program, 'run')).toEqual(['run -> arch/x86/kvm/a.c:mine field']);
    expect(edgesOf(program, 'other_run')).toEqual(['other_run -> arch/x86/kvm/a.c:theirs field']);
  });

  it('stand in arrays of handlers, with their index', async () => {
    const program = await link({
      'arch/x86/kvm/vmx/vmx.c':
        'static int handle_a(struct kvm_vcpu *v) { return 0; }\nstatic int handle_b(struct kvm_vcpu *v) { return 0; }\n' +
        'static int (*kvm_vmx_exit_handlers[])(struct kvm_vcpu *vcpu) = {\n\t[EXIT_REASON_A] = handle_a,\n\t[EXIT_REASON_B] = handle_b,\n};\n' +
        'int run(struct kvm_vcpu *v, int i) { return kvm_vmx_exit_handlers[i](v); }',
    });
    expect(edgesOf(program, 'run')).toEqual([
      'run -> arch/x86/kvm/vmx/vmx.c:handle_a table',
      'run -> arch/x86/kvm/vmx/vmx.c:handle_b table',
    ]);
    expect(program.edges[0]?.slot).toBe('kvm_vmx_exit_handlers[EXIT_REASON_A]');
    expect(program.entries.map((entry) => [entry.kind, entry.name, entry.function, entry.inside])).toEqual([
      ['exit', 'EXIT_REASON_A', 'handle_a', true],
      ['exit', 'EXIT_REASON_B', 'handle_b', true],
    ]);
  });

  it('come out of tables that macros write', async () => {
    const program = await link({
      'arch/x86/kvm/emulate.c':
        'struct ctxt { int (*execute)(struct ctxt *c); };\nstruct opcode { long flags; union { int (*execute)(struct ctxt *c); const struct opcode *group; } u; };\n' +
        '#define I(_f, _e) { .flags = (_f), .u.execute = (_e) }\n#define I2(_f, _e) I((_f) | 1, _e), I(_f, _e)\n' +
        'static int em_mov(struct ctxt *c) { return 0; }\nstatic int em_add(struct ctxt *c) { return 0; }\n' +
        'static const struct opcode table[4] = {\n\tI(4, em_mov), I2(8, em_add),\n};\n' +
        'int run(struct ctxt *ctxt) { struct opcode opcode = table[0]; ctxt->execute = opcode.u.execute; return ctxt->execute(ctxt); }',
    });
    expect(edgesOf(program, 'run')).toEqual([
      'run -> arch/x86/kvm/emulate.c:em_add table',
      'run -> arch/x86/kvm/emulate.c:em_mov table',
    ]);
  });

  it('say so when only the name of the field is known', async () => {
    const program = await link({
      'arch/x86/kvm/a.c':
        'struct t { int (*go)(void); };\nstatic int f(void) { return 0; }\nstatic struct t t = { .go = f };\nint run(void) { return unknown_object()->go(); }',
    });
    expect(program.edges.map((edge) => [edge.callee, edge.slot])).toEqual([['f', '*.go']]);
  });
});
