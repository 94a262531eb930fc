import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../core/input-error';
import type { ReadResult, SourceTree } from '../core/source/tree';

/** No source file is near this size; the parser has a lower limit of its own. */
const MOST_BYTES = 32 * 1024 * 1024;

/**
 * A kernel tree in a folder on the disk. Each call looks again: nothing is kept.
 * `list()` throws an InputError for a folder that is there and cannot be listed.
 */
export class DiskTree implements SourceTree {
  constructor(
    private readonly top: string,
    readonly label: string = top,
  ) {}

  async list(folder: string): Promise<string[]> {
    const found: string[] = [];
    await this.collect(folder, found);
    return found.sort();
  }

  async read(path: string): Promise<ReadResult> {
    try {
      const whole = join(this.top, path);
      // A named pipe would be waited for.
      const status = await stat(whole);
      if (!status.isFile())
        return { kind: 'unreadable', why: status.isDirectory() ? 'it is a folder' : 'it is no file' };
      if (status.size > MOST_BYTES) return { kind: 'unreadable', why: `it is larger than ${MOST_BYTES >> 20} MB` };
      return { kind: 'text', text: await readFile(whole, 'utf8') };
    } catch (error) {
      return await this.fault(path, error);
    }
  }

  /**
   * Whatever stands in a file's place is listed too (a link to nowhere, a pipe, a folder with a C file's name): reading
   * it tells what is wrong, while leaving it out would make its functions vanish without a word.
   */
  private async collect(folder: string, found: string[]): Promise<void> {
    for (const entry of await this.entries(folder)) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !/\.[ch]$/.test(entry.name)) await this.collect(path, found);
      else if (!(await this.isLinkedFolder(entry, path))) found.push(path);
    }
  }

  private async entries(folder: string): Promise<Dirent[]> {
    try {
      return await readdir(join(this.top, folder), { withFileTypes: true });
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return [];
      throw new InputError(`${this.label}: ${folder} cannot be listed: ${reasonOf(code)}`);
    }
  }

  /** Links to folders are not followed: kernel trees have some that lead back up. */
  private async isLinkedFolder(entry: Dirent, path: string): Promise<boolean> {
    if (!entry.isSymbolicLink()) return false;
    try {
      return (await stat(join(this.top, path))).isDirectory();
    } catch {
      return false;
    }
  }

  private async fault(path: string, error: unknown): Promise<ReadResult> {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return (await this.isDangling(path)) ? DANGLING : { kind: 'absent' };
    return { kind: 'unreadable', why: reasonOf(code) };
  }

  private async isDangling(path: string): Promise<boolean> {
    const slash = path.lastIndexOf('/');
    const entries = await this.entries(path.slice(0, Math.max(slash, 0)));
    return entries.some((entry) => entry.isSymbolicLink() && entry.name === path.slice(slash + 1));
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
