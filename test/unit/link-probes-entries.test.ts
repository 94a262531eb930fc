import { describe, it } from 'vitest';
import { WORK, now } from './probe-code';
import { check, type Probes } from './probes';

/** The kernel calls the function at some later time: an entry, and no edge from the one who registers it. */
const LATER: Probes = {
  INIT_WORK: {
    c: `${WORK}void run(struct s *s) { INIT_WORK(&s->work, f); schedule_work(&s->work); }`,
    calls: { run: '' },
    entries: ['work INIT_WORK(f) f'],
  },
  'INIT_WORK with &': {
    c: `${WORK}void run(struct s *s) { INIT_WORK(&s->work, &f); }`,
    calls: { run: '' },
    entries: ['work INIT_WORK(f) f'],
  },
  INIT_WORK_ONSTACK: {
    c: `${WORK}void run(struct s *s) { INIT_WORK_ONSTACK(&s->work, f); }`,
    entries: ['work INIT_WORK_ONSTACK(f) f'],
  },
  INIT_DELAYED_WORK: {
    c: `${WORK}void run(struct s *s) { INIT_DELAYED_WORK(&s->work, f); }`,
    calls: { run: '' },
    entries: ['work INIT_DELAYED_WORK(f) f'],
  },
  INIT_DEFERRABLE_WORK: {
    c: `${WORK}void run(struct s *s) { INIT_DEFERRABLE_WORK(&s->work, f); }`,
    entries: ['work INIT_DEFERRABLE_WORK(f) f'],
  },
  DECLARE_WORK: {
    c: `${WORK}static DECLARE_WORK(later, f);\nvoid run(void) { schedule_work(&later); }`,
    calls: { run: '' },
    entries: ['work later.f f'],
  },
  DECLARE_DELAYED_WORK: { c: `${WORK}static DECLARE_DELAYED_WORK(later, f);`, entries: ['work later.f f'] },
  'INIT_WORK that a header defines': {
    c: {
      'include/linux/workqueue.h': '#define INIT_WORK(_work, _func) do { (_work)->func = (_func); } while (0)\n',
      'arch/x86/kvm/x86.c': `${WORK}void run(struct s *s) { INIT_WORK(&s->work, f); }`,
    },
    calls: { run: '' },
    entries: ['work INIT_WORK(f) f'],
  },
  init_irq_work: {
    c: `${WORK}void run(struct s *s) { init_irq_work(&s->iw, g); }`,
    calls: { run: '' },
    entries: ['work init_irq_work(g) g'],
  },
  kthread_init_work: {
    c: `${WORK}void run(struct s *s) { kthread_init_work(&s->work, g); }`,
    calls: { run: '' },
    entries: ['work kthread_init_work(g) g'],
  },
  kthread_run: {
    c: `${WORK}void run(struct s *s) { s->task = kthread_run(g, s, "kvm-x"); }`,
    calls: { run: '' },
    entries: ['work kthread_run(g) g'],
  },
  vhost_task_create: {
    c: `${WORK}static void h(void *d) {}\nvoid run(struct s *s) { s->task = vhost_task_create(g, h, s, "kvm-x"); }`,
    calls: { run: '' },
    entries: ['work vhost_task_create(g) g', 'work vhost_task_create(h) h'],
  },
  timer_setup: {
    c: `${WORK}void run(struct s *s) { timer_setup(&s->timer, g, 0); }`,
    calls: { run: '' },
    entries: ['work timer_setup(g) g'],
  },
  hrtimer_setup: {
    c: `${WORK}void run(struct s *s) { hrtimer_setup(&s->timer, g, CLOCK_MONOTONIC, HRTIMER_MODE_ABS); }`,
    calls: { run: '' },
    entries: ['work hrtimer_setup(g) g'],
  },
  hrtimer_setup_on_stack: {
    c: `${WORK}void run(struct s *s) { hrtimer_setup_on_stack(&s->timer, g, 1, 2); }`,
    entries: ['work hrtimer_setup_on_stack(g) g'],
  },
  'hrtimer_init and its field': {
    c: `struct s { struct hrtimer timer; };\n${WORK}void run(struct s *s) { hrtimer_init(&s->timer, 1, 2); s->timer.function = g; }`,
    calls: { run: '' },
    entries: ['work hrtimer.function g'],
  },
  'the field of a timer through a local': {
    c: `struct s { struct hrtimer timer; };\n${WORK}void run(struct s *s) { struct hrtimer *t = &s->timer; t->function = g; }`,
    entries: ['work hrtimer.function g'],
  },
  tasklet_setup: {
    c: `${WORK}void run(struct s *s) { tasklet_setup(&s->t, g); }`,
    calls: { run: '' },
    entries: ['work tasklet_setup(g) g'],
  },
  tasklet_init: {
    c: `${WORK}void run(struct s *s) { tasklet_init(&s->t, g, 1); }`,
    entries: ['work tasklet_init(g) g'],
  },
  call_rcu: {
    c: `${WORK}void run(struct s *s) { call_rcu(&s->rcu, g); }`,
    calls: { run: '' },
    entries: ['work call_rcu(g) g'],
  },
  call_srcu: {
    c: `${WORK}void run(struct s *s) { call_srcu(&srcu, &s->rcu, g); }`,
    calls: { run: '' },
    entries: ['work call_srcu(g) g'],
  },
  'INIT_WORK of a ternary': {
    c: `${WORK}static void f2(struct work_struct *w) {}\nvoid run(struct s *s, int a) { INIT_WORK(&s->work, a ? f : f2); }`,
    entries: ['work INIT_WORK(f) f', 'work INIT_WORK(f2) f2'],
  },
  init_task_work: {
    c: `${WORK}void run(struct s *s) { init_task_work(&s->tw, g); }`,
    entries: ['work init_task_work(g) g'],
  },
  'task_work_add and its field': {
    c: `struct s { struct callback_head tw; };\n${WORK}void run(struct s *s) { s->tw.func = g; task_work_add(current, &s->tw, 0); }`,
    entries: ['other callback_head.func g'],
  },
  request_irq: {
    c: `${WORK}void run(void) { request_irq(1, g, 0, "kvm", 0); }`,
    calls: { run: '' },
    entries: ['other request_irq(g) g'],
  },
  init_waitqueue_func_entry: {
    c: `${WORK}void run(struct s *s) { init_waitqueue_func_entry(&s->wait, g); }`,
    calls: { run: '' },
    entries: ['notifier init_waitqueue_func_entry(g) g'],
  },
  init_poll_funcptr: {
    c: `${WORK}void run(struct s *s) { init_poll_funcptr(&s->pt, g); }`,
    calls: { run: '' },
    entries: ['notifier init_poll_funcptr(g) g'],
  },
  cpuhp_setup_state: {
    c: `${WORK}static int on(unsigned c) { return 0; }\nstatic int off(unsigned c) { return 0; }\nvoid run(void) { cpuhp_setup_state_nocalls(1, "kvm", on, off); }`,
    entries: ['notifier cpuhp_setup_state_nocalls(off) off', 'notifier cpuhp_setup_state_nocalls(on) on'],
  },
  register_reboot_notifier: {
    c: 'static int n(struct notifier_block *b, unsigned long v, void *p) { return 0; }\nstatic struct notifier_block nb = { .notifier_call = n, .priority = 0 };\nvoid run(void) { register_reboot_notifier(&nb); }',
    calls: { run: '' },
    entries: ['notifier nb.notifier_call n'],
  },
  'a notifier block in a struct': {
    c: 'struct s { struct notifier_block nb; };\nstatic int n(struct notifier_block *b, unsigned long v, void *p) { return 0; }\nvoid run(struct s *s) { s->nb.notifier_call = n; register_pm_notifier(&s->nb); }',
    entries: ['notifier notifier_block.notifier_call n'],
  },
  DEFINE_IRQ_WORK: { c: `${WORK}static DEFINE_IRQ_WORK(iw, g);`, entries: ['work iw.g g'] },
  DEFINE_TIMER: { c: `${WORK}static DEFINE_TIMER(timer, g);`, entries: ['work timer.g g'] },
  'a struct of the kernel on the stack': {
    c: 'static int one(void) { return 0; }\nvoid run(void) { struct mm_walk_ops ops = { .pmd_entry = one }; walk_page_range(mm, 0, 1, &ops, 0); }',
    entries: ['other mm_walk_ops.pmd_entry one'],
  },
  early_param: { c: 'static int one(char *s) { return 0; }\nearly_param("nx", one);', entries: ['module nx.one one'] },
  __setup: { c: 'static int one(char *s) { return 0; }\n__setup("nx=", one);', entries: ['module nx=.one one'] },
  DECLARE_TASKLET: { c: `${WORK}static DECLARE_TASKLET(later, g);`, entries: ['work later.g g'] },
  DEFINE_DEBUGFS_ATTRIBUTE: {
    c: 'static int get(void *d, u64 *v) { return 0; }\nDEFINE_DEBUGFS_ATTRIBUTE(fops, get, NULL, "%llu\\n");',
    entries: ['other fops.get get'],
  },
  DEFINE_SHOW_STORE_ATTRIBUTE: {
    c: 'static int lens_show(void *d) { return 0; }\nstatic int lens_write(void *d) { return 0; }\nDEFINE_SHOW_STORE_ATTRIBUTE(lens);',
    entries: ['other lens.lens_show lens_show', 'other lens.lens_write lens_write'],
  },
  'INIT_WORK in an inline of a header': {
    c: {
      'arch/x86/kvm/x.h': 'static inline void setup(struct s *s) { INIT_WORK(&s->work, later); }',
      'arch/x86/kvm/a.c': 'void later(struct work_struct *w) {}\nvoid run(struct s *s) { setup(s); }\n#include "x.h"',
    },
    entries: ['work INIT_WORK(later) later'],
  },
  register_trace: {
    c: `${WORK}void run(void) { register_trace_sched_switch(g, NULL); }`,
    entries: ['notifier register_trace_sched_switch(g) g'],
  },
  perf_event_create_kernel_counter: {
    c: `${WORK}void run(void) { perf_event_create_kernel_counter(&attr, -1, current, g, 0); }`,
    entries: ['other perf_event_create_kernel_counter(g) g'],
  },
  'a table of the kernel whose field name KVM calls elsewhere': {
    c: 'static int one(void) { return 0; }\nstatic struct lsm_hooks hooks = { .check = one };\nint run(void) { return mystery()->check(); }',
    calls: { run: 'one' },
    entries: ['other hooks.check one'],
  },
  'a field of a struct that is not known': {
    c: `${WORK}void run(struct hidden *s) { s->timer.function = g; }`,
    entries: ['other *.function g'],
  },
};

/** The function runs before the call returns: an edge, no entry. */
const NOW: Probes = {
  smp_call_function_single: now('smp_call_function_single(0, g, s, 1)'),
  smp_call_function_many: now('smp_call_function_many(mask, g, s, true)'),
  smp_call_function_any: now('smp_call_function_any(mask, g, s, 1)'),
  smp_call_function: now('smp_call_function(g, s, 1)'),
  smp_call_on_cpu: now('smp_call_on_cpu(0, g, s, false)'),
  on_each_cpu: now('on_each_cpu(g, s, 1)'),
  on_each_cpu_mask: now('on_each_cpu_mask(mask, g, s, 1)'),
  on_each_cpu_cond: now('on_each_cpu_cond(cond, g, s, 1)'),
  work_on_cpu: now('work_on_cpu(0, g, s)'),
  stop_machine: now('stop_machine(g, s, 0)'),
  sort: now('sort(s, 4, 8, g, NULL)'),
  sort_r: now('sort_r(s, 4, 8, g, NULL, s)'),
  bsearch: now('bsearch(s, s, 4, 8, g)'),
  list_sort: now('list_sort(s, s, g)'),
};

const table = (type: string, fields: string, variable = 'ops') =>
  `static int one(void) { return 0; }\nstatic int two(void) { return 0; }\nstatic struct ${type} ${variable} = { ${fields} };`;

const TABLES: Probes = {
  file_operations: {
    c: table('file_operations', '.unlocked_ioctl = one, .release = two', 'kvm_vm_fops'),
    entries: ['ioctl kvm_vm_fops.unlocked_ioctl one', 'release kvm_vm_fops.release two'],
  },
  'file_operations with a compat ioctl by macro': {
    c: `#define KVM_COMPAT(c) .compat_ioctl = (c)\n${table('file_operations', '.open = one, KVM_COMPAT(two)', 'kvm_vm_fops')}`,
    entries: ['ioctl kvm_vm_fops.compat_ioctl two', 'other kvm_vm_fops.open one'],
  },
  'file_operations filled at run time': {
    c: 'static long one(struct file *f, unsigned n, unsigned long a) { return 0; }\nstatic struct file_operations kvm_gmem_fops;\nvoid run(void) { kvm_gmem_fops.fallocate = one; }',
    entries: ['other file_operations.fallocate one'],
  },
  miscdevice: {
    c: `static long one(struct file *f, unsigned n, unsigned long a) { return 0; }\nstatic struct file_operations kvm_chardev_ops = { .unlocked_ioctl = one };\nstatic struct miscdevice kvm_dev = { KVM_MINOR, "kvm", &kvm_chardev_ops };`,
    entries: ['ioctl kvm_chardev_ops.unlocked_ioctl one'],
  },
  mmu_notifier_ops: {
    c: table('mmu_notifier_ops', '.invalidate_range_start = one, .release = two', 'mn_ops'),
    entries: ['notifier mn_ops.invalidate_range_start one', 'notifier mn_ops.release two'],
  },
  preempt_ops: {
    c: 'struct preempt_ops { void (*sched_in)(int c); };\nstatic void one(int c) {}\nstatic struct preempt_ops kvm_preempt_ops;\nvoid run(void) { kvm_preempt_ops.sched_in = one; }',
    entries: ['notifier preempt_ops.sched_in one'],
  },
  perf_guest_info_callbacks: {
    c: table('perf_guest_info_callbacks', '.state = one, .get_ip = two', 'cbs'),
    entries: ['notifier cbs.get_ip two', 'notifier cbs.state one'],
  },
  'irq bypass': {
    c: 'struct s { struct irq_bypass_consumer consumer; };\nstatic int one(void) { return 0; }\nstatic void two(void) {}\nvoid run(struct s *s) { s->consumer.add_producer = one; s->consumer.stop = two; }',
    entries: ['notifier irq_bypass_consumer.add_producer one', 'notifier irq_bypass_consumer.stop two'],
  },
  syscore_ops: {
    c: table('syscore_ops', '.suspend = one, .resume = two', 'kvm_syscore'),
    entries: ['notifier kvm_syscore.resume two', 'notifier kvm_syscore.suspend one'],
  },
  user_return_notifier: {
    c: 'struct s { struct user_return_notifier urn; };\nstatic void one(void *u) {}\nvoid run(struct s *s) { s->urn.on_user_return = one; }',
    entries: ['notifier user_return_notifier.on_user_return one'],
  },
  shrinker: {
    c: 'static unsigned long one(struct shrinker *s) { return 0; }\nvoid run(struct shrinker *s) { s->scan_objects = one; }',
    entries: ['work shrinker.scan_objects one'],
  },
  vm_operations_struct: {
    c: table('vm_operations_struct', '.fault = one', 'vm_ops'),
    entries: ['other vm_ops.fault one'],
  },
  'a table of the kernel that is not known': {
    c: table('lsm_hooks', '.check = one', 'hooks'),
    entries: ['other hooks.check one'],
  },
  'a struct of KVM that it calls itself is none': {
    c: 'struct kvm_thing { int (*go)(void); };\nstatic int one(void) { return 0; }\nstatic struct kvm_thing t = { .go = one };\nint run(struct kvm_thing *t) { return t->go(); }',
    calls: { run: 'one' },
    entries: [],
  },
  kvm_device_ops: {
    c: {
      'include/linux/kvm_host.h':
        'struct kvm_device_ops { const char *name; int (*create)(struct kvm_device *d, unsigned t); void (*destroy)(struct kvm_device *d); void (*release)(struct kvm_device *d); int (*set_attr)(struct kvm_device *d); };\nstruct kvm_device { const struct kvm_device_ops *ops; };',
      'virt/kvm/vfio.c':
        'static int set(struct kvm_device *d) { return 0; }\nstatic void rel(struct kvm_device *d) {}\nstatic struct kvm_device_ops kvm_vfio_ops = { .name = "kvm-vfio", .set_attr = set, .release = rel };',
      'virt/kvm/kvm_main.c':
        'static const struct kvm_device_ops *table[4];\nint run(struct kvm_device *d) { if (d->ops->set_attr) return d->ops->set_attr(d); return 0; }\nint create(unsigned t, struct kvm_device *d) { const struct kvm_device_ops *ops = table[t]; return ops->create(d, t); }',
    },
    calls: { run: 'set', create: '' },
    entries: ['device kvm-vfio/set_attr set', 'release kvm-vfio/release rel'],
  },
  kvm_io_device_ops: {
    c: {
      'include/kvm/iodev.h':
        'struct kvm_io_device_ops { int (*write)(struct kvm_io_device *d); int (*read)(struct kvm_io_device *d); };\nstruct kvm_io_device { const struct kvm_io_device_ops *ops; };\nstatic inline int kvm_iodevice_write(struct kvm_io_device *d) { return d->ops->write ? d->ops->write(d) : -1; }',
      'virt/kvm/eventfd.c':
        'static int ioeventfd_write(struct kvm_io_device *d) { return 0; }\nstatic const struct kvm_io_device_ops ioeventfd_ops = { .write = ioeventfd_write };',
      'arch/x86/kvm/pic.c':
        '#include <kvm/iodev.h>\nstatic int pic_write(struct kvm_io_device *d) { return 0; }\nstatic const struct kvm_io_device_ops pic_ops = { .write = pic_write };\nint run(struct kvm_io_device *d) { return kvm_iodevice_write(d); }',
    },
    calls: { run: 'kvm_iodevice_write', kvm_iodevice_write: 'ioeventfd_write pic_write' },
    entries: ['device ioeventfd_ops.write ioeventfd_write', 'device pic_ops.write pic_write'],
  },
  'ack notifiers, which KVM calls': {
    c: 'struct kvm_irq_ack_notifier { void (*irq_acked)(struct kvm_irq_ack_notifier *n); };\nstatic void acked(struct kvm_irq_ack_notifier *n) {}\nvoid set(struct kvm_irq_ack_notifier *n) { n->irq_acked = acked; }\nvoid run(struct kvm_irq_ack_notifier *n) { n->irq_acked(n); }',
    calls: { run: 'acked', set: '' },
    entries: ['notifier kvm_irq_ack_notifier.irq_acked acked'],
  },
};

const MODULE: Probes = {
  module_init: {
    c: 'static int start(void) { return 0; }\nmodule_init(start);',
    entries: ['module module_init start'],
  },
  module_exit: { c: 'static void stop(void) {}\nmodule_exit(stop);', entries: ['module module_exit stop'] },
  late_initcall: {
    c: 'static int start(void) { return 0; }\nlate_initcall(start);',
    entries: ['module late_initcall start'],
  },
  subsys_initcall: {
    c: 'static int start(void) { return 0; }\nsubsys_initcall(start);',
    entries: ['module subsys_initcall start'],
  },
  'kernel_param_ops and module_param_cb': {
    c: 'static int set(const char *v, const struct kernel_param *p) { return 0; }\nstatic int get(char *b, const struct kernel_param *p) { return 0; }\nstatic const struct kernel_param_ops nx_ops = { .set = set, .get = get };\nmodule_param_cb(nx, &nx_ops, &nx, 0644);',
    entries: ['module nx_ops.get get', 'module nx_ops.set set'],
  },
  'EXPORT_SYMBOL of what others use': { c: 'int f(void) { return 0; }\nEXPORT_SYMBOL(f);', entries: ['export f f'] },
  'EXPORT_SYMBOL_GPL of what others use': {
    c: 'int f(void) { return 0; }\nEXPORT_SYMBOL_GPL(f);',
    entries: ['export f f'],
  },
  'EXPORT_SYMBOL_GPL of what only a vendor module uses': {
    c: {
      'arch/x86/kvm/x86.c': 'void f(void) {}\nEXPORT_SYMBOL_GPL(f);',
      'arch/x86/kvm/svm/s.c': 'void run(void) { f(); }',
    },
    entries: [],
  },
  EXPORT_SYMBOL_FOR_KVM_INTERNAL: {
    c: 'void f(void) {}\nEXPORT_SYMBOL_FOR_KVM_INTERNAL(f);\nvoid g(void) {}\nEXPORT_SYMBOL_FOR_KVM(g);',
    entries: [],
  },
  'EXPORT_SYMBOL_FOR_MODULES of a vendor module': {
    c: 'void f(void) {}\nEXPORT_SYMBOL_FOR_MODULES(f, "kvm-amd,kvm-intel");',
    entries: [],
  },
  'an exported variable is none': { c: 'int x;\nEXPORT_SYMBOL_GPL(x);', entries: [] },
  'symbol_get of a function of the tree': {
    c: {
      'arch/x86/kvm/x86.c': 'int f(int x) { return x; }\nEXPORT_SYMBOL_GPL(f);',
      'virt/kvm/vfio.c': 'int run(int x) { int (*fn)(int); fn = symbol_get(f); if (!fn) return 0; return fn(x); }',
    },
    calls: { run: 'f' },
  },
  'symbol_get of a function outside': {
    c: { 'virt/kvm/vfio.c': 'int run(int x) { int (*fn)(int); fn = symbol_get(vfio_f); return fn(x); }' },
    calls: { run: '' },
    entries: [],
  },
  DEFINE_SIMPLE_ATTRIBUTE: {
    c: 'static int get(void *d, u64 *v) { return 0; }\nstatic int set(void *d, u64 v) { return 0; }\nDEFINE_SIMPLE_ATTRIBUTE(fops, get, set, "%llu\\n");',
    entries: ['other fops.get get', 'other fops.set set'],
  },
  single_open: {
    c: 'static int show(struct seq_file *m, void *v) { return 0; }\nint run(struct inode *i, struct file *f) { return single_open(f, show, i); }',
    calls: { run: '' },
    entries: ['other single_open(show) show'],
  },
  fs_initcall: {
    c: 'static int start(void) { return 0; }\nfs_initcall(start);',
    entries: ['module fs_initcall start'],
  },
  late_initcall_sync: {
    c: 'static int start(void) { return 0; }\nlate_initcall_sync(start);',
    entries: ['module late_initcall_sync start'],
  },
  pure_initcall: {
    c: 'static int start(void) { return 0; }\npure_initcall(start);',
    entries: ['module pure_initcall start'],
  },
  module_param_call: {
    c: 'static int set(const char *v, const struct kernel_param *p) { return 0; }\nmodule_param_call(nx, set, param_get_int, &nx, 0644);',
    entries: ['module nx.set set'],
  },
  'EXPORT_SYMBOL_FOR_MODULES of another module': {
    c: 'void f(void) {}\nEXPORT_SYMBOL_FOR_MODULES(f, "vfio");',
    entries: ['export f f'],
  },
  EXPORT_SYMBOL_NS_GPL: {
    c: 'void f(void) {}\nEXPORT_SYMBOL_NS_GPL(f, "KVM");',
    entries: ['export f f'],
  },
  DEFINE_SHOW_ATTRIBUTE: {
    c: 'static int lens_show(struct seq_file *m, void *v) { return 0; }\nDEFINE_SHOW_ATTRIBUTE(lens);',
    entries: ['other lens.lens_show lens_show'],
  },
};

describe.each([
  ['registered for later:', LATER],
  ['run at once:', NOW],
  ["a kernel's table:", TABLES],
  ['a module:', MODULE],
])('%s', (_, probes) => {
  it.each(Object.entries(probes))('%s', (_name, probe) => check(probe));
});
