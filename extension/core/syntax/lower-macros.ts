import type { Expr, MacroFact, Pos, Stmt } from './facts';
import type { LowerContext, Locate } from './lower-context';
import { lowerBlock } from './lower-stmt';
import { bodyAsC } from './macro-text';
import { maskKernelC } from './mask';
import type { Define } from './masked';
import { oneSpelling } from './one-spelling';
import { child, type SyntaxNode } from './syntax-node';
import { isOpaque, walkStmts } from './walk';

/** Parses a masked text; the syntax tree as plain objects, `null` if cancelled. */
export type ParseText = (text: string) => SyntaxNode | null;

/** A macro's body in a made text, with the way back to the file. */
interface Piece {
  readonly define: Define;
  readonly start: number;
  readonly end: number;
}

interface Candidate {
  readonly define: Define;
  /** The body as C, unit for unit. */
  readonly text: string;
}

interface Body {
  readonly expr?: Expr;
  readonly stmts?: readonly Stmt[];
}

/** The three things that a macro's body can be, and the C around it that makes it parse. */
const SHAPES = [
  { kind: 'expr', before: 'void _(void) { return ', after: '; }\n' },
  { kind: 'stmts', before: 'void _(void) { ', after: '; }\n' },
  { kind: 'head', before: 'void _(void) { ', after: ' {} }\n' },
] as const;

/** Begins a statement and never an expression. */
const STATEMENT = /^\s*(?:return|goto|break|continue|if|for|while|do|switch|case|default|asm|__asm__)\b/;

/**
 * The macros of a file. Bodies are parsed all together: first as expressions, those that are none as statements, then
 * as loop heads. A body that pastes names, or is nothing of these, stays text; so do those of `generators`, which
 * define functions.
 */
export function lowerMacros(file: LowerContext, parse: ParseText, generators: ReadonlySet<string>): MacroFact[] {
  const { defines } = file.masked;
  const bodies = new Map<Define, Body>();
  let open: Candidate[] = [];
  for (const define of defines) {
    const text = define.body.trim() === '' || generators.has(define.name) ? undefined : bodyAsC(define.body);
    if (text !== undefined) open.push({ define, text });
  }
  for (const shape of SHAPES) {
    const [now, later] = shape.kind === 'expr' ? partition(open, ({ text }) => !STATEMENT.test(text)) : [open, []];
    open = [...later, ...parseShape(file, parse, shape, now, bodies)];
  }
  return defines.map((define) => ({
    name: oneSpelling(define.name),
    at: file.at(define.nameStart),
    ...(define.params === undefined ? {} : { params: define.params }),
    text: oneSpelling(define.body.replace(/\s+/g, ' ').trim()),
    ...bodies.get(define),
    ...file.when(define.nameStart),
  }));
}

/** Parses the candidates in one text of functions; what is understood goes to `bodies`, the others are returned. */
function parseShape(
  file: LowerContext,
  parse: ParseText,
  shape: (typeof SHAPES)[number],
  candidates: readonly Candidate[],
  bodies: Map<Define, Body>,
): readonly Candidate[] {
  if (candidates.length === 0) return [];
  let made = '';
  const pieces: Piece[] = [];
  for (const { define, text } of candidates) {
    made += shape.before;
    pieces.push({ define, start: made.length, end: made.length + text.length });
    made += text + shape.after;
  }
  const masked = maskKernelC(made);
  const root = parse(masked.text);
  if (root === null) return candidates;
  const ctx = file.forText(made, masked, locateIn(pieces, file.at));
  const blocks = blocksByPiece(root, pieces);
  return candidates.filter(({ define }) => {
    const block = blocks.get(define);
    const body = block === undefined || hasError(block) ? undefined : readBody(lowerBlock(ctx, block), shape.kind);
    if (body !== undefined) bodies.set(define, body);
    return body === undefined;
  });
}

function readBody(stmts: readonly Stmt[], kind: (typeof SHAPES)[number]['kind']): Body | undefined {
  if (kind === 'expr') {
    const [only, ...more] = stmts;
    return only?.k === 'return' && only.x !== undefined && more.length === 0 ? { expr: only.x } : undefined;
  }
  // The braces of a head's body, left alone, are no statement of the macro.
  let understood = stmts.length > 0 && !(kind === 'head' && stmts[0]?.k === 'block');
  walkStmts(stmts, (stmt) => {
    if (isOpaque(stmt)) understood = false;
  });
  return understood ? { stmts } : undefined;
}

/** The body of the function that each piece became; none if an error swallowed it or ran two into one. */
function blocksByPiece(root: SyntaxNode, pieces: readonly Piece[]): Map<Define, SyntaxNode> {
  const found = new Map<Define, SyntaxNode>();
  let next = 0;
  for (const node of root.children) {
    while ((pieces[next]?.end ?? Infinity) < node.start) next += 1;
    const piece = pieces[next];
    if (piece === undefined) break;
    const block = child(node, 'body');
    const following = pieces[next + 1]?.start ?? Infinity;
    const isAlone = node.start < piece.start && node.end > piece.end && node.end < following;
    if (node.type === 'function_definition' && block !== undefined && isAlone) found.set(piece.define, block);
  }
  return found;
}

function hasError(node: SyntaxNode): boolean {
  return node.type === 'ERROR' || node.type === 'TOO_DEEP' || node.missing || node.children.some(hasError);
}

function locateIn(pieces: readonly Piece[], at: Locate): Locate {
  return (offset): Pos => {
    let low = 0;
    let high = pieces.length;
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if ((pieces[middle]?.start ?? Infinity) <= offset) low = middle;
      else high = middle;
    }
    const piece = pieces[low];
    if (piece === undefined) return at(0);
    return at(piece.define.bodyStart + Math.min(Math.max(offset - piece.start, 0), piece.end - piece.start));
  };
}

function partition<T>(list: readonly T[], test: (each: T) => boolean): [yes: T[], no: T[]] {
  const yes: T[] = [];
  const no: T[] = [];
  for (const each of list) (test(each) ? yes : no).push(each);
  return [yes, no];
}
