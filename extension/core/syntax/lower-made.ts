import type { FileFacts, InitItem, Pos, Stmt, When } from './facts';
import { LowerContext } from './lower-context';
import { lowerItems } from './lower-init';
import type { ParseText } from './lower-macros';
import { lowerBlock } from './lower-stmt';
import { maskKernelC } from './mask';
import { child, ofType, type SyntaxNode } from './syntax-node';

/** C that macros made, outside of any file: read with the types of the file that it belongs to. */

/** A piece of a list, and the `#if` conditions that it is under. */
export interface MadePiece {
  readonly text: string;
  readonly when: When;
}

/** A context for texts that belong to a file of which only the facts are left. */
export function contextOf({ path, typedefs }: FileFacts): LowerContext {
  return new LowerContext(path, '', maskKernelC(''), () => 0, new Set(typedefs.map(({ name }) => name)));
}

/** Statements, all at `at`; `undefined` if the pieces are none. */
export function madeStatements(
  file: LowerContext,
  parse: ParseText,
  pieces: readonly MadePiece[],
  at: Pos,
): Stmt[] | undefined {
  const made = read(file, parse, `void _(void)\n{\n${joined(pieces, /[;:]$/, ';')}}\n`, at);
  const body = made === undefined ? undefined : child(made.node, 'body');
  return made === undefined || body === undefined ? undefined : lowerBlock(made.ctx, body);
}

/** Entries of an initialiser, all at `at`; `undefined` if the pieces are none. */
export function madeItems(
  file: LowerContext,
  parse: ParseText,
  pieces: readonly MadePiece[],
  at: Pos,
): InitItem[] | undefined {
  const made = read(file, parse, `int _[] = {\n${joined(pieces, /,$/, ',')}};\n`, at);
  const declarator = made === undefined ? undefined : ofType(made.node, 'init_declarator');
  const list = declarator === undefined ? undefined : child(declarator, 'value');
  return made === undefined || list?.type !== 'initializer_list' ? undefined : lowerItems(made.ctx, list);
}

/** The pieces as one text, each with what ends it. */
function joined(pieces: readonly MadePiece[], ends: RegExp, end: string): string {
  return pieces
    .flatMap(({ text, when }) => [
      ...when.map((condition) => `#if ${condition}\n`),
      ends.test(text) ? `${text}\n` : `${text}${end}\n`,
      ...when.map(() => '#endif\n'),
    ])
    .join('');
}

/** The one item that `text` is. */
function read(
  file: LowerContext,
  parse: ParseText,
  text: string,
  at: Pos,
): { readonly ctx: LowerContext; readonly node: SyntaxNode } | undefined {
  const masked = maskKernelC(text);
  const [node, ...more] = parse(masked.text)?.children ?? [];
  if (node === undefined || more.length > 0) return undefined;
  return { ctx: file.forText(text, masked, () => at), node };
}
