import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import { beforeAll, describe, expect, it } from 'vitest';
import { answerQueries, readQueries } from '../../extension/cli/queries';
import { Analysis } from '../../extension/core/analysis';
import { readScenario } from '../../extension/core/mmu/scenario-file';
import { PatchAnalysis } from '../../extension/core/patch-analysis';
import { FactsStore } from '../../extension/core/program/load';
import { DEFAULT_SINK, type Question, VM_TYPES } from '../../extension/core/reach/verdict';
import { type ExploredOutcome, SCHEMA_VERSION, TOOL } from '../../extension/core/report/contract';
import { loadParser } from '../../extension/node/parser';
import { SAMPLE, sampleTree } from '../sample';

const FOLDER = join(import.meta.dirname, '../../extension/core/report/schema');
const question: Question = { vm: 'tdx', sinks: [DEFAULT_SINK], host: {}, assumptions: true };

const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false });
for (const name of readdirSync(FOLDER))
  ajv.addSchema(JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as object, name);

function schema(name: string): ValidateFunction {
  const validate = ajv.getSchema(`${name}.json`);
  if (validate === undefined) throw new Error(`no schema ${name}`);
  return validate;
}

function faults(name: string, value: unknown): string[] {
  const validate = schema(name);
  validate(JSON.parse(JSON.stringify(value)));
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`);
}

type Json = Record<string, unknown>;
const reports: Record<string, Json> = {};
let answers: string[] = [];

beforeAll(async () => {
  const parser = await loadParser();
  const store = new FactsStore();
  const times = { now: 0 };
  const options = { store, clock: () => (times.now += 7) };
  const analysis = await Analysis.open(sampleTree(), parser, options);
  const patch = await PatchAnalysis.open(
    sampleTree(),
    parser,
    [readFileSync(join(SAMPLE, 'seed.patch'), 'utf8'), unguarding()],
    { store },
  );
  const sites = analysis.resolveSites(['kvm_noncoherent_dma_assignment_start_or_stop']);
  Object.assign(reports, {
    check: analysis.check(question),
    why: analysis.why(question, sites),
    paths: analysis.paths(question, 'msr_io', 'update_mtrr'),
    graph: analysis.graph(),
    outcome: analysis.outcome(question),
    explored: analysis.outcome(question, ['tdx', 'default'], { explore: true }),
    scenario: analysis.outcome(question, VM_TYPES, {
      scenario: readScenario(readFileSync(join(SAMPLE, 'scenario.json'), 'utf8')),
    }),
    patch: patch.report(question),
  });
  const lines = ['{"id":1,"sites":["update_mtrr"],"expect":"reachable"}', '{"sites":["nothing"]}', 'no json'];
  answers = answerQueries(analysis, readQueries(lines.join('\n')), question)
    .text.trim()
    .split('\n');
});

/** Takes the quirk's guard out of the sample, so that the patch report has changes. */
function unguarding(): string {
  const lines = readFileSync(join(SAMPLE, 'arch/x86/kvm/x86.c'), 'utf8').split('\n');
  const guard = lines.findIndex((line) => line.includes('if (kvm_check_has_quirk('));
  const file = 'arch/x86/kvm/x86.c';
  return `--- a/${file}\n+++ b/${file}\n@@ -${guard + 1},1 +${guard + 1},1 @@\n-${lines[guard] ?? ''}\n+\tif (kvm)\n`;
}

describe.each(['check', 'why', 'paths', 'graph', 'outcome', 'patch'])('the JSON of %s', (name) => {
  it('is as its schema says', () => {
    expect(faults(name, reports[name])).toEqual([]);
    expect(reports[name]?.['schemaVersion']).toBe(SCHEMA_VERSION);
  });

  it('without any one of its members is not', () => {
    for (const key of Object.keys(reports[name] ?? {})) {
      if (['timings', 'path', 'cutBy', 'cuts'].includes(key)) continue;
      const { [key]: _dropped, ...rest } = reports[name] ?? {};
      expect(faults(name, rest), key).not.toEqual([]);
    }
  });
});

describe('the schemas', () => {
  it.each([
    ['a verdict of another world', (text: string) => text.replace('"verdict":"blocked"', '"verdict":"safe"')],
    ['an absolute path', (text: string) => text.replace('"file":"arch', '"file":"/arch')],
    ['a line 0', (text: string) => text.replace(/"line":\d+/, '"line":0')],
    ['a guard without its need', (text: string) => text.replace(/"needs":(true|false),|,"needs":(true|false)/, '')],
    ['a member that the contract does not have', (text: string) => text.replace('"direct":', '"indirect":1,"direct":')],
  ])('refuse %s', (_title, breakIt) => {
    const text = JSON.stringify(reports['check']);
    const broken = breakIt(text);
    expect(broken).not.toBe(text);
    expect(faults('check', JSON.parse(broken))).not.toEqual([]);
  });

  it.each(['check', 'why', 'paths', 'patch'])('of %s take what --vm all yields', (name) => {
    expect(faults(name, { schemaVersion: 1, reports: [reports[name], reports[name]] })).toEqual([]);
    expect(faults(name, { schemaVersion: 1, reports: [] })).not.toEqual([]);
  });

  it('hold for a scenario file, and for its outcome', () => {
    expect(faults('scenario', JSON.parse(readFileSync(join(SAMPLE, 'scenario.json'), 'utf8')))).toEqual([]);
    expect(faults('scenario', { name: 'n', actions: [{ action: 'explode' }] })).not.toEqual([]);
    expect(faults('outcome', reports['scenario'])).toEqual([]);
    expect(JSON.stringify(reports['scenario'])).toContain('"by":"convert"');
  });

  it('hold for queries and their answers', () => {
    expect(faults('query', { id: 'a', vm: 'snp', sites: ['x86.c:12', 'f'], expect: 'blocked' })).toEqual([]);
    expect(faults('query', { id: 'a', sites: [] })).not.toEqual([]);
    expect(answers).toHaveLength(3);
    for (const answer of answers) expect(faults('answer', JSON.parse(answer))).toEqual([]);
  });
});

describe('the reports', () => {
  it('name the version of the package', () => {
    const { name, version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as Json;
    expect(TOOL).toEqual({ name, version });
  });

  it('of an exploration say for each invariant that it holds, or how to break it', () => {
    const outcomes = reports['explored']?.['outcomes'] as ExploredOutcome[];
    expect(faults('outcome', reports['explored'])).toEqual([]);
    for (const { vm, exploration } of outcomes) {
      expect(exploration?.states).toBeGreaterThan(50);
      for (const { holds, counterexample } of exploration?.invariants ?? [])
        expect(holds).toBe(counterexample === undefined);
      expect(exploration?.invariants.filter((one) => !one.holds).map((one) => one.name)).toEqual(
        vm === 'tdx' ? ['a live TD loses a page only to userspace'] : [],
      );
    }
  });

  it('list every VM type in the outcome', () => {
    expect((reports['outcome']?.['outcomes'] as { vm: string }[]).map(({ vm }) => vm)).toEqual([...VM_TYPES]);
  });

  it('have times only if a clock was given', async () => {
    expect(reports['check']).toHaveProperty('timings.reach', 7);
    const without = await Analysis.open(sampleTree(), await loadParser());
    expect(without.check(question)).not.toHaveProperty('timings');
  });

  it('sort callers: worst verdict first, direct ones before the others', () => {
    const callers = reports['check']?.['callers'] as { verdict: string; direct: boolean }[];
    const order = ['reachable', 'conditional', 'unknown', 'blocked', 'unreachable'];
    const keys = callers.map(({ verdict, direct }) => order.indexOf(verdict) * 2 + (direct ? 0 : 1));
    expect(keys).toEqual([...keys].sort((a, b) => a - b));
    expect(new Set(keys).size).toBeGreaterThan(3);
  });
});
