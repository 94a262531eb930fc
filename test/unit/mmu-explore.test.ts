import { describe, expect, it } from 'vitest';
import { actionsOn } from '../../extension/core/mmu/actions';
import { type Action, explore, type Start } from '../../extension/core/mmu/explore';
import { DEPTH, exploreSink, type SinkExploration } from '../../extension/core/mmu/explore-sink';
import { invariantsOf } from '../../extension/core/mmu/invariants';
import type { MmuState } from '../../extension/core/mmu/mmu-state';
import { withRoot } from '../../extension/core/mmu/mmu-state';
import { withoutLeaf } from '../../extension/core/mmu/roots';
import { RULES } from '../../extension/core/mmu/rules';
import { DEFAULT_SCENARIO, startOf } from '../../extension/core/mmu/scenario';
import { entryKey } from '../../extension/core/mmu/sept';
import type { VmType } from '../../extension/core/reach/verdict';
import { programOf, SINK_ID, type Variant } from './mmu-tree';

async function explored(variant: Variant, vm: VmType, depth?: number): Promise<SinkExploration> {
  const question = { vm, sinks: ['zap_it'], host: {}, assumptions: true };
  const options = depth === undefined ? {} : { depth };
  return exploreSink(await programOf(variant), SINK_ID, question, () => 'unknown', options);
}

const CHECK = 'KVM_BUG_ON(is_td(kvm), kvm)';
const LAST = 'a live TD loses a page only to userspace';
const broken = ({ invariants }: SinkExploration): string[] =>
  invariants.filter((one) => !one.holds).map((one) => one.name);

describe('all orders of actions on two gfns and two vCPUs', () => {
  it('unguarded: a live TD loses a page to the sink, and one action is enough', async () => {
    const found = await explored({}, 'tdx');
    expect(broken(found)).toEqual([LAST]);
    const { counterexample } = found.invariants.find((one) => one.name === LAST) ?? {};
    expect(counterexample?.actions).toEqual(['zap_it() runs for all gfns']);
    expect(counterexample?.why).toContain('gfn 0x100');
    expect(counterexample?.trace.map((event) => event.text)).toContain('write_lock() takes mmu_lock');
  });

  it.each(['default', 'sw-protected', 'sev', 'sev-es', 'snp'] as const)('unguarded: all hold for %s', async (vm) => {
    const found = await explored({}, vm);
    expect(broken(found)).toEqual([]);
    expect(found.states).toBeGreaterThan(20);
    expect(found.vcpus).toBe(2);
    expect(found.gfns).toHaveLength(2);
  });

  it('guarded before the lock: all hold', async () => {
    const found = await explored({ entry: 'if (is_td(kvm)) return;' }, 'tdx');
    expect(broken(found)).toEqual([]);
    expect(found.states).toBeGreaterThan(1000);
    expect(found.depth).toBe(DEPTH);
  });

  it('bugged before the lock: all hold, and a dead VM loses nothing that it could still use', async () => {
    expect(broken(await explored({ entry: `if (${CHECK}) return;` }, 'tdx'))).toEqual([]);
  });

  it('return inside the locked part: locks do not balance', async () => {
    expect(broken(await explored({ locked: `if (${CHECK}) return;` }, 'tdx', 2))).toEqual([
      'locks and invalidations balance',
    ]);
  });

  it('a missing flush leaves stale translations', async () => {
    const body = `	write_lock(&kvm->mmu_lock);
	kvm_tdp_mmu_zap_leafs(kvm, gfn_start, gfn_end, false);
	write_unlock(&kvm->mmu_lock);`;
    expect(broken(await explored({ body }, 'default', 3))).toEqual(['no stale translation survives']);
  });

  it('a missing end of the invalidation is found', async () => {
    const body = `	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm);
	write_unlock(&kvm->mmu_lock);`;
    expect(broken(await explored({ body }, 'default', 3))).toEqual(['locks and invalidations balance']);
  });

  it('gives the same answer twice', async () => {
    expect(await explored({}, 'tdx', 3)).toEqual(await explored({}, 'tdx', 3));
  });

  it('ends by itself: the space is finite', async () => {
    const found = await explored({}, 'default', 60);
    expect(found.complete).toBe(true);
    expect(broken(found)).toEqual([]);
  });
});

/** States that no rule of the model may lead to, each through an action that stands for a broken rule. */
const FAULTS: readonly (readonly [name: string, invariant: string, spoil: (now: MmuState) => MmuState])[] = [
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
    'a memslot gone without an unmap',
    'no access to a page that the guest does not own',
    (now) => ({ ...now, memory: { ...now.memory, slots: [] } }),
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
  it.each(FAULTS)('%s, which breaks: %s', (name, invariant, spoil) => {
    const start: Start = {
      name: 'running',
      state: startOf(DEFAULT_SCENARIO, 'tdx', { mirrorRoots: true, tdpMmu: true }),
    };
    const fault: Action = { name, run: (now) => [spoil(now)] };
    const actions = [...actionsOn(RULES, start.state, [0x100n, 0x101n]), fault];
    expect(explore([start], actions, invariantsOf(RULES), 2).broken[0]).toMatchObject({ invariant, actions: [name] });
  });
});
