import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { InputError } from '../core/input-error';
import { SERVER_FILE } from '../node/package-files';
import type { ExitCode } from './commands';

/** Runs the language server in this process until its client ends it. */
export function startServer(): Promise<ExitCode> {
  if (!existsSync(SERVER_FILE)) throw new InputError(`${SERVER_FILE} is missing: install KVM Lens again`);
  // The protocol library picks its transport from the command line.
  process.argv = [process.argv[0] ?? 'node', SERVER_FILE, '--stdio'];
  createRequire(__filename)(SERVER_FILE);
  return new Promise(() => undefined);
}
