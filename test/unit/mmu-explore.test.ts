import { describe, expect, it } from 'vitest';
import { actionsOn } from '../../extension/core/mmu/actions';
import { type Action, type Exploration, explore } from '../../extension/core/mmu/explore';
import { INVARIANTS } from '../../extension/core/mmu/invariants';
import { type MmuState, withRoot } from '../../extension/core/mmu/mmu-state';
import { withoutLeaf } from '../../extension/core/mmu/roots';
import { DEFAULT_SCENARIO, type Scenario, startOf, WHOLE_RANGE } from '../../extension/core/mmu/scenario';
import { entryKey } from '../../extension/core/mmu/sept';
import { runSink } from '../../extension/core/mmu/sink';
import type { VmType } from '../../extension/core/reach/verdict';
import { programOf, SINK_ID, type Variant } from './mmu-tree';

const GFNS = [0x100n, 0x101n];
const SMALL: Scenario = {
  ...DEFAULT_SCENARIO,
  name: 'two pages',
  privatePages: [0x100n],
  pendingPages: [],
  sharedPages: [{ gfn: 0x101n, level: 1 }],
};
const TRAITS = { mirrorRoots: true, tdpMmu: true };
const DEPTH = 6;

async function explored(
  variant: Variant,
  vm: VmType,
  more: (start: MmuState) => readonly Action[] = () => [],
): Promise<Exploration> {
  const program = await programOf(variant);
  const start = startOf(SMALL, vm, TRAITS);
  const sink: Action = {
    name: 'the sink runs',
    run: (now) => runSink(program, SINK_ID, () => 'unknown', now, WHOLE_RANGE).map((branch) => branch.state),
  };
  return explore(start, [...actionsOn(start, GFNS), sink, ...more(start)], INVARIANTS, DEPTH);
}

const CHECK = 'KVM_BUG_ON(is_td(kvm), kvm)';
const names = (exploration: Exploration): string[] => exploration.broken.map((one) => one.invariant);

describe('all orders of actions on two gfns and two vCPUs', () => {
  it('unguarded: a live TD loses a page to the sink, and one action is enough', async () => {
    const found = await explored({}, 'tdx');
    expect(names(found)).toEqual(['a live TD loses a page only to userspace']);
    expect(found.broken[0]?.actions).toEqual(['the sink runs']);
    expect(found.broken[0]?.why).toContain('gfn 0x100');
  });

  it.each(['default', 'sw-protected', 'sev', 'sev-es', 'snp'] as const)('unguarded: all hold for %s', async (vm) => {
    const found = await explored({}, vm);
    expect(found.broken).toEqual([]);
    expect(found.states).toBeGreaterThan(3);
  });

  it('guarded before the lock: all hold', async () => {
    const found = await explored({ entry: 'if (is_td(kvm)) return;' }, 'tdx');
    expect(found.broken).toEqual([]);
    expect(found.states).toBeGreaterThan(90);
    expect(found.depth).toBe(DEPTH);
  });

  it('bugged before the lock: all hold, and a dead VM loses nothing that it could still use', async () => {
    expect((await explored({ entry: `if (${CHECK}) return;` }, 'tdx')).broken).toEqual([]);
  });

  it('return inside the locked part: locks do not balance', async () => {
    expect(names(await explored({ locked: `if (${CHECK}) return;` }, 'tdx'))).toEqual([
      'locks and invalidations balance',
    ]);
  });

  it('a missing flush leaves stale translations', async () => {
    const body = `	write_lock(&kvm->mmu_lock);
	kvm_tdp_mmu_zap_leafs(kvm, gfn_start, gfn_end, false);
	write_unlock(&kvm->mmu_lock);`;
    expect(names(await explored({ body }, 'default'))).toEqual(['no stale translation survives']);
  });

  it('a missing end of the invalidation is found', async () => {
    const body = `	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm);
	write_unlock(&kvm->mmu_lock);`;
    expect(names(await explored({ body }, 'default'))).toEqual(['locks and invalidations balance']);
  });

  it('gives the same answer twice', async () => {
    expect(await explored({}, 'tdx')).toEqual(await explored({}, 'tdx'));
  });

  it('ends by itself: the space is finite', () => {
    const start = startOf(SMALL, 'tdx', TRAITS);
    const found = explore(start, actionsOn(start, GFNS), INVARIANTS, 40);
    expect(found.complete).toBe(true);
    expect(found.broken).toEqual([]);
  });
});

/** States that no rule of the model may lead to, each through an action that stands for a broken rule. */
const FAULTS: readonly (readonly [name: string, invariant: string, broken: (now: MmuState) => MmuState])[] = [
  [
    'a mirror SPTE cleared without its S-EPT call',
    'mirror SPTEs and S-EPT agree',
    (now) => {
      const index = now.roots.findIndex((root) => root.kind === 'mirror');
      const root = now.roots[index];
      return root === undefined ? now : withRoot(now, index, withoutLeaf(root, 0x100n));
    },
  ],
  [
    'an S-EPT entry removed behind the mirror',
    'mirror SPTEs and S-EPT agree',
    (now) => {
      const { td } = now;
      if (td === undefined) return now;
      const entries = new Map(td.entries);
      entries.delete(entryKey(0x100n, 1));
      return { ...now, td: { ...td, entries } };
    },
  ],
  [
    'a page left blocked',
    'mirror SPTEs and S-EPT agree',
    (now) => {
      const { td } = now;
      if (td === undefined) return now;
      const blocked = { state: 'BLOCKED', blockEpoch: td.epoch } as const;
      return { ...now, td: { ...td, entries: new Map(td.entries).set(entryKey(0x100n, 1), blocked) } };
    },
  ],
  [
    'an attribute changed without an unmap',
    'no access to a page that the guest does not own',
    (now) => ({ ...now, memory: { ...now.memory, privateGfns: new Set() } }),
  ],
  [
    'a lock never released',
    'locks and invalidations balance',
    (now) => ({ ...now, locks: [{ name: 'mmu_lock', mode: 'write' }] }),
  ],
  [
    'an unmap that forgets the TLBs',
    'no stale translation survives',
    (now) => ({ ...now, tlb: { ...now.tlb, stale: new Set([0x101n]) } }),
  ],
];

describe('the invariants see', () => {
  it.each(FAULTS)('%s, which breaks: %s', async (name, invariant, broken) => {
    const found = await explored({ entry: 'if (is_td(kvm)) return;' }, 'tdx', () => [
      { name, run: (now) => [broken(now)] },
    ]);
    expect(found.broken[0]).toMatchObject({ invariant, actions: [name] });
  });
});
