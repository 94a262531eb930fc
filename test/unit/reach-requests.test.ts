import { describe, expect, it } from 'vitest';
import { analyseReach } from '../../extension/core/reach/reach';
import { DEFAULT_SINK, type Fact, type Verdict } from '../../extension/core/reach/verdict';
import { link } from './linking';

/** Requests as KVM makes them: numbers with flags, handed on by helpers to one bit operation. */
const HOST = `
typedef unsigned int u32; typedef unsigned long long u64; typedef _Bool bool;
#define KVM_X86_TDX_VM 5
#define BIT(n) (1UL << (n))
#define GENMASK(h, l) (((1UL << ((h) + 1)) - 1) & ~((1UL << (l)) - 1))
#define KVM_REQUEST_MASK GENMASK(7, 0)
#define KVM_REQUEST_NO_ACTION BIT(10)
#define KVM_REQUEST_WAIT BIT(9)
#define KVM_ARCH_REQ_FLAGS(nr, flags) ({ (unsigned)(((nr) + 8) | (flags)); })
#define KVM_ARCH_REQ(nr) KVM_ARCH_REQ_FLAGS(nr, 0)
#define KVM_REQ_ONE KVM_ARCH_REQ(1)
#define KVM_REQ_TWO KVM_ARCH_REQ_FLAGS(2, KVM_REQUEST_WAIT)
#define KVM_REQ_QUIET (KVM_ARCH_REQ(2) | KVM_REQUEST_NO_ACTION)
#define KVM_ONE 1
#define KVM_TWO 2
#define KVM_PROBE 3
struct kvm_arch { unsigned long vm_type; };
struct kvm { struct kvm_arch arch; };
struct kvm_vcpu { struct kvm *kvm; u64 requests; u32 mode; };
struct other { u64 requests; };
struct file { void *private_data; };
void kvm_zap_gfn_range(struct kvm *kvm, u64 start, u64 end);
unsigned long any(void);
static inline void __kvm_make_request(int req, struct kvm_vcpu *vcpu)
{
	set_bit(req & KVM_REQUEST_MASK, (void *)&vcpu->requests);
}
static inline void kvm_make_request(int req, struct kvm_vcpu *vcpu)
{
	BUILD_BUG_ON(!__builtin_constant_p(req) || (req & KVM_REQUEST_NO_ACTION));
	__kvm_make_request(req, vcpu);
}
static inline bool kvm_test_request(int req, struct kvm_vcpu *vcpu)
{
	return test_bit(req & KVM_REQUEST_MASK, (void *)&vcpu->requests);
}
static inline void kvm_clear_request(int req, struct kvm_vcpu *vcpu)
{
	clear_bit(req & KVM_REQUEST_MASK, (void *)&vcpu->requests);
}
static inline bool kvm_check_request(int req, struct kvm_vcpu *vcpu)
{
	if (kvm_test_request(req, vcpu)) {
		kvm_clear_request(req, vcpu);
		return true;
	}
	return false;
}
bool kvm_make_all_cpus_request(struct kvm *kvm, unsigned int req);
`;

interface Parts {
  /** More at file scope of x86.c. */
  readonly x86?: string;
  /** In the body of an ioctl that anyone may make at any time. */
  readonly ioctl?: string;
  /** More at file scope of svm/svm.c. */
  readonly svm?: string;
  /** The condition under which the probe calls the sink. */
  readonly when?: string;
}

async function ask(parts: Parts): Promise<{ verdict: Verdict; facts: readonly Fact[] }> {
  const program = await link({
    'arch/x86/include/asm/kvm_host.h': HOST,
    'arch/x86/kvm/mmu/mmu.c': `#include <asm/kvm_host.h>\nvoid kvm_zap_gfn_range(struct kvm *kvm, u64 start, u64 end) { }\n`,
    'virt/kvm/kvm_main.c': `#include <asm/kvm_host.h>
static void kvm_make_vcpu_request(struct kvm_vcpu *vcpu, unsigned int req, int cpu)
{
	if (likely(!(req & KVM_REQUEST_NO_ACTION)))
		__kvm_make_request(req, vcpu);
}
bool kvm_make_all_cpus_request(struct kvm *kvm, unsigned int req)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	kvm_for_each_vcpu(i, vcpu, kvm)
		kvm_make_vcpu_request(vcpu, req, smp_processor_id());
	return true;
}
`,
    'arch/x86/kvm/x86.c': `#include <asm/kvm_host.h>
${parts.x86 ?? ''}
static void probe(struct kvm *kvm, struct kvm_vcpu *vcpu, unsigned long arg)
{
	if (${parts.when ?? 'kvm_check_request(KVM_REQ_TWO, vcpu)'})
		kvm_zap_gfn_range(kvm, 0, 1);
}
static void something(struct kvm *kvm, struct kvm_vcpu *vcpu, unsigned long arg)
{
	${parts.ioctl ?? ''}
}
static long kvm_vcpu_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm_vcpu *vcpu = filp->private_data;

	kvm_make_request(KVM_REQ_ONE, vcpu);
	switch (ioctl) {
	case KVM_ONE:
		something(vcpu->kvm, vcpu, arg);
		break;
	default:
		probe(vcpu->kvm, vcpu, arg);
	}
	return 0;
}
static const struct file_operations kvm_vcpu_fops = { .unlocked_ioctl = kvm_vcpu_ioctl };
`,
    'arch/x86/kvm/svm/svm.c': `#include <asm/kvm_host.h>\n${parts.svm ?? ''}\n`,
  });
  const reach = analyseReach(program, { vm: 'tdx', sinks: [DEFAULT_SINK], host: {}, assumptions: true });
  const found = reach.callers().filter((each) => each.function === 'probe');
  expect(found).toHaveLength(1);
  return { verdict: (found[0] as { verdict: Verdict }).verdict, facts: reach.facts() };
}

const OTHER_VM = 'if (kvm->arch.vm_type != KVM_X86_TDX_VM)';

describe('a request that nothing makes for this VM is not there', () => {
  const NEVER: Record<string, Parts> = {
    'no one makes it': {},
    'it is only tested': { when: 'kvm_test_request(KVM_REQ_TWO, vcpu)' },
    'the other vendor makes it': {
      svm: 'void svm_x(struct kvm_vcpu *vcpu) { kvm_make_request(KVM_REQ_TWO, vcpu); }',
    },
    'code that nothing calls makes it': {
      x86: 'static void dead(struct kvm_vcpu *vcpu) { kvm_make_request(KVM_REQ_TWO, vcpu); }',
    },
    'it is made for other VM types': { ioctl: `${OTHER_VM} kvm_make_request(KVM_REQ_TWO, vcpu);` },
    'it is made of all vCPUs for other VM types': { ioctl: `${OTHER_VM} kvm_make_all_cpus_request(kvm, KVM_REQ_TWO);` },
    'another one is made of all vCPUs': { ioctl: 'kvm_make_all_cpus_request(kvm, KVM_REQ_ONE);' },
    'its number comes with a flag that says to set no bit': {
      ioctl: 'kvm_make_all_cpus_request(kvm, KVM_REQ_QUIET);',
    },
    'it is made again where it was found': {
      ioctl: 'if (kvm_check_request(KVM_REQ_TWO, vcpu) && any()) kvm_make_request(KVM_REQ_TWO, vcpu);',
    },
    'a variable holds another one': {
      ioctl: 'unsigned int req = KVM_REQ_ONE; kvm_make_request(req, vcpu);',
    },
    'a helper makes the one that it is given': {
      x86: 'static void make(struct kvm_vcpu *vcpu, unsigned int req) { kvm_make_request(req, vcpu); }',
      ioctl: 'make(vcpu, KVM_REQ_ONE);',
    },
    'a macro makes another one': {
      x86: '#define MAKE(v, r) kvm_make_request(r, v)',
      ioctl: 'MAKE(vcpu, KVM_REQ_ONE);',
    },
    'it is cleared': { ioctl: 'kvm_clear_request(KVM_REQ_TWO, vcpu);' },
    'the word is cleared': { ioctl: 'vcpu->requests = 0;' },
    'a bit of another struct is set': { ioctl: 'struct other o; set_bit(arg, &o.requests); use(&o);' },
  };
  for (const [name, parts] of Object.entries(NEVER))
    it(name, async () => {
      expect((await ask(parts)).verdict).toBe('blocked');
    });
});

describe('a request that may be made may be there', () => {
  const MADE: Record<string, Parts> = {
    'of one vCPU': { ioctl: 'kvm_make_request(KVM_REQ_TWO, vcpu);' },
    'of all vCPUs': { ioctl: 'kvm_make_all_cpus_request(kvm, KVM_REQ_TWO);' },
    'without the wrapper': { ioctl: '__kvm_make_request(KVM_REQ_TWO, vcpu);' },
    'by the bit operation': { ioctl: 'set_bit(KVM_REQ_TWO & KVM_REQUEST_MASK, &vcpu->requests);' },
    'by its bit, written out': { ioctl: '__set_bit(10, (unsigned long *)&vcpu->requests);' },
    'by an operation that tells what was there': { ioctl: 'if (test_and_set_bit(10, &vcpu->requests)) any();' },
    'by turning the bit over': { ioctl: 'change_bit(10, &vcpu->requests);' },
    'by assigning the bit': { ioctl: 'assign_bit(10, &vcpu->requests, arg);' },
    'by userspace: any number': { ioctl: 'kvm_make_request(arg, vcpu);' },
    'by userspace, of some': { ioctl: 'kvm_make_request(arg & 15, vcpu);' },
    'one or the other': { ioctl: 'kvm_make_request(arg ? KVM_REQ_ONE : KVM_REQ_TWO, vcpu);' },
    'from a variable': { ioctl: 'int r = KVM_REQ_ONE; if (arg) r = KVM_REQ_TWO; kvm_make_request(r, vcpu);' },
    'from a field': {
      ioctl: 'kvm_make_request(vcpu->mode, vcpu);',
      x86: 'void m(struct kvm_vcpu *v) { v->mode = 10; }',
    },
    'by a helper': {
      x86: 'static void make(struct kvm_vcpu *vcpu, unsigned int req) { unsigned int r = req; kvm_make_request(r, vcpu); }',
      ioctl: 'make(vcpu, KVM_REQ_ONE); if (arg) make(vcpu, KVM_REQ_TWO);',
    },
    'by a helper of a helper': {
      x86: `static void make(struct kvm_vcpu *vcpu, unsigned int req) { kvm_make_request(req, vcpu); }
static void outer(struct kvm_vcpu *vcpu, bool both) { make(vcpu, both ? KVM_REQ_TWO : KVM_REQ_ONE); }`,
      ioctl: 'outer(vcpu, arg);',
    },
    'by a helper that counts on': {
      x86: 'static void make(struct kvm_vcpu *vcpu, unsigned int req) { kvm_make_request(req + 1, vcpu); }',
      ioctl: 'make(vcpu, KVM_REQ_ONE);',
    },
    'by a function that is handed round': {
      x86: `static void make(struct kvm_vcpu *vcpu, unsigned long req) { kvm_make_request(req, vcpu); }
static void each(struct kvm_vcpu *vcpu, void (*fn)(struct kvm_vcpu *, unsigned long), unsigned long n) { fn(vcpu, n); }`,
      ioctl: 'each(vcpu, make, KVM_REQ_TWO);',
    },
    'in a loop over numbers': { ioctl: 'int i; for (i = 8; i < 12; i++) kvm_make_request(i, vcpu);' },
    'by a macro': { x86: '#define MAKE(v) kvm_make_request(KVM_REQ_TWO, v)', ioctl: 'MAKE(vcpu);' },
    'by a macro that sets the bit': {
      x86: '#define MAKE(v) set_bit(10, &(v)->requests)',
      ioctl: 'MAKE(vcpu);',
    },
    'as a number': { ioctl: 'vcpu->requests |= BIT(10);' },
    'as all of the word': { ioctl: 'vcpu->requests = arg;' },
    'through a pointer to the word': { ioctl: 'u64 *p = &vcpu->requests; *p = arg;' },
    'with the struct around it': { ioctl: 'struct kvm_vcpu *o = any_vcpu(); *vcpu = *o;' },
    'copied from userspace': { ioctl: 'copy_from_user(&vcpu->requests, (void *)arg, 8);' },
    'through a struct of unknown type': { ioctl: 'container(arg)->requests |= 1024;' },
    'while another one is there that is made': {
      ioctl: 'if (kvm_check_request(KVM_REQ_ONE, vcpu)) kvm_make_request(KVM_REQ_TWO, vcpu);',
    },
    'where it was found, and elsewhere': {
      ioctl:
        'if (kvm_check_request(KVM_REQ_TWO, vcpu)) kvm_make_request(KVM_REQ_TWO, vcpu); if (arg) kvm_make_request(KVM_REQ_TWO, vcpu);',
    },
    'by code that runs while the vCPU is made': {
      x86: 'static int create(struct kvm_vcpu *vcpu) { kvm_make_request(KVM_REQ_TWO, vcpu); return 0; }',
      ioctl: 'create(vcpu);',
    },
  };
  for (const [name, parts] of Object.entries(MADE))
    it(name, async () => {
      expect((await ask(parts)).verdict).toBe('reachable');
    });
});

it('the proof names the request and who makes it', async () => {
  const { facts } = await ask({
    svm: 'void svm_x(struct kvm_vcpu *vcpu) { kvm_make_request(KVM_REQ_TWO, vcpu); }',
    ioctl: `${OTHER_VM} kvm_make_all_cpus_request(kvm, KVM_REQ_TWO);`,
  });
  const fact = facts.find((each) => each.id === 'kvm_vcpu.requests[10]');
  expect(fact?.text).toBe('bit 10 of vcpu->requests (KVM_REQ_TWO) == 0');
  expect(fact?.writes.map(({ text, effect }) => [text, effect])).toEqual([
    ['kvm_make_request(KVM_REQ_TWO, vcpu)', 'not for this VM'],
    ['kvm_make_all_cpus_request(kvm, KVM_REQ_TWO)', 'not for this VM'],
  ]);
});
