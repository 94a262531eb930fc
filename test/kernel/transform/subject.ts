import { linkProgram } from '../../../extension/core/program/link';
import { FactsStore, loadFacts } from '../../../extension/core/program/load';
import type { Program } from '../../../extension/core/program/program';
import { cParser } from '../../unit/linking';
import { folderTree } from '../linked';
import { type CTree, readTree, type Transformed, transformedTree } from './tree';

/** A real tree, its program, and the texts of the headers that are read beside KVM's own and that no transformation changes. */
export interface Subject {
  readonly tree: CTree;
  readonly program: Program;
  readonly foreign: readonly string[];
  /** The program of the tree as transformed. */
  link: (made: Transformed) => Promise<Program>;
}

export async function openSubject(top: string): Promise<Subject> {
  const tree = await readTree(folderTree(top));
  const parser = await cParser();
  const store = new FactsStore();
  const program = linkProgram(await loadFacts(tree.base, parser, store), '');
  const own = new Set(tree.files.map((file) => file.path));
  const foreign: string[] = [];
  for (const path of program.files.keys()) {
    const read = own.has(path) ? undefined : await tree.base.read(path);
    if (read?.kind === 'text') foreign.push(read.text);
  }
  return {
    tree,
    program,
    foreign,
    async link(made) {
      const known = new FactsStore();
      for (const facts of store.all()) known.add(facts);
      return linkProgram(await loadFacts(transformedTree(tree, made), parser, known), '');
    },
  };
}
