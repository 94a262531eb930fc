import { expect, test } from 'vitest';
import { completeFacts } from '../../extension/core/program/complete';
import type { FileFacts } from '../../extension/core/syntax/facts';
import { parseWith, readFacts } from '../../extension/core/syntax/read-facts';
import { cParser } from './linking';

async function read(files: Readonly<Record<string, string>>): Promise<FileFacts[]> {
  const parser = await cParser();
  return Object.entries(files).map(([path, text]) => readFacts(parser, path, text));
}

async function complete(facts: readonly FileFacts[]): Promise<FileFacts[]> {
  return completeFacts(parseWith(await cParser()), facts);
}

const LIST = '#ifdef CONFIG_X\nFIELD(1)\n#endif\nFIELD(2)\n';
const TABLE = 'static int table[] = {\n\t7,\n#define FIELD(x) x + 1\n#include "list.h"\n\t9,\n};\n';

test('a list that is included in an initialiser takes the place of the #include, its conditions with it', async () => {
  const facts = await read({ 'arch/x86/kvm/a.c': TABLE, 'arch/x86/kvm/list.h': LIST });
  const [table] = (await complete(facts))[0]?.variables ?? [];
  expect(table?.init?.k === 'init' && table.init.items.map(({ value, when }) => [value.k, when])).toEqual([
    ['num', undefined],
    ['binary', ['defined(CONFIG_X)']],
    ['binary', undefined],
    ['num', undefined],
  ]);
});

test('what needs nothing of others stays as it is, and what needs the same is completed once', async () => {
  const facts = await read({ 'arch/x86/kvm/a.c': TABLE, 'arch/x86/kvm/list.h': LIST });
  const [first, list] = await complete(facts);
  expect(list).toBe(facts[1]);
  expect(first).not.toBe(facts[0]);
  expect((await complete(facts))[0]).toBe(first);
  const [other] = await read({ 'arch/x86/kvm/list.h': 'FIELD(3)\n' });
  const [changed] = await complete([facts[0], other].filter((file) => file !== undefined));
  expect(changed?.variables).not.toEqual(first?.variables);
});

test('an #include in a body that cannot be read is a problem, and its statement stays opaque', async () => {
  const body = 'void f(void)\n{\n#include "absent.h"\n}\n';
  const [facts] = await complete(await read({ 'arch/x86/kvm/a.c': body }));
  expect(facts?.functions[0]?.body).toMatchObject([{ k: 'opaque', text: '#include "absent.h"' }]);
  expect(facts?.problems).toEqual([
    { file: 'arch/x86/kvm/a.c', line: 3, message: 'not understood: #include "absent.h"' },
  ]);
});

test('an #include above all definitions, or between two of them, is no part of any', async () => {
  const text = '#include "list.h"\nint a[] = { 1 };\n#include "list.h"\nvoid f(void)\n{\n}\n#include "list.h"\n';
  const facts = await read({ 'arch/x86/kvm/a.c': text, 'arch/x86/kvm/list.h': LIST });
  expect((await complete(facts))[0]).toBe(facts[0]);
});
