import type { Probe } from './probes';

/** Pieces of C that several probes share. */

/** Two functions to call. */
export const F = 'static int f(int x) { return x; }\nstatic int g(int x) { return x; }\n';

/** Two functions to register. */
export const WORK = 'static void f(struct work_struct *w) {}\nstatic void g(void *w) {}\n';

export const now = (call: string): Probe => ({
  c: `static int cond(int c, void *x) { return 1; }\n${WORK}void run(void *s) { ${call}; }`,
  calls: { run: call.includes('cond,') ? 'cond g' : 'g' },
  entries: [],
});

/** A function pointer in a field of a field. */
export const VCPU =
  'struct arch { int (*complete)(struct vcpu *v); };\nstruct vcpu { struct arch arch; };\nstatic int f(struct vcpu *v) { return 0; }\nstatic int g(struct vcpu *v) { return 0; }\n';

/** Two struct types with a field of one name. */
export const TYPES =
  'struct a { int (*go)(int); };\nstruct b { int (*go)(int); };\nstatic int f(int x) { return x; }\nstatic int g(int x) { return x; }\nstatic struct a one_a = { .go = f };\nstatic struct b one_b = { .go = g };\n';
export const receiver = (code: string, calls = 'f') => ({ c: `${TYPES}${code}`, calls: { run: calls } });

/** A table's element. */
export const OP =
  'struct op { int id; int (*fn)(int); const char *name; };\nstatic int f(int x) { return x; }\nstatic int g(int x) { return x; }\n';

/** Shaped like the emulator's tables of opcodes. */
const EMULATOR = `
struct ctxt { int (*execute)(struct ctxt *c); int (*check_perm)(struct ctxt *c); };
struct opcode { long flags; char intercept; union { int (*execute)(struct ctxt *c); const struct opcode *group; const struct group_dual *gdual; const struct gprefix *gprefix; } u; int (*check_perm)(struct ctxt *c); };
struct group_dual { struct opcode mod012[8]; struct opcode mod3[8]; };
struct gprefix { struct opcode pfx_no; struct opcode pfx_66; };
#define D(_y) { .flags = (_y) }
#define N D(NotImpl)
#define G(_f, _g) { .flags = ((_f) | Group), .u.group = (_g) }
#define GD(_f, _g) { .flags = ((_f) | GroupDual), .u.gdual = (_g) }
#define GP(_f, _g) { .flags = ((_f) | Prefix), .u.gprefix = (_g) }
#define EXT(_f, _e) { .flags = ((_f) | RMExt), .u.group = (_e) }
#define I(_f, _e) { .flags = (_f), .u.execute = (_e) }
#define F(_f, _e) { .flags = (_f) | Fastop, .u.execute = (_e) }
#define II(_f, _e, _i) { .flags = (_f)|Intercept, .u.execute = (_e), .intercept = x86_intercept_##_i }
#define IIP(_f, _e, _i, _p) { .flags = (_f)|Intercept|CheckPerm, .u.execute = (_e), .intercept = x86_intercept_##_i, .check_perm = (_p) }
#define I2bv(_f, _e) I((_f) | ByteOp, _e), I(_f, _e)
#define I6ALU(_f, _e) I2bv((_f) | DstMem, _e), I2bv((_f) | SrcMem, _e), I2bv((_f) | DstAcc, _e)
static int em_a(struct ctxt *c) { return 0; }
static int em_b(struct ctxt *c) { return 0; }
static int perm(struct ctxt *c) { return 0; }
`;
const EXECUTE =
  'int run(struct ctxt *ctxt) { struct opcode opcode = table[0]; ctxt->execute = opcode.u.execute; ctxt->check_perm = opcode.check_perm; return ctxt->execute(ctxt); }\nint run_check(struct ctxt *c) { return c->check_perm(c); }';
export const emulator = (table: string) => `${EMULATOR}${table}\n${EXECUTE}`;

const SINK_HEADER = `
struct kvm_arch { unsigned long vm_type; };
struct kvm { struct kvm_arch arch; };
struct kvm_vcpu { struct kvm *kvm; struct kvm_vcpu_arch *arch; };
struct file { void *private_data; };
void kvm_zap_gfn_range(struct kvm *kvm, u64 start, u64 end);
static inline void zap(struct kvm *kvm) { kvm_zap_gfn_range(kvm, 0, 1); }
`;
const MMU = {
  'arch/x86/include/asm/kvm_host.h': SINK_HEADER,
  'arch/x86/kvm/mmu.c': 'void kvm_zap_gfn_range(struct kvm *kvm, u64 start, u64 end) {}',
};
export const way = (code: string, ways: readonly string[], file = 'virt/kvm/kvm_main.c'): Probe => ({
  c: { ...MMU, [file]: code },
  ways,
});

export const VM_FD = (cases: string) =>
  `static long kvm_vm_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)\n{\n\tstruct kvm *kvm = filp->private_data;\n\tstruct kvm_enable_cap cap;\n\n${cases}\n\treturn 0;\n}\nstatic const struct file_operations kvm_vm_fops = { .unlocked_ioctl = kvm_vm_ioctl };`;
export const VCPU_FD = (cases: string) =>
  `static long kvm_vcpu_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)\n{\n\tstruct kvm_vcpu *vcpu = filp->private_data;\n\n${cases}\n\treturn 0;\n}\nstatic const struct file_operations kvm_vcpu_fops = { .unlocked_ioctl = kvm_vcpu_ioctl };`;

/** KVM_RUN, which dispatches an exit through the vendor's table. */
export const EXIT_OPS =
  'struct kvm_x86_ops { int (*handle_exit)(struct kvm_vcpu *vcpu); int (*vcpu_run)(struct kvm_vcpu *vcpu); };\n#define KVM_X86_OP(func) DECLARE_STATIC_CALL(kvm_x86_##func, *(((struct kvm_x86_ops *)0)->func));\n#define kvm_x86_call(func) static_call(kvm_x86_##func)\n';
export const RUN_FD = VCPU_FD('\tswitch (ioctl) {\n\tcase KVM_RUN:\n\t\treturn kvm_x86_call(handle_exit)(vcpu);\n\t}');
