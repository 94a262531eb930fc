import { describe, it } from 'vitest';
import { EXIT_OPS, RUN_FD, VCPU_FD, VM_FD, way } from './probe-code';
import { check, type Probes } from './probes';

const DEVICES =
  'struct kvm_device_ops { const char *name; int (*create)(struct kvm_device *d); void (*destroy)(struct kvm_device *d); };\nstruct kvm_device { const struct kvm_device_ops *ops; struct kvm *kvm; };\nstatic const struct kvm_device_ops *table[4];\nint register_ops(const struct kvm_device_ops *ops, unsigned type) { table[type] = ops; return 0; }\n';

/** How the way in is called, once a path has passed the `case` labels and tables between it and the sink. */
const IOCTLS: Probes = {
  'of a VM': way(
    VM_FD(
      'switch (ioctl) {\n\tcase KVM_SET_ONE:\n\t\tzap(kvm);\n\t\tbreak;\n\tcase KVM_SET_TWO:\n\t\tother(kvm);\n\t\tbreak;\n\t}',
    ),
    ['ioctl KVM_SET_ONE'],
  ),
  'two labels of one arm': way(
    VM_FD('switch (ioctl) {\n\tcase KVM_SET_ONE:\n\tcase KVM_SET_TWO:\n\t\tzap(kvm);\n\t\tbreak;\n\t}'),
    ['ioctl KVM_SET_ONE', 'ioctl KVM_SET_TWO'],
  ),
  'by default': way(
    VM_FD(
      'switch (ioctl) {\n\tcase KVM_SET_ONE:\n\t\tbreak;\n\tdefault:\n\t\treturn arch_ioctl(filp, ioctl, arg);\n\t}',
    ).replace(
      'static long',
      'static long arch_ioctl(struct file *f, unsigned int ioctl, unsigned long arg) { struct kvm *kvm = f->private_data; switch (ioctl) { case KVM_SET_ARCH: zap(kvm); break; } return 0; }\nstatic long',
    ),
    ['ioctl KVM_SET_ARCH'],
  ),
  'by comparison': way(VM_FD('if (ioctl == KVM_SET_ONE)\n\t\tzap(kvm);'), ['ioctl KVM_SET_ONE']),
  'of a vCPU': way(VCPU_FD('switch (ioctl) {\n\tcase KVM_SET_MSRS:\n\t\tzap(vcpu->kvm);\n\t\tbreak;\n\t}'), [
    'ioctl KVM_SET_MSRS',
  ]),
  'of /dev/kvm': way(
    'static int create(unsigned long type) { struct kvm *kvm = make(type); zap(kvm); return 0; }\nstatic long kvm_dev_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg) { switch (ioctl) { case KVM_CREATE_VM: return create(arg); } return 0; }\nstatic struct file_operations kvm_chardev_ops = { .unlocked_ioctl = kvm_dev_ioctl };',
    ['ioctl KVM_CREATE_VM'],
  ),
  'with its capability': way(
    VM_FD(
      'switch (ioctl) {\n\tcase KVM_ENABLE_CAP:\n\t\tif (copy_from_user(&cap, arg, sizeof(cap)))\n\t\t\treturn -14;\n\t\tswitch (cap.cap) {\n\t\tcase KVM_CAP_ONE:\n\t\t\tzap(kvm);\n\t\t\tbreak;\n\t\tcase KVM_CAP_TWO:\n\t\t\tbreak;\n\t\t}\n\t\tbreak;\n\t}',
    ),
    ['ioctl KVM_ENABLE_CAP/KVM_CAP_ONE'],
  ),
  'with its capability in a callee': way(
    `static int enable(struct kvm *kvm, struct kvm_enable_cap *cap) { switch (cap->cap) { case KVM_CAP_ONE: zap(kvm); return 0; default: return -22; } }\n${VM_FD('switch (ioctl) {\n\tcase KVM_ENABLE_CAP:\n\t\treturn enable(kvm, &cap);\n\t}')}`,
    ['ioctl KVM_ENABLE_CAP/KVM_CAP_ONE'],
  ),
  'with its TDX sub-command': way(
    `static int mem_enc(struct kvm *kvm, struct kvm_tdx_cmd *cmd) { switch (cmd->id) { case KVM_TDX_INIT_VM: zap(kvm); return 0; default: return -22; } }\n${VM_FD('struct kvm_tdx_cmd cmd;\n\tswitch (ioctl) {\n\tcase KVM_MEMORY_ENCRYPT_OP:\n\t\treturn mem_enc(kvm, &cmd);\n\t}')}`,
    ['ioctl KVM_MEMORY_ENCRYPT_OP/KVM_TDX_INIT_VM'],
  ),
  'with its SEV sub-command': way(
    `static int mem_enc(struct kvm *kvm, struct kvm_sev_cmd *cmd) { switch (cmd->id) { case KVM_SEV_LAUNCH_START: zap(kvm); return 0; default: return -22; } }\n${VM_FD('struct kvm_sev_cmd cmd;\n\tswitch (ioctl) {\n\tcase KVM_MEMORY_ENCRYPT_OP:\n\t\treturn mem_enc(kvm, &cmd);\n\t}')}`,
    ['ioctl KVM_MEMORY_ENCRYPT_OP/KVM_SEV_LAUNCH_START'],
  ),
  'through an operation': way(
    `struct kvm_x86_ops { int (*mem_enc_ioctl)(struct kvm *kvm); };\n#define KVM_X86_OP(func) DECLARE_STATIC_CALL(kvm_x86_##func, *(((struct kvm_x86_ops *)0)->func));\n#define kvm_x86_call(func) static_call(kvm_x86_##func)\nstatic int mem_enc(struct kvm *kvm) { zap(kvm); return 0; }\nstruct kvm_x86_ops svm_x86_ops = { .mem_enc_ioctl = mem_enc };\n${VM_FD('switch (ioctl) {\n\tcase KVM_MEMORY_ENCRYPT_OP:\n\t\treturn kvm_x86_call(mem_enc_ioctl)(kvm);\n\t}')}`,
    ['ioctl KVM_MEMORY_ENCRYPT_OP'],
  ),
  'of a vCPU with its capability': way(
    VCPU_FD(
      'struct kvm_enable_cap cap;\n\tswitch (ioctl) {\n\tcase KVM_ENABLE_CAP:\n\t\tswitch (cap.cap) {\n\t\tcase KVM_CAP_HYPERV:\n\t\t\tzap(vcpu->kvm);\n\t\t\tbreak;\n\t\t}\n\t}',
    ),
    ['ioctl KVM_ENABLE_CAP/KVM_CAP_HYPERV'],
  ),
  'of a vCPU with its sub-command': way(
    VCPU_FD(
      'struct kvm_tdx_cmd cmd;\n\tswitch (ioctl) {\n\tcase KVM_MEMORY_ENCRYPT_OP:\n\t\tswitch (cmd.id) {\n\t\tcase KVM_TDX_INIT_VCPU:\n\t\t\tzap(vcpu->kvm);\n\t\t\tbreak;\n\t\t}\n\t}',
    ),
    ['ioctl KVM_MEMORY_ENCRYPT_OP/KVM_TDX_INIT_VCPU'],
  ),
  'whose number holds the size of a struct': way(
    `#define KVM_SET_ONE _IOW(KVMIO, 0x41, struct kvm_one)\n#define KVM_SET_TWO _IOW(KVMIO, 0x42, struct kvm_two)\n${VM_FD('switch (ioctl) {\n\tcase KVM_SET_TWO:\n\t\tbreak;\n\tcase KVM_SET_ONE:\n\t\tzap(kvm);\n\t\tbreak;\n\t}')}`,
    ['ioctl KVM_SET_ONE'],
  ),
  'of a compat entry': way(
    'static long kvm_vcpu_compat_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg) { struct kvm_vcpu *vcpu = filp->private_data; switch (ioctl) { case KVM_SET_SIGNAL_MASK: zap(vcpu->kvm); } return 0; }\nstatic const struct file_operations kvm_vcpu_fops = { .compat_ioctl = kvm_vcpu_compat_ioctl };',
    ['ioctl KVM_SET_SIGNAL_MASK'],
  ),
  'in two callees': way(
    `static void one(struct kvm *kvm) { zap(kvm); }\nstatic void two(struct kvm *kvm) { zap(kvm); }\n${VM_FD('switch (ioctl) {\n\tcase KVM_SET_ONE:\n\t\tone(kvm);\n\t\tbreak;\n\tcase KVM_SET_TWO:\n\t\ttwo(kvm);\n\t\tbreak;\n\tcase KVM_SET_THREE:\n\t\tbreak;\n\t}')}`,
    ['ioctl KVM_SET_ONE', 'ioctl KVM_SET_TWO'],
  ),
  'before its switch': way(VM_FD('zap(kvm);\n\tswitch (ioctl) {\n\tcase KVM_SET_ONE:\n\t\tbreak;\n\t}'), [
    'ioctl kvm_vm_fops.unlocked_ioctl',
  ]),
  KVM_CREATE_DEVICE: way(
    `${DEVICES}static int create(struct kvm_device *d) { zap(d->kvm); return 0; }\nstatic struct kvm_device_ops ops = { .name = "kvm-vfio", .create = create };\nint init(void) { return register_ops(&ops, 1); }\n${VM_FD('struct kvm_device *d = make(kvm);\n\tconst struct kvm_device_ops *o = table[arg];\n\tswitch (ioctl) {\n\tcase KVM_CREATE_DEVICE:\n\t\treturn o->create(d);\n\t}')}`,
    ['device kvm-vfio/create'],
  ),
};

const EXITS: Probes = {
  'of an Intel VM': way(
    `static int handle_cr(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic int handle_io(struct kvm_vcpu *vcpu) { return 1; }\nstatic int (*kvm_vmx_exit_handlers[])(struct kvm_vcpu *vcpu) = { [EXIT_REASON_CR_ACCESS] = handle_cr, [EXIT_REASON_IO] = handle_io };\nstatic int handle_exit(struct kvm_vcpu *vcpu, int reason) { return kvm_vmx_exit_handlers[reason](vcpu); }\n${VCPU_FD('switch (ioctl) {\n\tcase KVM_RUN:\n\t\treturn handle_exit(vcpu, read_reason());\n\t}')}`,
    ['exit EXIT_REASON_CR_ACCESS'],
  ),
  'of an AMD VM': way(
    `static int msr(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic int (*const svm_exit_handlers[])(struct kvm_vcpu *vcpu) = { [SVM_EXIT_MSR] = msr };\nstatic int handle_exit(struct kvm_vcpu *vcpu, int reason) { return svm_exit_handlers[reason](vcpu); }\n${VCPU_FD('switch (ioctl) {\n\tcase KVM_RUN:\n\t\treturn handle_exit(vcpu, read_reason());\n\t}')}`,
    ['exit SVM_EXIT_MSR'],
  ),
  'of a range of reasons': way(
    `static int cr(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic int (*const svm_exit_handlers[])(struct kvm_vcpu *vcpu) = { [SVM_EXIT_READ_CR0 ... SVM_EXIT_READ_CR8] = cr };\nstatic int handle_exit(struct kvm_vcpu *vcpu, int reason) { return svm_exit_handlers[reason](vcpu); }\n${VCPU_FD('switch (ioctl) {\n\tcase KVM_RUN:\n\t\treturn handle_exit(vcpu, read_reason());\n\t}')}`,
    ['exit SVM_EXIT_READ_CR0'],
  ),
  'of a switch': way(
    `static int mmio(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic int tdx_handle_exit(struct kvm_vcpu *vcpu, int reason) { switch (reason) { case EXIT_REASON_EPT_MISCONFIG: return mmio(vcpu); case EXIT_REASON_CPUID: return 1; default: return 0; } }\n${VCPU_FD('switch (ioctl) {\n\tcase KVM_RUN:\n\t\treturn tdx_handle_exit(vcpu, read_reason());\n\t}')}`,
    ['exit EXIT_REASON_EPT_MISCONFIG'],
  ),
  'of a fast path': way(
    `static int msr(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic int fastpath(struct kvm_vcpu *vcpu, int reason) { switch (reason) { case EXIT_REASON_MSR_WRITE: return msr(vcpu); default: return 0; } }\n${VCPU_FD('switch (ioctl) {\n\tcase KVM_RUN:\n\t\treturn fastpath(vcpu, read_reason());\n\t}')}`,
    ['exit EXIT_REASON_MSR_WRITE'],
  ),
  'of a fast path on AMD': way(
    `static int msr(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic int fastpath(struct kvm_vcpu *vcpu, int reason) { switch (reason) { case SVM_EXIT_HLT: return msr(vcpu); default: return 0; } }\n${VCPU_FD('switch (ioctl) {\n\tcase KVM_RUN:\n\t\treturn fastpath(vcpu, read_reason());\n\t}')}`,
    ['exit SVM_EXIT_HLT'],
  ),
  'called beside the table': way(
    `static int handle_cr(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic int (*kvm_vmx_exit_handlers[])(struct kvm_vcpu *vcpu) = { [EXIT_REASON_CR_ACCESS] = handle_cr };\nstatic int handle_exit(struct kvm_vcpu *vcpu, int reason) { if (reason == EXIT_REASON_CR_ACCESS) return handle_cr(vcpu); return kvm_vmx_exit_handlers[reason](vcpu); }\n${VCPU_FD('switch (ioctl) {\n\tcase KVM_RUN:\n\t\treturn handle_exit(vcpu, read_reason());\n\t}')}`,
    ['exit EXIT_REASON_CR_ACCESS'],
  ),
  'of a TDX call': way(
    `static int map(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic int tdvmcall(struct kvm_vcpu *vcpu, int leaf) { switch (leaf) { case TDVMCALL_MAP_GPA: return map(vcpu); default: return 0; } }\n${VCPU_FD('switch (ioctl) {\n\tcase KVM_RUN:\n\t\treturn tdvmcall(vcpu, read_leaf());\n\t}')}`,
    ['exit TDVMCALL_MAP_GPA'],
  ),
  'completed in user space, looked at by likely()': way(
    `#define likely(x) (__branch_check__(x, 1, __builtin_constant_p(x)))\nstruct kvm_vcpu_arch { int (*complete_userspace_io)(struct kvm_vcpu *vcpu); };\nstatic int complete(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic void start(struct kvm_vcpu *vcpu) { vcpu->arch->complete_userspace_io = complete; }\n${VCPU_FD('switch (ioctl) {\n\tcase KVM_RUN:\n\t\tstart(vcpu);\n\t\tif (likely(vcpu->arch->complete_userspace_io))\n\t\t\treturn vcpu->arch->complete_userspace_io(vcpu);\n\t}')}`,
    ['ioctl KVM_RUN'],
  ),
  'completed in user space': way(
    `struct kvm_vcpu_arch { int (*complete_userspace_io)(struct kvm_vcpu *vcpu); };\nstatic int complete(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic void start(struct kvm_vcpu *vcpu) { vcpu->arch->complete_userspace_io = complete; }\n${VCPU_FD('switch (ioctl) {\n\tcase KVM_RUN:\n\t\tstart(vcpu);\n\t\treturn vcpu->arch->complete_userspace_io(vcpu);\n\t}')}`,
    ['ioctl KVM_RUN'],
  ),
  'behind the vendor table': way(
    `${EXIT_OPS}static int handle_cr(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic int (*kvm_vmx_exit_handlers[])(struct kvm_vcpu *vcpu) = { [EXIT_REASON_CR_ACCESS] = handle_cr };\nstatic int vmx_handle_exit(struct kvm_vcpu *vcpu) { return kvm_vmx_exit_handlers[reason_of(vcpu)](vcpu); }\nstruct kvm_x86_ops vt_x86_ops = { .handle_exit = vmx_handle_exit };\n${RUN_FD}`,
    ['exit EXIT_REASON_CR_ACCESS'],
  ),
  'of a switch behind a wrapper': way(
    `${EXIT_OPS}static int mmio(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic int tdx_handle_exit(struct kvm_vcpu *vcpu) { switch (reason_of(vcpu)) { case EXIT_REASON_EPT_VIOLATION: return mmio(vcpu); } return 0; }\nstatic int vt_handle_exit(struct kvm_vcpu *vcpu) { if (is_td_vcpu(vcpu)) return tdx_handle_exit(vcpu); return 0; }\nstruct kvm_x86_ops vt_x86_ops = { .handle_exit = vt_handle_exit };\n${RUN_FD}`,
    ['exit EXIT_REASON_EPT_VIOLATION'],
  ),
  'of a GHCB request': way(
    `${EXIT_OPS}static int psc(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic int vmgexit(struct kvm_vcpu *vcpu) { switch (code_of(vcpu)) { case SVM_VMGEXIT_PSC: return psc(vcpu); } return 0; }\nstruct kvm_x86_ops svm_x86_ops = { .handle_exit = vmgexit };\n${RUN_FD}`,
    ['exit SVM_VMGEXIT_PSC'],
  ),
  'none, in the run loop itself': way(
    `${EXIT_OPS}static int run(struct kvm_vcpu *vcpu) { if (kvm_check_request(KVM_REQ_X, vcpu)) zap(vcpu->kvm); return 1; }\nstruct kvm_x86_ops vt_x86_ops = { .handle_exit = run };\n${RUN_FD}`,
    ['ioctl KVM_RUN'],
  ),
  'handled by default': way(
    `${EXIT_OPS}static int other(struct kvm_vcpu *vcpu) { zap(vcpu->kvm); return 1; }\nstatic int tdx_handle_exit(struct kvm_vcpu *vcpu) { switch (reason_of(vcpu)) { case EXIT_REASON_A: return 1; default: break; } return other(vcpu); }\nstruct kvm_x86_ops vt_x86_ops = { .handle_exit = tdx_handle_exit };\n${RUN_FD}`,
    ['ioctl KVM_RUN'],
  ),
};

const DEVICE =
  'struct kvm_device_ops { const char *name; int (*set_attr)(struct kvm_device *d); void (*release)(struct kvm_device *d); };\nstruct kvm_device { const struct kvm_device_ops *ops; struct kvm *kvm; };\n';

const OTHERS: Probes = {
  'a device attribute': way(
    `${DEVICE}static int set(struct kvm_device *d) { zap(d->kvm); return 0; }\nstatic struct kvm_device_ops ops = { .name = "kvm-vfio", .set_attr = set };\nstatic long kvm_device_ioctl(struct file *f, unsigned int ioctl, unsigned long arg) { struct kvm_device *d = f->private_data; switch (ioctl) { case KVM_SET_DEVICE_ATTR: return d->ops->set_attr(d); } return 0; }\nstatic const struct file_operations kvm_device_fops = { .unlocked_ioctl = kvm_device_ioctl };`,
    ['device kvm-vfio/set_attr'],
  ),
  'a device attribute that is handed on': way(
    `struct kvm_device_ops { const char *name; int (*set_attr)(struct kvm_device *d); int (*get_attr)(struct kvm_device *d); };\nstruct kvm_device { const struct kvm_device_ops *ops; struct kvm *kvm; };\nstatic int set(struct kvm_device *d) { zap(d->kvm); return 0; }\nstatic struct kvm_device_ops ops = { .name = "kvm-vfio", .set_attr = set };\nstatic int attr(struct kvm_device *d, int (*accessor)(struct kvm_device *d)) { return accessor ? accessor(d) : -1; }\nstatic long kvm_device_ioctl(struct file *f, unsigned int ioctl, unsigned long arg) { struct kvm_device *d = f->private_data; switch (ioctl) { case KVM_SET_DEVICE_ATTR: return attr(d, d->ops->set_attr); case KVM_GET_DEVICE_ATTR: return attr(d, d->ops->get_attr); } return 0; }\nstatic const struct file_operations kvm_device_fops = { .unlocked_ioctl = kvm_device_ioctl };`,
    ['device kvm-vfio/set_attr'],
  ),
  'a device that is released': way(
    `${DEVICE}static void rel(struct kvm_device *d) { zap(d->kvm); }\nstatic struct kvm_device_ops ops = { .name = "kvm-vfio", .release = rel };\nstatic int kvm_device_release(struct inode *i, struct file *f) { struct kvm_device *d = f->private_data; if (d->ops->release) d->ops->release(d); return 0; }\nstatic const struct file_operations kvm_device_fops = { .release = kvm_device_release };`,
    ['release kvm_device_fops.release'],
  ),
  'an I/O device': way(
    `struct kvm_io_device_ops { int (*write)(struct kvm_io_device *d); };\nstruct kvm_io_device { const struct kvm_io_device_ops *ops; struct kvm *kvm; };\nstatic int wr(struct kvm_io_device *d) { zap(d->kvm); return 0; }\nstatic const struct kvm_io_device_ops io_ops = { .write = wr };\n${VCPU_FD('struct kvm_io_device *d = find();\n\tswitch (ioctl) {\n\tcase KVM_RUN:\n\t\treturn d->ops->write(d);\n\t}')}`,
    ['device io_ops.write'],
  ),
  'an irqfd callback': way(
    'static int wakeup(void *wait, unsigned mode) { struct kvm *kvm = kvm_of(wait); zap(kvm); return 0; }\nvoid assign(struct s *s) { init_waitqueue_func_entry(&s->wait, wakeup); }',
    ['notifier init_waitqueue_func_entry(wakeup)'],
  ),
  'release of a VM': way(
    'static int kvm_vm_release(struct inode *i, struct file *f) { struct kvm *kvm = f->private_data; zap(kvm); return 0; }\nstatic const struct file_operations kvm_vm_fops = { .release = kvm_vm_release };',
    ['release kvm_vm_fops.release'],
  ),
  'an MMU notifier': way(
    'static int start(struct mmu_notifier *mn) { struct kvm *kvm = kvm_of(mn); zap(kvm); return 0; }\nstatic const struct mmu_notifier_ops kvm_mmu_notifier_ops = { .invalidate_range_start = start };',
    ['notifier kvm_mmu_notifier_ops.invalidate_range_start'],
  ),
  'a timer': way(
    'static int expired(struct hrtimer *t) { struct kvm *kvm = kvm_of(t); zap(kvm); return 0; }\nvoid init(struct s *s) { hrtimer_setup(&s->t, expired, 1, 2); }',
    ['work hrtimer_setup(expired)'],
  ),
  work: way(
    'static void later(struct work_struct *w) { struct kvm *kvm = kvm_of(w); zap(kvm); }\nvoid init(struct s *s) { INIT_WORK(&s->w, later); }',
    ['work INIT_WORK(later)'],
  ),
  module_init: way('static int start(void) { zap(first_vm()); return 0; }\nmodule_init(start);', [
    'module module_init',
  ]),
  module_exit: way('static void stop(void) { zap(first_vm()); }\nmodule_exit(stop);', ['module module_exit']),
  'a module parameter': way(
    'static int set(const char *v, const struct kernel_param *p) { zap(first_vm()); return 0; }\nstatic const struct kernel_param_ops nx_ops = { .set = set };\nmodule_param_cb(nx, &nx_ops, &nx, 0644);',
    ['module nx_ops.set'],
  ),
  'an exported function': way('void f(struct kvm *kvm) { zap(kvm); }\nEXPORT_SYMBOL_GPL(f);', ['export f']),
  'a CPU that comes up': way(
    'static int up(unsigned int cpu) { zap(first_vm()); return 0; }\nstatic int start(void) { return cpuhp_setup_state(1, "kvm", up, NULL); }\nmodule_init(start);',
    ['notifier cpuhp_setup_state(up)'],
  ),
  'another CPU at once': way(
    'static void here(void *p) { struct kvm *kvm = p; zap(kvm); }\nstatic void stop(void) { on_each_cpu(here, first_vm(), 1); }\nmodule_exit(stop);',
    ['module module_exit'],
  ),
  nobody: way('static void f(struct kvm *kvm) { zap(kvm); }', []),
  'a page fault of a mapping': way(
    'static int fault(struct vm_fault *vmf) { zap(vmf->vma->private); return 0; }\nstatic const struct vm_operations_struct kvm_vcpu_vm_ops = { .fault = fault };',
    ['other kvm_vcpu_vm_ops.fault'],
  ),
  'a hole punched into guest_memfd': way(
    'static long fallocate(struct file *f, int mode) { struct kvm *kvm = f->private_data; zap(kvm); return 0; }\nstatic struct file_operations kvm_gmem_fops = { .fallocate = fallocate };',
    ['other kvm_gmem_fops.fallocate'],
  ),
  'a vhost task': way(
    'static bool recover(void *data) { struct kvm *kvm = data; zap(kvm); return true; }\nint start(struct kvm *kvm) { kvm->task = vhost_task_create(recover, recover, kvm, "kvm-nx"); return 0; }',
    ['work vhost_task_create(recover)'],
  ),
  'a device destroyed with its VM': way(
    `${DEVICES}static void destroy(struct kvm_device *d) { zap(d->kvm); }\nstatic struct kvm_device_ops ops = { .name = "kvm-vfio", .destroy = destroy };\nstatic int kvm_vm_release(struct inode *i, struct file *f) { struct kvm_device *d = first(f); d->ops->destroy(d); return 0; }\nstatic const struct file_operations kvm_vm_fops = { .release = kvm_vm_release };`,
    ['device kvm-vfio/destroy'],
  ),
  'a preemption notifier': way(
    'struct preempt_ops { void (*sched_in)(struct preempt_notifier *pn); };\nstatic void in(struct preempt_notifier *pn) { zap(kvm_of(pn)); }\nstatic struct preempt_ops kvm_preempt_ops;\nint init(void) { kvm_preempt_ops.sched_in = in; return 0; }',
    ['notifier preempt_ops.sched_in'],
  ),
  'resume of the system': way(
    'static void resume(void *d) { zap(first_vm()); }\nstatic struct syscore_ops kvm_syscore_ops = { .resume = resume };',
    ['notifier kvm_syscore_ops.resume'],
  ),
  'a debugfs file': way(
    'static int set(void *data, u64 v) { struct kvm *kvm = data; zap(kvm); return 0; }\nDEFINE_SIMPLE_ATTRIBUTE(vm_fops, NULL, set, "%llu\\n");',
    ['other vm_fops.set'],
  ),
  'an interrupt work': way(
    'static void fn(struct irq_work *w) { zap(first_vm()); }\nstatic DEFINE_IRQ_WORK(clock_work, fn);',
    ['work clock_work.fn'],
  ),
  'freed by RCU': way(
    'static void free_it(struct rcu_head *h) { struct kvm *kvm = kvm_of(h); zap(kvm); }\nvoid later(struct kvm *kvm) { call_srcu(&kvm->srcu, &kvm->rcu, free_it); }',
    ['work call_srcu(free_it)'],
  ),
  'the cleanup of a local': way(
    'static void put(struct kvm **kvm) { zap(*kvm); }\nstatic int stop(void) { struct kvm *kvm __cleanup(put) = first_vm(); return 0; }\nmodule_exit(stop);',
    ['module module_exit'],
  ),
  'the unlock of a guard': way(
    'static void drop(struct kvm *kvm) { zap(kvm); }\nDEFINE_GUARD(hold, struct kvm *, take(_T), drop(_T))\nstatic int stop(void) { guard(hold)(first_vm()); return 0; }\nmodule_exit(stop);',
    ['module module_exit'],
  ),
};

describe.each([
  ['the ioctl', IOCTLS],
  ['the VM exit', EXITS],
  ['the way in is', OTHERS],
])('%s', (_, probes) => {
  it.each(Object.entries(probes))('%s', (_name, probe) => check(probe));
});
