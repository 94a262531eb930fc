import { expect, it } from 'vitest';
import { maskKernelC } from '../../extension/core/syntax/mask';
import { readFacts } from '../../extension/core/syntax/read-facts';
import { cParser } from './linking';

const source = (...body: string[]): string =>
  ['void f(int a)', '{', ...body, '}', '', 'void g(void)', '{', '\th();', '}', ''].join('\n');

it('a brace that is not closed yet loses no function behind it, and is a problem', async () => {
  const facts = readFacts(
    await cParser(),
    'a.c',
    source('\tif (a) {', '\t\tfirst();', '\tfor_each_x(a) {', '\t\tsecond();', '\tlast();'),
  );
  expect(facts.functions.map(({ name, firstLine, lastLine }) => [name, firstLine, lastLine])).toEqual([
    ['f', 1, 8],
    ['g', 10, 13],
  ]);
  expect(facts.problems).toEqual([{ file: 'a.c', line: 8, message: 'a { before this } is not closed' }]);
  const [f] = facts.functions;
  expect(JSON.stringify(f?.body)).toMatch(/first.*second.*last/);
});

it('it is closed before the last statement, never within one', () => {
  const text = source('\tif (a) {', '\t\tfirst();', '\treturn a +', '\t       1;');
  expect(maskKernelC(text).text).toBe(text.replace('\treturn', '}return'));
});

it('braces of a file that has as many of each stay, wherever they stand', () => {
  const text = 'extern struct s t;\nint f(void)\n{\nif (a) {\nb();\n}\nelse\n{\nc();\n}\n}\nint g(void)\n{\n}\n';
  expect(maskKernelC(text)).toMatchObject({ text, rewrites: [], faults: [] });
});

it('an unclosed brace without room for another stays a fault', () => {
  const text = 'int f(void)\n{\nif (a) {\nb();\n}\n';
  const masked = maskKernelC(text);
  expect(masked.text).toBe(text);
  expect(masked.faults.map(({ message }) => message)).toEqual(['a { before this } is not closed']);
}); // prettier-ignore
