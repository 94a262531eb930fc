import { beforeAll, describe, expect, it } from 'vitest';
import { Analysis } from '../../extension/core/analysis';
import type { Edge, Program } from '../../extension/core/program/program';
import { vendorGraph } from '../../extension/core/reach/vendor-graph';
import { analyseReach, type Reach } from '../../extension/core/reach/reach';
import { DEFAULT_SINK, type Path, type Question } from '../../extension/core/reach/verdict';
import { loadParser } from '../../extension/node/parser';
import { sampleTree } from '../sample';
import { link } from './linking';

const question: Question = { vm: 'tdx', sinks: [DEFAULT_SINK], host: {}, assumptions: true };

function names({ edges }: Path): string {
  return [edges[0]?.caller, ...edges.map((edge) => edge.callee)].join(' ');
}

function isIndirect({ via }: Edge): boolean {
  return via !== 'call' && via !== 'macro';
}

/** `bodies` as functions that may call each other, and what is found between two of them. */
async function between(bodies: Readonly<Record<string, string>>): Promise<(from: string, to: string) => string[]> {
  const heads = Object.keys(bodies).map((name) => `static int ${name}(int n);`);
  const texts = Object.entries(bodies).map(([name, body]) => `static int ${name}(int n) { ${body} }`);
  const tables = 'struct ops { int (*run)(int n); }; static struct ops ops = { .run = last };';
  const file = 'arch/x86/kvm/a.c';
  const program = await link({ [file]: [...heads, tables, ...texts, 'void kvm_zap_gfn_range(void) {}'].join('\n') });
  const reach = analyseReach(program, question);
  return (from, to) => reach.paths([`${file}:${from}`], [`${file}:${to}`]).paths.map(names);
}

describe('paths between two functions', () => {
  it('come shortest first, then with the fewest indirect edges, then by their sites', async () => {
    const paths = await between({
      first: 'return a(n) + c(n) + b(n) + last2(n);',
      a: 'return b(n);',
      b: 'return last(n);',
      c: 'return ops.run(n);',
      last2: 'return last(n);',
      last: 'return n;',
    });
    expect(paths('first', 'last')).toEqual(['first b last', 'first last2 last', 'first c last', 'first a b last']);
  });

  it('go round no circle, but end where they begin if asked', async () => {
    const paths = await between({
      first: 'return a(n);',
      a: 'return a(n - 1) + b(n);',
      b: 'return first(n) + last(n);',
      last: 'return n;',
    });
    expect(paths('first', 'last')).toEqual(['first a b last']);
    expect(paths('first', 'first')).toEqual(['first a b first']);
    expect(paths('a', 'a')).toEqual(['a a', 'a b first a']);
  });

  it('come to a function twice if there is a way only so', async () => {
    const paths = await between({
      first: 'return a(0);',
      a: 'if (n == 3) return last(n); if (n == 0) return a(3); return 0;',
      last: 'return n;',
    });
    expect(paths('first', 'last')).toEqual(['first a a last']);
  });
});

describe('paths on the sample', () => {
  let program: Program;
  let reach: Reach;
  let functions: string[];

  beforeAll(async () => {
    const analysis = await Analysis.open(sampleTree(), await loadParser());
    program = analysis.program;
    reach = analysis.reach(question);
    functions = [...program.functions.values()].filter((node) => node.active).map((node) => node.id);
  });

  /** The number of calls from a function to every other, by breadth. */
  function distances(from: string): Map<string, number> {
    const graph = vendorGraph(program, 'intel');
    const found = new Map<string, number>();
    let level = graph.has(from) ? [from] : [];
    for (let length = 1; level.length > 0; length++) {
      const next = level.flatMap((id) => graph.callees(id).map((edge) => edge.calleeId));
      level = [...new Set(next)].filter((id) => !found.has(id));
      for (const id of level) found.set(id, length);
    }
    return found;
  }

  it('with the cut ones, are there between any two functions that calls join, and begin with a shortest one', () => {
    let joined = 0;
    for (const from of functions) {
      const shortest = distances(from);
      for (const to of functions) {
        const { paths, none } = reach.paths([from], [to], { cut: true });
        expect(paths[0]?.edges.length, `${from} ${to}`).toBe(shortest.get(to));
        expect(none === undefined, `${from} ${to}`).toBe(paths.length > 0);
        joined += paths.length > 0 ? 1 : 0;
      }
    }
    expect(joined).toBeGreaterThan(300);
  });

  it('are chains of edges from the one to the other, sorted, each once, and among those with the cut ones', () => {
    for (const to of functions.filter((id) => /zap|mtrr|set_msr/.test(id))) {
      for (const from of functions) {
        const { paths } = reach.paths([from], [to], { most: 50 });
        const all = reach.paths([from], [to], { most: 1000, cut: true }).paths;
        const key = (path: Path): string => JSON.stringify(path.edges);
        const keys = new Set(all.map(key));
        expect(new Set(paths.map(key)).size).toBe(paths.length);
        for (const path of paths) {
          expect(path.verdict).not.toBe('blocked');
          expect(keys).toContain(key(path));
          path.edges.forEach((edge, i) => {
            expect(edge.callerId).toBe(i === 0 ? from : path.edges[i - 1]?.calleeId);
          });
          expect(path.edges.at(-1)?.calleeId).toBe(to);
        }
        const costs = paths.map(({ edges }) => edges.length * 100 + edges.filter(isIndirect).length);
        expect(costs).toEqual([...costs].sort((a, b) => a - b));
      }
    }
  });

  const id = (name: string): string[] => functions.filter((one) => one.endsWith(`:${name}`));

  it('say why there are none', () => {
    expect(reach.paths(id('update_mtrr'), id('msr_io'))).toEqual({
      paths: [],
      truncated: false,
      none: { why: 'no way' },
    });
    const cut = reach.paths(id('kvm_noncoherent_dma_assignment_start_or_stop'), id('kvm_zap_gfn_range'));
    expect(cut).toEqual({ paths: [], truncated: false, none: { why: 'cut', ways: 1, more: false } });
    const amd = reach.paths(id('kvm_vcpu_ioctl'), id('sev_handle_rmp_fault'));
    expect(amd).toEqual({ paths: [], truncated: false, none: { why: 'other vendor', vendor: 'amd' } });
  });

  it('name the ioctl that they come from, and the cuts one after the other', () => {
    const [open] = reach.paths(id('kvm_vcpu_ioctl'), id('update_mtrr')).paths;
    expect(open?.entry).toMatchObject({ kind: 'ioctl', name: 'KVM_SET_MSRS' });
    const [cut] = reach.paths(id('kvm_noncoherent_dma_assignment_start_or_stop'), id('kvm_zap_gfn_range'), {
      cut: true,
    }).paths;
    expect(cut).toMatchObject({ verdict: 'blocked', entry: { kind: 'other' } });
    expect(cut?.cutBy?.text).toContain('kvm_check_has_quirk');
    expect(cut?.cuts).toEqual([cut?.cutBy]);
  });

  it('are bounded, and say so', () => {
    const all = reach.paths(id('kvm_vcpu_ioctl'), id('kvm_zap_gfn_range'), { cut: true, most: 1000 });
    expect(all.truncated).toBe(false);
    expect(all.paths.length).toBeGreaterThan(2);
    const most = all.paths.length - 1;
    const some = reach.paths(id('kvm_vcpu_ioctl'), id('kvm_zap_gfn_range'), { cut: true, most });
    expect(some).toEqual({ paths: all.paths.slice(0, most), truncated: true });
    const exact = reach.paths(id('kvm_vcpu_ioctl'), id('kvm_zap_gfn_range'), { cut: true, most: most + 1 });
    expect(exact).toEqual(all);
  });
});
