import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../extension/core/input-error';
import { CParser, GRAMMAR_SHA256 } from '../../extension/core/syntax/parser';
import { sha256 } from '../../extension/core/syntax/sha256';

const root = join(import.meta.dirname, '../..');
const engine = readFileSync(join(root, 'node_modules/web-tree-sitter/web-tree-sitter.wasm'));
const grammar = readFileSync(join(root, 'grammars/tree-sitter-c.wasm'));

describe('the grammar', () => {
  it('is the one that its README names', () => {
    expect(readFileSync(join(root, 'grammars/README.md'), 'utf8')).toContain(GRAMMAR_SHA256);
    expect(sha256(grammar)).toBe(GRAMMAR_SHA256);
  });

  it('is refused with other bytes', async () => {
    const other = Uint8Array.from(grammar);
    other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
    await expect(CParser.load({ engine, grammar: other })).rejects.toThrow(InputError);
  });
});

describe('sha256', () => {
  it.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ])('of %j', (text, hash) => {
    expect(sha256(new TextEncoder().encode(text))).toBe(hash);
  });
});

describe('parsing', () => {
  it('ends when it is cancelled, and parses again afterwards', async () => {
    const parser = await CParser.load({ engine, grammar });
    const long = 'int f(void) { return 1 + 2; }\n'.repeat(20_000);
    expect(parser.parse(long, () => true)).toBeNull();
    const tree = parser.parse('int x;');
    expect(tree?.rootNode.hasError).toBe(false);
    tree?.delete();
  });
});
