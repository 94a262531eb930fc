import { beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../extension/cli/run';
import { Analysis } from '../../extension/core/analysis';
import type { Program } from '../../extension/core/program/program';
import { drawing } from '../../extension/core/report/dot';
import { type Bounds, neighbourhood } from '../../extension/core/report/neighbourhood';
import { loadParser } from '../../extension/node/parser';
import { SAMPLE, sampleTree } from '../sample';
import { type DotStatement, readDot } from './dot-grammar';
import { link } from './linking';

const ZAP = 'kvm_zap_gfn_range';
const all: Bounds = { direction: 'both', depth: 99, most: 999 };

async function command(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const caught = { out: '', err: '' };
  const code = await run(
    args,
    {
      cwd: SAMPLE,
      out: (text) => void (caught.out += text),
      err: (text) => void (caught.err += text),
      isTerminal: false,
      stdin: () => Promise.resolve(''),
      clock: () => 0,
    },
    false,
  );
  return { code, ...caught };
}

let analysis: Analysis;
let program: Program;
beforeAll(async () => {
  analysis = await Analysis.open(sampleTree(), await loadParser());
  ({ program } = analysis);
});

const drawn = (around: readonly string[], bounds: Bounds): DotStatement[] =>
  readDot(analysis.drawing(around, [ZAP], bounds));

/** Statements of functions, and of edges between them, without the defaults that come first. */
const nodes = (statements: readonly DotStatement[]): DotStatement[] => statements.slice(3).filter((s) => !s.ids[1]);
const edges = (statements: readonly DotStatement[]): DotStatement[] => statements.slice(3).filter((s) => s.ids[1]);

describe('what lies around a function', () => {
  const around = (name: string, bounds: Bounds): ReturnType<typeof neighbourhood> =>
    neighbourhood(
      program,
      [...program.functions.values()].filter((node) => node.name === name).map((node) => node.id),
      bounds,
    );

  it('is as deep as asked for, and the rest is counted', () => {
    const none = around(ZAP, { ...all, direction: 'callers', depth: 0 });
    expect([...none.functions.values()]).toEqual([{ away: 0, hidden: none.beyond }]);
    expect(none.edges).toEqual([]);
    const one = around(ZAP, { ...all, direction: 'callers', depth: 1 });
    expect(one.functions.size).toBe(1 + none.beyond);
    expect(new Set(one.edges.map((edge) => edge.callee))).toEqual(new Set([ZAP]));
  });

  it('keeps the nearest if there are too many', () => {
    const two = around(ZAP, { ...all, direction: 'callers', depth: 2 });
    const most = two.functions.size - 2;
    const few = around(ZAP, { ...all, direction: 'callers', depth: 2, most });
    expect([...few.functions.keys()]).toEqual([...two.functions.keys()].slice(0, most));
    expect(few.tooMany).toBe(2);
    const distances = [...two.functions.values()].map(({ away }) => away);
    expect(distances).toEqual([...distances].sort());
    for (const edge of few.edges)
      expect(few.functions.has(edge.callerId) && few.functions.has(edge.calleeId)).toBe(true);
  });

  it('goes the way asked for', () => {
    const names = (direction: Bounds['direction']): string[] =>
      [...around('do_set_msr', { ...all, direction, depth: 1 }).functions.keys()].map((id) => id.replace(/.*:/, ''));
    expect(names('callers')).toEqual(['do_set_msr', 'msr_io']);
    expect(names('callees').slice(1).sort()).toEqual(['svm_set_msr', 'vt_set_msr']);
    expect(names('both').slice(1).sort()).toEqual(['msr_io', 'svm_set_msr', 'vt_set_msr']);
  });
});

describe('a drawing of the sample', () => {
  it('has every function once, and edges between these alone', () => {
    const statements = drawn(['kvm_vcpu_ioctl'], all);
    const ids = nodes(statements).map((node) => node.ids[0]);
    expect(ids.length).toBeGreaterThan(40);
    expect(new Set(ids).size).toBe(ids.length);
    for (const edge of edges(statements)) for (const id of edge.ids) expect(ids).toContain(id);
    expect(analysis.drawing(['kvm_vcpu_ioctl'], [ZAP], all)).toContain('\n// Nothing is left out.\n');
  });

  it('says through what an indirect call goes, and for which vendor', () => {
    const out = edges(drawn(['do_set_msr'], { ...all, direction: 'callees', depth: 1 }));
    expect(out.map(({ attributes }) => [attributes.get('style'), attributes.get('label')])).toEqual([
      ['dashed', 'via kvm_x86_ops.set_msr'],
      ['dashed', 'via kvm_x86_ops.set_msr'],
    ]);
    expect(new Set(out.map(({ attributes }) => attributes.get('color'))).size).toBe(2);
    const direct = edges(drawn([ZAP], { ...all, direction: 'callers', depth: 1 }));
    for (const { attributes } of direct) expect([...attributes.keys()]).toEqual(['tooltip']);
  });

  it('marks the sink, entry points and vendors', () => {
    const by = new Map(nodes(drawn(['kvm_vcpu_ioctl'], all)).map((node) => [node.ids[0]?.replace(/.*:/, ''), node]));
    const get = (name: string, attribute: string): string | undefined => by.get(name)?.attributes.get(attribute);
    expect(get(ZAP, 'peripheries')).toBe('2');
    expect(get('update_mtrr', 'peripheries')).toBeUndefined();
    expect(get('kvm_vcpu_ioctl', 'shape')).toBe('house');
    expect(get('kvm_vcpu_ioctl', 'label')).toContain('ioctl kvm_vcpu_fops.unlocked_ioctl');
    expect(get('update_mtrr', 'shape')).toBeUndefined();
    expect(get('tdx_set_msr', 'fillcolor')).not.toBe(get('svm_set_msr', 'fillcolor'));
    expect(get('update_mtrr', 'fillcolor')).toBeUndefined();
  });

  it('draws no macro: a call through one is an edge to what it calls', () => {
    const macros = new Set([...program.functions.values()].filter(({ kind }) => kind === 'macro').map(({ id }) => id));
    expect(macros.size).toBeGreaterThan(0);
    for (const { ids } of nodes(drawn([ZAP], all))) expect(macros).not.toContain(ids[0]);
  });

  it('holds with names that dot would misread', async () => {
    const file = 'arch/x86/kvm/a"b\\&lt;.c';
    const odd = await link({ [file]: `void ${ZAP}(void) {}\nvoid a(void) { ${ZAP}(); }\n` });
    const statements = readDot(drawing(odd, [`${file}:${ZAP}`], [ZAP], all));
    expect(nodes(statements).map(({ attributes }) => attributes.get('label'))).toEqual([
      `${ZAP}()\\na"b\\\\&amp;lt;.c:1`,
      'a()\\na"b\\\\&amp;lt;.c:2',
    ]);
    expect(edges(statements)).toHaveLength(1);
  });
});

describe('kvm-lens graph --format dot', () => {
  it('draws around the sinks, or what is named, in the same bytes each time', async () => {
    const first = await command('graph', '--format', 'dot');
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out.split('\n', 1)[0]).toContain(`Callers of ${ZAP}(), 3 calls deep`);
    expect(await command('graph', '--format', 'dot')).toEqual(first);
    const named = await command(
      'graph',
      '--format=dot',
      '--around',
      'msr_io()',
      '--around',
      'update_mtrr',
      '--nodes',
      '2',
    );
    expect(named.out).toContain('Callers of msr_io(), update_mtrr(), 3 calls deep');
    expect(nodes(readDot(named.out))).toHaveLength(2);
  });

  it.each([
    [['--format', 'dot', '--around', 'update_mtr'], 'no function update_mtr() in this tree; near names: update_mtrr()'],
    [['--format', 'dot', '--depth', 'deep'], '--depth deep: give a whole number, at least 0'],
    [['--format', 'dot', '--nodes', '0'], '--nodes 0: give a whole number, at least 1'],
    [['--format', 'dot', '--direction', 'up'], '--direction up: there are callers, callees, both'],
    [['--depth', '2'], '--depth is of graph --format dot'],
  ])('refuses %j', async (args, message) => {
    const { code, out, err } = await command('graph', ...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
  });

  it('is of graph alone', async () => {
    const { code, err } = await command('check', '--format', 'dot');
    expect(code).toBe(2);
    expect(err).toBe('kvm-lens: --format dot is of graph; check has text and json\n');
  });
});
