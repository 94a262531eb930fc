import { beforeAll, describe, expect, it } from 'vitest';
import { functionIds } from '../../extension/core/find-places';
import type { Program } from '../../extension/core/program/program';
import { analyseReach, type Reach } from '../../extension/core/reach/reach';
import { DEFAULT_SINK, type Why } from '../../extension/core/reach/verdict';
import { linkedTree } from './linked';
import { describeTree, treePath } from './trees';

/** Partial chains of a TD on a tree with TDX host support, and the line that cuts them. */
describeTree('7.x', () => {
  let program: Program;
  let reach: Reach;
  beforeAll(async () => {
    program = await linkedTree(treePath('7.x') ?? '');
    reach = analyseReach(program, { vm: 'tdx', sinks: [DEFAULT_SINK], host: {}, assumptions: true });
  }, 120_000);

  function why(...names: readonly string[]): Why {
    return reach.why(names.map((name) => ({ kind: 'function', ids: functionIds(program, name), text: name })));
  }

  describe('what an earlier function lets pass', () => {
    it("a Hyper-V MSR is not on TDX's list of emulated ones", () => {
      const { verdict, cuts, cutBy } = why(
        'kvm_set_msrs',
        'tdx_set_msr',
        'kvm_set_msr_common',
        'kvm_hv_set_msr_common',
      );
      expect(verdict).toBe('blocked');
      expect(cutBy).toMatchObject({
        site: { function: 'tdx_set_msr' },
        text: '!tdx_has_emulated_msr(msr->index)',
        needs: false,
      });
      // The switch that the call stands in is told, too.
      expect(cuts?.map((guard) => guard.site.function)).toEqual(['tdx_set_msr', 'kvm_set_msr_common']);
    });

    it('IA32_APICBASE is read-only for a TD', () => {
      const { verdict, cutBy } = why('tdx_set_msr', 'kvm_set_msr_common', 'kvm_apic_set_base');
      expect(verdict).toBe('blocked');
      expect(cutBy).toMatchObject({ site: { function: 'tdx_set_msr' }, text: 'tdx_is_read_only_msr(msr->index)' });
    });

    it('an x2APIC register passes', () => {
      expect(why('tdx_set_msr', 'kvm_x2apic_msr_write', 'kvm_lapic_reg_write').verdict).toBe('reachable');
    });
  });

  it('the base of the APIC is read back through the APIC right after it was stored', () => {
    for (const first of ['kvm_lapic_reset', 'tdx_vcpu_init']) {
      const { verdict, cutBy } = why(first, '__kvm_apic_set_base', 'kvm_set_apicv_inhibit');
      expect(verdict).toBe('blocked');
      expect(cutBy?.site.function).toBe('__kvm_apic_set_base');
      expect(cutBy?.text).toContain('apic->base_address != APIC_DEFAULT_PHYS_BASE');
    }
    expect(why('__set_sregs_common', '__kvm_apic_set_base', 'kvm_set_apicv_inhibit').verdict).toBe('reachable');
  });

  it.each([
    ['kvm_vm_ioctl_reinject', '__kvm_set_or_clear_apicv_inhibit'],
    ['kvm_arch_vcpu_ioctl_set_guest_debug', 'kvm_arch_vcpu_ioctl_set_guest_debug'],
    ['kvm_arch_vcpu_ioctl_set_sregs', 'kvm_arch_vcpu_ioctl_set_sregs'],
    ['kvm_noncoherent_dma_assignment_start_or_stop', 'kvm_noncoherent_dma_assignment_start_or_stop'],
    // Nothing that a TD runs stores these where they are called through.
    ['paging64_page_fault', 'kvm_mmu_do_page_fault'],
    ['kvm_hv_hypercall_complete_userspace', 'kvm_arch_vcpu_ioctl_run'],
  ])('%s is cut in %s()', (name, place) => {
    const { verdict, cutBy } = why(name);
    expect([verdict, cutBy?.site.function]).toEqual(['blocked', place]);
  });

  it('a function that leads nowhere near the sink is unreachable from the question', () => {
    expect(why('kvm_pmu_set_msr')).toEqual({ verdict: 'unreachable', facts: [], conditions: [] });
  });
});
