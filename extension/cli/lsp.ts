import { existsSync } from 'node:fs';
import { SERVER_FILE } from '../node/package-files';
import type { Arguments } from './arguments';
import type { ExitCode } from './commands';
import type { Terminal } from './output';
import { InputError } from '../core/input-error';

/** Runs the language server in this process until its client ends it. */
export async function startServer(_args: Arguments, _terminal: Terminal): Promise<ExitCode> {
  if (!existsSync(SERVER_FILE)) throw new InputError(`${SERVER_FILE} is missing: install KVM Lens again`);
  // The protocol library picks its transport from the command line.
  process.argv = [process.argv[0] ?? 'node', SERVER_FILE, '--stdio'];
  require(SERVER_FILE);
  return new Promise(() => undefined);
}
