import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

export interface Ended {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as it ships, bundled from the sources as they are, in a package folder of its own. */
export class BuiltCommand {
  private readonly home = mkdtempSync(join(tmpdir(), 'kvm-lens-command-'));
  /** An empty folder for a test's files; the command runs in it unless told otherwise. */
  readonly work = join(this.home, 'work');

  constructor() {
    mkdirSync(this.work);
    for (const name of ['grammars', 'media']) symlinkSync(join(ROOT, name), join(this.home, name));
    const built = spawnSync(process.execPath, ['esbuild.mjs', join(this.home, 'dist')], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    if (built.status !== 0) throw new Error(`the build failed: ${built.stderr}`);
  }

  run(args: readonly string[], options: { readonly cwd?: string; readonly stdin?: string } = {}): Ended {
    const cli = join(this.home, 'dist/cli.js');
    const { status, stdout, stderr, error } = spawnSync(process.execPath, [cli, ...args], {
      cwd: options.cwd ?? this.work,
      input: options.stdin ?? '',
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      timeout: 60_000,
    });
    if (error !== undefined) throw error;
    return { exit: status, stdout, stderr };
  }

  dispose(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}
