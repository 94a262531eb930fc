import type { Problem } from '../source/tree';
import type { FileFacts } from './facts';
import { fileScopeCalls, lowerFile } from './lower-file';
import { generatedFunctions, lowerMacros, type ParseText } from './lower-macros';
import { LowerContext, locator } from './lower-context';
import { maskKernelC } from './mask';
import { type CParser, MAX_TEXT } from './parser';
import { copyTree, type SyntaxNode } from './syntax-node';
import { textHash } from './text-hash';

/**
 * The facts of one file. Total: any text gives facts, and what was not understood is among their problems.
 */
export function readFacts(parser: CParser, path: string, text: string): FileFacts {
  return factsWith((masked) => parseWith(parser, masked), path, text);
}

/** The same through any engine: `parse` gives the syntax tree of a masked text. */
export function factsWith(parse: ParseText, path: string, text: string): FileFacts {
  const lines = countLines(text);
  const hash = textHash(text);
  const fault = unreadable(text);
  if (fault !== undefined) return emptyFacts(path, hash, lines, { file: path, message: fault });
  const masked = maskKernelC(text);
  const root = parse(masked.text);
  if (root === null) return emptyFacts(path, hash, lines, { file: path, message: 'parsing was cancelled' });
  const ctx = new LowerContext(path, text, masked, locator(text), typeNames(root, masked.text));
  for (const { at, message } of masked.faults) ctx.problem(at, message);
  const items = lowerFile(ctx, root);
  items.functions.push(...generatedFunctions(ctx, masked, parse));
  return {
    path,
    hash,
    lines,
    ...items,
    structs: ctx.structs,
    enumerators: ctx.enumerators,
    macros: lowerMacros(ctx, masked, parse),
    includes: masked.includes.map(({ target, system, start }) => ({
      target,
      system,
      at: ctx.at(start),
      ...ctx.when(start),
    })),
    fileScopeCalls: fileScopeCalls(ctx),
    problems: ctx.problems,
  };
}

function parseWith(parser: CParser, text: string): SyntaxNode | null {
  const tree = parser.parse(text);
  if (tree === null) return null;
  const cursor = tree.walk();
  try {
    return copyTree(cursor);
  } finally {
    cursor.delete();
    tree.delete();
  }
}

function unreadable(text: string): string | undefined {
  if (text.length > MAX_TEXT) return `skipped: ${text.length} characters are more than ${MAX_TEXT}`;
  if (text.includes('\0')) return 'skipped: not a text file';
  return undefined;
}

function emptyFacts(path: string, hash: string, lines: number, problem: Problem): FileFacts {
  return {
    path,
    hash,
    lines,
    functions: [],
    prototypes: [],
    variables: [],
    structs: [],
    typedefs: [],
    enumerators: [],
    macros: [],
    includes: [],
    fileScopeCalls: [],
    problems: [problem],
  };
}

function countLines(text: string): number {
  let lines = text === '' || text.endsWith('\n') ? 0 : 1;
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) lines += 1;
  return lines;
}

/** The names that the file's own typedefs define. */
function typeNames(root: SyntaxNode, text: string): Set<string> {
  const names = new Set<string>();
  for (const node of root.children) {
    if (node.type !== 'type_definition') continue;
    for (const each of node.children) if (each.type === 'type_identifier') names.add(text.slice(each.start, each.end));
  }
  return names;
}
