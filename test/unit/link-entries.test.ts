import { describe, expect, it } from 'vitest';
import type { Program } from '../../extension/core/program/program';
import { link } from './linking';

function entries(program: Program): string[] {
  return program.entries.map((entry) => `${entry.kind} ${entry.name} ${entry.function}`);
}

describe('entry points', () => {
  it('are the file operations of device files, with the parameter that selects the ioctl', async () => {
    const program = await link({
      'virt/kvm/kvm_main.c':
        'static long vm_ioctl(struct file *filp, unsigned int nr, unsigned long arg) { return 0; }\nstatic int vm_release(struct inode *i, struct file *f) { return 0; }\nstatic int vm_mmap(struct file *f, struct vm_area_struct *v) { return 0; }\n' +
        'static const struct file_operations kvm_vm_fops = {\n\t.release = vm_release,\n\t.unlocked_ioctl = vm_ioctl,\n\t.mmap = vm_mmap,\n};',
    });
    expect(entries(program)).toEqual([
      'ioctl kvm_vm_fops.unlocked_ioctl vm_ioctl',
      'other kvm_vm_fops.mmap vm_mmap',
      'release kvm_vm_fops.release vm_release',
    ]);
    expect(program.entries[0]).toMatchObject({
      selector: 'nr',
      inside: false,
      site: { file: 'virt/kvm/kvm_main.c', line: 6 },
    });
  });

  it('are device operations, named by the device', async () => {
    const program = await link({
      'include/linux/kvm_host.h':
        'struct kvm_device_ops { const char *name; int (*set_attr)(struct kvm_device *d); };\nstruct kvm_device { const struct kvm_device_ops *ops; };',
      'virt/kvm/vfio.c':
        'static int f(struct kvm_device *d) { return 0; }\nstatic const struct kvm_device_ops ops = { .name = "kvm-vfio", .set_attr = f };',
      'virt/kvm/kvm_main.c': 'int g(struct kvm_device *dev) { return dev->ops->set_attr(dev); }',
    });
    expect(program.entries).toMatchObject([{ kind: 'device', name: 'kvm-vfio/set_attr', function: 'f', inside: true }]);
    expect(program.edges).toMatchObject([{ caller: 'g', callee: 'f', via: 'table', slot: 'kvm_device_ops.set_attr' }]);
  });

  it('are work, timers, notifiers, module functions and parameters', async () => {
    const program = await link({
      'arch/x86/kvm/a.c':
        'static void w(struct work_struct *s) {}\nstatic int t(struct hrtimer *s) { return 0; }\nstatic int n(struct notifier_block *b) { return 0; }\nstatic int set(const char *v) { return 0; }\n' +
        'static struct notifier_block nb = { .notifier_call = n };\nstatic const struct kernel_param_ops p_ops = { .set = set };\nmodule_param_cb(p, &p_ops, &p, 0644);\n' +
        'static int a_init(void) { INIT_WORK(&x, w); hrtimer_setup(&h, t, 1, 2); return 0; }\nmodule_init(a_init);\n',
    });
    expect(entries(program)).toEqual([
      'module module_init a_init',
      'module p_ops.set set',
      'notifier nb.notifier_call n',
      'work INIT_WORK(w) w',
      'work hrtimer_setup(t) t',
    ]);
  });

  it('are exported functions that nothing in KVM uses', async () => {
    const program = await link({
      'arch/x86/kvm/x86.c':
        'void for_vendor(void) {}\nEXPORT_SYMBOL_GPL(for_vendor);\nvoid for_vfio(void) {}\nEXPORT_SYMBOL_GPL(for_vfio);',
      'arch/x86/kvm/vmx/vmx.c': 'void v(void) { for_vendor(); }',
    });
    expect(entries(program)).toEqual(['export for_vfio for_vfio']);
  });

  it('are, where the tree tells them apart, the plainly exported ones', async () => {
    const program = await link({
      'arch/x86/kvm/x86.c':
        'void internal(void) {}\nEXPORT_SYMBOL_FOR_KVM_INTERNAL(internal);\nvoid for_all(void) {}\nEXPORT_SYMBOL_GPL(for_all);',
      'arch/x86/kvm/vmx/vmx.c': 'void v(void) { for_all(); }',
    });
    expect(entries(program)).toEqual(['export for_all for_all']);
  });

  it('a function that another processor runs for its caller is called by it', async () => {
    const program = await link({
      'arch/x86/kvm/a.c': 'static void f(void *x) {}\nvoid a(void) { smp_call_function_single(0, f, 0, 1); }',
    });
    expect(program.edges).toMatchObject([{ caller: 'a', callee: 'f', via: 'argument' }]);
    expect(program.entries).toEqual([]);
  });

  it('are VM exits that an operation picks out by their reason, on the fast path too', async () => {
    const ops =
      'struct kvm_x86_ops { int (*handle_exit)(struct kvm_vcpu *vcpu); enum path (*vcpu_run)(struct kvm_vcpu *vcpu); };\n#define KVM_X86_OP(func) DECLARE_STATIC_CALL(kvm_x86_##func, *(((struct kvm_x86_ops *)0)->func));\n';
    const program = await link({
      'arch/x86/kvm/vmx/main.c': `${ops}
static int mmio(struct kvm_vcpu *vcpu) { return 1; }
static int halt(struct kvm_vcpu *vcpu) { return 1; }
static int kept(struct kvm_vcpu *vcpu) { switch (reason(vcpu)) { case EXIT_REASON_INNER: return halt(vcpu); } return 0; }
static u32 translate(struct kvm_vcpu *vcpu) { switch (leaf(vcpu)) { case EXIT_REASON_OTHER: return 1; } return 0; }
static int pick(struct kvm_vcpu *vcpu)
{
	if (unlikely(reason(vcpu) == EXIT_REASON_BROKEN))
		return -5;
	if (reason(vcpu) != EXIT_REASON_A)
		count(vcpu);
	switch (reason(vcpu)) {
	case EXIT_REASON_A:
		return 0;
	case EXIT_REASON_B:
	case EXIT_REASON_C:
		count(vcpu);
		return mmio(vcpu);
	case EXIT_REASON_KEPT:
		return kept(vcpu);
	default:
		return 0;
	}
}
static int handle_exit(struct kvm_vcpu *vcpu) { int ret = pick(vcpu); return ret; }
static enum path fast(struct kvm_vcpu *vcpu) { switch (reason(vcpu)) { case EXIT_REASON_HLT: return EXIT_FASTPATH_NONE; case EXIT_REASON_MSR: return quick(vcpu); } return EXIT_FASTPATH_NONE; }
static enum path vcpu_run(struct kvm_vcpu *vcpu) { u32 r = translate(vcpu); return fast(vcpu); }
struct kvm_x86_ops vt_x86_ops = { .handle_exit = handle_exit, .vcpu_run = vcpu_run };
static void setup(int (*handlers[])(struct kvm_vcpu *)) { handlers[EXIT_REASON_STORED] = halt; }`,
    });
    expect(entries(program)).toEqual([
      'exit EXIT_REASON_A pick',
      'exit EXIT_REASON_B mmio',
      'exit EXIT_REASON_BROKEN pick',
      'exit EXIT_REASON_C mmio',
      'exit EXIT_REASON_KEPT kept',
      'exit EXIT_REASON_MSR fast',
      'exit EXIT_REASON_STORED halt',
    ]);
    expect(program.entries.every(({ inside, vendor }) => inside && vendor === 'intel')).toBe(true);
  });
});
