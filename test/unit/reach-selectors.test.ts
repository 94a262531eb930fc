import { describe, expect, it } from 'vitest';
import { analyseReach } from '../../extension/core/reach/reach';
import { DEFAULT_SINK, type Verdict } from '../../extension/core/reach/verdict';
import { link } from './linking';

/** Numbers as the kernel makes them: direction, size, type, number. */
const NUMBERS = `
#define _IOC(dir, type, nr, size) (((dir) << 30) | ((type) << 8) | ((nr) << 0) | ((size) << 16))
#define _IOW(type, nr, argtype) _IOC(1U, (type), (nr), (sizeof(argtype)))
#define KVMIO 0xAE
#define KVM_SET_ONE _IOW(KVMIO, 0x41, struct one)
#define KVM_SET_TWO _IOW(KVMIO, 0x42, struct two)
#define KVM_SET_TWO_AGAIN _IOW(KVMIO, 0x42, struct two_again)
`;

/** The verdict of a second function that switches over the number, called where `KVM_SET_TWO` was asked for. */
async function verdictOf(inner: string): Promise<Verdict | undefined> {
  const program = await link({
    'virt/kvm/kvm_main.c': `${NUMBERS}
void kvm_zap_gfn_range(struct kvm *kvm, u64 start, u64 end) { }
static int inner(struct kvm *kvm, unsigned int ioctl) { ${inner} return 0; }
static long kvm_vm_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	switch (ioctl) {
	case KVM_SET_ONE:
		return 0;
	case KVM_SET_TWO:
		return inner(filp->private_data, ioctl);
	}
	return 0;
}
static const struct file_operations kvm_vm_fops = { .unlocked_ioctl = kvm_vm_ioctl };`,
  });
  const reach = analyseReach(program, { vm: 'default', sinks: [DEFAULT_SINK], host: {}, assumptions: true });
  return reach.callers().find((each) => each.function === 'inner')?.verdict;
}

describe('an ioctl number that holds the size of a struct', () => {
  it.each<[string, Verdict, string]>([
    ['the same label', 'reachable', 'switch (ioctl) { case KVM_SET_TWO: kvm_zap_gfn_range(kvm, 0, 1); }'],
    ['compared again', 'reachable', 'if (ioctl == KVM_SET_TWO) kvm_zap_gfn_range(kvm, 0, 1);'],
    ['perhaps another size', 'reachable', 'switch (ioctl) { case KVM_SET_TWO_AGAIN: kvm_zap_gfn_range(kvm, 0, 1); }'],
    [
      'by default',
      'reachable',
      'switch (ioctl) { case KVM_SET_TWO_AGAIN: break; default: kvm_zap_gfn_range(kvm, 0, 1); }',
    ],
    ['a name that is not defined', 'reachable', 'switch (ioctl) { case KVM_SET_THREE: kvm_zap_gfn_range(kvm, 0, 1); }'],
    ['another number', 'blocked', 'switch (ioctl) { case KVM_SET_ONE: kvm_zap_gfn_range(kvm, 0, 1); }'],
    ['compared with another number', 'blocked', 'if (ioctl == KVM_SET_ONE) kvm_zap_gfn_range(kvm, 0, 1);'],
  ])('%s: %s', async (_name, verdict, code) => {
    expect(await verdictOf(code)).toBe(verdict);
  });
});
