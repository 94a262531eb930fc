import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The nearest folder, from `path` upwards, that is the top of a kernel tree. */
export function treeTopOf(path: string): string | undefined {
  for (let folder = path; ; folder = dirname(folder)) {
    if (isFolder(join(folder, 'arch/x86/kvm'))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // Absent, or not for us to see: no tree that could be read.
  }
}
