import { performance } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import { optimiseLater } from '../node/engine-flags';
import { run } from './run';

optimiseLater();

/** The process behind the command. Output that nobody reads any more (`| head`) is no defect. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

const debug = process.env['KVM_LENS_DEBUG'];
void run(
  process.argv.slice(2),
  {
    cwd: process.cwd(),
    out: (message) => process.stdout.write(message),
    err: (message) => process.stderr.write(message),
    isTerminal: process.stderr.isTTY,
    stdin: () => text(process.stdin),
    clock: () => performance.now(),
  },
  debug !== undefined && debug !== '' && debug !== '0',
).then((code) => {
  process.exitCode = code;
});
