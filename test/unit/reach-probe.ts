import { expect } from 'vitest';
import type { Program } from '../../extension/core/program/program';
import { analyseReach } from '../../extension/core/reach/reach';
import { DEFAULT_SINK, type Caller, type Guard, type Verdict } from '../../extension/core/reach/verdict';
import { link } from './linking';

/** What every probe below may use. The ioctl's argument is userspace's: any number. */
const HEADER = `
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long long u64; typedef _Bool bool;
#define KVM_X86_TDX_VM 5
#define READ_ONCE(x) (x)
#define WRITE_ONCE(x, v) ((x) = (v))
struct kvm_arch { unsigned long vm_type; u32 mode; u32 other; struct pair inner; };
struct pair { u32 a; u32 b; };
struct kvm { struct kvm_arch arch; struct list_head devices; };
struct file { void *private_data; };
struct dev { u32 state; struct pair pair; u32 *out; struct dev *next; };
void kvm_zap_gfn_range(struct kvm *kvm, u64 start, u64 end) { }
struct dev *find_dev(struct kvm *kvm, unsigned long n);
unsigned long any(void);
`;

async function probeProgram(code: string): Promise<Program> {
  return link({
    'arch/x86/kvm/x86.c': `${HEADER}\n#define SINK(kvm) kvm_zap_gfn_range(kvm, 0, 1)\n${code}
static long kvm_vm_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm *kvm = filp->private_data;

	probe(kvm, arg);
	return 0;
}
static const struct file_operations kvm_vm_fops = { .unlocked_ioctl = kvm_vm_ioctl };
`,
  });
}

/** The verdict of `probe(kvm, arg)`, which an ioctl of the VM runs with userspace's argument. */
export async function verdictOf(code: string): Promise<Verdict> {
  return (await probed(code)).verdict;
}

/** The guards that cut the probe. */
export async function guardsOf(code: string): Promise<readonly Guard[]> {
  return (await probed(code)).cutBy ?? [];
}

async function probed(code: string): Promise<Caller> {
  const program = await probeProgram(code);
  const reach = analyseReach(program, { vm: 'tdx', sinks: [DEFAULT_SINK], host: {}, assumptions: true });
  const found = reach.callers().filter((each) => each.function === 'probe');
  expect(found).toHaveLength(1);
  return found[0] as Caller;
}
