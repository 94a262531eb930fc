import { describe, expect, it } from 'vitest';
import { canonical, stateKey } from '../../extension/core/mmu/canonical';
import { beginFault, finishFault, mapLeaf, runVcpu, withRoots } from '../../extension/core/mmu/faults';
import { cachingOf, effectiveType, type MemoryType, memoryTypeNumber } from '../../extension/core/mmu/memory-types';
import type { MmuState } from '../../extension/core/mmu/mmu-state';
import { leavesInRange, MAX_GFN_EXCLUSIVE, pagesOf, splitLeaf } from '../../extension/core/mmu/roots';
import { RULES } from '../../extension/core/mmu/rules';
import { DEFAULT_SCENARIO, scenarioNamed, startOf } from '../../extension/core/mmu/scenario';
import { septEntry } from '../../extension/core/mmu/sept';
import { addToImage, finalizeTd, initTd } from '../../extension/core/mmu/td-lifecycle';
import { convert, createSlot, deleteSlot, notifierUnmap, punchHole } from '../../extension/core/mmu/unmap';
import { isKickOnly, newVcpu, withRequest } from '../../extension/core/mmu/vcpu';
import { zapLeafs } from '../../extension/core/mmu/zap';

const TRAITS = { mirrorRoots: true, tdpMmu: true };
const td = startOf(DEFAULT_SCENARIO, 'tdx', TRAITS);
const plain = startOf(DEFAULT_SCENARIO, 'default', TRAITS);
const snp = startOf(DEFAULT_SCENARIO, 'snp', TRAITS);
const [PRIVATE, SHARED, FREE] = [0x100n, 0x200n, 0x150n];

const dead = (state: MmuState): MmuState => ({ ...state, vm: { ...state.vm, dead: true } });
const entry = (state: MmuState, gfn: bigint): string | undefined =>
  state.td === undefined ? undefined : septEntry(state.td, gfn, 1).state;

describe('memory types', () => {
  const all: readonly MemoryType[] = ['UC', 'WC', 'WT', 'WP', 'WB'];

  it('lie in bits 3 to 5 of an EPT entry, ignore-PAT in bit 6; reserved ones are none', () => {
    for (const memoryType of all)
      for (const ignorePat of [false, true])
        expect(cachingOf((memoryTypeNumber(memoryType) << 3n) | (ignorePat ? 64n : 0n))).toEqual({
          memoryType,
          ignorePat,
        });
    for (const reserved of [2n, 3n, 7n]) expect(cachingOf(reserved << 3n)).toBeUndefined();
  });

  it('are the EPT’s alone with ignore-PAT', () => {
    for (const memoryType of all)
      for (const pat of all) expect(effectiveType({ memoryType, ignorePat: true }, pat)).toBe(memoryType);
  });

  it.each([
    ['WB', 'UC', 'UC'],
    ['WB', 'WC', 'WC'],
    ['WB', 'WT', 'WT'],
    ['WB', 'WB', 'WB'],
    ['UC', 'WB', 'UC'],
    ['UC', 'WC', 'WC'],
    ['WT', 'WB', 'WT'],
  ] as const)('of EPT %s and PAT %s come to %s without it', (memoryType, pat, effective) => {
    expect(effectiveType({ memoryType, ignorePat: false }, pat)).toBe(effective);
  });
});

describe('leaves', () => {
  it('that are huge are split into a table of leaves that map the same', () => {
    const huge = startOf(scenarioNamed('huge') ?? DEFAULT_SCENARIO, 'default', { ...TRAITS, typedSptes: true });
    const [root] = huge.roots;
    if (root === undefined) throw new Error('no root');
    const split = splitLeaf(root, 0x400n);
    expect(split.leaves.size).toBe(root.leaves.size - 1 + 512);
    expect(split.leaves.get(0x5ffn)).toEqual({ ...root.leaves.get(0x400n), level: 1 });
    expect(leavesInRange(split, 0x4ffn, 0x501n)).toEqual([0x4ffn, 0x500n]);
    expect(leavesInRange(root, 0x4ffn, 0x501n)).toEqual([0x400n]);
    expect(splitLeaf(root, PRIVATE)).toBe(root);
    expect(pagesOf(3)).toBe(512n * 512n);
  });

  it('beyond the host’s MAXPHYADDR are not walked', () => {
    const [root] = plain.roots;
    if (root === undefined) throw new Error('no root');
    const far = { ...root, leaves: new Map([[MAX_GFN_EXCLUSIVE, { state: 'present', level: 1, isPrivate: false }]]) };
    const state = { ...plain, roots: [far as typeof root] };
    expect(zapLeafs(RULES, state, 0, 0n, 1n << 40n).leaves).toEqual([]);
  });

  it('keep the memory type that they were made with', () => {
    const typed = startOf(DEFAULT_SCENARIO, 'default', { ...TRAITS, typedSptes: true });
    const attached = { ...typed, vm: { ...typed.vm, noncoherentDma: 1 } };
    const mapped = mapLeaf(RULES, attached, 0, FREE, { vcpu: 0, isPrivate: false }).state;
    expect(mapped.roots[0]?.leaves.get(FREE)?.caching).toEqual({ memoryType: 'WB', ignorePat: false });
    expect(mapped.roots[0]?.leaves.get(SHARED)).toBe(typed.roots[0]?.leaves.get(SHARED));
  });
});

describe('a fault in two halves', () => {
  it('that an invalidation of its gfn comes between starts again', () => {
    const begun = beginFault(RULES, plain, 0, FREE, 'shared');
    expect(begun.result).toBe('pending-fault');
    expect(begun.state.roots).toBe(plain.roots);
    expect(finishFault(RULES, begun.state, 0).result).toBe('mapped');
    const late = finishFault(RULES, notifierUnmap(RULES, begun.state, FREE), 0);
    expect(late.result).toBe('retry');
    expect(late.state.faults.size).toBe(0);
  });

  it('maps nothing of the other kind after a conversion', () => {
    for (const start of [td, snp]) {
      const hole = punchHole(RULES, start, PRIVATE);
      const begun = beginFault(RULES, hole, 0, PRIVATE, 'private');
      expect(begun.result).toBe('pending-fault');
      const after = finishFault(RULES, convert(RULES, begun.state, PRIVATE, 'shared'), 0);
      expect(after.result).toBe('retry');
      expect(after.state.roots.some((root) => root.leaves.has(PRIVATE))).toBe(false);
    }
  });

  it('is spurious where another vCPU was faster, and waits where the S-EPT is busy', () => {
    const hole = punchHole(RULES, td, PRIVATE);
    const begun = beginFault(RULES, hole, 0, PRIVATE, 'private').state;
    const other = finishFault(RULES, beginFault(RULES, begun, 1, PRIVATE, 'private').state, 1).state;
    expect(finishFault(RULES, other, 0).result).toBe('access');
    if (begun.td === undefined) throw new Error('no TD');
    const busy = finishFault(RULES, { ...begun, td: { ...begun.td, contended: true } }, 0);
    expect(busy.result).toBe('retry');
    expect(busy.state.roots[1]?.leaves.has(PRIVATE)).toBe(false);
    expect(busy.state.vm.bugged).toBe(false);
  });
});

describe('a TD’s creation', () => {
  const created = startOf(scenarioNamed('created') ?? DEFAULT_SCENARIO, 'tdx', TRAITS);
  const privately = { ...created, memory: { ...created.memory, privateGfns: new Set([PRIVATE]) } };

  it('adds pages to the image between KVM_TDX_INIT_VM and KVM_TDX_FINALIZE_VM', () => {
    expect(addToImage(RULES, privately, 0, PRIVATE)).toBe(privately);
    const ready = initTd(RULES, privately);
    expect(ready.vm.directBits).not.toBe(0n);
    expect(initTd(RULES, ready)).toBe(ready);
    const added = addToImage(RULES, ready, 0, PRIVATE);
    expect(entry(added, PRIVATE)).toBe('MAPPED');
    expect(addToImage(RULES, ready, 0, SHARED)).toBe(ready);
    const final = finalizeTd(RULES, added);
    expect(final.td?.state).toBe('RUNNABLE');
    expect(addToImage(RULES, final, 0, FREE)).toBe(final);
    expect(beginFault(RULES, added, 0, PRIVATE, 'private').result).toBe('not-runnable');
  });

  it('makes a mirror root beside the direct one', () => {
    expect(withRoots(created).roots.map((root) => root.kind)).toEqual(['direct', 'mirror']);
    expect(withRoots({ ...plain, roots: [] }).roots.map((root) => root.kind)).toEqual(['direct']);
  });
});

describe('userspace', () => {
  const [slot] = td.memory.slots;
  if (slot === undefined) throw new Error('no slot');

  it('that deletes a memslot takes what it maps, of both kinds', () => {
    const gone = deleteSlot(RULES, td, slot);
    expect(gone.roots.map((root) => root.leaves.size)).toEqual([0, 0]);
    expect(gone.td?.entries.size).toBe(0);
    expect(beginFault(RULES, gone, 0, SHARED, 'shared').result).toBe('mmio');
    expect(createSlot(RULES, gone, slot).memory.slots).toHaveLength(td.memory.slots.length);
    expect(createSlot(RULES, td, slot)).toBe(td);
  });

  it('that punches a hole takes the private page alone, and its attribute stays', () => {
    const hole = punchHole(RULES, td, PRIVATE);
    expect(entry(hole, PRIVATE)).toBe('FREE');
    expect(hole.memory).toBe(td.memory);
    expect(punchHole(RULES, td, SHARED).roots[0]?.leaves.has(SHARED)).toBe(true);
  });

  it('gets nothing from the ioctls of a dead VM', () => {
    const state = dead(td);
    expect(convert(RULES, state, PRIVATE, 'shared')).toBe(state);
    expect(deleteSlot(RULES, state, slot)).toBe(state);
    expect(finalizeTd(RULES, state)).toBe(state);
    expect(runVcpu(RULES, state, 0)).toBe(state);
  });
});

describe('requests', () => {
  it('go to one vCPU or to all, once', () => {
    const vcpus = [newVcpu(0, true), newVcpu(1, true)];
    const one = withRequest(vcpus, 'KVM_REQ_X', 1);
    expect(one.map(({ requests }) => requests.size)).toEqual([0, 1]);
    expect(one[0]).toBe(vcpus[0]);
    expect(withRequest(one, 'KVM_REQ_X').map(({ requests }) => requests.size)).toEqual([1, 1]);
    expect(isKickOnly('KVM_REQ_OUTSIDE_GUEST_MODE')).toBe(true);
    expect(isKickOnly('KVM_REQ_APICV_UPDATE')).toBe(false);
  });

  it('are handled before the vCPU enters the guest', () => {
    const asked = { ...td, vcpus: withRequest(td.vcpus, 'KVM_REQ_APICV_UPDATE', 0) };
    const handled: string[] = [];
    const rules = {
      ...RULES,
      request: (state: MmuState, vcpu: number, request: string): MmuState => {
        handled.push(`${vcpu} ${request}`);
        return dead(state);
      },
    };
    const ran = beginFault(rules, asked, 0, PRIVATE, 'private');
    expect(handled).toEqual(['0 KVM_REQ_APICV_UPDATE']);
    expect(ran.result).toBe('dead');
  });
});

describe('a state’s identity', () => {
  it('does not hang on counters, and does on what a fault sampled', () => {
    const later = { ...plain, invalidation: { ...plain.invalidation, seq: 9 }, tlb: { ...plain.tlb, flushes: 4 } };
    expect(stateKey(canonical(later))).toBe(stateKey(canonical(plain)));
    const begun = beginFault(RULES, later, 0, FREE, 'shared').state;
    const stale = notifierUnmap(RULES, begun, FREE);
    expect(stateKey(canonical(stale))).not.toBe(stateKey(canonical(begun)));
    expect(finishFault(RULES, canonical(stale), 0).result).toBe('retry');
  });
});
