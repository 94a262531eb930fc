import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { kvmFiles } from '../../extension/core/source/kvm-files';
import type { FileFacts } from '../../extension/core/syntax/facts';
import type { ParseText } from '../../extension/core/syntax/lower-macros';
import { CParser } from '../../extension/core/syntax/parser';
import { factsWith, readFacts } from '../../extension/core/syntax/read-facts';
import { type EngineCursor, TreeCopier } from '../../extension/core/syntax/syntax-node';
import { folderTree } from './linked';
import { describeTree } from './trees';

const require = createRequire(import.meta.url);

/** The part of the native package that is used. */
interface NativeParser {
  setLanguage(language: unknown): void;
  parse(text: string, old: undefined, options: { bufferSize: number }): NativeTree;
}

interface NativeTree {
  readonly rootNode: { readonly hasError: boolean };
  walk(): EngineCursor;
}

/** `undefined` where the native package does not load, for want of a prebuilt binary. */
function nativeParse(): ParseText | undefined {
  let parser: NativeParser;
  try {
    const Parser = require('tree-sitter') as new () => NativeParser;
    parser = new Parser();
    parser.setLanguage(require('tree-sitter-c'));
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    return undefined;
  }
  const copier = new TreeCopier();
  return (text) => {
    // Without room for the whole text the engine refuses texts above 32 kB.
    const tree = parser.parse(text, undefined, { bufferSize: 4 * text.length + 1024 });
    return copier.copy(tree.walk(), tree.rootNode.hasError);
  };
}

/** web-tree-sitter with the grammar of the native package: the version that both engines have. */
function wasmOfNativeGrammar(): Promise<CParser> {
  const grammar = readFileSync(require.resolve('tree-sitter-c/tree-sitter-c.wasm'));
  return CParser.load({
    engine: readFileSync(require.resolve('web-tree-sitter/web-tree-sitter.wasm')),
    grammar,
    grammarSha256: createHash('sha256').update(grammar).digest('hex'),
  });
}

describeTree('7.x', (top) => {
  const parse = nativeParse();

  it.skipIf(parse === undefined)('native tree-sitter and web-tree-sitter give the same facts', async () => {
    if (parse === undefined) return;
    const wasm = await wasmOfNativeGrammar();
    let functions = 0;
    const differing: string[] = [];
    for (const path of await kvmFiles(folderTree(top))) {
      const text = readFileSync(join(top, path), 'utf8');
      const facts: FileFacts = factsWith(parse, path, text);
      functions += facts.functions.length;
      if (JSON.stringify(facts) !== JSON.stringify(readFacts(wasm, path, text))) differing.push(path);
    }
    expect(differing).toEqual([]);
    expect(functions).toBeGreaterThan(4000);
  });
});
