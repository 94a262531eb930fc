import { describe, expect, it } from 'vitest';
import { actionsOn } from '../../extension/core/mmu/actions';
import { type Change, changesBetween, described } from '../../extension/core/mmu/describe';
import { enterGuest, entryKey } from '../../extension/core/mmu/sept';
import { DEFAULT_SCENARIO, startOf } from '../../extension/core/mmu/scenario';
import { applied } from '../../extension/core/mmu/steps';
import { VM_TYPES } from '../../extension/core/reach/verdict';
import { outcomeOf } from './mmu-tree';
import { RULES } from '../../extension/core/mmu/rules';

const START = startOf(DEFAULT_SCENARIO, 'tdx', { mirrorRoots: true, tdpMmu: true });

/** `what: before -> after` */
const lines = (changes: readonly Change[]): string[] =>
  changes.map((one) => `${one.what}: ${one.before} -> ${one.after}`);

describe('the state in words', () => {
  it('lists what is there, in the order of gfns', () => {
    const words = described(START).map(({ what, value }) => `${what}: ${value}`);
    expect(words).toContain('mirror SPTE 0x100: present, 4K');
    expect(words).toContain('S-EPT 0x102: PENDING');
    expect(words).toContain('attribute 0x102: private');
    expect(words).toContain('vCPU 1 runs: in the guest, TD epoch 0');
    expect(words.filter((word) => word.startsWith('S-EPT')).map((word) => word.slice(6, 11))).toEqual([
      '0x100',
      '0x101',
      '0x102',
    ]);
    expect(new Set(described(START).map(({ what }) => what)).size).toBe(words.length);
  });

  it('tells what differs, and nothing else', () => {
    const { td } = START;
    if (td === undefined) throw new Error('a TD');
    const blocked = { state: 'BLOCKED', blockEpoch: 0 } as const;
    const after = {
      ...START,
      td: { ...enterGuest(td, 7), entries: new Map(td.entries).set(entryKey(0x100n, 1), blocked) },
      locks: [{ name: 'mmu_lock', mode: 'write' } as const],
      vm: { ...START.vm, dead: true },
      invalidation: { inProgress: 1, seq: 0, range: { start: 0x10n, end: 0x20n } },
      memory: { ...START.memory, privateGfns: new Set([0x100n, 0x101n]) },
    };
    expect(lines(changesBetween(START, after)).sort()).toEqual([
      'S-EPT 0x100: MAPPED -> BLOCKED in TD epoch 0',
      'attribute 0x102: private -> shared',
      'mmu_invalidate range: none -> gfns 0x10 to 0x20',
      'mmu_invalidate_in_progress: 0 -> 1',
      'mmu_lock: free -> write',
      'vCPU 7 runs: outside the guest -> in the guest, TD epoch 0',
      'vm_dead: false -> true',
    ]);
    expect(lines(changesBetween(after, START))).toHaveLength(7);
    expect(changesBetween(START, { ...START })).toEqual([]);
  });

  it('knows a page’s level, and a change of it', () => {
    const huge = startOf({ ...DEFAULT_SCENARIO, sharedPages: [{ gfn: 0x200n, level: 2 }] }, 'snp', {
      mirrorRoots: true,
      tdpMmu: true,
    });
    const small = startOf(DEFAULT_SCENARIO, 'snp', { mirrorRoots: true, tdpMmu: true });
    expect(lines(changesBetween(huge, small))).toEqual([
      'direct SPTE 0x200: present, 2M -> present, 4K',
      'direct SPTE 0x201: non-present -> present, 4K',
    ]);
  });

  it('has a change for every action that changes the state', () => {
    let changing = 0;
    for (const action of actionsOn(RULES, START, [0x100n, 0x102n, 0x200n]))
      for (const after of action.run(START)) {
        const same = JSON.stringify(described(after)) === JSON.stringify(described(START));
        expect(changesBetween(START, after).length === 0, action.name).toBe(same);
        if (!same) changing += 1;
      }
    expect(changing).toBeGreaterThan(5);
  });
});

describe('the steps of an outcome', () => {
  it.each(VM_TYPES)('lead from the start to the end, and back, for %s', async (vm) => {
    const { start, trace, end } = await outcomeOf({ arm: 'KVM_BUG_ON(is_td(kvm), kvm);' }, vm);
    const changes = trace.flatMap((event) => event.changes);
    expect(applied(start, changes)).toEqual(end);
    const back = changes.toReversed().map(({ what, before, after }) => ({ what, before: after, after: before }));
    const returned = new Map(applied(end, back).map(({ what, value }) => [what, value]));
    for (const { what, value } of start) expect(returned.get(what)).toBe(value);
    // A thing that came to be was not there before.
    const before = new Set(start.map(({ what }) => what));
    for (const [what, value] of returned)
      if (!before.has(what)) expect(['none', 'free', 'clean', 'FREE', 'non-present'], what).toContain(value);
  });

  it('say what each event changed', async () => {
    const { trace } = await outcomeOf({ arm: 'KVM_BUG_ON(is_td(kvm), kvm);' }, 'tdx');
    const by = (text: string): string[] => lines(trace.find((event) => event.text.includes(text))?.changes ?? []);
    expect(by('takes mmu_lock')).toEqual(['mmu_lock: free -> write']);
    expect(by('in_progress is 1')).toEqual(['mmu_invalidate_in_progress: 0 -> 1']);
    expect(by('fires')).toEqual([
      'vm_bugged: false -> true',
      'vm_dead: false -> true',
      'vCPU 0 KVM_REQ_VM_DEAD: none -> requested',
      'vCPU 1 KVM_REQ_VM_DEAD: none -> requested',
    ]);
    expect(by('0x100: TDH.MEM.RANGE.BLOCK')).toEqual([
      'mirror SPTE 0x100: present, 4K -> non-present',
      'S-EPT 0x100: MAPPED -> BLOCKED in TD epoch 0',
    ]);
    expect(by('0x100: TDH.MEM.TRACK')).toEqual([
      'TD epoch: 0 -> 1',
      'vCPU 0 runs: in the guest, TD epoch 0 -> outside the guest',
      'vCPU 1 runs: in the guest, TD epoch 0 -> outside the guest',
    ]);
    expect(by('0x100: TDH.MEM.PAGE.REMOVE')).toEqual(['S-EPT 0x100: BLOCKED in TD epoch 0 -> FREE']);
    expect(by('flushed')).toEqual([
      'remote TLB flushes: 0 -> 1',
      'TLB 0x200: stale -> clean',
      'TLB 0x201: stale -> clean',
    ]);
  });

  it('of a run that ends with its locks show them held', async () => {
    const { end } = await outcomeOf({ locked: 'if (is_td(kvm)) return;' }, 'tdx');
    expect(end).toContainEqual({ what: 'mmu_lock', value: 'write' });
    expect(end).toContainEqual({ what: 'srcu', value: 'free' });
  });
});
