import { beforeAll, expect, it } from 'vitest';
import type { Program } from '../../extension/core/program/program';
import type { Weaker } from '../../extension/core/reach/machine';
import { analyseReach } from '../../extension/core/reach/reach';
import { DEFAULT_SINK, type Verdict, type VmType } from '../../extension/core/reach/verdict';
import { linkedTree } from './linked';
import { describeTree, treePath } from './trees';

const isOpen = (verdict: Verdict): boolean => verdict !== 'blocked' && verdict !== 'unreachable';

function verdicts(program: Program, vm: VmType, weaker: Weaker = {}): Map<string, Verdict> {
  const reach = analyseReach(program, { vm, sinks: [DEFAULT_SINK], host: {}, assumptions: true }, undefined, weaker);
  return new Map(reach.callers().map((each) => [each.id, each.verdict]));
}

/** Whatever is left out of the analysis, it must not cut what the whole of it finds open. */
describeTree('7.x', () => {
  let program: Program;
  const whole = new Map<VmType, Map<string, Verdict>>();
  beforeAll(async () => {
    program = await linkedTree(treePath('7.x') ?? '');
    for (const vm of ['tdx', 'default'] as const) whole.set(vm, verdicts(program, vm));
  }, 120_000);

  const settings: readonly (readonly [string, VmType, Weaker])[] = [
    ['no call is followed', 'tdx', { inline: 0 }],
    ['calls are followed one deep', 'tdx', { inline: 1 }],
    ['calls are followed two deep', 'tdx', { inline: 2 }],
    ['no derived facts', 'tdx', { facts: 'axioms' }],
    ['no arguments', 'tdx', { context: 'none' }],
    ['no arguments, no derived facts, one deep', 'tdx', { inline: 1, facts: 'axioms', context: 'none' }],
    ['no derived facts, a default VM', 'default', { facts: 'axioms' }],
    ['no arguments, a default VM', 'default', { context: 'none' }],
  ];
  it.each(settings)(
    '%s: nothing more is cut (%s)',
    (_, vm, weaker) => {
      const weak = verdicts(program, vm, weaker);
      const cut = [...(whole.get(vm) ?? [])].filter(
        ([id, verdict]) => isOpen(verdict) && !isOpen(weak.get(id) ?? verdict),
      );
      expect(cut.map(([id]) => id)).toEqual([]);
    },
    120_000,
  );

  it('each of them cuts less, so that each counts', () => {
    const cuts = (of: ReadonlyMap<string, Verdict>): number => [...of.values()].filter((each) => !isOpen(each)).length;
    const all = cuts(whole.get('tdx') ?? new Map());
    for (const weaker of [{ inline: 0 }, { facts: 'axioms' }, { context: 'none' }] as const)
      expect(cuts(verdicts(program, 'tdx', weaker))).toBeLessThan(all);
  }, 120_000);
});
