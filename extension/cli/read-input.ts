import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InputError } from '../core/input-error';
import { codeOf, reasonOf } from '../node/disk-tree';
import { STDIN } from './arguments';
import type { Terminal } from './output';

/** Text of a file that the user named, or of standard input. @throws InputError if it cannot be read. */
export async function readInput(file: string, terminal: Terminal): Promise<string> {
  if (file === STDIN) return terminal.stdin();
  try {
    const path = resolve(terminal.cwd, file);
    if ((await stat(path)).isDirectory()) throw new InputError(`${file} cannot be read: it is a folder`);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${file} cannot be read: ${reasonOf(codeOf(error))}`);
  }
}
