import type { FunctionFact, Pos } from './facts';
import { foldSpace, type LowerContext } from './lower-context';
import { lowerFile, reportErrors } from './lower-file';
import type { ParseText } from './lower-macros';
import { readMacroCall, substitute } from './macro-text';
import { maskKernelC } from './mask';
import type { Define } from './masked';

/** Most text that the generators of one file may make, in UTF-16 units: a bound for macros that multiply. */
const MAX_GENERATED = 1 << 20;
const MAX_NESTING = 6;

export interface Generated {
  readonly functions: readonly FunctionFact[];
  /** The macros that made them. */
  readonly generators: ReadonlySet<string>;
}

/**
 * The functions that macros of this file define at file scope (`BUILD_ACCESSORS(rax, RAX)`): the macro's body with
 * its arguments put in, read as C. All positions are those of the macro call. A macro of another file is left to the
 * linker, as a file-scope call.
 */
export function generatedFunctions(file: LowerContext, parse: ParseText): Generated {
  const candidates = generatorCandidates(file.masked.defines);
  const functions: FunctionFact[] = [];
  const generators = new Set<string>();
  if (candidates.size === 0) return { functions, generators };
  const { text, pieces } = expandCalls(file, candidates);
  if (text === '') return { functions, generators };
  const masked = maskKernelC(text);
  const root = parse(masked.text);
  if (root === null) return { functions, generators };
  const pieceAt = (offset: number): Piece | undefined => pieces.findLast((piece) => piece.start <= offset);
  const ctx = file.forText(text, masked, (offset) => pieceAt(offset)?.at ?? 0);
  for (const node of root.children) {
    const piece = pieceAt(node.start);
    if (piece === undefined || node.type !== 'function_definition') continue;
    reportErrors(ctx, node);
    generators.add(piece.macro);
    for (const fact of lowerFile(ctx, { ...node, type: 'translation_unit', children: [node] }).functions)
      functions.push({ ...fact, from: piece.from, ...file.when(piece.offset) });
  }
  file.problems.push(...ctx.problems);
  return { functions, generators };
}

/** Where in the made text the expansion of one call stands. */
interface Piece {
  readonly start: number;
  readonly at: Pos;
  readonly macro: string;
  readonly from: string;
  readonly offset: number;
}

function expandCalls(
  file: LowerContext,
  candidates: ReadonlyMap<string, Define>,
): { readonly text: string; readonly pieces: readonly Piece[] } {
  let text = '';
  const pieces: Piece[] = [];
  for (const rewrite of file.masked.rewrites) {
    if (rewrite.kind !== 'file-scope-call') continue;
    const call = readMacroCall(rewrite.original);
    const define = call === undefined ? undefined : candidates.get(call.name);
    if (call === undefined || define === undefined) continue;
    const offset = rewrite.start + call.nameStart;
    const from = foldSpace(rewrite.original.slice(call.nameStart, call.end));
    const made = expandNested(substitute(define, call.args), candidates, MAX_GENERATED - text.length);
    if (made === undefined) {
      file.problem(offset, `${call.name}() makes too much text`);
      continue;
    }
    pieces.push({ start: text.length, at: file.at(offset), macro: call.name, from, offset });
    text += `${made};\n`;
  }
  return { text, pieces };
}

/** The macros of the file that can define a function: with a body in braces, or through another such macro. */
function generatorCandidates(defines: readonly Define[]): ReadonlyMap<string, Define> {
  const candidates = new Map<string, Define>();
  const isCandidate = ({ params, body }: Define): boolean =>
    params !== undefined &&
    (/\)\s*\{/.test(body) ||
      [...body.matchAll(/\b([A-Za-z_]\w*)\s*\(/g)].some(([, name = '']) => candidates.has(name)));
  for (let round = 0; round < MAX_NESTING; round++) {
    const known = candidates.size;
    for (const define of defines) if (isCandidate(define)) candidates.set(define.name, define);
    if (candidates.size === known) break;
  }
  return candidates;
}

/** The text with the generator calls in it expanded; `undefined` if it becomes longer than `limit`. */
function expandNested(text: string, candidates: ReadonlyMap<string, Define>, limit: number): string | undefined {
  let current = text;
  for (let round = 0; round < MAX_NESTING; round++) {
    if (current.length > limit) return undefined;
    const next = expandOnce(current, candidates);
    if (next === current) return current;
    current = next;
  }
  return current.length > limit ? undefined : current;
}

function expandOnce(text: string, candidates: ReadonlyMap<string, Define>): string {
  let made = '';
  let reached = 0;
  let depth = 0;
  for (const match of text.matchAll(/"(?:\\[\s\S]|[^"\\])*"|[{}]|\b[A-Za-z_]\w*(?=\s*\()/g)) {
    const [word] = match;
    if (word === '{') depth += 1;
    else if (word === '}') depth -= 1;
    const define = depth === 0 && match.index >= reached ? candidates.get(word) : undefined;
    const call = define === undefined ? undefined : readMacroCall(text, match.index);
    if (define === undefined || call === undefined) continue;
    made += text.slice(reached, match.index) + substitute(define, call.args);
    reached = call.end;
  }
  return made + text.slice(reached);
}
