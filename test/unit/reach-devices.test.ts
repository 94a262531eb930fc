import { describe, expect, it } from 'vitest';
import { analyseReach } from '../../extension/core/reach/reach';
import { DEFAULT_SINK, type Fact, type Guard, type Verdict } from '../../extension/core/reach/verdict';
import { link } from './linking';

const IODEV = `
struct kvm_io_device;
struct kvm_io_device_ops {
	int (*read)(struct kvm_vcpu *vcpu, struct kvm_io_device *this, u64 addr, int len, void *val);
	int (*write)(struct kvm_vcpu *vcpu, struct kvm_io_device *this, u64 addr, int len, const void *val);
};
struct kvm_io_device { const struct kvm_io_device_ops *ops; };
static inline void kvm_iodevice_init(struct kvm_io_device *dev, const struct kvm_io_device_ops *ops)
{
	dev->ops = ops;
}
static inline int kvm_iodevice_write(struct kvm_vcpu *vcpu, struct kvm_io_device *dev, u64 addr, int l, const void *v)
{
	return dev->ops->write ? dev->ops->write(vcpu, dev, addr, l, v) : -95;
}
`;

const HOST = `
typedef unsigned int u32; typedef unsigned long long u64; typedef _Bool bool;
#define KVM_X86_TDX_VM 5
#define KVM_SET_UP 1
#define KVM_PROBE 2
enum kvm_bus { KVM_MMIO_BUS, KVM_PIO_BUS, KVM_FAST_MMIO_BUS, KVM_NR_BUSES };
struct kvm_arch { unsigned long vm_type; };
struct kvm_io_range { u64 addr; int len; struct kvm_io_device *dev; };
struct kvm_io_bus { int dev_count; struct kvm_io_range range[]; };
struct kvm { struct kvm_arch arch; struct kvm_io_bus *buses[KVM_NR_BUSES]; };
struct kvm_vcpu { struct kvm *kvm; struct kvm_lapic *apic; };
struct file { void *private_data; };
void kvm_zap_gfn_range(struct kvm *kvm, u64 start, u64 end);
int kvm_io_bus_write(struct kvm_vcpu *vcpu, enum kvm_bus bus_idx, u64 addr, int len, const void *val);
int kvm_io_bus_register_dev(struct kvm *kvm, enum kvm_bus bus_idx, u64 addr, int len, struct kvm_io_device *dev);
unsigned long any(void);
`;

const MAIN = `
static int __kvm_io_bus_write(struct kvm_vcpu *vcpu, struct kvm_io_bus *bus, struct kvm_io_range *range, const void *val)
{
	int idx = find(bus, range);

	while (idx < bus->dev_count) {
		if (!kvm_iodevice_write(vcpu, bus->range[idx].dev, range->addr, range->len, val))
			return idx;
		idx++;
	}
	return -95;
}
int kvm_io_bus_write(struct kvm_vcpu *vcpu, enum kvm_bus bus_idx, u64 addr, int len, const void *val)
{
	struct kvm_io_bus *bus;
	struct kvm_io_range range;

	range = (struct kvm_io_range) { .addr = addr, .len = len, };
	bus = srcu_dereference(vcpu->kvm->buses[bus_idx], &vcpu->kvm->srcu);
	if (!bus)
		return -12;
	return __kvm_io_bus_write(vcpu, bus, &range, val);
}
int kvm_io_bus_register_dev(struct kvm *kvm, enum kvm_bus bus_idx, u64 addr, int len, struct kvm_io_device *dev)
{
	struct kvm_io_bus *bus = kvm->buses[bus_idx], *new_bus = kmalloc(sizeof(*bus), 0);
	struct kvm_io_range range;

	range = (struct kvm_io_range) { .addr = addr, .len = len, .dev = dev, };
	new_bus->range[0] = range;
	rcu_assign_pointer(kvm->buses[bus_idx], new_bus);
	return 0;
}
`;

interface Parts {
  /** In the body of an ioctl that anyone may make at any time: `kvm`, `vcpu`, `apic`, `pit`, `arg`. */
  readonly setUp?: string;
  /** What the probe does; it may call `kvm_io_bus_write()`. */
  readonly probe?: string;
  /** More at file scope of x86.c. */
  readonly x86?: string;
  readonly svm?: string;
}

async function ask(parts: Parts): Promise<{ verdict: Verdict; cutBy: readonly Guard[]; facts: readonly Fact[] }> {
  const program = await link({
    'arch/x86/include/asm/kvm_host.h': HOST,
    'include/kvm/iodev.h': `#include <asm/kvm_host.h>\n${IODEV}`,
    'arch/x86/kvm/mmu/mmu.c': `#include <asm/kvm_host.h>\nvoid kvm_zap_gfn_range(struct kvm *kvm, u64 start, u64 end) { }\n`,
    'virt/kvm/kvm_main.c': `#include <kvm/iodev.h>\n${MAIN}`,
    'arch/x86/kvm/x86.c': `#include <kvm/iodev.h>
struct kvm_lapic { u32 mode; struct kvm_io_device dev; };
struct kvm_pit { u32 mode; struct kvm_io_device dev; struct kvm_io_device speaker_dev; };
static int apic_write(struct kvm_vcpu *vcpu, struct kvm_io_device *this, u64 addr, int len, const void *val)
{
	kvm_zap_gfn_range(vcpu->kvm, 0, 1);
	return 0;
}
static int pit_write(struct kvm_vcpu *vcpu, struct kvm_io_device *this, u64 addr, int len, const void *val)
{
	return 0;
}
static const struct kvm_io_device_ops apic_ops = { .write = apic_write };
static const struct kvm_io_device_ops pit_ops = { .write = pit_write };
${parts.x86 ?? ''}
static void create(struct kvm *kvm, struct kvm_lapic *apic, struct kvm_pit *pit)
{
	kvm_iodevice_init(&apic->dev, &apic_ops);
	kvm_iodevice_init(&pit->dev, &pit_ops);
	kvm_io_bus_register_dev(kvm, KVM_PIO_BUS, 0x40, 4, &pit->dev);
}
static void set_up(struct kvm *kvm, struct kvm_vcpu *vcpu, struct kvm_lapic *apic, struct kvm_pit *pit, unsigned long arg)
{
	create(kvm, apic, pit);
	${parts.setUp ?? ''}
}
static void probe(struct kvm *kvm, struct kvm_vcpu *vcpu, unsigned long arg)
{
	${parts.probe ?? 'kvm_io_bus_write(vcpu, KVM_PIO_BUS, arg, 4, &arg);'}
}
static long kvm_vcpu_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm_vcpu *vcpu = filp->private_data;

	switch (ioctl) {
	case KVM_SET_UP:
		set_up(vcpu->kvm, vcpu, new_apic(), new_pit(), arg);
		break;
	default:
		probe(vcpu->kvm, vcpu, arg);
	}
	return 0;
}
static const struct file_operations kvm_vcpu_fops = { .unlocked_ioctl = kvm_vcpu_ioctl };
`,
    'arch/x86/kvm/svm/svm.c': `#include <kvm/iodev.h>\nstruct kvm_lapic { u32 mode; struct kvm_io_device dev; };\n${parts.svm ?? ''}\n`,
  });
  const reach = analyseReach(program, { vm: 'tdx', sinks: [DEFAULT_SINK], host: {}, assumptions: true });
  const found = reach.callers().find((each) => each.function === 'probe');
  expect(found).toBeDefined();
  return { verdict: found?.verdict ?? 'unknown', cutBy: found?.cutBy ?? [], facts: reach.facts() };
}

const register = (bus: string, what = '&apic->dev'): string =>
  `kvm_io_bus_register_dev(kvm, ${bus}, 0xfee00000, 4, ${what});`;
const OTHER_VM = 'if (kvm->arch.vm_type != KVM_X86_TDX_VM)';

describe('a bus does not dispatch to a device that is not registered on it', () => {
  const NOT_THERE: Record<string, Parts> = {
    'registered nowhere': {},
    'on another bus': { setUp: register('KVM_MMIO_BUS') },
    'for other VM types': { setUp: `${OTHER_VM} ${register('KVM_PIO_BUS')}` },
    'by a function that is called for other VM types': {
      x86: `static void late(struct kvm *kvm, struct kvm_lapic *apic) { ${register('KVM_PIO_BUS')} }`,
      setUp: `${OTHER_VM} late(kvm, apic);`,
    },
    'by the other vendor': {
      svm: `void svm_x(struct kvm *kvm, struct kvm_lapic *apic) { ${register('KVM_PIO_BUS')} }`,
    },
    'by dead code': { x86: `static void dead(struct kvm *kvm, struct kvm_lapic *apic) { ${register('KVM_PIO_BUS')} }` },
    'taken off': { setUp: 'kvm_io_bus_unregister_dev(kvm, KVM_PIO_BUS, &apic->dev);' },
    'the device itself is another one': {
      probe: 'struct kvm_pit *p = any_pit(); kvm_iodevice_write(vcpu, &p->dev, 0, 4, &arg);',
    },
    'another bus': {
      setUp: register('KVM_MMIO_BUS'),
      probe: 'enum kvm_bus bus = arg ? KVM_PIO_BUS : KVM_PIO_BUS; kvm_io_bus_write(vcpu, bus, arg, 4, &arg);',
    },
  };
  for (const [name, parts] of Object.entries(NOT_THERE))
    it(name, async () => {
      expect((await ask(parts)).verdict).toBe('blocked');
    });
});

describe('a device that may be there is dispatched to', () => {
  const THERE: Record<string, Parts> = {
    registered: { setUp: register('KVM_PIO_BUS') },
    'registered on a condition': { setUp: `if (arg) ${register('KVM_PIO_BUS')}` },
    'registered on any bus': { setUp: register('arg') },
    'written to on any bus': {
      setUp: register('KVM_MMIO_BUS'),
      probe: 'kvm_io_bus_write(vcpu, arg, arg, 4, &arg);',
    },
    'written to on either bus': {
      setUp: register('KVM_MMIO_BUS'),
      probe: 'kvm_io_bus_write(vcpu, arg ? KVM_MMIO_BUS : KVM_PIO_BUS, arg, 4, &arg);',
    },
    'registered through a variable': {
      setUp: `struct kvm_io_device *d = &apic->dev; ${register('KVM_PIO_BUS', 'd')}`,
    },
    'registered through one of two': {
      setUp: `struct kvm_io_device *d = arg ? &pit->dev : &apic->dev; ${register('KVM_PIO_BUS', 'd')}`,
    },
    'registered by a helper': {
      x86: `static int put(struct kvm *kvm, struct kvm_io_device *d) { return kvm_io_bus_register_dev(kvm, KVM_PIO_BUS, 0, 4, d); }`,
      setUp: 'put(kvm, &apic->dev);',
    },
    'registered by a macro': {
      x86: '#define PUT(k, x) kvm_io_bus_register_dev(k, KVM_PIO_BUS, 0, 4, &(x)->dev)',
      setUp: 'PUT(kvm, apic);',
    },
    'registered from a table of pointers': {
      x86: 'struct kvm_io_device *all[4];',
      setUp: register('KVM_PIO_BUS', 'all[arg]'),
    },
    'written to directly': { probe: 'kvm_iodevice_write(vcpu, &vcpu->apic->dev, 0, 4, &arg);' },
    'of another field with the same operations': {
      setUp: `kvm_iodevice_init(&pit->speaker_dev, &apic_ops); ${register('KVM_PIO_BUS', '&pit->speaker_dev')}`,
    },
    'its field is given the operations, too': { setUp: 'if (arg) kvm_iodevice_init(&pit->dev, &apic_ops);' },
    'its field is given them without the helper': { setUp: 'if (arg) pit->dev.ops = &apic_ops;' },
    'its field is given any operations': { setUp: 'kvm_iodevice_init(&pit->dev, find_ops(arg));' },
    'its operations are set through a pointer': { setUp: 'struct kvm_io_device *d = &pit->dev; d->ops = &apic_ops;' },
    'all devices may be given them': {
      setUp: 'struct kvm_io_device *d = any_device(arg); kvm_iodevice_init(d, &apic_ops);',
    },
    'the struct around it is copied': { setUp: 'struct kvm_pit *o = any_pit(); *pit = *o;' },
    'put on the bus by hand': {
      x86: `static void put(struct kvm *kvm, struct kvm_lapic *apic) { kvm->buses[KVM_PIO_BUS]->range[0].dev = &apic->dev; }`,
      setUp: 'put(kvm, apic);',
    },
    'put on the bus by hand, as a range': {
      x86: `static void put(struct kvm *kvm, struct kvm_lapic *apic)
{
	struct kvm_io_range r = { .dev = &apic->dev };

	kvm->buses[KVM_PIO_BUS]->range[0] = r;
}`,
      setUp: 'put(kvm, apic);',
    },
    'called by a pointer to the device that comes from elsewhere': {
      probe: 'struct kvm_io_device *d = any_device(arg); kvm_iodevice_write(vcpu, d, 0, 4, &arg);',
    },
    'its pointer is changed before the call': {
      probe:
        'struct kvm_pit *p = any_pit(); struct kvm_io_device *d = &p->dev; if (arg) d = &vcpu->apic->dev; kvm_iodevice_write(vcpu, d, 0, 4, &arg);',
    },
  };
  for (const [name, parts] of Object.entries(THERE))
    it(name, async () => {
      expect((await ask(parts)).verdict).toBe('reachable');
    });
});

it('the proof names what is on the bus and who put it there', async () => {
  const { cutBy, facts } = await ask({ setUp: `${OTHER_VM} ${register('KVM_PIO_BUS')}` });
  expect(cutBy.map(({ text, value }) => [text, value])).toEqual([
    ['a kvm_io_device of apic_ops is registered on KVM_PIO_BUS', false],
  ]);
  const fact = facts.find((each) => each.id === cutBy[0]?.facts[0]);
  expect(fact?.text).toBe('on KVM_PIO_BUS are only devices of pit_ops');
  expect(fact?.writes.map(({ text, effect, site }) => [text, effect, site.function])).toEqual([
    ['&pit->dev is registered', 'sets', 'create'],
    ['kvm_io_bus_register_dev()', 'not for this VM', 'set_up'],
  ]);
});
