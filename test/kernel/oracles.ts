import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What another tool found in a tree, by file, line and name. */
export interface Found {
  readonly file: string;
  readonly line: number;
  readonly name: string;
}

/** In CI a tool that is not there is a failure of the test that runs it; elsewhere the test is skipped. */
export function canAsk(tool: 'ctags' | 'cscope'): boolean {
  return process.env['CI'] !== undefined || spawnSync(tool, ['--version']).error === undefined;
}

/** Function definitions as universal-ctags sees them. */
export function ctagsFunctions(top: string, files: readonly string[]): Found[] {
  const output = execFileSync('ctags', ['-x', '--kinds-C=f', '--language-force=C', '--_xformat=%n %F %N', '-L', '-'], {
    cwd: top,
    input: files.join('\n'),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [number = '', file = '', name = ''] = line.split(' ');
      return { file, line: Number(number), name };
    });
}

/** Calls inside functions as cscope sees them: read from its database, whose lines are marked (`` ` `` call, `$` function, `#` define). */
export function cscopeCalls(top: string, files: readonly string[]): Found[] {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-lens-oracle-'));
  try {
    writeFileSync(join(folder, 'files'), files.join('\n'));
    execFileSync('cscope', ['-b', '-c', '-k', '-i', join(folder, 'files'), '-f', join(folder, 'out')], { cwd: top });
    return readDatabase(readFileSync(join(folder, 'out'), 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readDatabase(text: string): Found[] {
  const calls: Found[] = [];
  let file = '';
  let line = 0;
  let inDefine = false;
  let inFunction = false;
  for (const row of text.split('\n')) {
    if (row.startsWith('\t@')) {
      file = row.slice(2);
      inDefine = false;
      inFunction = false;
    } else if (row.startsWith('\t#')) inDefine = true;
    else if (row.startsWith('\t)')) inDefine = false;
    else if (row.startsWith('\t$')) inFunction = true;
    else if (row.startsWith('\t}')) inFunction = false;
    else if (row.startsWith('\t`')) {
      if (inFunction && !inDefine) calls.push({ file, line, name: row.slice(2) });
    } else {
      const number = /^(\d+) /.exec(row);
      if (number !== null) line = Number(number[1]);
    }
  }
  return calls;
}
