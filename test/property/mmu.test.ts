import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actionsOn } from '../../extension/core/mmu/actions';
import { canonical, stateKey } from '../../extension/core/mmu/canonical';
import { invariantsOf } from '../../extension/core/mmu/invariants';
import { RULES } from '../../extension/core/mmu/rules';
import { DEFAULT_SCENARIO, startOf } from '../../extension/core/mmu/scenario';
import { VM_TYPES } from '../../extension/core/reach/verdict';
import { outcomeOf } from '../unit/mmu-tree';

const vm = fc.constantFrom(...VM_TYPES);

/** Statements that leave locks and invalidations as they found them, under conditions that nobody can decide. */
const { body: balanced } = fc.letrec<{ one: string; body: string }>((tie) => ({
  one: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(
      'kvm_flush_remote_tlbs(kvm);',
      'KVM_BUG_ON(is_td(kvm), kvm);',
      'KVM_BUG_ON(kvm->arch.nr > 2, kvm);',
      'WARN_ON_ONCE(is_snp(kvm));',
      'if (kvm->arch.nr) cond_resched();',
      'gfn_start = gfn_end - 1;',
    ),
    tie('body').map((text) => `if (kvm->arch.a) { ${text} } else { ${text} }`),
    tie('body').map((text) => `if (KVM_BUG_ON(is_td(kvm), kvm)) { ${text} }`),
    tie('body')
      .map((text) => `mutex_lock(&kvm->slots_lock);\n${text}\nmutex_unlock(&kvm->slots_lock);`)
      .filter((text) => text.split('mutex_lock(').length === 2),
    tie('body').map((text) => `scoped_guard(srcu, &kvm->srcu) { ${text} }`),
    tie('body').map((text) => `kvm_mmu_invalidate_begin(kvm);\n${text}\nkvm_mmu_invalidate_end(kvm);`),
    tie('body').map((text) => `switch (kvm->arch.nr) { case 1: ${text} break; default: ${text} }`),
  ),
  body: fc.array(tie('one'), { maxLength: 3 }).map((all) => all.join('\n')),
}));

const inLock = (body: string): string => `write_lock(&kvm->mmu_lock);\n${body}\nwrite_unlock(&kvm->mmu_lock);`;

describe('sinks made at random', () => {
  it('that balance their locks leave nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(balanced, vm, async (body, type) => {
        const outcome = await outcomeOf({ body: inLock(body) }, type);
        expect(outcome.leaked).toEqual([]);
        expect(outcome.classes).not.toContain('lock-leaked');
      }),
      { numRuns: 60 },
    );
  });

  it('without their unlock leave mmu_lock held', async () => {
    await fc.assert(
      fc.asyncProperty(balanced, vm, async (body, type) => {
        const outcome = await outcomeOf({ body: `write_lock(&kvm->mmu_lock);\n${body}` }, type);
        expect(outcome.leaked).toContain('mmu_lock');
      }),
      { numRuns: 40 },
    );
  });

  it('that zap and flush under the lock lose a TD’s pages, and no one else’s', async () => {
    const zap = 'if (kvm_tdp_mmu_zap_leafs(kvm, 0, 1 << 30, false)) kvm_flush_remote_tlbs(kvm);';
    await fc.assert(
      fc.asyncProperty(balanced, vm, async (body, type) => {
        const outcome = await outcomeOf({ body: inLock(`${body}\n${zap}`) }, type);
        expect(outcome.classes.includes('private-data-lost')).toBe(type === 'tdx');
      }),
      { numRuns: 40 },
    );
  });

  it('have one outcome each', async () => {
    await fc.assert(
      fc.asyncProperty(balanced, vm, async (body, type) => {
        const [one, two] = [await outcomeOf({ body }, type), await outcomeOf({ body }, type)];
        expect(JSON.stringify(one)).toBe(JSON.stringify(two));
      }),
      { numRuns: 20 },
    );
  });
});

const TOKENS = [
  'if (',
  ')',
  '{',
  '}',
  'return;',
  'goto out;',
  'out:',
  'write_lock(&kvm->mmu_lock);',
  'write_unlock(&kvm->mmu_lock);',
  'KVM_BUG_ON(is_td(kvm), kvm)',
  'kvm_tdp_mmu_zap_leafs(kvm, gfn_start, gfn_end, flush)',
  'for_each_tdp_mmu_root(kvm, root, 0)',
  'zap_it(kvm, gfn_start, gfn_end);',
  'guard(mutex)(&kvm->slots_lock);',
  'while (kvm->arch.nr)',
  'switch (kvm->arch.nr) {',
  'case 1:',
  'default:',
  'break;',
  '? : &&',
  'flush |= x++;',
  '"',
  '/*',
  '#ifdef A',
  '#endif',
  '\n',
];

it('any text as the body of a sink gives an outcome: no crash, no hang', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...TOKENS), { maxLength: 40 }), vm, async (tokens, type) => {
      const started = performance.now();
      try {
        await outcomeOf({ body: tokens.join(' ') }, type);
      } catch (error) {
        // The text may leave no function of that name to run.
        expect(String(error)).toContain('no function body');
      }
      expect(performance.now() - started).toBeLessThan(5000);
    }),
    { numRuns: 150 },
  );
});

describe('any order of actions', () => {
  const start = startOf(DEFAULT_SCENARIO, 'tdx', { mirrorRoots: true, tdpMmu: true });
  const actions = actionsOn(RULES, start, [0x100n, 0x102n, 0x200n]);
  const INVARIANTS = invariantsOf(RULES);
  const order = fc.array(fc.nat({ max: actions.length - 1 }), { maxLength: 30 });

  it('keeps the invariants, changes no earlier state, and comes to the same twice', () => {
    fc.assert(
      fc.property(order, (indices) => {
        const keys: string[] = [];
        for (let round = 0; round < 2; round += 1) {
          const states = [start];
          const seen: string[] = [];
          for (const index of indices) {
            const action = actions[index];
            const before = states.at(-1) ?? start;
            const [after] = action?.run(before) ?? [];
            if (action === undefined || after === undefined) throw new Error('an action has one result');
            for (const invariant of INVARIANTS) expect(invariant.broken(before, after, action)).toBeUndefined();
            seen.push(stateKey(after));
            states.push(after);
          }
          // Nothing that came later has touched what was there before: any step can be undone.
          expect(states.slice(1).map(stateKey)).toEqual(seen);
          keys.push(seen.join('\n'));
        }
        expect(keys[1]).toBe(keys[0]);
      }),
      { numRuns: 200 },
    );
  });

  it('does the same from a state and from that state with its counters set back', () => {
    fc.assert(
      fc.property(order, (indices) => {
        let [long, short] = [start, canonical(start)];
        for (const index of indices) {
          const [one] = actions[index]?.run(long) ?? [];
          const [other] = actions[index]?.run(short) ?? [];
          if (one === undefined || other === undefined) throw new Error('an action has one result');
          [long, short] = [one, canonical(other)];
          expect(stateKey(canonical(long))).toBe(stateKey(short));
        }
      }),
      { numRuns: 300 },
    );
  });
});
