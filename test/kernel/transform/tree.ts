import { kvmFiles } from '../../../extension/core/source/kvm-files';
import { overlay, type SourceTree } from '../../../extension/core/source/tree';
import { type CFile, readC } from './c-file';

/** KVM's files of a tree as the transformations see them. */
export interface CTree {
  readonly base: SourceTree;
  readonly files: readonly CFile[];
}

/** What a transformation makes: new texts (`null`: the file is gone), and how much it did, by the name of the thing. */
export interface Transformed {
  readonly texts: ReadonlyMap<string, string | null>;
  readonly counts: Readonly<Record<string, number>>;
}

export async function readTree(base: SourceTree): Promise<CTree> {
  const files: CFile[] = [];
  for (const path of await kvmFiles(base)) {
    const read = await base.read(path);
    if (read.kind !== 'text') throw new Error(`${path} is ${read.kind}`);
    files.push(readC(path, read.text));
  }
  return { base, files };
}

export function transformedTree(tree: CTree, { texts }: Transformed): SourceTree {
  return overlay(tree.base, texts);
}

/** Transformations one after the other; the names are restored in the opposite order, places are not. */
export async function inTurn(
  tree: CTree,
  steps: readonly ((tree: CTree) => Transformed & { readonly restore?: (text: string) => string })[],
): Promise<Transformed & { readonly restore: (text: string) => string }> {
  const texts = new Map<string, string | null>();
  const { counts, count } = counter();
  let restore = (text: string): string => text;
  let current = tree;
  for (const step of steps) {
    const made = step(current);
    for (const [path, text] of made.texts) texts.set(path, text);
    for (const [name, times] of Object.entries(made.counts)) count(name, times);
    const [before, own] = [restore, made.restore];
    if (own !== undefined) restore = (text) => before(own(text));
    current = await readTree(overlay(tree.base, texts));
  }
  return { texts, counts, restore };
}

/** How many times each reason or thing was met. */
export function counter(): { counts: Record<string, number>; count: (name: string, by?: number) => void } {
  const counts: Record<string, number> = {};
  return {
    counts,
    count(name, by = 1) {
      counts[name] = (counts[name] ?? 0) + by;
    },
  };
}
