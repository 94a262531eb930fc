import { expect, it } from 'vitest';
import { readFacts } from '../../extension/core/syntax/read-facts';
import { cParser } from './linking';

// In a file of its own: the engine is not to be used afterwards.
it('a text that breaks the parsing engine down is kept away from it, and if not the parser says so ever after', async () => {
  const parser = await cParser();
  const text = '.a = '.repeat(3000);
  expect(readFacts(parser, 'a.c', text).problems.map(({ message }) => message)).toContainEqual(
    expect.stringContaining('not C'),
  );
  expect(() => parser.parse(text)).toThrow(/broke down on a text of 15000 characters/);
  expect(() => parser.parse('int x;')).toThrow(/broke down before/);
});
