import type { FunctionFact, Pos, When } from './facts';
import { lineOf } from './facts';
import { GUARD_CLASS_MACROS } from './guard-classes';
import type { LowerContext } from './lower-context';
import { lowerFile, reportErrors } from './lower-file';
import type { ParseText } from './lower-macros';
import { readMacroCall, substitute } from './macro-text';
import { maskKernelC } from './mask';
import { referenceValue } from './reference-value';
import type { Define } from './masked';

/** Most text that the generators of one file may make, in UTF-16 units: a bound for macros that multiply. */
const MAX_GENERATED = 1 << 20;
const MAX_NESTING = 6;

export interface Generated {
  readonly functions: readonly FunctionFact[];
  /** The macros that made them. */
  readonly generators: ReadonlySet<string>;
}

/** A macro call at file scope, as written. */
export interface GeneratorCall {
  readonly name: string;
  readonly args: readonly string[];
  readonly at: Pos;
  readonly when?: When;
}

/**
 * The functions that macros of this file define at file scope (`BUILD_ACCESSORS(rax, RAX)`). Of other files' macros only
 * those that define guard classes are known; the rest is left to `completeFacts()`, as a file-scope call.
 */
export function generatedFunctions(file: LowerContext, parse: ParseText): Generated {
  const macros = macrosOf(file.masked.defines.map((define) => ({ define, when: file.conditions(define.nameStart) })));
  const calls: GeneratorCall[] = [];
  for (const rewrite of file.masked.rewrites) {
    if (rewrite.kind !== 'file-scope-call') continue;
    const call = readMacroCall(rewrite.original);
    if (call === undefined) continue;
    const offset = rewrite.start + call.nameStart;
    calls.push({ name: call.name, args: call.args, at: file.at(offset), ...file.when(offset) });
  }
  return expandGenerators(file, parse, calls, macros);
}

/**
 * The functions that calls of generators define: the macro's body with its arguments put in, read as C. All positions
 * are those of the macro call. Problems go to `file`.
 */
export function expandGenerators(
  file: LowerContext,
  parse: ParseText,
  calls: readonly GeneratorCall[],
  macros: FileMacros,
): Generated {
  const functions: FunctionFact[] = [];
  const generators = new Set<string>();
  const { text, pieces } = expandCalls(file, calls, macros);
  if (text === '') return { functions, generators };
  const masked = maskKernelC(text);
  const root = parse(masked.text);
  if (root === null) return { functions, generators };
  const pieceAt = (offset: number): Piece | undefined => pieces.findLast((piece) => piece.start <= offset);
  const ctx = file.forText(text, masked, (offset) => pieceAt(offset)?.call.at ?? 0);
  for (const node of root.children) {
    const call = pieceAt(node.start)?.call;
    if (call === undefined || node.type !== 'function_definition') continue;
    reportErrors(ctx, node);
    generators.add(call.name);
    const from = `${call.name}(${call.args.join(', ')})`;
    const when = call.when === undefined ? {} : { when: call.when };
    for (const fact of lowerFile(ctx, { ...node, type: 'translation_unit', children: [node] }).functions)
      functions.push({ ...fact, from, ...when });
  }
  file.problems.push(...ctx.problems);
  return { functions, generators };
}

/** Where in the made text the expansion of one call stands. */
interface Piece {
  readonly start: number;
  readonly call: GeneratorCall;
}

function expandCalls(
  file: LowerContext,
  calls: readonly GeneratorCall[],
  macros: FileMacros,
): { readonly text: string; readonly pieces: readonly Piece[] } {
  let text = '';
  const pieces: Piece[] = [];
  for (const call of calls) {
    const define = macros.generators.get(call.name) ?? GUARD_CLASS_MACROS.get(call.name);
    if (define === undefined) continue;
    const made = expandNested(substitute(define, call.args), macros, MAX_GENERATED - text.length);
    if (made === undefined) {
      file.problems.push({ file: file.path, line: lineOf(call.at), message: `${call.name}() makes too much text` });
      continue;
    }
    pieces.push({ start: text.length, call });
    text += `${made};\n`;
  }
  return { text, pieces };
}

/** Macros by what the expansion of a generator does with them. */
export interface FileMacros {
  readonly all: ReadonlyMap<string, Define>;
  /** Can define a function: with a body in braces, or through another such macro. */
  readonly generators: ReadonlyMap<string, Define>;
  /** With unpaired braces (`BEGIN_X(f)`, `END_X`): no C before they are expanded. */
  readonly fragments: ReadonlySet<string>;
}

export function macrosOf(defines: readonly { readonly define: Define; readonly when: When }[]): FileMacros {
  const all = new Map<string, Define>();
  for (const { define, when } of defines) {
    // Of two definitions under an `#if` the one that the reference configuration has.
    const isOff = when.some((condition) => referenceValue(condition) === false);
    if (!all.has(define.name) || !isOff) all.set(define.name, define);
  }
  const generators = new Map<string, Define>();
  const fragments = new Set<string>();
  for (const define of all.values()) if (hasUnpairedBrace(define.body)) fragments.add(define.name);
  const generates = ({ params, body }: Define): boolean =>
    params !== undefined &&
    (/\)\s*\{/.test(body) ||
      [...body.matchAll(/\b([A-Za-z_]\w*)\s*\(/g)].some(([, name = '']) => generators.has(name)));
  for (let round = 0; round < MAX_NESTING; round++) {
    const known = generators.size;
    for (const define of all.values()) if (generates(define)) generators.set(define.name, define);
    if (generators.size === known) break;
  }
  return { all, generators, fragments };
}

function hasUnpairedBrace(body: string): boolean {
  let depth = 0;
  for (const [brace] of body.matchAll(/[{}]/g)) {
    depth += brace === '{' ? 1 : -1;
    if (depth < 0) return true;
  }
  return depth > 0;
}

/** The text with what is no C by itself expanded; `undefined` if it becomes longer than `limit`. */
function expandNested(text: string, macros: FileMacros, limit: number): string | undefined {
  let current = text;
  for (let round = 0; round < MAX_NESTING; round++) {
    if (current.length > limit) return undefined;
    const next = expandOnce(current, macros);
    if (next === current) return current;
    current = next;
  }
  return current.length > limit ? undefined : current;
}

/**
 * Expands generators outside of braces, and anywhere fragments and macros that take statements as arguments
 * (`ON64(case 8: f(); break;)`): everything else parses as it stands, as a call.
 */
function expandOnce(text: string, macros: FileMacros): string {
  let made = '';
  let reached = 0;
  let depth = 0;
  for (const match of text.matchAll(/"(?:\\[\s\S]|[^"\\])*"|[{}]|\b[A-Za-z_]\w*\b/g)) {
    const [word] = match;
    if (word === '{') depth += 1;
    else if (word === '}') depth -= 1;
    const define = match.index < reached ? undefined : macros.all.get(word);
    if (define === undefined) continue;
    const isFragment = macros.fragments.has(word);
    if (define.params === undefined) {
      if (!isFragment) continue;
      made += text.slice(reached, match.index) + define.body;
      reached = match.index + word.length;
      continue;
    }
    const call = readMacroCall(text, match.index);
    if (call?.nameStart !== match.index) continue;
    const isWanted =
      isFragment || (depth === 0 && macros.generators.has(word)) || call.args.some((arg) => arg.includes(';'));
    if (!isWanted) continue;
    made += text.slice(reached, match.index) + substitute(define, call.args);
    reached = call.end;
  }
  return made + text.slice(reached);
}
