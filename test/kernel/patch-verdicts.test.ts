import { beforeAll, describe, expect, it } from 'vitest';
import { Analysis } from '../../extension/core/analysis';
import { PatchAnalysis } from '../../extension/core/patch-analysis';
import type { Change as PatchChange } from '../../extension/core/patch/changes';
import { FactsStore } from '../../extension/core/program/load';
import { DEFAULT_SINK, type Verdict, type VmType, worst } from '../../extension/core/reach/verdict';
import { DiskTree } from '../../extension/node/disk-tree';
import { loadParser } from '../../extension/node/parser';
import { type Change, ownPatch, patched } from './own-patch';
import { ENABLE_CAP, type PatchCase, VZAP, ZAP } from './patch-case';
import { GUARDS } from './patch-guards';
import { PLACES, WITHOUT_FACT } from './patch-places';
import { describeTree } from './trees';

const DMA = 'kvm_noncoherent_dma_assignment_start_or_stop';

/**
 * Patches applied as one series, which is analysed once: no two of them touch the same function, but to call new
 * ones of their own. What a case calls `own_x` is `own7_x` in the seventh patch.
 */
function series(top: string, cases: readonly PatchCase[], store: FactsStore): void {
  const tree = new DiskTree(top);
  let after: Analysis;
  let names: Set<string>[];
  beforeAll(async () => {
    const { program } = await Analysis.open(tree, await loadParser(), { store });
    const own = cases.map(({ changes }, i) =>
      changes.map((each) => ({
        ...each,
        lines: each.lines.replaceAll('own_', `own${i}_`).replace('4711', `${4711 + i}`),
      })),
    );
    names = own.map((changes) => new Set(changes.flatMap((each) => ('fn' in each ? [each.fn] : []))));
    after = await Analysis.open(await patched(tree, await ownPatch(tree, program, own.flat())), await loadParser(), {
      store,
    });
  }, 60_000);

  const verdict = (vm: VmType, i: number): Verdict => {
    const callers = after.reach({ vm, sinks: [DEFAULT_SINK], host: {}, assumptions: true }).callers();
    const sites = callers.flatMap((each) =>
      each.sites.filter(
        (site) => site.callee === DEFAULT_SINK && (names[i]?.has(site.caller) || site.caller.startsWith(`own${i}_`)),
      ),
    );
    expect(sites).not.toEqual([]);
    return worst(sites.map((site) => site.verdict));
  };
  it.each(cases.map((each, i) => ({ ...each, i })))('$name', { timeout: 120_000 }, ({ i, tdx, default: other }) => {
    expect({ tdx: verdict('tdx', i), default: other && verdict('default', i) }).toEqual({ tdx, default: other });
  });
}

/** What a patch that changes the tree's own lines does to the calls of a function. */
async function changesOf(top: string, changes: readonly Change[]): Promise<readonly PatchChange[]> {
  const tree = new DiskTree(top);
  const store = new FactsStore();
  const parser = await loadParser();
  const { program } = await Analysis.open(tree, parser, { store });
  const patch = await ownPatch(tree, program, changes);
  const analysis = await PatchAnalysis.open(tree, parser, [patch], { store });
  return analysis.report({ vm: 'tdx', sinks: [DEFAULT_SINK], host: {}, assumptions: true }).changes;
}

function ofSink(changes: readonly PatchChange[]): (readonly [string, Verdict | null, Verdict | null])[] {
  return changes
    .filter((each) => each.callee === DEFAULT_SINK)
    .map((each) => [each.function, each.before, each.after] as const);
}

describeTree('7.x', (top) => {
  const store = new FactsStore();
  const few = 24;
  for (let i = 0; i < GUARDS.length; i += few) {
    describe('guards', () => {
      series(top, GUARDS.slice(i, i + few), store);
    });
  }
  describe('places', () => {
    series(top, PLACES, store);
  });
  describe('facts', () => {
    series(top, WITHOUT_FACT, store);
  });

  describe('what changes', { timeout: 120_000 }, () => {
    it('a guard is removed', async () => {
      const changes = await changesOf(top, [
        { fn: DMA, instead: 'kvm_zap_gfn_range(', lines: '\t\t;' },
        { fn: DMA, at: 'start', lines: ZAP },
      ]);
      expect(ofSink(changes)).toEqual([[DMA, 'blocked', 'reachable']]);
    });
    it('a call moves to another function', async () => {
      const changes = await changesOf(top, [
        { fn: DMA, instead: 'kvm_zap_gfn_range(', lines: '\t\t;' },
        { fn: 'kvm_set_msr_common', at: 'start', lines: VZAP },
      ]);
      expect(ofSink(changes)).toEqual([
        ['kvm_set_msr_common', null, 'reachable'],
        [DMA, 'blocked', null],
      ]);
    });
    it('a write begins to clear what a guard rests on', async () => {
      const changes = await changesOf(top, [
        {
          fn: ENABLE_CAP,
          instead: 'WRITE_ONCE(kvm->arch.disabled_quirks',
          lines: '\t\tkvm->arch.disabled_quirks = cap->args[0];',
        },
      ]);
      expect(ofSink(changes)).toEqual([[DMA, 'blocked', 'reachable']]);
    });
    it('a device is registered on a bus', async () => {
      const changes = await changesOf(top, [
        {
          fn: 'kvm_create_lapic',
          behind: 'kvm_iodevice_init(',
          lines: '\tkvm_io_bus_register_dev(vcpu->kvm, KVM_MMIO_BUS, APIC_DEFAULT_PHYS_BASE, PAGE_SIZE, &apic->dev);',
        },
      ]);
      const sites = changes.map((each) => [each.function, each.callee, each.before, each.after]);
      expect(sites).toContainEqual(['kvm_iodevice_write', 'apic_mmio_write', 'blocked', 'reachable']);
      expect(sites).toContainEqual(['tdx_mmio_write', 'kvm_io_bus_write', 'blocked', 'reachable']);
      // Port I/O goes to another bus.
      expect(sites.filter(([, callee]) => callee === 'emulator_pio_in_out')).toEqual([]);
    });
    it('a request is made that no TD made', async () => {
      const changes = await changesOf(top, [
        {
          fn: 'kvm_set_msr_common',
          at: 'start',
          lines: '\tkvm_make_request(KVM_REQ_UPDATE_PROTECTED_GUEST_STATE, vcpu);',
        },
      ]);
      const sites = changes.map((each) => [each.function, each.callee, each.before, each.after]);
      expect(sites).toContainEqual(['vcpu_enter_guest', 'kvm_vcpu_reset', 'blocked', 'reachable']);
    });
    it('a callback is stored that no TD stored', async () => {
      const callback = 'kvm_hv_hypercall_complete_userspace';
      const lines = `\tvcpu->arch.complete_userspace_io = ${callback};`;
      const changes = await changesOf(top, [{ fn: 'kvm_hv_set_cpuid', at: 'start', lines }]);
      const sites = changes.map((each) => [each.function, each.callee, each.before, each.after]);
      expect(sites).toContainEqual(['kvm_arch_vcpu_ioctl_run', callback, 'blocked', 'reachable']);
    });
    it('the base of the APIC is no constant any more', async () => {
      const sites = (
        await changesOf(top, [
          {
            fn: '__kvm_apic_set_base',
            behind: 'vcpu->arch.apic_base = value',
            lines: '\tvcpu->arch.apic_base = rdtsc();',
          },
        ])
      ).map((each) => [each.function, each.callee, each.before, each.after]);
      expect(sites).toContainEqual(['kvm_lapic_reset', '__kvm_apic_set_base', 'blocked', 'reachable']);
    });
    it('a slot points to a function that lets a TD through', async () => {
      const changes = await changesOf(top, [
        {
          fn: 'vt_set_msr',
          at: 'above',
          lines: `static int own_set_msr(struct kvm_vcpu *vcpu, struct msr_data *msr)\n{\n\t${VZAP}\n\treturn vmx_set_msr(vcpu, msr);\n}\n`,
        },
        { file: 'arch/x86/kvm/vmx/main.c', behind: '.set_msr = vt_op(set_msr)', lines: '\t.set_msr = own_set_msr,' },
      ]);
      expect(ofSink(changes)).toContainEqual(['own_set_msr', null, 'reachable']);
    });
  });

  describe('a check in the sink', { timeout: 120_000 }, () => {
    it.each([
      ['in front of the lock, with a return', 'guard(srcu)', true, false, []],
      ['behind the lock, with a return', 'kvm_mmu_invalidate_start(kvm);', true, false, ['mmu_lock']],
    ] as const)('%s', async (_name, before, bugged, mirror, leaked) => {
      const tree = new DiskTree(top);
      const { program } = await Analysis.open(tree, await loadParser(), { store });
      const patch = await ownPatch(tree, program, [
        { fn: DEFAULT_SINK, before, lines: '\tif (KVM_BUG_ON(kvm_has_mirrored_tdp(kvm), kvm))\n\t\treturn;' },
      ]);
      const after = await Analysis.open(await patched(tree, patch), await loadParser(), { store });
      const [outcome] = after.outcome({ vm: 'tdx', sinks: [DEFAULT_SINK], host: {}, assumptions: true }, [
        'tdx',
      ]).outcomes;
      expect(outcome).toMatchObject({ bugged, zapped: { mirror }, returnsEarly: true, leaked });
    });
  });
});

describeTree('6.12', (top) => {
  // This tree has no name for a TD's type, and no code of TDX that cuts.
  const named = /KVM_X86_TDX_VM|mirrored_tdp|tdx_|vt_/;
  const where = /^(?:refused ioctl.*|AMD|notifier|work item)$/;
  const older = [...GUARDS, ...PLACES.filter(({ name }) => where.test(name))].filter(
    ({ changes }) => !named.test(JSON.stringify(changes)),
  );
  series(top, older, new FactsStore());
});
