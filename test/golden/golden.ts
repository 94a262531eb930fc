import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Ended } from '../command';

/**
 * Holds a whole run of the command against its transcript. A wanted change is taken over with
 * `UPDATE_GOLDEN=1 npx vitest run test/golden`, and read in the diff; nothing else writes transcripts.
 */
export function expectTranscript(name: string, args: readonly string[], ended: Ended): void {
  const file = join(import.meta.dirname, `${name}.txt`);
  const transcript = transcriptOf(args, ended);
  if (process.env['UPDATE_GOLDEN'] === '1') {
    writeFileSync(file, transcript);
    return;
  }
  expect(existsSync(file), `${file} is missing: UPDATE_GOLDEN=1 writes it`).toBe(true);
  expect(transcript).toBe(readFileSync(file, 'utf8'));
}

function transcriptOf(args: readonly string[], { exit, stdout, stderr }: Ended): string {
  const command = ['kvm-lens', ...args].map((word) => (/^[\w./:=,-]+$/.test(word) ? word : `'${word}'`)).join(' ');
  return [
    `$ ${command}\n`,
    ...(stdout === '' ? [] : [stdout]),
    ...(stderr === '' ? [] : [`--- standard error\n${stderr}`]),
    `--- exit code ${String(exit)}\n`,
  ].join('');
}
