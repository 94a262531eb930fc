import { readFile } from 'node:fs/promises';
import { CParser } from '../core/syntax/parser';
import { ENGINE_FILE, GRAMMAR_FILE } from './package-files';

/** Parser of the grammar that ships. @throws InputError if its checksum is not the one expected. */
export async function loadParser(): Promise<CParser> {
  const [engine, grammar] = await Promise.all([readFile(ENGINE_FILE), readFile(GRAMMAR_FILE)]);
  return CParser.load({ engine, grammar });
}
