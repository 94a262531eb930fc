import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../extension/core/input-error';
import { startOf } from '../../extension/core/mmu/scenario';
import { ACTIONS } from '../../extension/core/mmu/scenario-actions';
import { readScenario, scenarioSchema } from '../../extension/core/mmu/scenario-file';
import { readJson } from '../../extension/core/mmu/scenario-json';
import { septEntry } from '../../extension/core/mmu/sept';
import { VM_TYPES } from '../../extension/core/reach/verdict';
import { SAMPLE } from '../sample';

function fault(text: string): string {
  try {
    readScenario(text);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return 'taken';
}

const withMember = (name: string, value: unknown): string => JSON.stringify({ name: 'n', [name]: value });
const withAction = (action: unknown): string => withMember('actions', [{ action: 'zap' }, action]);

describe('a scenario file', () => {
  it('says what the VM is before the actions', () => {
    const scenario = readScenario(readFileSync(join(SAMPLE, 'scenario.json'), 'utf8'));
    expect(scenario).toMatchObject({
      name: 'a zapped page is accepted again',
      vms: ['tdx', 'default'],
      vcpus: 2,
      range: { start: 0x100n, end: 0x101n },
      sharedPages: [
        { gfn: 0x200n, level: 1 },
        { gfn: 0x400n, level: 2 },
      ],
    });
    expect(scenario.actions?.map(({ action }) => action)).toEqual([
      'zap',
      'fault',
      'accept',
      'fault',
      'convert',
      'fault',
    ]);
    const { td, roots, vcpus } = startOf(scenario, 'tdx', { mirrorRoots: true, tdpMmu: true });
    if (td === undefined) throw new Error('a TD');
    expect([0x100n, 0x101n, 0x102n].map((gfn) => septEntry(td, gfn, 1).state)).toEqual(['MAPPED', 'MAPPED', 'PENDING']);
    expect(roots.map(({ kind, leaves }) => [kind, leaves.size])).toEqual([
      ['direct', 2],
      ['mirror', 3],
    ]);
    expect(vcpus).toHaveLength(2);
  });

  it('needs no more than a name, and takes gfns as numbers and as text', () => {
    expect(readScenario('{"name":"n"}')).toMatchObject({ vms: VM_TYPES, vcpus: 2, tdState: 'RUNNABLE', host: {} });
    expect(readScenario(withMember('private', [256, '0x101', '0xFFF'])).privatePages).toEqual([0x100n, 0x101n, 0xfffn]);
    expect(readScenario(withMember('range', { start: 0, end: '0x10000000000000' })).range.end).toBe(1n << 52n);
    expect(readScenario(withMember('vm', 'snp')).vms).toEqual(['snp']);
    const slot = { base: '0x100000', pages: 16, addressSpace: 1 };
    expect(readScenario(withMember('memslots', [slot])).memslots).toEqual([
      { base: 0x100000n, pages: 16n, addressSpace: 1 },
    ]);
  });

  it.each([
    ['', '$', 'is no JSON: the end where a value is due (line 1, column 1)'],
    ['{"name":"n",}', '$', `is no JSON: "}" where a name in double quotes is due (line 1, column 13)`],
    ['{"name":"n"', '$', 'is no JSON: the end where a comma or } is due (line 1, column 12)'],
    ['{\n "name" "n"}', '$', `is no JSON: "\\"" where a colon is due (line 2, column 9)`],
    ['{"name":"n"} x', '$', 'is no JSON: "x" after the value (line 1, column 14)'],
    ['{"name":n}', '$', 'is no JSON: "n" where a value is due (line 1, column 9)'],
    ['\uFEFF{"name":"n"}', '$', 'starts with a byte order mark; JSON has none (line 1, column 1)'],
    ['{"name":"\uFFFD"}', '$', 'is no UTF-8 (line 1, column 10)'],
    ['[[[[[[[[[[[[[[[[[', '$', 'has more than 16 levels of lists and objects (line 1, column 17)'],
  ])('that is no JSON, %j, is told with its place', (text, _, message) => {
    expect(fault(text)).toBe(message);
  });

  it.each([
    ['[]', '$: a list is not of type object'],
    ['{}', '$.name: missing'],
    ['{"name":"n","name":"m"}', '$.name: given twice'],
    ['{"name":""}', '$.name: "" is not text of 1 to 64 printable ASCII characters'],
    ['{"name":"n","__proto__":{"vcpus":1}}', /^\$\.__proto__: there is no such member; there are \$schema, name, /],
    ['{"name":"n","a b":1}', /^\$\["a b"\]: there is no such member/],
    ['{"name":"n","constructor":1}', /^\$\.constructor: there is no such member/],
    [withMember('vm', 'riscv'), '$.vm: there is no "riscv"; there are tdx, default, sw-protected, sev, sev-es, snp'],
    [withMember('vm', ['tdx', 'x']), /^\$\.vm\[1\]: there is no "x"/],
    [withMember('vcpus', 17), '$.vcpus: 17 is not a number of vCPUs from 0 to 16'],
    [withMember('vcpus', 1.5), '$.vcpus: 1.5 is not a number of vCPUs from 0 to 16'],
    ['{"name":"n","vcpus":1e400}', /^\$\.vcpus: Infinity is not/],
    ['{"name":"n","private":[4503599627370496]}', /^\$\.private\[0\]: 4503599627370496 is not a gfn/],
    [
      withMember('private', ['256']),
      '$.private[0]: "256" is not a gfn: a whole number, or text such as "0xfee00", below 2^52',
    ],
    [withMember('private', [-1]), /^\$\.private\[0\]: -1 is not a gfn/],
    [withMember('private', ['0x100', 0x100]), '$.private[1]: gfn 0x100 is in $.private[0] already'],
    [withMember('shared', [{ gfn: 0x200, level: 2 }, 0x3ff]), '$.shared[1]: gfn 0x3ff is in $.shared[0] already'],
    [withMember('shared', [{ gfn: 0x201, level: 2 }]), '$.shared[0]: gfn 0x201 is not where a 2M page may start'],
    [withMember('shared', ['0x1000']), '$.shared[0]: no memslot of address space 0 holds gfn 0x1000'],
    [withMember('shared', [{ gfn: 1, level: 3 }]), '$.shared[0].level: 3 is not 1 (a 4K page) or 2 (a 2M page)'],
    [withMember('memslots', [{ base: 0, pages: 0 }]), /^\$\.memslots\[0\]\.pages: 0 is not a number of pages/],
    [
      withMember('memslots', [
        { base: 0, pages: 2 },
        { base: 1, pages: 1 },
      ]),
      '$.memslots[1]: gfn 0x1 is in $.memslots[0] already',
    ],
    [
      withMember(
        'private',
        Array.from({ length: 257 }, (_, i) => i),
      ),
      '$.private: 257 items, at most 256 are taken',
    ],
    [JSON.stringify({ name: 'n', td: 'UNINITIALIZED', private: [1] }), /^\$\.td: a TD that is not initialised has no/],
    [withAction('zap'), '$.actions[1]: "zap" is no object'],
    [withAction({ gfn: 1 }), /^\$\.actions\[1\]\.action: missing; there are fault, accept, /],
    [withAction({ action: 'zip' }), /^\$\.actions\[1\]\.action: there is no "zip"; there are fault, /],
    [withAction({ action: 'fault' }), '$.actions[1].gfn: missing'],
    [withAction({ action: 'fault', gfn: 'x' }), /^\$\.actions\[1\]\.gfn: "x" is not a gfn/],
    [
      withAction({ action: 'fault', gfn: 1, level: 2 }),
      '$.actions[1].level: there is no such member; there are action, gfn, private, vcpu',
    ],
    [withAction({ action: 'fault', gfn: 1, vcpu: 2 }), '$.actions[1].vcpu: there is no vCPU 2; the scenario has 2'],
    [
      JSON.stringify({ name: 'n', vcpus: 0, actions: [{ action: 'run-vcpu' }] }),
      '$.actions[0].vcpu: there is no vCPU 0; the scenario has 0',
    ],
    [
      withMember(
        'actions',
        Array.from({ length: 65 }, () => ({ action: 'zap' })),
      ),
      '$.actions: 65 items, at most 64 are taken',
    ],
  ])('that is not as its schema says, %s, is told with the JSON path', (text, message) => {
    if (typeof message === 'string') expect(fault(text)).toBe(message);
    else expect(fault(text)).toMatch(message);
  });
});

it('JSON: what stands in a text is read as the built-in parser reads it', () => {
  const text = '{"a":[1,-0,2.5e3,"\\u00e9\\n\\"/",true,false,null,{}],"":[]}';
  expect(readJson(text)).toEqual(
    new Map<string, unknown>([
      ['a', [1, -0, 2500, 'é\n"/', true, false, null, new Map()]],
      ['', []],
    ]),
  );
});

describe('docs/scenarios.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/scenarios.md'), 'utf8');

  it('has an example that is read, and names every member and action', () => {
    const example = /```json\n([^]*?)```/.exec(page)?.[1] ?? '';
    expect(readScenario(example).actions?.map(({ action }) => action)).toEqual(['zap', 'fault', 'accept', 'convert']);
    const members = Object.keys(scenarioSchema().properties ?? {}).filter((name) => name !== '$schema');
    for (const name of [...members, ...Object.keys(ACTIONS)]) expect(page, name).toContain(`\`${name}\``);
  });
});
