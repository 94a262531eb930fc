import { statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { InputError } from '../core/input-error';
import { SAMPLE_FOLDER } from '../node/package-files';

/** What the operands after TREE are; that tells a mistyped tree from the first of them. */
export type OperandKind = 'none' | 'sites' | 'files';

export interface TreeChoice {
  readonly top: string;
  /** What messages call it. */
  readonly label: string;
  readonly isSample: boolean;
  readonly rest: readonly string[];
}

/**
 * The first operand is the tree if it is a folder that holds arch/x86/kvm; else the current folder if that is one;
 * else the bundled sample.
 * @throws InputError if the first operand is meant as a tree and is none
 */
export function chooseTree(operands: readonly string[], cwd: string, kind: OperandKind): TreeChoice {
  const [first, ...rest] = operands;
  if (first !== undefined) {
    const top = resolve(cwd, first);
    if (isTree(top)) return { top, label: first, isSample: false, rest };
    if (isMeantAsTree(first, top, kind)) throw new InputError(`${first}: ${whyNoTree(top)}`);
  }
  if (isTree(cwd)) return { top: cwd, label: '.', isSample: false, rest: operands };
  return { top: SAMPLE_FOLDER, label: 'the bundled sample', isSample: true, rest: operands };
}

function isTree(folder: string): boolean {
  return isFolder(join(folder, 'arch/x86/kvm'));
}

function isMeantAsTree(text: string, path: string, kind: OperandKind): boolean {
  if (kind === 'none' || isFolder(path)) return true;
  if (kind === 'files') return false;
  // A site is FILE:LINE or a name; anything else that looks like a path is one.
  return !/:\d+$/.test(text) && (isAbsolute(text) || /[/.]/.test(text));
}

function whyNoTree(path: string): string {
  const hint = 'give the top of a Linux kernel tree';
  try {
    if (!statSync(path).isDirectory()) return `it is no folder; ${hint}`;
  } catch {
    return `there is no such folder; ${hint}`;
  }
  return `it has no arch/x86/kvm; ${hint}`;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // Absent or not for us to see: in either case no tree that could be read.
  }
}
