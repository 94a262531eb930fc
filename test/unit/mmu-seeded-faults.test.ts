import { describe, expect, it } from 'vitest';
import { exploreSink, type SinkExploration } from '../../extension/core/mmu/explore-sink';
import { type Rules, RULES } from '../../extension/core/mmu/rules';
import type { VmType } from '../../extension/core/reach/verdict';
import { programOf, SINK_ID } from './mmu-tree';

/** A fault in one of the model's own rules, and the invariant that finds it first. */
interface Fault {
  readonly name: string;
  readonly vm: VmType;
  readonly rules: Partial<Rules>;
  readonly found: string;
}

const BALANCE = 'locks and invalidations balance';
const AGREE = 'mirror SPTEs and S-EPT agree';
const STALE = 'no stale translation survives';
const FOREIGN = 'no access to a page that the guest does not own';
const LOST = 'a live TD loses a page only to userspace';
const DEAD = 'a dead VM refuses ioctls';
const { tdx } = RULES;

const FAULTS: readonly Fault[] = [
  {
    name: 'a flush that flushes nothing',
    vm: 'default',
    rules: { flushRemote: (tlb) => ({ ...tlb, flushes: tlb.flushes + 1 }) },
    found: STALE,
  },
  {
    name: 'a flush of the first gfn of the range only',
    vm: 'default',
    rules: {
      flushRemote: (tlb, range) =>
        RULES.flushRemote(tlb, range === undefined ? range : { start: range.start, end: range.start + 1n }),
    },
    found: STALE,
  },
  {
    name: 'an invalidation that does not end',
    vm: 'default',
    rules: { invalidateEnd: (was) => ({ invalidation: { ...was, seq: was.seq + 1 }, bugs: false }) },
    found: BALANCE,
  },
  {
    name: 'an end of the invalidation that does not move the sequence on',
    vm: 'tdx',
    rules: {
      invalidateEnd: (was) => ({ invalidation: { ...was, inProgress: was.inProgress - 1 }, bugs: false }),
    },
    found: FOREIGN,
  },
  {
    name: 'the retry of a stale fault the wrong way round',
    vm: 'tdx',
    rules: { mustRetry: (now, seq, gfn) => !RULES.mustRetry(now, seq, gfn) },
    found: FOREIGN,
  },
  {
    name: 'no TRACK',
    vm: 'tdx',
    rules: { tdx: { ...tdx, memTrack: (td) => ({ ok: true, td }) } },
    found: AGREE,
  },
  {
    name: 'REMOVE without BLOCK',
    vm: 'tdx',
    rules: { tdx: { ...tdx, rangeBlock: (td) => ({ ok: true, td }) } },
    found: AGREE,
  },
  {
    name: 'BLOCK without REMOVE',
    vm: 'tdx',
    rules: { tdx: { ...tdx, pageRemove: (td) => ({ ok: true, td }) } },
    found: AGREE,
  },
  {
    name: 'an UNBLOCK before REMOVE',
    vm: 'tdx',
    rules: {
      tdx: {
        ...tdx,
        pageRemove: (td, gfn, level) => {
          const back = tdx.rangeUnblock(td, gfn, level);
          return back.ok ? tdx.pageRemove(back.td, gfn, level) : back;
        },
      },
    },
    found: AGREE,
  },
  {
    name: 'the attribute filter ignored',
    vm: 'tdx',
    rules: { rootTypes: () => ({ direct: true, mirror: true, invalid: false }) },
    found: LOST,
  },
  {
    name: 'the attribute filter the wrong way round',
    vm: 'tdx',
    rules: {
      rootTypes: (state, filter) =>
        RULES.rootTypes(state, filter === 'private' ? 'shared' : filter === 'shared' ? 'private' : filter),
    },
    found: LOST,
  },
  {
    name: 'ADD instead of AUG in a runnable TD',
    vm: 'tdx',
    rules: {
      addExternal: (rules, state, gfn, level) =>
        RULES.addExternal({ ...rules, tdx: { ...tdx, pageAug: (td, at) => tdx.pageAdd(td, at) } }, state, gfn, level),
    },
    found: AGREE,
  },
  {
    name: 'an SPTE that stays frozen where the S-EPT is busy',
    vm: 'tdx',
    rules: { unfreeze: (root) => root },
    found: AGREE,
  },
  {
    name: 'a new SPTE written although the S-EPT is busy',
    vm: 'tdx',
    rules: {
      addExternal: (rules, state, gfn, level) => ({
        ...RULES.addExternal(rules, state, gfn, level),
        again: false,
      }),
    },
    found: AGREE,
  },
  {
    name: 'the direct root walked at the gfn of the mirror root',
    vm: 'tdx',
    rules: { rootBits: () => 0n },
    found: FOREIGN,
  },
  {
    name: 'an ioctl of a dead VM that goes through',
    vm: 'tdx',
    rules: { ioctl: () => true },
    found: DEAD,
  },
  {
    name: 'a removal that does not kick the vCPUs after TRACK',
    vm: 'tdx',
    rules: {
      removeExternal: (rules, state, gfn, level) => {
        const done = RULES.removeExternal(rules, state, gfn, level);
        const { td } = state;
        const after = done.state.td;
        if (td === undefined || after === undefined || td.contended) return done;
        // The vCPUs go on where they were.
        return { ...done, state: { ...done.state, td: { ...after, inGuest: td.inGuest } } };
      },
    },
    found: AGREE,
  },
];

async function explored({ vm, rules }: Pick<Fault, 'vm' | 'rules'>): Promise<SinkExploration> {
  // Guarded and dead: what the sink does to a TD is no fault of the model. A dead VM is what some faults need.
  const program = await programOf({ entry: 'if (KVM_BUG_ON(is_td(kvm), kvm)) return;' });
  const question = { vm, sinks: ['zap_it'], host: {}, assumptions: true };
  return exploreSink(program, SINK_ID, question, () => 'unknown', { depth: 4, rules: { ...RULES, ...rules } });
}

describe('faults in the model’s own rules', () => {
  it.each(['tdx', 'default'] as const)('without one nothing is found for %s', async (vm) => {
    const found = await explored({ vm, rules: {} });
    expect(found.invariants.filter((one) => !one.holds)).toEqual([]);
  });

  it.each(FAULTS)('$name: $found', async (fault) => {
    const { invariants } = await explored(fault);
    const broken = invariants.filter((one) => !one.holds);
    expect(broken.map((one) => one.name)).toContain(fault.found);
    for (const { counterexample } of broken) expect(counterexample?.actions.length).toBeGreaterThan(0);
  });

  it('are more than ten, and no two are alike', () => {
    expect(new Set(FAULTS.map((fault) => fault.name)).size).toBe(FAULTS.length);
    expect(FAULTS.length).toBeGreaterThanOrEqual(10);
  });
});
