import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const project = join(import.meta.dirname, '../..');

/** The server's bundle of the sources as they are, with what ships beside it, in a folder of its own: no test waits for another's build. `without`: folders that an installation may lack. */
export function buildServer(without: readonly string[] = []): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-lens-server-'));
  for (const name of ['grammars', 'docs', 'media'].filter((each) => !without.includes(each)))
    symlinkSync(join(project, name), join(folder, name));
  execFileSync(process.execPath, ['esbuild.mjs', join(folder, 'dist')], { cwd: project, stdio: 'inherit' });
  return {
    path: join(folder, 'dist/server.js'),
    remove() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
