import type { Problem } from '../source/tree';
import type { Pos, StructFact, EnumeratorFact, When } from './facts';
import { pos } from './facts';
import type { Branch, MaskedSource, Rewrite } from './masked';
import type { SyntaxNode } from './syntax-node';

/** Turns an offset into a position: of a file, or of a text made from pieces of one. */
export type Locate = (offset: number) => Pos;

/** What lowering a text needs to know beside its tree, and where it puts what it finds on the way. */
export class LowerContext {
  readonly structs: StructFact[] = [];
  readonly enumerators: EnumeratorFact[] = [];
  readonly problems: Problem[] = [];
  private readonly rewrites: ReadonlyMap<number, Rewrite>;
  private readonly sortedRewrites: readonly Rewrite[];
  private readonly kept: readonly Branch[];

  constructor(
    readonly path: string,
    readonly source: string,
    readonly masked: MaskedSource,
    readonly at: Locate,
    /** Names that are types in this file. */
    readonly typeNames: ReadonlySet<string>,
  ) {
    this.sortedRewrites = masked.rewrites;
    this.rewrites = new Map(masked.rewrites.map((rewrite) => [rewrite.start, rewrite]));
    this.kept = masked.branches.filter((branch) => !branch.dropped);
  }

  /** The text that the tree was made from. */
  text(node: SyntaxNode): string {
    return this.masked.text.slice(node.start, node.end);
  }

  /** As written, without comments, white space folded. */
  written(start: number, end: number): string {
    return this.source
      .slice(start, end)
      .replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|\\\r?\n/g, ' ')
      .replace(/\s+/g, ' ')
      .trim();
  }

  rewriteAt(offset: number, kind: Rewrite['kind']): Rewrite | undefined {
    const rewrite = this.rewrites.get(offset);
    return rewrite?.kind === kind ? rewrite : undefined;
  }

  /** The rewrites that start in `[from, to)`. */
  rewritesIn(from: number, to: number): Rewrite[] {
    let low = 0;
    let high = this.sortedRewrites.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.sortedRewrites[middle]?.start ?? Infinity) < from) low = middle + 1;
      else high = middle;
    }
    const found: Rewrite[] = [];
    for (let i = low; i < this.sortedRewrites.length; i++) {
      const rewrite = this.sortedRewrites[i];
      if (rewrite === undefined || rewrite.start >= to) break;
      found.push(rewrite);
    }
    return found;
  }

  /** A name as the source has it: a rewritten one is given back. */
  name(node: SyntaxNode): string {
    const rewrite = this.rewriteAt(node.start, 'template-name') ?? this.rewriteAt(node.start, 'other');
    if (rewrite !== undefined) return this.written(node.start, Math.max(rewrite.end, node.end));
    return this.text(node);
  }

  /** The conditions around an offset, outermost first. */
  conditions(offset: number): string[] {
    const found: string[] = [];
    for (const branch of this.kept) {
      if (branch.start > offset) break;
      if (branch.end > offset) found.push(branch.when);
    }
    return found;
  }

  /** The conditions around `offset` beyond those around `outer`; absent if there are none. */
  when(offset: number, outer?: number): { when?: When } {
    const all = this.conditions(offset);
    const when = outer === undefined ? all : all.slice(this.conditions(outer).length);
    return when.length === 0 ? {} : { when };
  }

  problem(offset: number, message: string): void {
    this.problems.push({ file: this.path, line: Math.floor(this.at(offset) / 65536), message });
  }
}

/** Positions in a file's own text. */
export function locator(text: string): Locate {
  const starts = [0];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? Infinity) <= offset) low = middle;
      else high = middle;
    }
    return pos(low + 1, offset - (starts[low] ?? 0) + 1);
  };
}
