import { Analysis, type OpenOptions } from './analysis';
import { type Applied, applyPatches } from './patch/apply';
import { compareSides, summary } from './patch/changes';
import { parsePatch } from './patch/parse';
import type { Side } from './patch/side';
import { FactsStore } from './program/load';
import type { Question } from './reach/verdict';
import { type CheckReport, type PatchReport, SCHEMA_VERSION } from './report/contract';
import { overlay, type SourceTree } from './source/tree';
import type { CParser } from './syntax/parser';

/** A tree before and after a patch, both open. The patch is applied in memory: the tree is only read. */
export class PatchAnalysis {
  private constructor(
    private readonly before: Analysis,
    private readonly after: Analysis,
    private readonly applied: Applied,
  ) {}

  /**
   * Applies the diffs in `texts` one after the other and opens both sides; what the patch does not touch is read once.
   * @throws InputError for a text that is no patch, or that does not apply: file, hunk, what was expected and what is there.
   */
  static async open(
    tree: SourceTree,
    parser: CParser,
    texts: readonly string[],
    options: OpenOptions = {},
  ): Promise<PatchAnalysis> {
    const applied = await applyPatches(tree, texts.flatMap(parsePatch));
    const shared = { ...options, store: options.store ?? new FactsStore() };
    const before = await Analysis.open(tree, parser, shared);
    const after = await Analysis.open(overlay(tree, applied.texts), parser, shared);
    return new PatchAnalysis(before, after, applied);
  }

  /** Files of the patch that the tree does not have and that hold no kernel C: they were left out. */
  get skipped(): readonly string[] {
    return this.applied.skipped;
  }

  /** Both sides, for faults that a caller wants to look at. */
  get sides(): readonly [before: Analysis, after: Analysis] {
    return [this.before, this.after];
  }

  /** The contract's `patch`. @throws InputError for a sink that one of the sides does not have. */
  report(question: Question): PatchReport {
    const before = this.before.check(question);
    const after = this.after.check(question);
    const { renames, originals, texts } = this.applied;
    const old = sideOf(this.before, before, originals, (path) => renames.get(path) ?? path);
    const now = sideOf(this.after, after, texts, (path) => path);
    return {
      schemaVersion: SCHEMA_VERSION,
      vm: question.vm,
      files: this.applied.files,
      before: summary(before.callers),
      after: summary(after.callers),
      outcome: { before: before.outcome, after: after.outcome },
      changes: compareSides(old, now),
    };
  }
}

function sideOf(
  { program }: Analysis,
  { callers, facts }: CheckReport,
  texts: Side['texts'],
  newName: Side['newName'],
): Side {
  return { program, callers, facts, texts, newName };
}
