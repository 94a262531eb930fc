import { applyPatches } from '../../extension/core/patch/apply';
import { parsePatch } from '../../extension/core/patch/parse';
import type { FunctionNode, Program } from '../../extension/core/program/program';
import { overlay, type SourceTree } from '../../extension/core/source/tree';

/**
 * Lines of one's own in a function of the tree, or (`file`) elsewhere in one of its files: in front of the function
 * (`above`), as its first lines (`start`), or around the one line there that holds a text.
 */
export type Change = ({ readonly fn: string } | { readonly file: string }) &
  (
    | { readonly at: 'above' | 'start' }
    | { readonly before: string }
    | { readonly behind: string }
    /** The lines up to the one that ends in `;` go. */
    | { readonly instead: string }
  ) & { readonly lines: string };

/** Old lines `from` to `to` (0-based, the end left out) of a file become others. */
interface Replacement {
  readonly file: string;
  readonly from: number;
  readonly to: number;
  readonly lines: readonly string[];
}

const CONTEXT = 3;

/** A unified diff that makes changes to a tree whose functions are found by name. Changes in a file keep their order. */
export async function ownPatch(tree: SourceTree, program: Program, changes: readonly Change[]): Promise<string> {
  const replacements = new Map<string, Replacement[]>();
  const texts = new Map<string, string[]>();
  for (const change of changes) {
    const node = 'fn' in change ? functionNamed(program, change.fn) : undefined;
    const file = node?.file ?? ('file' in change ? change.file : '');
    const lines = texts.get(file) ?? (await linesOf(tree, file));
    texts.set(file, lines);
    const span = node === undefined ? { from: 0, to: lines.length } : spanOf(node);
    replacements.set(file, [...(replacements.get(file) ?? []), replacementIn(lines, file, span, change)]);
  }
  return [...replacements].map(([file, all]) => fileDiff(file, texts.get(file) ?? [], all)).join('');
}

/** The tree with a patch, applied by the tool itself. */
export async function patched(tree: SourceTree, patch: string): Promise<SourceTree> {
  return overlay(tree, (await applyPatches(tree, parsePatch(patch))).texts);
}

function functionNamed(program: Program, name: string): FunctionNode {
  const found = [...program.functions.values()].filter(
    (node) => node.active && node.kind === 'function' && (node.name === name || node.id === name),
  );
  if (found.length !== 1) throw new Error(`${name}() is defined ${found.length} times`);
  return found[0] as FunctionNode;
}

async function linesOf(tree: SourceTree, file: string): Promise<string[]> {
  const read = await tree.read(file);
  if (read.kind !== 'text') throw new Error(`${file} is not in the tree`);
  return read.text.split('\n');
}

function spanOf({ fact, line, lastLine }: FunctionNode): { from: number; to: number } {
  return { from: ('firstLine' in fact ? fact.firstLine : line) - 1, to: lastLine };
}

function replacementIn(
  text: readonly string[],
  file: string,
  { from, to }: { from: number; to: number },
  change: Change,
): Replacement {
  const lines = change.lines.split('\n');
  if ('at' in change) {
    const brace = text.indexOf('{', from);
    const at = change.at === 'above' ? from : brace + 1;
    if (change.at === 'start' && (brace < 0 || brace >= to)) throw new Error(`${file}:${from + 1}: no body`);
    return { file, from: at, to: at, lines };
  }
  const anchor = 'before' in change ? change.before : 'behind' in change ? change.behind : change.instead;
  const found = text.slice(from, to).flatMap((line, i) => (line.includes(anchor) ? [from + i] : []));
  const [at] = found;
  if (at === undefined || found.length > 1) throw new Error(`${file}: '${anchor}' is there ${found.length} times`);
  if ('instead' in change) {
    const end = text.findIndex((line, i) => i >= at && line.endsWith(';'));
    return { file, from: at, to: end + 1, lines };
  }
  const place = 'before' in change ? at : at + 1;
  return { file, from: place, to: place, lines };
}

/** One hunk for each stretch of changes that are near each other. */
function fileDiff(file: string, text: readonly string[], replacements: readonly Replacement[]): string {
  const sorted = [...replacements].sort((a, b) => a.from - b.from);
  const hunks: Replacement[][] = [];
  for (const each of sorted) {
    const near = hunks.at(-1);
    const last = near?.at(-1);
    if (near !== undefined && last !== undefined && each.from - last.to <= 2 * CONTEXT) near.push(each);
    else hunks.push([each]);
  }
  let grown = 0;
  const out = [`--- a/${file}\n+++ b/${file}\n`];
  for (const hunk of hunks) {
    const first = Math.max((hunk[0]?.from ?? 0) - CONTEXT, 0);
    const last = Math.min((hunk.at(-1)?.to ?? 0) + CONTEXT, text.length - 1);
    const body: string[] = [];
    let at = first;
    const keep = (end: number): void => {
      body.push(...text.slice(at, end).map((line) => ` ${line}`));
      at = end;
    };
    for (const { from, to, lines } of hunk) {
      keep(from);
      body.push(...text.slice(from, to).map((line) => `-${line}`), ...lines.map((line) => `+${line}`));
      at = to;
    }
    keep(last);
    const more = hunk.reduce((sum, { from, to, lines }) => sum + lines.length - (to - from), 0);
    const size = last - first;
    out.push(`@@ -${first + 1},${size} +${first + 1 + grown},${size + more} @@\n`, body.join('\n'), '\n');
    grown += more;
  }
  return out.join('');
}
