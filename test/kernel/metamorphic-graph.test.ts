import { beforeAll, expect, it } from 'vitest';
import { difference, graphLines, onLine } from './transform/compare';
import { reorderFunctions, shiftLines } from './transform/lines';
import { renameEverything } from './transform/rename';
import { renameFiles } from './transform/rename-files';
import { openSubject, type Subject } from './transform/subject';
import { describeTree, type TreeName } from './trees';

/** Changes of a real tree that say the same in C: the linked program is the same but for the names and places changed. */
function tests(name: TreeName, top: string): void {
  let subject: Subject;
  beforeAll(async () => {
    subject = await openSubject(top);
    expect(subject.program.edges.length, name).toBeGreaterThan(10_000);
  }, 120_000);

  it('other names of functions, parameters and locals', async () => {
    const made = renameEverything(subject.tree, subject.foreign);
    expect(made.counts['functions']).toBeGreaterThan(3_500);
    expect(made.counts['declarations']).toBeGreaterThan(11_000);
    expect(made.counts['uses']).toBeGreaterThan(70_000);
    const after = graphLines(await subject.link(made), { restore: made.restore, place: onLine });
    expect(difference(graphLines(subject.program, { place: onLine }), after)).toEqual([]);
  }, 120_000);

  it('other lines', async () => {
    const made = shiftLines(subject.tree);
    expect(made.counts['places']).toBeGreaterThan(35_000);
    expect(difference(graphLines(subject.program), graphLines(await subject.link(made), made))).toEqual([]);
  }, 120_000);

  it('another order of functions', async () => {
    const made = reorderFunctions(subject.tree);
    expect(made.counts['functions']).toBeGreaterThan(3_500);
    expect(difference(graphLines(subject.program), graphLines(await subject.link(made), made))).toEqual([]);
  }, 120_000);

  it('other names of C files', async () => {
    const made = renameFiles(subject.tree);
    expect(made.counts['files']).toBeGreaterThan(45);
    expect(difference(graphLines(subject.program), graphLines(await subject.link(made), made))).toEqual([]);
  }, 120_000);
}

for (const name of ['6.12', '7.x'] as const)
  describeTree(name, (top) => {
    tests(name, top);
  });
