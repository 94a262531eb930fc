import { describe, expect, it } from 'vitest';
import { analyseReach } from '../../extension/core/reach/reach';
import { link } from './linking';

/** An ioctl of a TD whose `zap()` is behind `body`; the texts of the guards that cut it. */
async function cuts(body: string): Promise<readonly string[]> {
  const program = await link({
    'arch/x86/kvm/x86.c': `
enum { KVM_X86_DEFAULT_VM, KVM_X86_TDX_VM = 5 };
struct kvm_arch { unsigned long vm_type; };
struct kvm { struct kvm_arch arch; };
struct file { void *private_data; };
struct file_operations { long (*unlocked_ioctl)(struct file *f, unsigned int ioctl, unsigned long arg); };
void other(void);
#define ONE 1
#define TWO 2
static int is_td(struct kvm *kvm) { return kvm->arch.vm_type == KVM_X86_TDX_VM; }
static int is_default(struct kvm *kvm) { return kvm->arch.vm_type == KVM_X86_DEFAULT_VM; }
void kvm_zap_gfn_range(struct kvm *kvm) { other(); }
static void zap(struct kvm *kvm) { kvm_zap_gfn_range(kvm); }
static long kvm_vm_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm *kvm = filp->private_data;
	long r = -1;

	${body}
	return r;
}
static struct file_operations kvm_vm_fops = { .unlocked_ioctl = kvm_vm_ioctl };
`,
  });
  const reach = analyseReach(program, { vm: 'tdx', sinks: ['kvm_zap_gfn_range'], host: {}, assumptions: true });
  const caller = reach.callers().find((one) => one.function === 'zap');
  expect(caller?.verdict).toBe('blocked');
  return (caller?.cutBy ?? []).map((guard) => guard.text);
}

describe('the guard that cuts is one that stands before the call on its way', () => {
  it('an early return of another case is none', async () => {
    const body = `switch (ioctl) {
	case ONE:
		if (is_td(kvm))
			return -1;
		other();
		break;
	case TWO:
		if (is_default(kvm))
			zap(kvm);
		break;
	}`;
    expect(await cuts(body)).toEqual(['is_default(kvm)']);
  });

  it('nor one in an arm that need not be taken', async () => {
    const body = `if (arg) {
		if (is_td(kvm))
			return -1;
		other();
	}
	if (is_default(kvm))
		zap(kvm);`;
    expect(await cuts(body)).toEqual(['is_default(kvm)']);
  });

  it('nor one that jumps to a label before the call', async () => {
    const body = `if (is_td(kvm))
		goto out;
	other();
out:
	if (is_default(kvm))
		zap(kvm);`;
    expect(await cuts(body)).toEqual(['is_default(kvm)']);
  });

  it('nor one that ends a turn of a loop', async () => {
    const body = `while (arg--) {
		if (is_td(kvm))
			continue;
		other();
	}
	if (is_default(kvm))
		zap(kvm);`;
    expect(await cuts(body)).toEqual(['is_default(kvm)']);
  });

  it('one that leaves for good is, also within an arm that is always taken', async () => {
    const body = `if (!is_default(kvm)) {
		if (is_td(kvm))
			return -1;
	}
	zap(kvm);`;
    expect(await cuts(body)).toEqual(['is_td(kvm)']);
  });
});
