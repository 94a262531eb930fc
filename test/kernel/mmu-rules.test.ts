import { beforeAll, describe, expect, it } from 'vitest';
import { exploreSink } from '../../extension/core/mmu/explore-sink';
import { inhibitReasons } from '../../extension/core/mmu/inhibits';
import type { MmuState } from '../../extension/core/mmu/mmu-state';
import { DEFAULT_SCENARIO, scenarioNamed, startOf } from '../../extension/core/mmu/scenario';
import { traitsOf } from '../../extension/core/mmu/traits';
import { worldOf } from '../../extension/core/mmu/tree-rules';
import { runVcpu } from '../../extension/core/mmu/faults';
import { septEntry } from '../../extension/core/mmu/sept';
import { newVcpu } from '../../extension/core/mmu/vcpu';
import { runFunction, type World } from '../../extension/core/mmu/world';
import type { Branch, Value } from '../../extension/core/mmu/branch';
import type { Program } from '../../extension/core/program/program';
import { analyseReach } from '../../extension/core/reach/reach';
import { type VmType, vendorOf } from '../../extension/core/reach/verdict';
import { outcome, programEdited, programWith, sinkId, swap } from './mmu-outcomes';
import { describeTree, TREES } from './trees';

const TDX = 'arch/x86/kvm/vmx/tdx.c';
const MAIN = 'arch/x86/kvm/vmx/main.c';

interface Case {
  readonly world: World;
  readonly start: MmuState;
}

/** A VM in the running scenario, as the reachability engine says that its type decides. */
function running(program: Program, vm: VmType, host: Record<string, string> = {}, scenario = 'running'): Case {
  const question = { vm, sinks: ['kvm_zap_gfn_range'], host, assumptions: true };
  const reach = analyseReach(program, question);
  const sink = sinkId(program);
  const world = worldOf(program, vendorOf(vm, host), (fn, condition) => reach.decide(fn, condition), sink);
  return {
    world,
    start: startOf(scenarioNamed(scenario) ?? DEFAULT_SCENARIO, vm, traitsOf(world, sink, question)),
  };
}

function call({ world, start }: Case, name: string, args: Record<string, Value> = {}, from = start): Branch {
  const node = world.program.symbols.functionsNamed(name).find((one) => 'body' in one.fact);
  if (node === undefined) throw new Error(`no ${name}()`);
  const [end, ...others] = runFunction(world, node.id, from, new Map(Object.entries(args)));
  if (end === undefined || others.length > 0) throw new Error(`${name}() ends in ${others.length + 1} ways`);
  return end;
}

function inhibit(one: Case, reason: string, set: boolean, from = one.start): MmuState {
  const found = inhibitReasons(one.world.program).find(({ name }) => name === `APICV_INHIBIT_REASON_${reason}`);
  if (found === undefined) throw new Error(`no reason ${reason}`);
  const nr = BigInt(found.bit.toString(2).length - 1);
  return call(one, 'kvm_set_or_clear_apicv_inhibit', { reason: nr, set }, from).state;
}

const mapped = (state: MmuState): number => state.roots.reduce((sum, root) => sum + root.leaves.size, 0);

for (const tree of TREES)
  describeTree(tree, (top) => {
    let program: Program;
    let plain: Case;
    beforeAll(async () => {
      program = await programWith(top, (sink) => sink);
      plain = running(program, 'default');
    });

    it('EPT: write-back without the guest’s PAT, until a non-coherent device is there', () => {
      const { world, start } = plain;
      const type = (state: MmuState, vcpu = state.vcpus[0]): unknown => world.rules.caching(state, vcpu, 0x100n);
      expect(type(start)).toEqual({ memoryType: 'WB', ignorePat: true });
      const attached: MmuState = { ...start, vm: { ...start.vm, noncoherentDma: 1 } };
      expect(type(attached)).toEqual({ memoryType: 'WB', ignorePat: false });
      const allQuirksOff: MmuState = { ...attached, vm: { ...attached.vm, disabledQuirks: ~0n } };
      const uncached = { ...newVcpu(0, true), cr0Cd: true };
      const guestUc = { ...newVcpu(0, true), mtrr: 'UC' as const };
      // Only an old tree looks at CR0.CD and the MTRRs.
      const old = tree === '6.1';
      expect(type(allQuirksOff, uncached)).toEqual({ memoryType: old ? 'UC' : 'WB', ignorePat: old });
      expect(type(attached, guestUc)).toEqual({ memoryType: old ? 'UC' : 'WB', ignorePat: false });
      expect(start.roots[0]?.leaves.get(0x200n)?.caching).toEqual({ memoryType: 'WB', ignorePat: true });
    });

    it('NPT: no memory types', () => {
      const { start, world } = running(program, 'default', { vendor: 'amd' });
      expect(start.vm.typedSptes).toBe(false);
      expect(world.rules.caching(start, start.vcpus[0], 0x100n)).toBeUndefined();
    });

    it('the first non-coherent device zaps all where memory types depend on it, the second does not', () => {
      const first = call(plain, 'kvm_arch_register_noncoherent_dma').state;
      expect(first.vm.noncoherentDma).toBe(1);
      expect(mapped(first)).toBe(tree === '6.1' ? mapped(plain.start) : 0);
      const again: MmuState = { ...first, roots: plain.start.roots };
      const second = call(plain, 'kvm_arch_register_noncoherent_dma', {}, again).state;
      expect(second.vm.noncoherentDma).toBe(2);
      expect(second.roots).toBe(plain.start.roots);
      const one = call(plain, 'kvm_arch_unregister_noncoherent_dma', {}, second).state;
      expect([one.vm.noncoherentDma, mapped(one)]).toEqual([1, mapped(plain.start)]);
      const none = call(plain, 'kvm_arch_unregister_noncoherent_dma', {}, one).state;
      expect([none.vm.noncoherentDma, mapped(none)]).toEqual([0, tree === '6.1' ? mapped(plain.start) : 0]);
    });

    it('an APICv inhibit asks all vCPUs to update, and zaps the APIC page alone', () => {
      const apic = running(program, 'default', {}, 'apic-page');
      const set = inhibit(apic, 'BLOCKIRQ', true);
      expect(set.apicv.reasons).not.toBe(0n);
      for (const vcpu of set.vcpus) expect([...vcpu.requests]).toContain('KVM_REQ_APICV_UPDATE');
      expect(mapped(set)).toBe(mapped(apic.start) - 1);
      expect(set.roots[0]?.leaves.has(0xfee00n)).toBe(false);
      expect(set.locks).toEqual([]);
      const more = inhibit(apic, 'HYPERV', true, { ...set, vcpus: apic.start.vcpus });
      expect(more.vcpus).toBe(apic.start.vcpus);
      const fewer = inhibit(apic, 'BLOCKIRQ', false, more);
      expect(fewer.apicv.reasons).not.toBe(0n);
      const clear = inhibit(apic, 'HYPERV', false, { ...fewer, roots: apic.start.roots });
      expect(clear.apicv.reasons).toBe(0n);
      expect(clear.roots).toBe(apic.start.roots);
      expect([...(clear.vcpus[0]?.requests ?? [])]).toContain('KVM_REQ_APICV_UPDATE');
    });

    it('a reason that the vendor’s APICv does not care about changes nothing', () => {
      // PIT_REINJ is AVIC's.
      const after = inhibit(plain, 'PIT_REINJ', true);
      expect(after).toEqual(plain.start);
      const amd = running(program, 'default', { vendor: 'amd' });
      expect(inhibit(amd, 'PIT_REINJ', true).apicv.reasons).not.toBe(0n);
    });

    it('a vCPU handles the request before it enters the guest: APICv is off, and the VM lives', () => {
      const set = inhibit(plain, 'BLOCKIRQ', true);
      const ran = runVcpu(plain.world.rules, set, 0);
      expect(ran.vcpus[0]).toMatchObject({ apicvActive: false });
      expect([...(ran.vcpus[0]?.requests ?? [])]).not.toContain('KVM_REQ_APICV_UPDATE');
      expect(ran.vcpus[1]?.apicvActive).toBe(true);
      expect(ran.vm.dead).toBe(false);
    });

    it('an SEV VM has its reason from the start, where the vendor’s APICv cares', () => {
      const { start } = running(program, 'sev');
      expect(start.apicv.reasons).not.toBe(0n);
      expect(start.vcpus.every((vcpu) => !vcpu.apicvActive)).toBe(true);
    });
  });

describeTree('7.x', (top) => {
  describe('a TD', () => {
    let program: Program;
    let td: Case;
    beforeAll(async () => {
      program = await programWith(top, (sink) => sink);
      td = running(program, 'tdx');
    });

    it('has the quirk off that a non-coherent device would need to zap', () => {
      const quirk = program.symbols.constant('KVM_X86_QUIRK_IGNORE_GUEST_PAT') ?? 0n;
      expect(td.start.vm.disabledQuirks & quirk).toBe(quirk);
      expect(call(td, 'kvm_arch_register_noncoherent_dma').state.roots).toBe(td.start.roots);
    });

    it('whose APICv is inhibited dies when a vCPU handles the request', () => {
      const ran = runVcpu(td.world.rules, inhibit(td, 'BLOCKIRQ', true), 0);
      expect(ran.vm).toMatchObject({ bugged: true, dead: true, bugSite: { function: 'vt_refresh_apicv_exec_ctrl' } });
      expect([...(ran.vcpus[1]?.requests ?? [])]).toContain('KVM_REQ_VM_DEAD');
      expect(ran.td?.inGuest.has(0)).toBe(false);
    });

    it('waits for its own vCPUs where a TDCALL holds the S-EPT, and then removes the page', () => {
      const { rules } = td.world;
      if (td.start.td === undefined) throw new Error('no TD');
      const held: MmuState = { ...td.start, td: { ...td.start.td, contended: true } };
      const done = rules.removeExternal(rules, held, 0x100n, 1);
      expect(done.calls.map(({ name, error, site }) => [name, error, site?.function])).toEqual([
        ['TDH.MEM.RANGE.BLOCK', 'TDX_OPERAND_BUSY', 'tdx_sept_remove_leaf_spte'],
        ['TDH.MEM.RANGE.BLOCK', undefined, 'tdx_sept_remove_leaf_spte'],
        ['TDH.MEM.TRACK', undefined, 'tdx_track'],
        ['TDH.MEM.PAGE.REMOVE', undefined, 'tdx_sept_remove_leaf_spte'],
        ['TDH.PHYMEM.PAGE.WBINVD', undefined, 'tdx_sept_remove_leaf_spte'],
      ]);
      expect(done.refused).toBeUndefined();
      expect(done.state.td?.inGuest.size).toBe(0);
    });

    it('gets pages by ADD before it is finalised, by AUG after', () => {
      const { rules } = td.world;
      const early = running(program, 'tdx', {}, 'initialised').start;
      const added = rules.addExternal(rules, early, 0x150n, 1);
      expect(added).toMatchObject({ calls: ['TDH.MEM.PAGE.ADD'], again: false });
      const auged = rules.addExternal(rules, td.start, 0x150n, 1);
      expect(auged).toMatchObject({ calls: ['TDH.MEM.PAGE.AUG'], again: false });
      if (added.state.td === undefined || auged.state.td === undefined) throw new Error('no TD');
      expect(septEntry(added.state.td, 0x150n, 1).state).toBe('MAPPED');
      expect(septEntry(auged.state.td, 0x150n, 1).state).toBe('PENDING');
    });
  });

  it.each([
    ['no BLOCK', '\terr = tdh_do_no_vcpus(tdh_mem_range_block,', '\terr = 0; (void)(', 'TDX_GPA_RANGE_NOT_BLOCKED'],
    [
      'no TRACK',
      '\ttdx_track(kvm);\n\n\t/*\n\t * When zapping',
      '\t/*\n\t * When zapping',
      'TDX_TLB_TRACKING_NOT_DONE',
    ],
    [
      'a page of 2M expected',
      'if (KVM_BUG_ON(level != PG_LEVEL_4K, kvm))\n\t\treturn -EIO;\n\n\terr = tdh_do_no_vcpus(',
      'if (KVM_BUG_ON(level != PG_LEVEL_2M, kvm))\n\t\treturn -EIO;\n\n\terr = tdh_do_no_vcpus(',
      'KVM_BUG_ON() fires: WARN, the VM is bugged and dead, execution goes on',
    ],
  ])('an edit of tdx.c changes what a zap comes to: %s', async (_, from, to, refused) => {
    const edited = await programEdited(top, TDX, (text) => swap(text, from, to));
    const zap = outcome(edited, 'tdx', () => 'unknown');
    expect(zap).toMatchObject({ bugged: true, dead: true });
    expect(zap.bugSite?.file).toBe(TDX);
    expect(zap.trace.some(({ text }) => text.includes(refused))).toBe(true);
    expect(outcome(edited, 'default', () => 'unknown').bugged).toBe(false);
  });

  it('exploring finds a TRACK that is missing in tdx.c, although no sink runs', async () => {
    const edited = await programEdited(top, TDX, (text) =>
      swap(text, '\ttdx_track(kvm);\n\n\t/*\n\t * When zapping', '\t/*\n\t * When zapping'),
    );
    const question = { vm: 'tdx', sinks: ['kvm_zap_gfn_range'], host: {}, assumptions: true } as const;
    const { invariants } = exploreSink(edited, sinkId(edited), question, () => 'unknown', { depth: 2 });
    const { counterexample } = invariants.find(({ name }) => name === 'mirror SPTEs and S-EPT agree') ?? {};
    expect(counterexample?.actions).toHaveLength(1);
    expect(counterexample?.why).toBe('TDH.MEM.PAGE.REMOVE of gfn 0x100: TDX_TLB_TRACKING_NOT_DONE');
  });

  it('an edit of main.c changes what an inhibited TD comes to', async () => {
    const edited = await programEdited(top, MAIN, (text) =>
      swap(text, '\t\tKVM_BUG_ON(!kvm_vcpu_apicv_active(vcpu), vcpu->kvm);\n\t\treturn;', '\t\treturn;'),
    );
    const td = running(edited, 'tdx');
    expect(runVcpu(td.world.rules, inhibit(td, 'BLOCKIRQ', true), 0).vm.dead).toBe(false);
  });
});

for (const tree of TREES)
  describeTree(tree, (top) => {
    it('shadow paging: the rmaps of each memslot are walked, by the handler that the tree names', async () => {
      const program = await programWith(top, (sink) => sink);
      const shadow = outcome(program, 'default', () => 'unknown', 'shadow');
      expect(shadow.zapped).toEqual({ direct: false, mirror: false, rmap: true });
      expect(shadow.unmodelled).toEqual([]);
      expect(shadow.trace.some(({ text }) => /\(_*kvm_zap_rmap\): gfns 0x0 to 0x1000: 5 leaves/.test(text))).toBe(true);
      const walker =
        tree === '6.1'
          ? ['memslot, __kvm_zap_rmap,', 'memslot, __rmap_write_protect,']
          : ['slot, kvm_zap_rmap,', 'slot, rmap_write_protect_all,'];
      const other = await programEdited(top, 'arch/x86/kvm/mmu/mmu.c', (text) =>
        swap(text, walker[0] ?? '', walker[1] ?? ''),
      );
      const kept = outcome(other, 'default', () => 'unknown', 'shadow');
      expect(kept.zapped.rmap).toBe(false);
      expect(kept.unmodelled.map(({ text }) => text).join()).toContain('write_protect');
    });
  });
