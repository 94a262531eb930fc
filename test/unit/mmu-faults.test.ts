import { describe, expect, it } from 'vitest';
import { accept, access } from '../../extension/core/mmu/faults';
import {
  invalidateBegin,
  invalidateEnd,
  invalidateRangeAdd,
  mustRetry,
  NO_INVALIDATION,
} from '../../extension/core/mmu/invalidation';
import { dropLock, takeLock } from '../../extension/core/mmu/locks';
import type { MmuState } from '../../extension/core/mmu/mmu-state';
import { RULES } from '../../extension/core/mmu/rules';
import { DEFAULT_SCENARIO, SCENARIOS, startOf } from '../../extension/core/mmu/scenario';
import { septEntry } from '../../extension/core/mmu/sept';
import { flushRemote, withStale, CLEAN_TLB } from '../../extension/core/mmu/tlb';
import { convert, unmapRange } from '../../extension/core/mmu/unmap';
import { zapLeafs } from '../../extension/core/mmu/zap';

const TRAITS = { mirrorRoots: true, tdpMmu: true };
const td = startOf(DEFAULT_SCENARIO, 'tdx', TRAITS);
const plain = startOf(DEFAULT_SCENARIO, 'default', TRAITS);
const [PRIVATE, PENDING, SHARED, NOWHERE] = [0x100n, 0x102n, 0x200n, 0x99999n];

function entry(state: MmuState, gfn: bigint): string | undefined {
  return state.td === undefined ? undefined : septEntry(state.td, gfn, 1).state;
}

describe('a guest’s access', () => {
  it('goes to the mirror root if private, to the direct one if shared', () => {
    expect(access(RULES, td, 0, PRIVATE, 'private').result).toBe('access');
    expect(access(RULES, td, 0, SHARED, 'shared').result).toBe('access');
    expect(access(RULES, td, 0, PENDING, 'private').result).toBe('pending');
  });

  it('against the attribute exits to userspace and maps nothing', () => {
    for (const [gfn, as] of [
      [PRIVATE, 'shared'],
      [SHARED, 'private'],
    ] as const) {
      const faulted = access(RULES, td, 0, gfn, as);
      expect(faulted.result).toBe('memory-fault');
      expect(faulted.state.roots).toBe(td.roots);
    }
  });

  it('outside all memslots is MMIO', () => {
    expect(access(RULES, plain, 0, NOWHERE, 'shared').result).toBe('mmio');
  });

  it('retries while its gfn is being invalidated', () => {
    const { invalidation } = invalidateRangeAdd(invalidateBegin(NO_INVALIDATION), 0x150n, 0x160n);
    const during = { ...plain, invalidation };
    expect(access(RULES, during, 0, 0x150n, 'shared').result).toBe('retry');
    expect(access(RULES, during, 0, 0x160n, 'shared').result).toBe('mapped');
  });

  it('of a dead VM does not happen', () => {
    expect(access(RULES, { ...td, vm: { ...td.vm, dead: true } }, 0, PRIVATE, 'private').result).toBe('dead');
  });

  it('to a zapped private page finds it pending, and accepting it gives an empty one', () => {
    const zapped = zapLeafs(RULES, td, 1, PRIVATE, PRIVATE + 1n).state;
    expect(entry(zapped, PRIVATE)).toBe('FREE');
    const mapped = access(RULES, zapped, 0, PRIVATE, 'private');
    expect(mapped.result).toBe('mapped');
    expect(entry(mapped.state, PRIVATE)).toBe('PENDING');
    expect(access(RULES, mapped.state, 0, PRIVATE, 'private').result).toBe('pending');
    const accepted = accept(RULES, mapped.state, 0, PRIVATE);
    expect(entry(accepted.state, PRIVATE)).toBe('MAPPED');
  });
});

describe('unmapping', () => {
  it('by an MMU notifier leaves private pages alone, by a memslot takes both', () => {
    const all = [0n, 1n << 40n] as const;
    const notified = unmapRange(RULES, td, ...all, 'shared');
    expect(notified.roots.map((root) => root.leaves.size)).toEqual([0, 3]);
    expect(unmapRange(RULES, td, ...all, 'both').roots.map((root) => root.leaves.size)).toEqual([0, 0]);
    expect(notified.tlb.stale.size).toBe(0);
    expect(notified.invalidation.seq).toBe(td.invalidation.seq + 1);
  });

  it('of a VM with one kind of root takes what is there, whatever it is for', () => {
    expect(unmapRange(RULES, plain, 0n, 1n << 40n, 'shared').roots[0]?.leaves.size).toBe(0);
  });

  it('by a conversion takes the old kind, and then a fault maps the new one', () => {
    const shared = convert(RULES, td, PRIVATE, 'shared');
    expect(entry(shared, PRIVATE)).toBe('FREE');
    expect(access(RULES, shared, 0, PRIVATE, 'shared').result).toBe('mapped');
    expect(access(RULES, shared, 0, PRIVATE, 'private').result).toBe('memory-fault');
    expect(convert(RULES, td, PRIVATE, 'private')).toBe(td);
  });
});

describe('locks', () => {
  it('of a task are not taken twice, but for SRCU and for readers', () => {
    const write = takeLock([], 'mmu_lock', 'write');
    if (!write.ok) throw new Error('free lock');
    expect(takeLock(write.locks, 'mmu_lock', 'read')).toEqual({ ok: false, fault: 'self-deadlock' });
    const read = takeLock([], 'mmu_lock', 'read');
    expect(read.ok && takeLock(read.locks, 'mmu_lock', 'read').ok).toBe(true);
    const srcu = takeLock([], 'srcu', 'read');
    expect(srcu.ok && takeLock(srcu.locks, 'srcu', 'read').ok).toBe(true);
    expect(dropLock([], 'mmu_lock')).toEqual({ ok: false, fault: 'not-held' });
    expect(dropLock(write.locks, 'mmu_lock')).toEqual({ ok: true, locks: [] });
  });
});

describe('an invalidation', () => {
  it('nests, keeps one range that covers all, and forgets it with the first of the next', () => {
    const one = invalidateRangeAdd(invalidateBegin(NO_INVALIDATION), 10n, 20n).invalidation;
    const two = invalidateRangeAdd(invalidateBegin(one), 40n, 50n).invalidation;
    expect(two).toMatchObject({ inProgress: 2, range: { start: 10n, end: 50n } });
    expect(mustRetry(two, two.seq, 30n)).toBe(true);
    const done = invalidateEnd(invalidateEnd(two).invalidation).invalidation;
    expect(done).toMatchObject({ inProgress: 0, seq: 2 });
    expect(mustRetry(done, two.seq, 30n)).toBe(true);
    expect(mustRetry(done, done.seq, 30n)).toBe(false);
    expect(invalidateBegin(done).range).toBeUndefined();
    expect(invalidateEnd(done).bugs).toBe(true);
    expect(invalidateRangeAdd(done, 0n, 1n).warns).toBe(true);
  });
});

describe('a remote flush', () => {
  it('with a range leaves what lies outside stale', () => {
    const stale = withStale(CLEAN_TLB, [1n, 5n]);
    expect([...flushRemote(stale, { start: 0n, end: 5n }).stale]).toEqual([5n]);
    expect(flushRemote(stale).stale.size).toBe(0);
  });
});

describe('the built-in scenarios', () => {
  it('differ by VM type in state alone', () => {
    for (const scenario of SCENARIOS) {
      const one = startOf(scenario, 'tdx', TRAITS);
      expect(one.roots.map((root) => root.kind)).toEqual(
        scenario.shadow || scenario.name === 'created' ? [] : ['direct', 'mirror'],
      );
      expect(one.vm.directBits !== 0n).toBe(scenario.name !== 'created');
      for (const vm of ['default', 'sev', 'snp'] as const) {
        const other = startOf(scenario, vm, TRAITS);
        expect(other.td).toBeUndefined();
        expect(other.vm.directBits).toBe(0n);
        expect(other.roots.every((root) => root.kind === 'direct')).toBe(true);
        expect(other.memory.privateGfns.size > 0).toBe(vm === 'snp' && scenario.name !== 'created');
      }
    }
  });
});
