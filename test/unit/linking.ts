import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { completeFacts } from '../../extension/core/program/complete';
import { linkProgram } from '../../extension/core/program/link';
import type { Program } from '../../extension/core/program/program';
import { CParser } from '../../extension/core/syntax/parser';
import { parseWith, readFacts } from '../../extension/core/syntax/read-facts';

let parser: Promise<CParser> | undefined;

/** The parser, loaded once per test file. */
export function cParser(): Promise<CParser> {
  const require = createRequire(import.meta.url);
  parser ??= CParser.load({
    engine: readFileSync(require.resolve('web-tree-sitter/web-tree-sitter.wasm')),
    grammar: readFileSync(new URL('../../grammars/tree-sitter-c.wasm', import.meta.url)),
  });
  return parser;
}

/** A program of small C texts by path. */
export async function link(files: Readonly<Record<string, string>>): Promise<Program> {
  const loaded = await cParser();
  const facts = Object.entries(files).map(([path, text]) => readFacts(loaded, path, text));
  return linkProgram(completeFacts(parseWith(loaded), facts), '');
}

/** `a -> file.c:b call` for every edge that leaves a function of that name, sorted. */
export function edgesOf(program: Program, caller: string): string[] {
  return program.edges
    .filter((edge) => edge.caller === caller)
    .map((edge) => `${edge.caller} -> ${edge.calleeId} ${edge.via}`)
    .sort();
}
