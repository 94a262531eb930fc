import { Ajv2020 } from 'ajv/dist/2020';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../extension/core/input-error';
import { readScenario, scenarioSchema, type UserScenario } from '../../extension/core/mmu/scenario-file';
import { DEEPEST, isObject, type Json, readJson } from '../../extension/core/mmu/scenario-json';
import { checkJson } from '../../extension/core/mmu/scenario-schema';
import { sinkOutcome } from '../../extension/core/mmu/sink';
import { applied } from '../../extension/core/mmu/steps';
import { VM_TYPES } from '../../extension/core/reach/verdict';
import { programOf, SINK_ID } from '../unit/mmu-tree';

/** What comes of a text: a value, or the one line that says what is wrong. Anything else that is thrown is a defect. */
function attempt<T>(work: () => T): { readonly value: T } | { readonly fault: string } {
  try {
    return { value: work() };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.message).toMatch(/^[\x20-\x7e]+$/);
    return { fault: error.message };
  }
}

function plain(value: Json): unknown {
  if (isObject(value)) return Object.fromEntries([...value].map(([name, one]) => [name, plain(one)]));
  return Array.isArray(value) ? value.map((one: Json) => plain(one)) : value;
}

const gfn = fc.oneof(
  fc.integer({ min: 0, max: 0x110 }),
  fc.integer({ min: 0x3f0, max: 0x410 }).map((n) => `0x${n.toString(16)}`),
);
const vcpu = fc.integer({ min: 0, max: 1 });
const action = fc.oneof(
  fc.constant({ action: 'zap' }),
  fc.record({ action: fc.constant('zap'), start: gfn, end: gfn }),
  fc.record({ action: fc.constant('fault'), gfn, vcpu, private: fc.boolean() }, { requiredKeys: ['action', 'gfn'] }),
  fc.record({ action: fc.constant('accept'), gfn, vcpu }, { requiredKeys: ['action', 'gfn'] }),
  fc.record({ action: fc.constant('convert'), gfn, private: fc.boolean() }),
  fc.record({ action: fc.constant('unmap'), gfn, pages: fc.integer({ min: 1, max: 99 }) }),
  fc.record({ action: fc.constant('delete-memslot'), gfn }),
  fc.record({ action: fc.constant('run-vcpu'), vcpu }),
  fc.constant({ action: 'exit-vcpus' }),
  fc.constantFrom({ action: 'register-device' }, { action: 'unregister-device' }),
  fc.record({ action: fc.constantFrom('set-inhibit', 'clear-inhibit'), reason: fc.constantFrom('IRQWIN', 'X') }),
);
const scenario = fc.record(
  {
    name: fc.constant('any'),
    td: fc.constantFrom('INITIALIZED', 'RUNNABLE'),
    shadow: fc.boolean(),
    private: fc.uniqueArray(fc.integer({ min: 0, max: 0xff }), { maxLength: 4 }),
    pending: fc.uniqueArray(fc.integer({ min: 0x100, max: 0x110 }), { maxLength: 3 }),
    shared: fc.constantFrom([], [{ gfn: '0x200', level: 2 }], ['0x3ff']),
    actions: fc.array(action, { maxLength: 8 }),
  },
  { requiredKeys: ['name', 'actions'] },
);

/** Texts near a scenario file: a part cut out, doubled, or exchanged. */
const nearJson = fc
  .tuple(
    scenario.map((value) => JSON.stringify(value)),
    fc.nat(),
    fc.nat(40),
    fc.constantFrom('', '"', '{', ']', '\\', '1e999', '__proto__', '\u0000', '\uFFFD', 'é'),
  )
  .map(([text, from, length, instead]) => {
    const start = from % (text.length + 1);
    return text.slice(0, start) + instead + text.slice(start + length);
  });

/** Values near a scenario: any member, at any place, may be of any type. */
const nearScenario = fc.tuple(scenario, fc.nat(), fc.json({ maxDepth: 2 })).map(([value, at, other]) => {
  const names = [
    'name',
    'vm',
    'host',
    'vcpus',
    'td',
    'shadow',
    'memslots',
    'private',
    'shared',
    'range',
    'actions',
    'x',
  ];
  const wild: unknown = JSON.parse(other);
  if (at % 3 === 0) return { ...value, [names[at % names.length] ?? 'x']: wild };
  if (at % 3 === 1) return { ...value, actions: [...value.actions, wild] };
  const [first, ...rest] = value.actions;
  return {
    ...value,
    actions: [{ ...first, [['gfn', 'vcpu', 'private', 'start', 'y'][at % 5] ?? 'y']: wild }, ...rest],
  };
});

describe('any text', () => {
  it.each([
    ['made at random', fc.string({ unit: 'binary', maxLength: 200 })],
    ['near a scenario file', nearJson],
  ])('%s is read or refused in one line, and quickly', (_, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        const started = performance.now();
        attempt(() => readScenario(text));
        expect(performance.now() - started).toBeLessThan(500);
      }),
      { numRuns: 2000 },
    );
  });

  it('is JSON to us where it is to the built-in parser, and means the same', () => {
    const depth = (text: string): number => text.replace(/[^[{]/g, '').length;
    fc.assert(
      fc.property(fc.oneof(nearJson, fc.json()), (text) => {
        const ours = attempt(() => readJson(text));
        let theirs: unknown;
        try {
          theirs = JSON.parse(text);
        } catch {
          expect(ours).toHaveProperty('fault');
          return;
        }
        if ('value' in ours) expect(plain(ours.value)).toEqual(theirs);
        else if (!ours.fault.endsWith('given twice') && !ours.fault.startsWith('is no UTF-8'))
          expect(depth(text)).toBeGreaterThan(DEEPEST);
      }),
      { numRuns: 3000 },
    );
  });

  it.each(['[', '{"a":', '[[],', '"', '9', '{"a":1,'])('of 64 KB of %s is refused, and quickly', (part) => {
    const started = performance.now();
    expect(attempt(() => readScenario(part.repeat(65_536 / part.length)))).toHaveProperty('fault');
    expect(performance.now() - started).toBeLessThan(500);
  });
});

it('the checker refuses what a validator of JSON Schema refuses, and nothing else', () => {
  const schema = scenarioSchema();
  const validate = new Ajv2020({ strict: true, strictRequired: false }).compile(schema);
  const answers = new Set<boolean>();
  fc.assert(
    fc.property(fc.oneof(scenario, nearScenario), (value) => {
      const text = JSON.stringify(value);
      const ours = attempt(() => {
        checkJson(schema, readJson(text));
      });
      const fits = validate(JSON.parse(text));
      answers.add(fits);
      expect('value' in ours, text).toBe(fits);
    }),
    { numRuns: 3000 },
  );
  expect(answers.size).toBe(2);
});

describe('any scenario', () => {
  it('comes to an outcome: no crash, the same twice, its steps lead from start to end', async () => {
    const program = await programOf({});
    let played = 0;
    fc.assert(
      fc.property(scenario, fc.constantFrom(...VM_TYPES), (value, vm) => {
        const read = attempt(() => readScenario(JSON.stringify(value)));
        if (!('value' in read)) return;
        played += 1;
        const question = { vm, sinks: ['zap_it'], host: {}, assumptions: true };
        const once = sinkOutcome(program, SINK_ID, question, () => 'unknown', read.value);
        expect(
          applied(
            once.start,
            once.trace.flatMap((event) => event.changes),
          ),
        ).toEqual(once.end);
        expect(once.leaked).toEqual([]);
        expect(once.classes.includes('private-data-lost') && vm !== 'tdx').toBe(false);
        expect(sinkOutcome(program, SINK_ID, question, () => 'unknown', read.value)).toEqual(once);
      }),
      { numRuns: 400 },
    );
    expect(played).toBeGreaterThan(100);
  });

  it('as large as files may be is played in time', async () => {
    const pages = Array.from({ length: 256 }, (_, i) => i);
    const actions = Array.from({ length: 64 }, (_, i) =>
      i % 2 === 0 ? { action: 'zap' } : { action: 'accept', gfn: i },
    );
    const shared = pages.map((page) => page + 0x200);
    const large: UserScenario = readScenario(JSON.stringify({ name: 'large', private: pages, shared, actions }));
    // Conditions that nobody can decide split the run each time.
    const program = await programOf({ entry: 'if (kvm->arch.nr) return;' });
    const question = { vm: 'tdx', sinks: ['zap_it'], host: {}, assumptions: true } as const;
    const started = performance.now();
    expect(sinkOutcome(program, SINK_ID, question, () => 'unknown', large).classes).toContain('private-data-lost');
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});
