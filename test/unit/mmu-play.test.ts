import { describe, expect, it } from 'vitest';
import type { Decide } from '../../extension/core/mmu/machine';
import type { Outcome } from '../../extension/core/mmu/outcome';
import { readScenario } from '../../extension/core/mmu/scenario-file';
import { sinkOutcome } from '../../extension/core/mmu/sink';
import type { VmType } from '../../extension/core/reach/verdict';
import { programOf, SINK_ID, TDP, type Variant } from './mmu-tree';

const UNDECIDED: Decide = () => 'unknown';
const SMALL = { name: 'small', private: ['0x100'], pending: ['0x102'], shared: ['0x200'], unmapped: ['0x300'] };

/** The kernel functions that actions model. */
const KVM = [
  'kvm_arch_flush_shadow_memslot',
  'kvm_arch_pre_set_memory_attributes',
  'kvm_make_all_cpus_request',
  'kvm_mmu_faultin_pfn',
  'kvm_mmu_load',
  'kvm_tdp_mmu_map',
  'kvm_unmap_gfn_range',
  'kvm_vcpu_ioctl',
  'kvm_vm_ioctl',
  'kvm_vm_ioctl_set_mem_attributes',
  'tdx_td_finalize',
  'tdx_td_init',
  'tdx_vcpu_init_mem_region',
  'tdx_vcpu_pre_run',
  'vcpu_enter_guest',
];
const ACTED = { 'arch/x86/kvm/acted.c': KVM.map((name) => `void ${name}(void)\n{\n}\n`).join('') };

/** The outcome of actions on a small VM. */
async function played(
  actions: readonly object[],
  vm: VmType = 'tdx',
  variant: Variant = {},
  more: object = {},
): Promise<Outcome> {
  const program = await programOf({ ...variant, files: variant.files ?? ACTED });
  const question = { vm, sinks: ['zap_it'], host: {}, assumptions: true };
  const scenario = readScenario(JSON.stringify({ ...SMALL, ...more, actions }));
  return sinkOutcome(program, SINK_ID, question, UNDECIDED, scenario);
}

const at = (outcome: Outcome, what: string): string | undefined => outcome.end.find((one) => one.what === what)?.value;
const texts = (outcome: Outcome): string => outcome.trace.map(({ text }) => text).join('\n');

const zap = { action: 'zap' };
const touch = { action: 'fault', gfn: '0x100' };
const accept = { action: 'accept', gfn: '0x100' };

describe('a zap among other actions', () => {
  it('alone is what a built-in scenario is', async () => {
    expect((await played([zap])).classes).toEqual(['private-data-lost', 'guest-ve', 'refault']);
    expect((await played([])).classes).toEqual(['no-op']);
  });

  it('then a touch: the guest meets a pending page', async () => {
    const outcome = await played([zap, touch]);
    expect(outcome.guest).toMatch(/^A vCPU touched a zapped private page and met a pending one/);
    expect(at(outcome, 'S-EPT 0x100')).toBe('PENDING');
    expect(texts(outcome)).toContain('vCPU 0 touches gfn 0x100, private: a fault, KVM maps the page');
  });

  it('then an acceptance: what the page held is gone all the same', async () => {
    const outcome = await played([zap, accept, touch]);
    expect(outcome.classes).toEqual(['private-data-lost', 'refault']);
    expect(outcome.guest).toMatch(/accepted them anew, zeroed/);
    expect(at(outcome, 'S-EPT 0x100')).toBe('MAPPED');
    expect(texts(outcome)).toContain('vCPU 0 accepts gfn 0x100, again: the page is its own now, zeroed');
    expect(texts(outcome)).toContain('vCPU 0 touches gfn 0x100, private: the access goes through');
  });

  it('of a range that it names takes that range only', async () => {
    const outcome = await played([{ action: 'zap', start: '0x200', end: '0x201' }]);
    expect(outcome.zapped).toEqual({ direct: true, mirror: false, rmap: false });
    expect(outcome.classes).toEqual(['refault']);
  });

  it('twice, with a dead VM between: the second one finds nothing', async () => {
    const outcome = await played([zap, touch, zap], 'tdx', { entry: 'if (KVM_BUG_ON(is_td(kvm), kvm)) return;' });
    expect(outcome.classes).toEqual(['vm-bugged', 'vm-dead', 'errno']);
    expect(texts(outcome)).toContain('KVM_RUN returns -EIO');
    expect(outcome.trace.filter((event) => event.text.includes('fires'))).toHaveLength(1);
  });

  it('that leaves its lock held hangs what comes after', async () => {
    const outcome = await played([zap, zap, { action: 'unmap', gfn: '0x200' }, { ...touch, gfn: '0x201' }], 'tdx', {
      locked: 'if (is_td(kvm)) return;',
    });
    expect(outcome.classes).toContain('lock-leaked');
    expect(texts(outcome).split('a task waits for mmu_lock')).toHaveLength(3);
    expect(at(outcome, 'mmu_lock')).toBe('write');
    expect(at(outcome, 'direct SPTE 0x200')).toBe('present, 4K');
  });

  it('in an undecided arm is followed on both sides, and the worst is shown', async () => {
    const outcome = await played([zap, accept], 'tdx', { entry: 'if (kvm->arch.nr) return;' });
    expect(outcome.classes).toContain('private-data-lost');
    expect(outcome.trace.at(-1)?.text).toMatch(/^2 runs .* the worst is shown$/);
  });
});

describe('what userspace and the guest do', () => {
  it('a conversion takes the private page, and is no loss that the sink made', async () => {
    const outcome = await played([
      { action: 'convert', gfn: '0x100', private: false },
      { ...touch, private: false },
    ]);
    expect(outcome.classes).toEqual(['no-op']);
    expect(at(outcome, 'attribute 0x100')).toBe('shared');
    expect(at(outcome, 'S-EPT 0x100')).toBe('FREE');
    expect(at(outcome, 'direct SPTE 0x100')).toBe('present, 4K');
  });

  it('a conversion is refused where there is no private memory', async () => {
    const outcome = await played([{ action: 'convert', gfn: '0x100', private: true }], 'default');
    expect(outcome.classes).toEqual(['errno']);
    expect(texts(outcome)).toContain('-EINVAL');
  });

  it('an MMU notifier leaves private pages alone, the end of a memslot does not', async () => {
    const notified = await played([{ action: 'unmap', gfn: 0, pages: '0x1000' }]);
    expect([at(notified, 'S-EPT 0x100'), at(notified, 'direct SPTE 0x200')]).toEqual(['MAPPED', 'non-present']);
    const deleted = await played([{ action: 'delete-memslot', gfn: 0 }, touch]);
    expect([at(deleted, 'S-EPT 0x100'), at(deleted, 'direct SPTE 0x200')]).toEqual(['FREE', 'non-present']);
    expect(at(deleted, 'memslot 0x0 to 0x1000')).toBe('none');
    expect(texts(deleted)).toContain('no memslot: KVM_EXIT_MMIO');
    expect((await played([{ action: 'delete-memslot', gfn: '0x5000' }])).classes).toEqual(['errno']);
  });

  it('a touch against the attribute is userspace’s matter', async () => {
    const outcome = await played([{ ...touch, gfn: '0x300', private: false }]);
    expect(outcome.classes).toEqual(['errno']);
    expect(texts(outcome)).toContain('KVM_EXIT_MEMORY_FAULT');
    expect((await played([{ ...touch, gfn: '0x300' }])).classes).toEqual(['guest-ve']);
    expect((await played([{ ...touch, gfn: '0x300' }], 'snp')).classes).toEqual(['no-op']);
  });

  it('a page is accepted once', async () => {
    const outcome = await played([{ action: 'accept', gfn: '0x102' }, accept]);
    expect(at(outcome, 'S-EPT 0x102')).toBe('MAPPED');
    expect(texts(outcome)).toContain('TDX_PAGE_ALREADY_ACCEPTED');
    expect(outcome.classes).toEqual(['no-op']);
    expect(texts(await played([accept], 'snp'))).toContain('no TD, there is nothing to accept');
  });

  it('vCPUs leave and enter the guest, if the TD may run', async () => {
    const outcome = await played([{ action: 'exit-vcpus' }, { action: 'run-vcpu', vcpu: 1 }]);
    expect([at(outcome, 'vCPU 0 runs'), at(outcome, 'vCPU 1 runs')]).toEqual([
      'outside the guest',
      'in the guest, TD epoch 0',
    ]);
    const early = await played([{ action: 'run-vcpu' }], 'tdx', {}, { td: 'INITIALIZED', pending: [] });
    expect(early.classes).toEqual(['errno']);
    expect(texts(early)).toContain('KVM_RUN returns -EINVAL');
  });

  it('a vCPU makes its roots, and shadow paging is not played', async () => {
    const none = { private: [], pending: [], shared: [], unmapped: [] };
    const outcome = await played([{ ...touch, gfn: '0x10', private: false }], 'default', {}, none);
    expect(at(outcome, 'direct root')).toBe('valid');
    expect(at(outcome, 'direct SPTE 0x10')).toBe('present, 4K');
    const shadow = await played([touch], 'default', {}, { shadow: true });
    expect(shadow.unmodelled.map(({ text }) => text)).toEqual(['a vCPU that runs on shadow paging']);
  });
});

/** Code of the tree that comes to the sink where a device or an inhibit is the first or the last one. */
const CALLERS = {
  ...ACTED,
  'arch/x86/kvm/x86.c': `
#include <linux/kvm_host.h>
enum kvm_apicv_inhibit { APICV_INHIBIT_REASON_DISABLED, APICV_INHIBIT_REASON_IRQWIN, APICV_INHIBIT_REASON_HYPERV };
void zap_it(struct kvm *kvm, gfn_t gfn_start, gfn_t gfn_end);
void kvm_vm_ioctl(void)
{
}
void kvm_arch_register_noncoherent_dma(struct kvm *kvm)
{
	if (atomic_inc_return(&kvm->arch.noncoherent_dma_count) == 1)
		zap_it(kvm, 0, 0x1000);
}
void kvm_arch_unregister_noncoherent_dma(struct kvm *kvm)
{
	if (!atomic_dec_return(&kvm->arch.noncoherent_dma_count))
		zap_it(kvm, 0, 0x1000);
}
void kvm_set_or_clear_apicv_inhibit(struct kvm *kvm, enum kvm_apicv_inhibit reason, bool set)
{
	if (set && reason == APICV_INHIBIT_REASON_IRQWIN)
		zap_it(kvm, 0x200, 0x201);
}
`,
};

describe('an action that is the tree’s own code', () => {
  const add = { action: 'register-device' };
  const del = { action: 'unregister-device' };
  const withCallers = (actions: readonly object[], vm: VmType = 'tdx', variant: Variant = {}): Promise<Outcome> =>
    played(actions, vm, { ...variant, files: CALLERS });

  it('runs the sink with the first non-coherent device, and that is what the outcome is about', async () => {
    const outcome = await withCallers([add]);
    expect(outcome.classes).toEqual(['private-data-lost', 'guest-ve', 'refault']);
    expect(outcome.zapped).toEqual({ direct: true, mirror: true, rmap: false });
    expect(outcome.trace[0]).toMatchObject({
      text: 'KVM_DEV_VFIO_FILE_ADD of a device with non-coherent DMA',
      site: { function: 'kvm_arch_register_noncoherent_dma' },
    });
    expect(at(outcome, 'noncoherent_dma_count')).toBe('1');
  });

  it('leaves the sink alone with the second device, and comes to it again with the end of the last', async () => {
    const outcome = await withCallers([add, add, del, { ...touch, gfn: '0x200' }, del]);
    expect(at(outcome, 'noncoherent_dma_count')).toBe('0');
    expect(at(outcome, 'direct SPTE 0x200')).toBe('non-present');
    expect(at(outcome, 'remote TLB flushes')).toBe('2');
    expect(outcome.trace.filter(({ by }) => by === 'register-device')).not.toEqual([]);
    const none = await withCallers([del]);
    expect([none.classes, texts(none)]).toEqual([['errno'], expect.stringContaining('there is none, -ENOENT')]);
  });

  it('is refused on a dead VM, and waits for a lock that was left held', async () => {
    const dead = await withCallers([zap, add], 'tdx', { entry: 'if (KVM_BUG_ON(is_td(kvm), kvm)) return;' });
    expect(dead.classes).toEqual(['vm-bugged', 'vm-dead', 'errno']);
    expect(texts(dead)).toContain('the VM is dead, -EIO');
    const held = await withCallers([zap, add], 'tdx', { locked: 'if (is_td(kvm)) return;' });
    expect(texts(held)).toContain('a task waits for mmu_lock');
    expect(texts(held)).not.toContain('waits for itself');
  });

  it('changes an inhibit by the reason that the tree names, in full or without the prefix', async () => {
    for (const reason of ['IRQWIN', 'APICV_INHIBIT_REASON_IRQWIN']) {
      const outcome = await withCallers([{ action: 'set-inhibit', reason }]);
      expect(outcome.zapped).toEqual({ direct: true, mirror: false, rmap: false });
      expect(at(outcome, 'direct SPTE 0x200')).toBe('non-present');
    }
    for (const action of [
      { action: 'clear-inhibit', reason: 'IRQWIN' },
      { action: 'set-inhibit', reason: 'HYPERV' },
    ])
      expect((await withCallers([action])).classes).toEqual(['no-op']);
  });

  it('is not modelled where the tree lacks it', async () => {
    const names = async (action: object, files: Variant['files']): Promise<readonly string[]> =>
      (await played([action], 'tdx', { files: files ?? {} })).unmodelled.map(({ text }) => text);
    expect(await names(add, ACTED)).toEqual(['kvm_arch_register_noncoherent_dma() (not in this tree)']);
    expect(await names({ action: 'set-inhibit', reason: 'X' }, CALLERS)).toEqual([
      'APICV_INHIBIT_REASON_X (not in this tree)',
    ]);
  });
});

it('a hypothetical TD’s vCPUs are not played', async () => {
  const files = { [TDP]: 'bool kvm_tdp_mmu_zap_leafs(struct kvm *kvm, gfn_t start, gfn_t end, bool flush);\n' };
  const outcome = await played([touch], 'tdx', { files });
  expect(outcome.unmodelled.map(({ text }) => text)).toEqual(['a vCPU of a hypothetical TD']);
  expect(outcome.trace.map(({ text }) => text)).toEqual([
    expect.stringMatching(/^hypothetical TD/),
    expect.stringContaining('this tree has no S-EPT'),
  ]);
});

it('an action’s event stands at the kernel function that it models; that a tree has none is noted', async () => {
  const unmap = [{ action: 'unmap', gfn: '0x200' }];
  const [event] = (await played(unmap, 'default')).trace;
  expect(event?.site).toMatchObject({ file: 'arch/x86/kvm/acted.c', line: 19, function: 'kvm_unmap_gfn_range' });
  expect(event?.by).toBe('unmap');
  const other = await played(unmap, 'default', { files: {} });
  expect(other.trace[0]?.site).toBeUndefined();
  expect(other.unmodelled.map(({ text }) => text)).toEqual(['kvm_unmap_gfn_range() (not in this tree)']);
  expect(at(other, 'direct SPTE 0x200')).toBe('non-present');
});

describe('an ioctl', () => {
  it('leads a TD through its life: image, end of the image, KVM_RUN', async () => {
    const start = { td: 'UNINITIALIZED', private: [], pending: [], shared: [], unmapped: ['0x100'] };
    const outcome = await played(
      [
        { action: 'ioctl', name: 'KVM_TDX_INIT_VM' },
        { action: 'ioctl', name: 'KVM_TDX_INIT_MEM_REGION', gfn: '0x100', vcpu: 0 },
        { action: 'ioctl', name: 'KVM_TDX_FINALIZE_VM' },
        { action: 'ioctl', name: 'KVM_RUN', vcpu: 0 },
        { action: 'fault', gfn: '0x100', private: true },
      ],
      'tdx',
      { files: ACTED },
      start,
    );
    expect(outcome.unmodelled).toEqual([]);
    expect(at(outcome, 'TD')).toBe('RUNNABLE');
    expect(outcome.trace.at(-1)?.text).toContain('the access goes through');
  });

  it('is refused where the TD has no such step left, and by a VM that is no TD', async () => {
    for (const vm of ['tdx', 'default'] as const) {
      const { classes, trace } = await played([{ action: 'ioctl', name: 'KVM_TDX_FINALIZE_VM' }], vm, { files: ACTED });
      expect(trace.at(-1)?.text).toBe('KVM_TDX_FINALIZE_VM is refused in this state');
      expect(classes).toContain('errno');
    }
  });

  it('of a dead VM returns -EIO, whichever it is', async () => {
    const { classes, trace } = await played(
      [{ action: 'zap' }, { action: 'ioctl', name: 'KVM_SET_MSRS', vcpu: 1 }],
      'tdx',
      { body: 'KVM_BUG_ON(1, kvm);', files: ACTED },
    );
    expect(trace.at(-1)?.text).toBe('KVM_SET_MSRS of vCPU 1: the VM is dead, -EIO');
    expect(classes).toContain('errno');
  });

  it('that is not known is told, and changes nothing', async () => {
    const { unmodelled, start, end } = await played([{ action: 'ioctl', name: 'KVM_SET_MSRS' }]);
    expect(unmodelled.map(({ text }) => text)).toEqual(['the ioctl KVM_SET_MSRS']);
    expect(end).toEqual(start);
  });
});
