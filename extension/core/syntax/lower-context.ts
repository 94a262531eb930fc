import type { Problem } from '../source/tree';
import type { EnumeratorFact, Pos, StructFact, When } from './facts';
import { lineOf, pos } from './facts';
import { Conditions } from './lower-conditions';
import type { MaskedSource, Rewrite } from './masked';
import { oneSpelling } from './one-spelling';
import type { SyntaxNode } from './syntax-node';

/** Turns an offset into a position: of a file, or of a text made from pieces of one. */
export type Locate = (offset: number) => Pos;

/** What lowering a text needs to know beside its tree, and where it puts what it finds on the way. */
export class LowerContext {
  readonly structs: StructFact[] = [];
  readonly enumerators: EnumeratorFact[] = [];
  readonly problems: Problem[] = [];
  private readonly rewrites: ReadonlyMap<number, Rewrite>;
  /** By offset: 1 where a rewrite starts. Every name is asked about, few are rewritten. */
  private readonly isRewritten: Uint8Array;
  private readonly conditionsAt: Conditions;

  constructor(
    readonly path: string,
    readonly source: string,
    readonly masked: MaskedSource,
    readonly at: Locate,
    /** Names that are types in this file. */
    private readonly typeNames: ReadonlySet<string>,
  ) {
    this.rewrites = new Map(masked.rewrites.map((rewrite) => [rewrite.start, rewrite]));
    this.isRewritten = new Uint8Array(source.length + 1);
    for (const { start } of masked.rewrites) this.isRewritten[start] = 1;
    this.conditionsAt = new Conditions(masked.branches);
  }

  /** For a text made from pieces of this file. */
  forText(text: string, masked: MaskedSource, at: Locate): LowerContext {
    return new LowerContext(this.path, text, masked, at, this.typeNames);
  }

  /** The text that the tree was made from. */
  text(node: SyntaxNode): string {
    return oneSpelling(this.masked.text.slice(node.start, node.end));
  }

  /** As written, without comments, white space folded. */
  written(start: number, end: number): string {
    return oneSpelling(foldSpace(this.source.slice(start, end)));
  }

  rewriteAt(offset: number, kind: Rewrite['kind']): Rewrite | undefined {
    if (this.isRewritten[offset] !== 1) return undefined;
    const rewrite = this.rewrites.get(offset);
    return rewrite?.kind === kind ? rewrite : undefined;
  }

  /** The rewrites that start in `[from, to)`. */
  rewritesIn(from: number, to: number): Rewrite[] {
    const { rewrites } = this.masked;
    let low = 0;
    let high = rewrites.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((rewrites[middle]?.start ?? Infinity) < from) low = middle + 1;
      else high = middle;
    }
    const found: Rewrite[] = [];
    for (let rewrite = rewrites[low]; rewrite !== undefined && rewrite.start < to; rewrite = rewrites[++low])
      found.push(rewrite);
    return found;
  }

  /** A name as the source has it: a rewritten one is given back. */
  name(node: SyntaxNode): string {
    if (this.isRewritten[node.start] !== 1) return this.text(node);
    const rewrite = this.rewrites.get(node.start);
    if (rewrite?.kind === 'template-name' || rewrite?.kind === 'other')
      return this.written(node.start, Math.max(rewrite.end, node.end));
    return this.text(node);
  }

  /** Whether a plain name means a type here: the kernel's short integer types, `..._t`, the file's own typedefs. */
  isTypeName(name: string): boolean {
    return TYPE_NAME.test(name) || this.typeNames.has(name);
  }

  /** The conditions around an offset, outermost first. */
  conditions(offset: number): When {
    return this.conditionsAt.around(offset);
  }

  /** The conditions around `offset` beyond those around `outer`; absent if there are none. */
  when(offset: number, outer?: number): { when?: When } {
    const all = this.conditions(offset);
    const when = outer === undefined ? all : all.slice(this.conditions(outer).length);
    return when.length === 0 ? {} : { when };
  }

  /** A tag for the struct type of a variable that has none, unlike all others of the file. */
  freeTag(variable: string): string {
    const tag = `${this.path.slice(this.path.lastIndexOf('/') + 1).replace(/[^\w.]/g, '_')}.${variable}`;
    const isTaken = (name: string): boolean => this.structs.some((struct) => struct.name === name);
    let free = tag;
    for (let ordinal = 2; isTaken(free); ordinal++) free = `${tag}@${ordinal}`;
    return free;
  }

  problem(offset: number, message: string): void {
    this.problems.push({ file: this.path, line: lineOf(this.at(offset)), message });
  }
}

const TYPE_NAME =
  /^(?:(?:__)?[us](?:8|16|32|64)|(?:__)?[bl]e(?:16|32|64)|__sum16|__wsum|\w+_t|u?int|ushort|ulong|uchar|bool)$/;

const STRING_OR_COMMENT = /("(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*')|\/\*[\s\S]*?\*\/|\/\/[^\n]*|\\\r?\n/g;

/** Without comments and line continuations, white space folded. */
export function foldSpace(text: string): string {
  if (/^\w*$/.test(text)) return text;
  return text
    .replace(STRING_OR_COMMENT, (_, string: string | undefined) => string ?? ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Positions in a file's own text. */
export function locator(text: string): Locate {
  const starts = [0];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  const startOf = (line: number): number => starts[line] ?? Infinity;
  // Most questions are about the line of the question before.
  let line = 0;
  return (offset) => {
    if (offset < startOf(line) || offset >= startOf(line + 1)) {
      let low = 0;
      let high = starts.length;
      while (low + 1 < high) {
        const middle = (low + high) >> 1;
        if (startOf(middle) <= offset) low = middle;
        else high = middle;
      }
      line = low;
    }
    return pos(line + 1, offset - startOf(line) + 1);
  };
}
