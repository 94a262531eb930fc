import { describe, expect, it } from 'vitest';
import { analyseReach } from '../../extension/core/reach/reach';
import { DEFAULT_SINK, type Question, type Verdict } from '../../extension/core/reach/verdict';
import { link } from './linking';

const HEADER = `
typedef unsigned int u32; typedef unsigned long long u64; typedef _Bool bool;
#define KVM_X86_DEFAULT_VM 0
#define KVM_X86_TDX_VM 5
#define BIT(n) (1UL << (n))
struct kvm_arch { unsigned long vm_type; };
struct kvm { struct kvm_arch arch; };
struct caps { u32 vm_types; u64 quirks; };
extern struct caps caps;
extern bool paging;
struct file { void *private_data; };
struct kvm_x86_ops { int (*vm_init)(struct kvm *kvm); };
struct init_ops { int (*hardware_setup)(void); };
#define KVM_X86_OP(func) DECLARE_STATIC_CALL(kvm_x86_##func, *(((struct kvm_x86_ops *)0)->func));
#define kvm_x86_call(func) static_call(kvm_x86_##func)
void kvm_zap_gfn_range(struct kvm *kvm, u64 start, u64 end);
int vendor_init(struct init_ops *ops);
int any(void);
`;

interface Parts {
  /** At file scope of x86.c and of vmx/main.c. */
  readonly x86?: string;
  readonly vmx?: string;
  readonly svm?: string;
  /** In the bodies of the vendor's set-up, of its module_init behind the set-up, and of an ioctl. */
  readonly setup?: string;
  readonly after?: string;
  readonly ioctl?: string;
  /** The condition under which the probe calls the sink. */
  readonly when: string;
}

/** The probe's verdict in a KVM whose vendor module sets it up. */
async function verdict(parts: Parts, asked: Partial<Question> = {}): Promise<Verdict | undefined> {
  const program = await link({
    'arch/x86/include/asm/kvm_host.h': HEADER,
    'arch/x86/include/asm/kvm-x86-ops.h': 'KVM_X86_OP(vm_init)\n',
    'arch/x86/kvm/mmu/mmu.c': `#include <asm/kvm_host.h>\nvoid kvm_zap_gfn_range(struct kvm *kvm, u64 start, u64 end) { }\n`,
    'arch/x86/kvm/x86.c': `#include <asm/kvm_host.h>
struct kvm_x86_ops kvm_x86_ops;
struct caps caps;
bool paging;
${parts.x86 ?? ''}
int vendor_init(struct init_ops *ops)
{
	int r;
	caps.vm_types = BIT(KVM_X86_DEFAULT_VM);
	r = ops->hardware_setup();
	if (r != 0)
		return r;
	return 0;
}
static bool is_supported(unsigned long type) { return type < 32 && (caps.vm_types & BIT(type)); }
static int kvm_arch_init_vm(struct kvm *kvm, unsigned long type)
{
	if (!is_supported(type))
		return -22;
	kvm->arch.vm_type = type;
	return kvm_x86_call(vm_init)(kvm);
}
static void probe(struct kvm *kvm, unsigned long arg)
{
	if (${parts.when})
		kvm_zap_gfn_range(kvm, 0, 1);
}
static long kvm_vm_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm *kvm = filp->private_data;
	if (ioctl == 1)
		return kvm_arch_init_vm(new_kvm(), arg);
	if (ioctl == 2) {
		${parts.ioctl ?? ''}
		return 0;
	}
	probe(kvm, arg);
	return 0;
}
static const struct file_operations kvm_vm_fops = { .unlocked_ioctl = kvm_vm_ioctl };
`,
    'arch/x86/kvm/vmx/main.c': `#include <asm/kvm_host.h>
static bool enable_ept = 1;
module_param_named(ept, enable_ept, bool, 0444);
static bool enable_tdx;
module_param_named(tdx, enable_tdx, bool, 0444);
${parts.vmx ?? ''}
static int vt_vm_init(struct kvm *kvm) { return 0; }
struct kvm_x86_ops vt_x86_ops = { .vm_init = vt_vm_init };
static int vt_setup(void)
{
	${parts.setup ?? ''}
	return 0;
}
static struct init_ops vt_init_ops = { .hardware_setup = vt_setup };
static int vt_init(void)
{
	int r;
	r = vendor_init(&vt_init_ops);
	if (r)
		return r;
	if (enable_tdx)
		caps.vm_types |= BIT(KVM_X86_TDX_VM);
	${parts.after ?? ''}
	return 0;
}
module_init(vt_init);
`,
    'arch/x86/kvm/svm/svm.c': `#include <asm/kvm_host.h>\n${parts.svm ?? ''}\n`,
  });
  const question = { vm: 'default', sinks: [DEFAULT_SINK], host: {}, assumptions: true, ...asked } as const;
  return analyseReach(program, question)
    .callers()
    .find((each) => each.function === 'probe')?.verdict;
}

const SET = { setup: 'paging = 1;', when: '!paging' };
const CONFIG = `struct config { u32 exec; }; struct config config;
static bool can_page(void) { return config.exec & BIT(3); }`;
const PARAMETER = 'static bool quiet = 1; module_param(quiet, bool, 0444);';

describe('what set-up leaves in a global is a fact', () => {
  const KEPT: Record<string, Parts> = {
    'set to a constant': SET,
    'set from a parameter at its default': { setup: 'paging = enable_ept;', when: '!paging' },
    'unless the CPU lacks a feature': {
      setup: 'if (!boot_cpu_has(X86_FEATURE_NX)) enable_ept = 0; paging = enable_ept;',
      when: '!paging',
    },
    'a feature by a predicate on what was read from the CPU': {
      vmx: CONFIG,
      setup: 'read_config(&config); if (can_page()) paging = 1;',
      when: '!paging',
    },
    'a predicate on a mask that no file defines': {
      vmx: `${CONFIG}\n#define PAGES MADE_OF(4)\nstatic bool pages(void) { return config.exec & PAGES; }`,
      setup: 'read_config(&config); if (pages()) paging = 1;',
      when: '!paging',
    },
    "a feature by KVM's own table": {
      vmx: 'static bool can(u32 feature) { return table[feature]; }',
      setup: 'if (can(X86_FEATURE_NX)) paging = 1;',
      when: '!paging',
    },
    'a field of a struct': { setup: 'caps.quirks = 3; caps.quirks &= ~BIT(0);', when: 'caps.quirks & BIT(0)' },
    'never written': { x86: PARAMETER, when: '!quiet' },
    'written by the other vendor': { ...SET, svm: 'void svm_off(void) { paging = 0; }' },
    'written again to be the same': { ...SET, after: 'paging = 1;' },
    'read only after init': {
      x86: 'static bool wide __ro_after_init; static int x86_init(void) { wide = 1; return 0; }\nmodule_init(x86_init);',
      when: '!wide',
    },
    'a failing way of set-up that fails': { setup: 'if (any()) return -5; paging = 1;', when: '!paging' },
    'an arm that a read-only parameter keeps shut': {
      setup: 'if (!enable_ept) return 0; paging = 1;',
      when: '!paging',
    },
  };
  for (const [name, parts] of Object.entries(KEPT))
    it(name, async () => {
      expect(await verdict(parts)).toBe('blocked');
    });
});

describe('what may be otherwise is none', () => {
  const OPEN: Record<string, Parts> = {
    'written after set-up by an ioctl': { ...SET, ioctl: 'paging = arg;' },
    'written again at the end of set-up': { ...SET, after: 'paging = 0;' },
    'set under a condition that is not known': { setup: 'if (any()) paging = 1;', when: '!paging' },
    'set in a loop': { setup: 'int i; for (i = 0; i < any(); i++) paging = 1;', when: '!paging' },
    'set by the other vendor alone': {
      when: '!paging',
      svm: 'static int svm_init(void) { paging = 1; return 0; }\nmodule_init(svm_init);',
    },
    'read before it is set': {
      x86: 'bool copy;',
      setup: 'extern bool copy; copy = paging; paging = 1;',
      when: '!copy',
    },
    'a parameter that userspace can write': {
      x86: 'static bool quiet = 1; module_param(quiet, bool, 0644);',
      when: '!quiet',
    },
    'a parameter whose mode is not understood': {
      x86: 'static bool quiet = 1; module_param(quiet, bool, MODE);',
      when: '!quiet',
    },
    'a parameter with a setter': {
      x86: 'static bool quiet = 1; module_param_cb(quiet, &quiet_ops, &quiet, 0644);',
      when: '!quiet',
    },
    'its address kept in a table': {
      x86: 'static bool quiet = 1; struct knob { bool *b; }; struct knob knobs[] = { { &quiet } };',
      when: '!quiet',
    },
    'its address passed on': { ...SET, after: 'debugfs_create_bool("x", 0644, 0, &paging);' },
    'filled by a macro': { ...SET, after: 'get_option(paging);' },
    'a minimum of what is not known': { setup: 'caps.quirks = min(caps.quirks, any());', when: 'caps.quirks == any()' },
    'a feature that common code tests': {
      x86: 'static bool pmu = 1; static int x86_init(void) { if (boot_cpu_has(X86_FEATURE_HYBRID)) pmu = 0; return 0; }\nmodule_init(x86_init);',
      when: 'pmu',
    },
    'a defect of the CPU': {
      vmx: 'static bool is_broken(void) { return cpuid_eax(1) == 7; }',
      setup: 'if (!is_broken()) paging = 1;',
      when: '!paging',
    },
    'a feature that set-up takes away again': {
      vmx: CONFIG,
      setup: 'config.exec = any(); config.exec &= ~BIT(3); if (can_page()) paging = 1;',
      when: '!paging',
    },
    'what common code read from the CPU': {
      x86: 'struct host { u32 exec; }; struct host host;',
      setup: 'if (host.exec & BIT(3)) paging = 1;',
      when: '!paging',
    },
    'a bug of the CPU': { setup: 'if (boot_cpu_has_bug(X86_BUG_L1TF)) paging = 1;', when: '!paging' },
    'written by what leaves the module, too': {
      ...SET,
      vmx: 'static void vt_exit(void) { paging = 0; }\nmodule_exit(vt_exit);',
    },
    'written by work that set-up leaves behind': {
      ...SET,
      vmx: 'static void later(struct work_struct *w) { paging = 0; }\nstatic DECLARE_WORK(late, later);',
      after: 'schedule_work(&late);',
    },
    'written by what another CPU runs for set-up': {
      vmx: 'static void on_cpu(void *p) { paging = 0; }',
      setup: 'paging = 1; smp_call_function_single(1, on_cpu, 0, 1);',
      when: '!paging',
    },
    'changed through a result of a call on another CPU': {
      vmx: 'static void on_cpu(void *p) { *(int *)p = any(); }',
      setup: 'int r = 0; smp_call_function_single(1, on_cpu, &r, 1); if (!r) paging = 1;',
      when: '!paging',
    },
    'changed through a pointer': { setup: 'bool *p = &paging; paging = 1; *p = any();', when: '!paging' },
    'a field changed through a pointer to the struct': {
      x86: 'static void clear(struct caps *c) { c->quirks = 0; }',
      setup: 'caps.quirks = 3;',
      after: 'clear(&caps);',
      when: '!caps.quirks',
    },
    'a field changed by an ioctl through a pointer': {
      setup: 'caps.quirks = 3;',
      ioctl: 'struct caps *c = find_caps(); c->quirks = arg;',
      when: '!caps.quirks',
    },
    'a field that or-ing leaves open': { setup: 'caps.quirks = any(); caps.quirks |= 1;', when: 'caps.quirks & 2' },
    'a failing way of set-up that ends well': {
      setup: 'if (any()) return 0; paging = 1;',
      when: '!paging',
    },
    'a setter of a parameter that is read only': {
      x86: `static bool quiet = 1; static int set(const char *v, const struct kernel_param *p) { quiet = any(); return 0; }
static const struct kernel_param_ops quiet_ops = { .set = set }; module_param_cb(quiet, &quiet_ops, &quiet, 0444);`,
      when: '!quiet',
    },
    'read only after init, and set from what is not known': {
      x86: 'static bool wide __ro_after_init; static int x86_init(void) { wide = any(); return 0; }\nmodule_init(x86_init);',
      when: 'wide',
    },
    'a name that two variables have': {
      x86: 'static bool nested;',
      vmx: 'static bool nested;',
      setup: 'nested = 1;',
      when: '!nested',
    },
  };
  for (const [name, parts] of Object.entries(OPEN))
    it(name, async () => {
      expect(await verdict(parts)).toBe('reachable');
    });
});

describe('--host and --no-assumptions', () => {
  const DERIVED = { setup: 'paging = enable_ept;', when: '!paging' };
  it('a parameter that is given is what set-up finds', async () => {
    expect(await verdict(DERIVED, { host: { enable_ept: '0' } })).toBe('reachable');
    expect(await verdict(DERIVED, { host: { ept: '0' } })).toBe('reachable');
  });
  it('a global that is given is not changed by set-up', async () => {
    expect(await verdict(SET, { host: { paging: '0' } })).toBe('reachable');
  });
  it('without assumptions parameters and features are open', async () => {
    expect(await verdict(DERIVED, { assumptions: false })).toBe('reachable');
    const feature = { vmx: CONFIG, setup: 'if (can_page()) paging = 1;', when: '!paging' };
    expect(await verdict(feature, { assumptions: false })).toBe('reachable');
    expect(await verdict(SET, { assumptions: false })).toBe('blocked');
  });
});

describe('that the VM exists proves that its refusals were not taken', () => {
  const REFUSES = {
    setup: 'if (!enable_tdx) return 0; if (!enable_ept) goto off; return 0; off: enable_tdx = 0;',
    when: '!enable_ept',
    vmx: '',
  };
  const exists = (parts: Parts): Promise<Verdict | undefined> =>
    verdict({ ...parts, x86: 'extern bool enable_ept;', when: parts.when }, { vm: 'tdx', assumptions: false });
  it('a goto that switches TDX off', async () => {
    expect(await exists(REFUSES)).toBe('blocked');
  });
  it('one that another way undoes', async () => {
    const undone = `${REFUSES.setup} if (any()) enable_tdx = 1;`;
    expect(await exists({ ...REFUSES, setup: undone })).toBe('reachable');
  });
  it('one in a loop', async () => {
    const setup = 'int i; for (i = 0; i < any(); i++) { if (!enable_ept) goto off; } return 0; off: enable_tdx = 0;';
    expect(await exists({ ...REFUSES, setup })).toBe('reachable');
  });
  it('no refusal', async () => {
    expect(await exists({ ...REFUSES, setup: 'if (!enable_ept) any();' })).toBe('reachable');
  });
});
