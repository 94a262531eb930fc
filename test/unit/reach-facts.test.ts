import { describe, expect, it } from 'vitest';
import type { Program } from '../../extension/core/program/program';
import { analyseReach } from '../../extension/core/reach/reach';
import { DEFAULT_SINK, type Fact, type Verdict } from '../../extension/core/reach/verdict';
import { link } from './linking';

const HOST = `
typedef unsigned int u32; typedef unsigned long long u64; typedef _Bool bool;
#define KVM_X86_TDX_VM 5
#define BIT(n) (1UL << (n))
#define KVM_CREATE_VM 1
#define KVM_CREATE_VCPU 2
#define KVM_SOMETHING 3
struct pair { u32 a; u32 b; };
struct dev { u32 state; struct dev *next; };
struct kvm_arch { unsigned long vm_type; u32 mode; u32 mask; u32 never; struct pair inner; union { u32 whole; u32 part; }; struct dev *dev; };
struct kvm { struct kvm_arch arch; };
struct kvm_vcpu_arch { u32 locked; u32 never; };
struct kvm_vcpu { struct kvm *kvm; struct kvm_vcpu_arch arch; };
struct file { void *private_data; };
struct kvm_x86_ops { int (*vm_init)(struct kvm *kvm); int (*vcpu_create)(struct kvm_vcpu *vcpu); unsigned long inhibits; };
extern struct kvm_x86_ops kvm_x86_ops;
#define KVM_X86_OP(func) DECLARE_STATIC_CALL(kvm_x86_##func, *(((struct kvm_x86_ops *)0)->func));
#define kvm_x86_call(func) static_call(kvm_x86_##func)
void kvm_zap_gfn_range(struct kvm *kvm, u64 start, u64 end);
unsigned long any(void);
`;

interface Parts {
  /** More at file scope of x86.c. */
  readonly x86?: string;
  /** In the body of the ioctl that anyone may make at any time. */
  readonly ioctl?: string;
  /** The condition under which the probe calls the sink. */
  readonly when: string;
  readonly vmInit?: string;
  readonly vcpuCreate?: string;
  /** More at file scope of vmx/main.c, before the table. */
  readonly vmx?: string;
  /** In svm/svm.c. */
  readonly svm?: string;
}

/** A VM whose creation sets fields, an ioctl that does something, and a probe that calls the sink on a condition. */
async function kvmWith(parts: Parts): Promise<Program> {
  return link({
    'arch/x86/include/asm/kvm_host.h': HOST,
    'arch/x86/include/asm/kvm-x86-ops.h': 'KVM_X86_OP(vm_init)\nKVM_X86_OP(vcpu_create)\n',
    'arch/x86/kvm/mmu/mmu.c': `#include <asm/kvm_host.h>\nvoid kvm_zap_gfn_range(struct kvm *kvm, u64 start, u64 end) { }\n`,
    'arch/x86/kvm/x86.c': `#include <asm/kvm_host.h>
struct kvm_x86_ops kvm_x86_ops;
${parts.x86 ?? ''}
static int kvm_arch_init_vm(struct kvm *kvm, unsigned long type) { kvm->arch.vm_type = type; return kvm_x86_call(vm_init)(kvm); }
static int kvm_arch_vcpu_create(struct kvm_vcpu *vcpu) { return kvm_x86_call(vcpu_create)(vcpu); }
static void probe(struct kvm *kvm, struct kvm_vcpu *vcpu, unsigned long arg)
{
	if (${parts.when})
		kvm_zap_gfn_range(kvm, 0, 1);
}
static void something(struct kvm *kvm, struct kvm_vcpu *vcpu, unsigned long arg)
{
	${parts.ioctl ?? ''}
}
static long kvm_vm_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm *kvm = filp->private_data;
	struct kvm_vcpu *vcpu = find_vcpu(kvm, arg);
	switch (ioctl) {
	case KVM_CREATE_VM:
		return kvm_arch_init_vm(new_kvm(), arg);
	case KVM_CREATE_VCPU:
		return kvm_arch_vcpu_create(vcpu);
	case KVM_SOMETHING:
		something(kvm, vcpu, arg);
		break;
	default:
		probe(kvm, vcpu, arg);
	}
	return 0;
}
static const struct file_operations kvm_vm_fops = { .unlocked_ioctl = kvm_vm_ioctl };
`,
    'arch/x86/kvm/vmx/main.c': `#include <asm/kvm_host.h>
${parts.vmx ?? ''}
static int vt_vm_init(struct kvm *kvm)
{
	${parts.vmInit ?? ''}
	return 0;
}
static int vt_vcpu_create(struct kvm_vcpu *vcpu)
{
	${parts.vcpuCreate ?? ''}
	return 0;
}
struct kvm_x86_ops vt_x86_ops = { .vm_init = vt_vm_init, .vcpu_create = vt_vcpu_create, .inhibits = BIT(1) };
`,
    'arch/x86/kvm/svm/svm.c': `#include <asm/kvm_host.h>\n${parts.svm ?? ''}\n`,
  });
}

async function ask(parts: Parts): Promise<{ verdict: Verdict; facts: readonly Fact[] }> {
  const reach = analyseReach(await kvmWith(parts), { vm: 'tdx', sinks: [DEFAULT_SINK], host: {}, assumptions: true });
  const found = reach.callers().filter((each) => each.function === 'probe');
  expect(found).toHaveLength(1);
  return { verdict: (found[0] as { verdict: Verdict }).verdict, facts: reach.facts() };
}

const set = { vmInit: 'kvm->arch.mode = 1;', when: 'kvm->arch.mode == 2' };
const bit = { vmInit: 'kvm->arch.mask |= BIT(3);', when: '!(kvm->arch.mask & BIT(3))' };
const ofVcpu = { vcpuCreate: 'vcpu->arch.locked = 1;', when: '!vcpu->arch.locked' };
const never = { when: 'kvm->arch.never' };

describe('what creation sets and everything else keeps is a fact', () => {
  const KEPT: Record<string, Parts> = {
    'nothing else writes it': set,
    'a bit': bit,
    'of a vCPU': ofVcpu,
    'never written': never,
    'or-ed': { ...bit, ioctl: 'kvm->arch.mask |= arg;' },
    'written to itself with more bits': { ...bit, ioctl: 'WRITE_ONCE(kvm->arch.mask, kvm->arch.mask | arg);' },
    'set again to the same': { ...set, ioctl: 'kvm->arch.mode = 1;' },
    'other bits cleared': { ...bit, ioctl: 'kvm->arch.mask &= ~BIT(2);' },
    'written by the other vendor': { ...set, svm: 'void svm_set(struct kvm *kvm) { kvm->arch.mode = 2; }' },
    'written for other VM types': { ...set, ioctl: 'if (kvm->arch.vm_type != KVM_X86_TDX_VM) kvm->arch.mode = 2;' },
    'written by dead code': { ...set, x86: 'static void dead(struct kvm *kvm) { kvm->arch.mode = 2; }' },
    'another field of that name': {
      ...set,
      x86: 'struct other { u32 mode; };',
      ioctl: 'struct other o; o.mode = 2; use(o.mode);',
    },
    'set by a helper of the creation': {
      vmx: 'static void helper(struct kvm *kvm) { kvm->arch.mode = 1; }',
      vmInit: 'helper(kvm);',
      when: 'kvm->arch.mode == 2',
    },
    'the table says so': { when: 'kvm_x86_ops.inhibits & BIT(arg & 0)' },
  };
  for (const [name, parts] of Object.entries(KEPT))
    it(name, async () => {
      expect((await ask(parts)).verdict).toBe('blocked');
    });
});

describe('a write that may change it ends a fact', () => {
  const BROKEN: Record<string, Parts> = {
    'an assignment': { ...set, ioctl: 'kvm->arch.mode = arg;' },
    'an assignment of a constant': { ...set, ioctl: 'kvm->arch.mode = 2;' },
    'an assignment of bits': { ...bit, ioctl: 'kvm->arch.mask = arg;' },
    WRITE_ONCE: { ...bit, ioctl: 'WRITE_ONCE(kvm->arch.mask, arg);' },
    'the bit cleared': { ...bit, ioctl: 'kvm->arch.mask &= ~BIT(3);' },
    'exclusive or': { ...bit, ioctl: 'kvm->arch.mask ^= arg;' },
    counting: { ...set, ioctl: 'kvm->arch.mode++;' },
    'counting down first': { ...set, ioctl: '--kvm->arch.mode;' },
    'its address passed on': { ...set, ioctl: 'fill(&kvm->arch.mode);' },
    'an atomic operation': { ...set, ioctl: 'xchg(&kvm->arch.mode, 2);' },
    'copied from userspace': { ...set, ioctl: 'copy_from_user(&kvm->arch.mode, (void *)arg, 4);' },
    'a pointer to the struct': { ...set, ioctl: 'struct kvm_arch *ka = &kvm->arch; ka->mode = 2;' },
    'a pointer to the field': { ...set, ioctl: 'u32 *p = &kvm->arch.mode; *p = 2;' },
    'a macro': {
      ...set,
      x86: '#define SET_MODE(k, v) do { (k)->arch.mode = (v); } while (0)',
      ioctl: 'SET_MODE(kvm, 2);',
    },
    'a macro expression': { ...set, x86: '#define SET_MODE(k, v) ((k)->arch.mode = (v))', ioctl: 'SET_MODE(kvm, 2);' },
    'an argument of a macro': { ...set, x86: '#define SET(l, v) ((l) = (v))', ioctl: 'SET(kvm->arch.mode, 2);' },
    get_user: { ...set, ioctl: 'get_user(kvm->arch.mode, (u32 *)arg);' },
    'an asm output': { ...set, ioctl: 'asm volatile("x" : "=r"(kvm->arch.mode));' },
    'the struct around it assigned': { ...set, ioctl: 'struct kvm_arch fresh; fill(&fresh); kvm->arch = fresh;' },
    'the struct around it assigned through a pointer': {
      ...set,
      ioctl: 'struct kvm *other = find(arg); *kvm = *other;',
    },
    'its own struct assigned': {
      vmInit: 'kvm->arch.inner.a = 1;',
      when: 'kvm->arch.inner.a == 2',
      ioctl: 'struct pair p; p.a = arg; kvm->arch.inner = p;',
    },
    'the struct around it cleared': {
      ...set,
      when: '!kvm->arch.mode',
      ioctl: 'memset(&kvm->arch, 0, sizeof(kvm->arch));',
    },
    'the outermost struct copied over': { ...set, ioctl: 'memcpy(kvm, (void *)arg, sizeof(*kvm));' },
    'a part of it cleared with its neighbours': { ...set, ioctl: 'memcpy(&kvm->arch.vm_type, (void *)arg, 64);' },
    'what lies over it in a union': {
      vmInit: 'kvm->arch.whole = 1;',
      when: 'kvm->arch.whole == 2',
      ioctl: 'kvm->arch.part = 2;',
    },
    'the helper that set it, called again': {
      x86: 'void set_mode(struct kvm *kvm, u32 m) { kvm->arch.mode = m; }',
      vmInit: 'set_mode(kvm, 1);',
      when: 'kvm->arch.mode == 2',
      ioctl: 'set_mode(kvm, arg);',
    },
    'the helper that clears the bit, called at creation before it is set': {
      x86: 'void reset(struct kvm *kvm) { kvm->arch.mask = 0; }',
      vmInit: 'reset(kvm); kvm->arch.mask |= BIT(3);',
      when: '!(kvm->arch.mask & BIT(3))',
      ioctl: 'reset(kvm);',
    },
    'set on some ways of creation only': { vmInit: 'if (any()) kvm->arch.mode = 1;', when: '!kvm->arch.mode' },
    'set to either': { vmInit: 'kvm->arch.mode = any() ? 1 : 2;', when: 'kvm->arch.mode == 2' },
    'set in a loop': {
      vmInit: 'int i; kvm->arch.mode = 0; for (i = 0; i < 3; i++) kvm->arch.mode = i;',
      when: 'kvm->arch.mode == 2',
    },
    'set before a refusal': {
      vmInit: 'kvm->arch.mode = 1; if (any()) return -22; kvm->arch.mode = 2;',
      when: 'kvm->arch.mode == 2',
    },
    'of many objects': {
      vmInit: 'struct dev *d = alloc_dev(); d->state = 1; kvm->arch.dev = d;',
      when: 'find_dev(kvm, arg)->state == 0',
    },
    'of two objects': {
      vmInit: 'struct dev *a = alloc_dev(), *b = alloc_dev(); a->state = 1; b->state = 2; kvm->arch.dev = a;',
      when: 'find_dev(kvm, arg)->state == 2',
    },
    'a vCPU field written by an ioctl': { ...ofVcpu, ioctl: 'vcpu->arch.locked = 0;' },
    'a fact that rests on one that falls': {
      ...set,
      when: 'kvm->arch.mask == 7',
      vmInit: 'kvm->arch.mode = 1; kvm->arch.mask = 3;',
      ioctl: 'if (arg) kvm->arch.mode = 2; if (kvm->arch.mode == 2) kvm->arch.mask = 7;',
    },
    'never written but by an address': { ...never, ioctl: 'fill(&kvm->arch.never);' },
    'never written but with the whole': { ...never, ioctl: 'struct kvm_arch fresh; fill(&fresh); kvm->arch = fresh;' },
    'never written but by a copy': { ...never, ioctl: 'memcpy(&kvm->arch, (void *)arg, sizeof(kvm->arch));' },
    'never written but by a copy of the outermost': {
      ...never,
      ioctl: 'copy_from_user(kvm, (void *)arg, sizeof(*kvm));',
    },
    'never written but by a macro': {
      ...never,
      x86: '#define MARK(k) do { (k)->arch.never = 1; } while (0)',
      ioctl: 'MARK(kvm);',
    },
    'never written but as argument of a macro': { ...never, ioctl: 'get_user(kvm->arch.never, (u32 *)arg);' },
    'never written but by asm': { ...never, ioctl: 'asm volatile("x" : "=r"(kvm->arch.never));' },
    'never written but through a typeless pointer': {
      ...never,
      ioctl: 'void *p = &kvm->arch; memcpy(p, (void *)arg, 8);',
    },
    'never written but through another type': { ...never, ioctl: 'u32 *p = (u32 *)&kvm->arch; p[3] = 1;' },
    'never written but in a union': { when: 'kvm->arch.whole', ioctl: 'kvm->arch.part = arg;' },
    'the table changed at run time': {
      when: 'kvm_x86_ops.inhibits & BIT(2)',
      vmx: 'extern struct kvm_x86_ops vt_x86_ops; void setup(void) { vt_x86_ops.inhibits |= BIT(2); }',
      vmInit: 'setup();',
    },
    'the copy of the table changed at run time': {
      when: 'kvm_x86_ops.inhibits & BIT(2)',
      ioctl: 'kvm_x86_ops.inhibits = arg;',
    },
  };
  for (const [name, parts] of Object.entries(BROKEN))
    it(name, async () => {
      expect((await ask(parts)).verdict).toBe('reachable');
    });
});

/** Another file's ioctl, that asks before the VM is created. */
describe('what creation sets is not set on the way that creates the VM', () => {
  it.each([
    ['switch (ioctl) { case KVM_CREATE_VM: probe(kvm, 0, arg); }', ''],
    ['if (ioctl != KVM_CREATE_VM) return -1; else probe(kvm, 0, arg);', ''],
    ['if (KVM_CREATE_VM == ioctl) create(kvm, arg);', ''],
    ['if (ioctl != KVM_CREATE_VM) return -1; create(kvm, arg);', ''],
    ['if (is_create(ioctl)) create(kvm, arg);', 'static int is_create(u32 ioctl) { return ioctl == KVM_CREATE_VM; }'],
    ['if (ioctl == KVM_CREATE_VM || ioctl == KVM_SOMETHING) create(kvm, arg);', ''],
    ['switch (ioctl) { case KVM_CREATE_VM: break; default: return -1; } create(kvm, arg);', ''],
  ])('%s', async (form, helper) => {
    const x86 = `
static void probe(struct kvm *kvm, struct kvm_vcpu *vcpu, unsigned long arg);
static int kvm_arch_init_vm(struct kvm *kvm, unsigned long type);
static void create(struct kvm *kvm, unsigned long arg) { probe(kvm, 0, arg); kvm_arch_init_vm(kvm, arg); }
${helper}
static long kvm_dev_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm *kvm = new_kvm();
	${form}
	return 0;
}
static const struct file_operations kvm_chardev_ops = { .unlocked_ioctl = kvm_dev_ioctl };`;
    const { verdict } = await ask({ x86, vmInit: 'kvm->arch.mode = 1;', when: 'kvm->arch.mode == 0' });
    expect(verdict).toBe('reachable');
  });
});
