import type { Problem } from '../source/tree';
import { emptyFacts } from './empty-facts';
import type { FileFacts } from './facts';
import { LowerContext, locator } from './lower-context';
import { fileScopeCalls, lowerFile, reportErrors } from './lower-file';
import { generatedFunctions } from './lower-generated';
import { lowerMacros, type ParseText } from './lower-macros';
import { maskKernelC } from './mask';
import { type CParser, MAX_TEXT } from './parser';
import { type SyntaxNode, TreeCopier } from './syntax-node';
import { textHash } from './text-hash';

/**
 * The facts of one file. Total: any text gives facts, and what was not understood is among their problems, by line.
 */
export function readFacts(parser: CParser, path: string, text: string): FileFacts {
  return factsWith(parseWith(parser), path, text);
}

/** The syntax tree of a masked text by a parser. */
export function parseWith(parser: CParser): ParseText {
  const copier = new TreeCopier();
  return (text) => parseTo(copier, parser, text);
}

/** The same through any engine: `parse` gives the syntax tree of a masked text. */
export function factsWith(parse: ParseText, path: string, text: string): FileFacts {
  const lines = countLines(text);
  const hash = textHash(text);
  const fault = unreadable(text);
  if (fault !== undefined) return { ...emptyFacts(path, hash, lines), problems: [{ file: path, message: fault }] };
  const masked = maskKernelC(text);
  const root = parse(masked.text);
  if (root === null)
    return { ...emptyFacts(path, hash, lines), problems: [{ file: path, message: 'parsing was cancelled' }] };
  const ctx = new LowerContext(path, text, masked, locator(text), typeNames(root, masked.text));
  for (const { at, message } of masked.faults) ctx.problem(at, message);
  reportErrors(ctx, root);
  const { functions, fileScopeCalls: others, ...items } = lowerFile(ctx, root);
  const generated = generatedFunctions(ctx, parse);
  const macros = lowerMacros(ctx, parse, generated.generators);
  const includes = masked.includes.map(({ target, system, start }) => ({
    target,
    system,
    at: ctx.at(start),
    ...ctx.when(start),
  }));
  return {
    path,
    hash,
    lines,
    functions: [...functions, ...generated.functions],
    ...items,
    structs: ctx.structs,
    enumerators: ctx.enumerators,
    macros,
    undefs: masked.undefs.map(({ name, start }) => ({ name, at: ctx.at(start) })),
    includes,
    fileScopeCalls: fileScopeCalls(ctx, others),
    problems: inOrder(ctx.problems),
  };
}

function parseTo(copier: TreeCopier, parser: CParser, text: string): SyntaxNode | null {
  const tree = parser.parse(text);
  if (tree === null) return null;
  const cursor = tree.walk();
  try {
    return copier.copy(cursor, tree.rootNode.hasError);
  } finally {
    cursor.delete();
    tree.delete();
  }
}

/** By line, each once. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return [...problems]
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
    .filter(({ line, message }) => {
      const key = `${line ?? 0} ${message}`;
      return !seen.has(key) && seen.add(key);
    });
}

function unreadable(text: string): string | undefined {
  if (text.length > MAX_TEXT) return `skipped: ${text.length} characters are more than ${MAX_TEXT}`;
  if (text.includes('\0')) return 'skipped: not a text file';
  return undefined;
}

function countLines(text: string): number {
  let lines = text === '' || text.endsWith('\n') ? 0 : 1;
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) lines += 1;
  return lines;
}

/** The names that the file's own typedefs define. */
function typeNames(root: SyntaxNode, text: string): Set<string> {
  const names = new Set<string>();
  const find = (node: SyntaxNode): void => {
    if (node.type === 'type_identifier') names.add(text.slice(node.start, node.end));
    for (const each of node.children) if (each.field === 'declarator' || /declarator$/.test(each.type)) find(each);
  };
  for (const node of root.children) if (node.type === 'type_definition') find(node);
  return names;
}
