import type { Expr, FunctionFact, MacroFact, Pos, Stmt } from './facts';
import { LowerContext, type Locate } from './lower-context';
import { lowerFile, splitArguments } from './lower-file';
import { maskKernelC } from './mask';
import type { Define, MaskedSource } from './masked';
import type { SyntaxNode } from './syntax-node';

/** Parses a text; the syntax tree as plain objects, `null` if cancelled. */
export type ParseText = (text: string) => SyntaxNode | null;

/** Pieces of a file put one behind the other, each in a function of its own, with the way back to the file. */
interface Piece {
  readonly define: Define;
  /** Where the body stands in the made text. */
  readonly start: number;
  readonly end: number;
}

/** The three things that a macro's body can be, and the C around it that makes it parse. */
const SHAPES = [
  { before: 'void _(void) { return ', after: '; }\n' },
  { before: 'void _(void) { ', after: '; }\n' },
  { before: 'void _(void) { ', after: ' {} }\n' },
] as const;

/**
 * The macros of a file. Bodies are parsed all together: first as expressions, those that are none as statements, then
 * as loop heads. A body with `#` or `##`, or one that is nothing of these, stays text.
 */
export function lowerMacros(file: LowerContext, masked: MaskedSource, parse: ParseText): MacroFact[] {
  const bodies = new Map<Define, { expr?: Expr; stmts?: readonly Stmt[] }>();
  let open = masked.defines.filter(({ body }) => body.trim() !== '' && !body.includes('#'));
  for (const [shape, { before, after }] of SHAPES.entries()) {
    if (open.length === 0) break;
    let text = '';
    const pieces: Piece[] = [];
    for (const define of open) {
      text += before;
      pieces.push({ define, start: text.length, end: text.length + define.body.length });
      text += define.body + after;
    }
    const root = parse(maskKernelC(text).text);
    if (root === null) break;
    const remaining: Define[] = [];
    const locate: Locate = (offset) => locateIn(pieces, offset, file);
    const ctx = new LowerContext(file.path, text, maskKernelC(text), locate, file.typeNames);
    const parsed = functionsByPiece(root, pieces);
    for (const piece of pieces) {
      const node = parsed.get(piece);
      const stmts =
        node === undefined || hasError(node)
          ? undefined
          : lowerFile(ctx, { ...node, children: [node] }).functions[0]?.body;
      const only = stmts?.[0];
      if (stmts === undefined) remaining.push(piece.define);
      else if (shape > 0) bodies.set(piece.define, { stmts });
      else if (stmts.length === 1 && only?.k === 'return' && only.x !== undefined)
        bodies.set(piece.define, { expr: only.x });
      else remaining.push(piece.define);
    }
    open = remaining;
  }
  return masked.defines.map((define) => ({
    name: define.name,
    at: file.at(define.nameStart),
    ...(define.params === undefined ? {} : { params: define.params }),
    text: define.body.replace(/\s+/g, ' ').trim(),
    ...bodies.get(define),
    ...file.when(define.nameStart),
  }));
}

/** The function that each piece became; none if an error swallowed it. */
function functionsByPiece(root: SyntaxNode, pieces: readonly Piece[]): Map<Piece, SyntaxNode> {
  const found = new Map<Piece, SyntaxNode>();
  let next = 0;
  for (const node of root.children) {
    while (next < pieces.length && (pieces[next]?.end ?? Infinity) < node.start) next += 1;
    const piece = pieces[next];
    if (piece === undefined) break;
    // Exactly one piece inside, or the pieces ran into each other.
    const following = pieces[next + 1]?.start ?? Infinity;
    if (
      node.type === 'function_definition' &&
      node.start < piece.start &&
      node.end > piece.end &&
      node.end < following
    ) {
      found.set(piece, node);
    }
  }
  return found;
}

function hasError(node: SyntaxNode): boolean {
  return node.type === 'ERROR' || node.missing || node.children.some(hasError);
}

function locateIn(pieces: readonly Piece[], offset: number, file: LowerContext): Pos {
  let low = 0;
  let high = pieces.length;
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if ((pieces[middle]?.start ?? Infinity) <= offset) low = middle;
    else high = middle;
  }
  const piece = pieces[low];
  if (piece === undefined) return file.at(0);
  const inside = Math.min(Math.max(offset - piece.start, 0), piece.end - piece.start);
  return file.at(piece.define.bodyStart + inside);
}

/**
 * The functions that macros of this file define at file scope through `##` (`BUILD_ACCESSORS(rax, RAX)`): the macro's
 * body with its arguments put in, read as C. All positions are those of the macro call.
 */
export function generatedFunctions(file: LowerContext, masked: MaskedSource, parse: ParseText): FunctionFact[] {
  const generators = new Map<string, Define>();
  for (const define of masked.defines) {
    if (define.params !== undefined && define.body.includes('{') && define.body.includes('##'))
      generators.set(define.name, define);
  }
  if (generators.size === 0) return [];
  let text = '';
  const pieces: { start: number; at: Pos; from: string; offset: number }[] = [];
  for (const rewrite of masked.rewrites) {
    if (rewrite.kind !== 'file-scope-call') continue;
    const match = /^(\w+)\s*\(([\s\S]*)\)\s*;?$/.exec(rewrite.original);
    const define = generators.get(match?.[1] ?? '');
    if (define === undefined) continue;
    const from = rewrite.original.replace(/\s+/g, ' ').replace(/\s*;$/, '');
    pieces.push({ start: text.length, at: file.at(rewrite.start), from, offset: rewrite.start });
    text += `${substitute(define, splitArguments(match?.[2] ?? ''))};\n`;
  }
  if (text === '') return [];
  const inner = maskKernelC(text);
  const root = parse(inner.text);
  if (root === null) return [];
  const pieceAt = (offset: number): (typeof pieces)[number] | undefined =>
    pieces.findLast((piece) => piece.start <= offset);
  const ctx = new LowerContext(file.path, text, inner, (offset) => pieceAt(offset)?.at ?? file.at(0), file.typeNames);
  const functions: FunctionFact[] = [];
  for (const node of root.children) {
    const piece = pieceAt(node.start);
    if (piece === undefined || node.type !== 'function_definition') continue;
    for (const fact of lowerFile(ctx, { ...node, type: 'translation_unit', children: [node] }).functions) {
      functions.push({ ...fact, from: piece.from, ...file.when(piece.offset) });
    }
  }
  return functions;
}

/** The body with parameters replaced; `#x` a string, `a##b` one word. */
function substitute(define: Define, args: readonly string[]): string {
  const params = define.params ?? [];
  const values = new Map<string, string>();
  for (const [index, param] of params.entries()) {
    const variadic = param.endsWith('...');
    const name = param === '...' ? '__VA_ARGS__' : param.replace(/\s*\.\.\.$/, '');
    values.set(name, variadic ? args.slice(index).join(', ') : (args[index] ?? ''));
  }
  return define.body
    .replace(/(^|[^#])#\s*(\w+)/g, (all, before: string, word: string) => {
      const value = values.get(word);
      return value === undefined ? all : `${before}"${value}"`;
    })
    .replace(/\b[A-Za-z_]\w*\b/g, (word) => values.get(word) ?? word)
    .replace(/\s*##\s*/g, '');
}
