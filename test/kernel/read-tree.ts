import { kvmFiles } from '../../extension/core/source/kvm-files';
import { type FileFacts, lineOf, type Pos } from '../../extension/core/syntax/facts';
import { maskKernelC } from '../../extension/core/syntax/mask';
import type { MaskedSource } from '../../extension/core/syntax/masked';
import { readFacts } from '../../extension/core/syntax/read-facts';
import { cParser } from '../unit/linking';
import { folderTree } from './linked';

/** A file of a real tree with everything that was read from it. */
export interface ReadFile {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly masked: MaskedSource;
  readonly facts: FileFacts;
}

/** The files of the analysis by path, and how long masking them took. */
export async function readTree(top: string): Promise<{ files: Map<string, ReadFile>; maskMs: number }> {
  const tree = folderTree(top);
  const parser = await cParser();
  const files = new Map<string, ReadFile>();
  let maskMs = 0;
  for (const path of await kvmFiles(tree)) {
    const read = await tree.read(path);
    if (read.kind !== 'text') throw new Error(`${path} is ${read.kind}`);
    const start = performance.now();
    const masked = maskKernelC(read.text);
    maskMs += performance.now() - start;
    const facts = readFacts(parser, path, read.text);
    files.set(path, { path, text: read.text, lines: read.text.split('\n'), masked, facts });
  }
  return { files, maskMs };
}

/** Every object in a value, outermost first. */
export function visit(value: unknown, each: (node: object) => void): void {
  if (Array.isArray(value)) for (const item of value) visit(item, each);
  else if (typeof value === 'object' && value !== null) {
    each(value);
    for (const item of Object.values(value)) if (typeof item === 'object') visit(item, each);
  }
}

/** What is called in some facts: `LINE NAME`, once for each time. Macros that head loops and guards are among them; of `FNAME(x)` the name is `FNAME`. */
export function callsIn(facts: unknown): string[] {
  const calls: string[] = [];
  visit(facts, (node) => {
    const { k, at, fn, macro } = node as {
      k?: string;
      at?: Pos;
      fn?: { name?: string; field?: string };
      macro?: string;
    };
    const name = k === 'call' ? (fn?.name ?? fn?.field) : k === 'each' || k === 'guard' ? macro : undefined;
    if (name !== undefined && at !== undefined) calls.push(`${lineOf(at)} ${name.replace(/^FNAME\(.*/, 'FNAME')}`);
  });
  return calls;
}

/**
 * Why what looks like a call of `name` in a line is none, judged by its place, never by whose name it is;
 * `undefined`: there is no such reason.
 */
export function whyNoCall({ masked, facts, lines, text }: ReadFile, line: number, name: string): string | undefined {
  if (/^(?:__alignof(?:__)?|_?[Aa]lignof)$/.test(name)) return 'an operator';
  const written = lines[line - 1] ?? '';
  if (/^\s*#/.test(written)) return 'directive';
  const from = startOfLine(lines, line);
  for (const { kind, start, end, original } of masked.rewrites) {
    if (start >= from + written.length || end <= from || !original.includes(name)) continue;
    if (kind === 'asm') return 'assembler';
    if (kind === 'attribute' || kind === 'file-scope-call') return kind;
    if (kind === 'type-argument' && /^_*typeof/.test(name)) return 'typeof';
    if (kind === 'other' && new RegExp(`^${name}\\s*\\(`).test(original)) return 'field made by a macro';
  }
  if (masked.branches.some((branch) => branch.dropped && branch.start <= from && from < branch.end)) return 'dropped';
  const named = (each: { name: string; at: Pos }): boolean =>
    lineOf(each.at) === line && each.name.replace(/^FNAME\(.*/, 'FNAME') === name;
  if (facts.prototypes.some(named)) return 'prototype';
  if (facts.functions.some(named)) return 'definition';
  if (
    new RegExp(`\\b${name}\\s*\\(\\s*\\*\\s*(?:const )?\\w*(?:\\[\\w*\\])?\\s*\\)\\s*\\(`).test(
      text.slice(from, from + 400),
    )
  )
    return 'type of a function pointer';
  return isInType(facts, line, name) ? 'size in a declaration' : undefined;
}

/** `u64 map[BITS_TO_LONGS(X)]`, which may go on in the next line. */
function isInType(facts: FileFacts, line: number, name: string): boolean {
  let found = false;
  visit([facts.functions, facts.structs, facts.variables], (node) => {
    const { type, at } = node as { type?: unknown; at?: unknown };
    if (typeof type !== 'string' || typeof at !== 'number' || !type.includes(`${name}(`)) return;
    if (line - lineOf(at) === 0 || line - lineOf(at) === 1) found = true;
  });
  return found;
}

const starts = new WeakMap<readonly string[], number[]>();

function startOfLine(lines: readonly string[], line: number): number {
  let all = starts.get(lines);
  if (all === undefined) {
    all = [0];
    for (const each of lines) all.push((all.at(-1) ?? 0) + each.length + 1);
    starts.set(lines, all);
  }
  return all[line - 1] ?? 0;
}

/** The source with comments, directives and what strings say blanked: nothing but C is left. Made without the mask. */
export function plainC(text: string): string {
  const blank = (part: string): string => part.replace(/[^\n]/g, ' ');
  return text
    .replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'/g, (part) =>
      part.startsWith('/') ? blank(part) : part.slice(0, 1) + blank(part.slice(2)) + part.slice(0, 1),
    )
    .replace(/^[ \t]*#(?:[^\n\\]|\\[\s\S])*/gm, blank);
}

/** How many times each thing is in a list. */
export function tally(things: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const thing of things) counts.set(thing, (counts.get(thing) ?? 0) + 1);
  return counts;
}
