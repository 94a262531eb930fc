import { createReadStream } from 'node:fs';
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

/**
 * Text of a file that has at most `most` bytes; a file without an end is not read to its end. What is no UTF-8 becomes
 * U+FFFD, and a byte order mark stays.
 * @throws InputError if it is larger or cannot be read
 */
export async function readSmall(file: string, most: number, terminal: Terminal): Promise<string> {
  const bytes =
    file === STDIN ? new TextEncoder().encode(await terminal.stdin()) : await firstBytes(file, most, terminal);
  if (bytes.length > most) throw new InputError(`${file} is larger than ${most} bytes`);
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** The first `most` bytes of a file, and one more where it has more. */
async function firstBytes(file: string, most: number, terminal: Terminal): Promise<Uint8Array> {
  const path = resolve(terminal.cwd, file);
  try {
    if ((await stat(path)).isDirectory()) throw new InputError(`${file} cannot be read: it is a folder`);
    const chunks: Buffer[] = [];
    for await (const chunk of createReadStream(path, { end: most })) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${file} cannot be read: ${reasonOf(codeOf(error))}`);
  }
}
