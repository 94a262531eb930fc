import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { linkProgram } from '../../extension/core/program/link';
import { FactsStore, loadFacts } from '../../extension/core/program/load';
import type { Program } from '../../extension/core/program/program';
import type { ReadResult, SourceTree } from '../../extension/core/source/tree';
import { cParser } from '../unit/linking';

/** A folder as a source tree, for tests. */
export function folderTree(top: string): SourceTree {
  return {
    label: top,
    async list(folder) {
      const entries = await readdir(join(top, folder), { recursive: true, withFileTypes: true }).catch(() => []);
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(top.length + 1))
        .sort();
    },
    async read(path): Promise<ReadResult> {
      try {
        return { kind: 'text', text: await readFile(join(top, path), 'utf8') };
      } catch {
        return { kind: 'absent' };
      }
    },
  };
}

const linked = new Map<string, Promise<Program>>();

/** The tree's program, loaded and linked once per test file. */
export function linkedTree(top: string): Promise<Program> {
  let program = linked.get(top);
  if (program === undefined) {
    program = load(top);
    linked.set(top, program);
  }
  return program;
}

async function load(top: string): Promise<Program> {
  return linkProgram(await loadFacts(folderTree(top), await cParser(), new FactsStore()), '');
}
