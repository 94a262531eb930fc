import { type Dirent, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../core/input-error';
import type { ReadResult, SourceTree } from '../core/source/tree';

/** No source file is near this size; the parser has a lower limit of its own. */
const MOST_BYTES = 32 * 1024 * 1024;

/** What is not there is a value and no error: thousands of places are looked at for headers. */
const IF_THERE = { throwIfNoEntry: false } as const;

/**
 * A kernel tree in a folder on the disk. Each call looks again: nothing is kept. The disk is asked synchronously, which
 * for small files is several times as fast; whoever must not be held up reads in a thread of its own.
 * `list()` fails with an InputError for a folder that is there and cannot be listed.
 */
export class DiskTree implements SourceTree {
  constructor(
    private readonly top: string,
    readonly label: string = top,
  ) {}

  // `async` turns what is thrown into a rejection.
  // eslint-disable-next-line @typescript-eslint/require-await
  async list(folder: string): Promise<string[]> {
    const found: string[] = [];
    this.collect(folder, found);
    return found.sort();
  }

  read(path: string): Promise<ReadResult> {
    return Promise.resolve(readWhole(join(this.top, path)));
  }

  /**
   * Whatever stands in a file's place is listed too (a link to nowhere, a pipe, a folder with a C file's name): reading
   * it tells what is wrong, while leaving it out would make its functions vanish without a word.
   */
  private collect(folder: string, found: string[]): void {
    for (const entry of this.entries(folder)) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !/\.[ch]$/.test(entry.name)) this.collect(path, found);
      else if (!this.isLinkedFolder(entry, path)) found.push(path);
    }
  }

  private entries(folder: string): Dirent[] {
    try {
      return readdirSync(join(this.top, folder), { withFileTypes: true });
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return [];
      throw new InputError(`${this.label}: ${folder} cannot be listed: ${reasonOf(code)}`);
    }
  }

  /** Links to folders are not followed: kernel trees have some that lead back up. */
  private isLinkedFolder(entry: Dirent, path: string): boolean {
    if (!entry.isSymbolicLink()) return false;
    try {
      return statSync(join(this.top, path)).isDirectory();
    } catch {
      return false;
    }
  }
}

function readWhole(file: string): ReadResult {
  try {
    const status = statSync(file, IF_THERE);
    if (status === undefined) return lstatSync(file, IF_THERE) === undefined ? { kind: 'absent' } : DANGLING;
    // A named pipe would be waited for.
    if (!status.isFile()) return { kind: 'unreadable', why: status.isDirectory() ? 'it is a folder' : 'it is no file' };
    if (status.size > MOST_BYTES) return { kind: 'unreadable', why: `it is larger than ${MOST_BYTES >> 20} MB` };
    return { kind: 'text', text: readFileSync(file, 'utf8') };
  } catch (error) {
    return { kind: 'unreadable', why: reasonOf(codeOf(error)) };
  }
}

const DANGLING: ReadResult = { kind: 'unreadable', why: 'it is a link to a file that is not there' };

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
}

/** Words for the errors that a user can mend. */
export function reasonOf(code: string): string {
  const reasons: Readonly<Record<string, string>> = {
    EACCES: 'permission denied',
    EISDIR: 'it is a folder',
    ELOOP: 'its link leads in a circle',
    ENOENT: 'it does not exist',
    ENOTDIR: 'a part of its path is no folder',
  };
  return reasons[code] ?? code;
}
