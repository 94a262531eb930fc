import { beforeAll, expect, it } from 'vitest';
import type { Program } from '../../extension/core/program/program';
import { analyseReach } from '../../extension/core/reach/reach';
import { type Caller, DEFAULT_SINK, type Verdict } from '../../extension/core/reach/verdict';
import { swapArms } from './transform/arms';
import { difference, type Original, verdictLines } from './transform/compare';
import { inlineHelpers } from './transform/inline';
import { reorderFunctions, shiftLines } from './transform/lines';
import { outlineConditions } from './transform/outline';
import { renameEverything } from './transform/rename';
import { renameFiles } from './transform/rename-files';
import { openSubject, type Subject } from './transform/subject';
import { inTurn, type Transformed } from './transform/tree';
import { describeTree } from './trees';

function callersOf(program: Program): readonly Caller[] {
  const question = { vm: 'tdx', sinks: [DEFAULT_SINK], host: {}, assumptions: true } as const;
  return analyseReach(program, question).callers();
}

const isOpen = (verdict: Verdict | undefined): boolean => verdict !== 'blocked' && verdict !== 'unreachable';

/** Changes of a real tree that say the same in C: each caller has the same verdict and the same ways in. */
class Verdicts {
  private constructor(
    readonly subject: Subject,
    readonly callers: readonly Caller[],
  ) {}

  static async of(top: string): Promise<Verdicts> {
    const subject = await openSubject(top);
    const callers = callersOf(subject.program);
    expect(callers.filter((each) => isOpen(each.verdict)).length).toBeGreaterThan(10);
    expect(callers.filter((each) => !isOpen(each.verdict)).length).toBeGreaterThan(100);
    return new Verdicts(subject, callers);
  }

  /** Helpers that call the sink are callers: they stay. */
  kept(): ReadonlySet<string> {
    return new Set(this.callers.map((each) => each.function));
  }

  async expectSame(made: Transformed & Original): Promise<void> {
    const after = callersOf(await this.subject.link(made));
    expect(difference(verdictLines(this.callers), verdictLines(after, made))).toEqual([]);
  }

  /** Each call in a condition is one deeper in a function of its own, and so is each in what it calls. */
  async expectSameOutlined(): Promise<void> {
    const made = outlineConditions(this.subject.tree);
    expect(made.counts['conditions']).toBeGreaterThan(5_500);
    const program = await this.subject.link(made);

    const after = new Map(callersOf(program).map((each) => [each.id, each]));
    const changed = this.callers.filter((each) => after.get(each.id)?.verdict !== each.verdict);
    expect(changed.map((each) => each.id)).toEqual([]);
    const names = this.callers.flatMap((each) => difference(entryNames(each), entryNames(after.get(each.id))));
    expect([...new Set(names)].sort()).toEqual([]);
  }
}

function entryNames(caller: Caller | undefined): string[] {
  return (caller?.entries ?? []).map((entry) => `${entry.kind} ${entry.name}`);
}

describeTree('7.x', (top) => {
  let verdicts: Verdicts;
  beforeAll(async () => {
    verdicts = await Verdicts.of(top);
  }, 120_000);

  it('other names of functions, parameters and locals', async () => {
    const made = renameEverything(verdicts.subject.tree, verdicts.subject.foreign);
    expect(made.counts['uses']).toBeGreaterThan(75_000);
    await verdicts.expectSame(made);
  }, 120_000);

  it('other lines', async () => {
    const made = shiftLines(verdicts.subject.tree);
    expect(made.counts['places']).toBeGreaterThan(40_000);
    await verdicts.expectSame(made);
  }, 120_000);

  it('another order of functions', async () => {
    const made = reorderFunctions(verdicts.subject.tree);
    expect(made.counts['functions']).toBeGreaterThan(4_000);
    await verdicts.expectSame(made);
  }, 120_000);

  it('the arms of every if swapped', async () => {
    const made = swapArms(verdicts.subject.tree);
    expect(made.counts['without else']).toBeGreaterThan(6_500);
    expect(made.counts['with else']).toBeGreaterThan(800);
    await verdicts.expectSame(made);
  }, 120_000);

  it('one-line helpers written out', async () => {
    const made = inlineHelpers(verdicts.subject.tree, verdicts.kept());
    expect(made.counts['helpers']).toBeGreaterThan(500);
    expect(made.counts['calls']).toBeGreaterThan(2_500);
    await verdicts.expectSame(made);
  }, 120_000);

  it('conditions in functions of their own', async () => {
    await verdicts.expectSameOutlined();
  }, 120_000);
});

describeTree('6.12', (top) => {
  let verdicts: Verdicts;
  beforeAll(async () => {
    verdicts = await Verdicts.of(top);
  }, 120_000);

  it('helpers written out, arms swapped, then another order, other lines and other names of files and functions', async () => {
    const { tree, foreign } = verdicts.subject;
    const made = await inTurn(tree, [
      (step) => inlineHelpers(step, verdicts.kept()),
      swapArms,
      reorderFunctions,
      shiftLines,
      renameFiles,
      (step) => renameEverything(step, foreign),
    ]);
    expect(made.counts).toMatchObject({ files: 50 });
    expect(made.counts['calls']).toBeGreaterThan(2_000);
    expect(made.counts['without else']).toBeGreaterThan(6_000);
    expect(made.counts['places']).toBeGreaterThan(30_000);
    expect(made.counts['uses']).toBeGreaterThan(70_000);
    await verdicts.expectSame(made);
  }, 120_000);

  it('conditions in functions of their own', async () => {
    await verdicts.expectSameOutlined();
  }, 120_000);
});
