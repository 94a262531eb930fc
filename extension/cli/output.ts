import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from '../core/input-error';
import { codeOf, reasonOf } from '../node/disk-tree';

/** Where a command reads and writes: the process, or a test. */
export interface Terminal {
  readonly cwd: string;
  out(text: string): void;
  err(text: string): void;
  /** Standard error is a terminal: progress may be shown. */
  readonly isTerminal: boolean;
  stdin(): Promise<string>;
  clock(): number;
}

/** JSON as it is printed: indented, with a newline at its end. */
export function jsonText(report: unknown): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

/** Writes a result in whole: a reader of `file` sees the old text or the new one, never a part. */
export function writeResult(terminal: Terminal, text: string, file: string | undefined): void {
  if (file === undefined) {
    terminal.out(text);
    return;
  }
  const path = resolve(terminal.cwd, file);
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    writeFileSync(draft, text, { flag: 'wx' });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    const code = codeOf(error);
    const reason = code === 'ENOENT' ? 'its folder does not exist' : reasonOf(code);
    throw new InputError(`--output ${file} cannot be written: ${reason}`);
  }
}

/** A line that is overwritten as work goes on and gone at its end; nothing unless standard error is a terminal. */
export class Progress {
  private shown = false;

  constructor(private readonly terminal: Terminal) {}

  show(text: string): void {
    if (!this.terminal.isTerminal) return;
    this.terminal.err(`\r\x1b[K${text}`);
    this.shown = true;
  }

  clear(): void {
    if (this.shown) this.terminal.err('\r\x1b[K');
    this.shown = false;
  }
}
