import { expect, it } from 'vitest';
import { Analysis } from '../../extension/core/analysis';
import type { Outcome } from '../../extension/core/mmu/outcome';
import { DEFAULT_SINK, type VmType } from '../../extension/core/reach/verdict';
import { DiskTree } from '../../extension/node/disk-tree';
import { loadParser } from '../../extension/node/parser';
import { describeTree } from './trees';

/** What a tree's direct callers of the sink come to, by the gfns that they pass. */
function outcomesBy(analysis: Analysis, vm: VmType): ReadonlyMap<string, readonly Outcome[]> {
  const { callers } = analysis.check({ vm, sinks: [DEFAULT_SINK], host: {}, assumptions: true });
  const found = new Map<string, Outcome[]>();
  for (const { direct, outcome } of callers) {
    if (!direct || outcome === undefined) continue;
    const gfns = `${outcome.range.start}-${outcome.range.end}`;
    found.set(gfns, [...(found.get(gfns) ?? []), outcome]);
  }
  return found;
}

const APIC_PAGE = '0xfee00-0xfee01';
const open = async (top: string): Promise<Analysis> => Analysis.open(new DiskTree(top), await loadParser());

describeTree('7.x', (top) => {
  it('an inhibit of a TD zaps the APIC page alone, and the request that it leaves kills the VM', async () => {
    const found = outcomesBy(await open(top), 'tdx');
    expect([...found.keys()]).toEqual([APIC_PAGE]);
    const [outcome] = found.get(APIC_PAGE) ?? [];
    expect(outcome).toMatchObject({ bugged: true, dead: true, zapped: { direct: true, mirror: false } });
    expect(outcome?.bugSite?.function).toBe('vt_refresh_apicv_exec_ctrl');
    expect(outcome?.classes).not.toContain('private-data-lost');
  });

  it('of a default VM each caller’s pages refault', async () => {
    const found = outcomesBy(await open(top), 'default');
    expect([...found.keys()].sort()).toEqual(['0x0-0xfffffffffffff', APIC_PAGE]);
    for (const [outcome] of found.values()) expect(outcome?.classes).toEqual(['refault']);
  });
});

describeTree('6.12', (top) => {
  it('a hypothetical TD loses its pages to non-coherent DMA, not to an inhibit', async () => {
    const found = outcomesBy(await open(top), 'tdx');
    expect(found.get('0x0-0xfffffffffffff')?.[0]?.classes).toContain('private-data-lost');
    expect(found.get(APIC_PAGE)?.[0]?.classes).toEqual(['refault']);
  });
});
