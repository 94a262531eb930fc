import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { SourceTree } from '../extension/core/source/tree';
import { overlay } from '../extension/core/source/tree';

export const SAMPLE = join(import.meta.dirname, '../media/sample');

/** The bundled sample, read once into memory. */
export function sampleTree(): SourceTree {
  const texts = new Map(filesBelow(SAMPLE).map((path) => [relative(SAMPLE, path), readFileSync(path, 'utf8')]));
  return memoryTree(texts);
}

export function memoryTree(texts: ReadonlyMap<string, string>): SourceTree {
  const empty: SourceTree = {
    label: 'memory',
    list: () => Promise.resolve([]),
    read: () => Promise.resolve({ kind: 'absent' }),
  };
  return overlay(empty, texts);
}

/** One edit of a tree: `from`, which must stand in the file exactly once, becomes `to`. */
export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** `tree` with edits, as an editor's unsaved buffers would show it. An edit that does not fit is a broken test. */
export async function edited(tree: SourceTree, edits: readonly Edit[]): Promise<SourceTree> {
  const texts = new Map<string, string>();
  for (const { file, from, to } of edits) {
    const read = await tree.read(file);
    const text = texts.get(file) ?? (read.kind === 'text' ? read.text : undefined);
    if (text === undefined) throw new Error(`${file} is not in the tree`);
    if (text.split(from).length !== 2)
      throw new Error(`${file}: '${from}' stands there ${text.split(from).length - 1} times`);
    texts.set(
      file,
      text.replace(from, () => to),
    );
  }
  return overlay(tree, texts);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}
