import { beforeAll, expect, it } from 'vitest';
import { kvmFiles } from '../../extension/core/source/kvm-files';
import type { FileFacts } from '../../extension/core/syntax/facts';
import { lineOf } from '../../extension/core/syntax/facts';
import { readFacts } from '../../extension/core/syntax/read-facts';
import { cParser } from '../unit/linking';
import { folderTree } from './linked';
import { cscopeCalls, ctagsFunctions, type Found } from './oracles';
import { describeTree, TREES } from './trees';

/**
 * What ctags takes for a function's name and is none, by rule: a template's `FNAME(x)`, whose function we know as
 * `FNAME(x)`, and an upper-case macro whose arguments it takes for parameters.
 */
function isMistakenFunction({ file, line, name }: Found, facts: ReadonlyMap<string, FileFacts>): boolean {
  const of = facts.get(file);
  if (name === 'FNAME')
    return of?.functions.some((fn) => lineOf(fn.at) === line && fn.name.startsWith('FNAME(')) === true;
  return /^[A-Z][A-Z0-9_]+$/.test(name) && of?.fileScopeCalls.some((call) => call.name === name) === true;
}

/**
 * What cscope takes for a call and is none, by rule: assembler and what stands in it, words of the preprocessor and of
 * types, attributes, prototypes, template names, macro calls at file scope and what their arguments say.
 */
function isNoCall({ file, line, name }: Found, facts: ReadonlyMap<string, FileFacts>): boolean {
  if (
    /^(?:asm\w*|_ASM_\w+|FNAME|FOP_\w+|IS_ENABLED|defined|typeof|bool|__[a-z_]+|KVM_X86_OP\w*|DEFINE_\w+)$/.test(name)
  )
    return true;
  const near = facts.get(file)?.fileScopeCalls.filter((call) => Math.abs(lineOf(call.at) - line) <= 5) ?? [];
  if (near.some((call) => call.name === name || call.args.some((arg) => arg.includes(`${name}(`)))) return true;
  if (facts.get(file)?.prototypes.some((each) => each.name === name && lineOf(each.at) === line) === true) return true;
  // `u64 array[BITS_TO_LONGS(X)]`: the size in a declaration runs no code.
  return (
    facts.get(file)?.variables.some((v) => v.type.includes(`${name}(`)) === true ||
    inLocalType(facts.get(file), name, line)
  );
}

function inLocalType(facts: FileFacts | undefined, name: string, line: number): boolean {
  let found = false;
  visit([facts?.functions, facts?.structs], (node) => {
    const { type, at } = node as { type?: unknown; at?: unknown };
    if (typeof type === 'string' && typeof at === 'number' && lineOf(at) === line && type.includes(`${name}(`))
      found = true;
  });
  return found;
}

function visit(value: unknown, each: (node: object) => void): void {
  if (Array.isArray(value)) for (const item of value) visit(item, each);
  else if (typeof value === 'object' && value !== null) {
    each(value);
    for (const item of Object.values(value)) if (typeof item === 'object') visit(item, each);
  }
}

/** Names by line: calls, and macros that head loops and guards. */
function callsByLine(facts: ReadonlyMap<string, FileFacts>): Set<string> {
  const calls = new Set<string>();
  for (const [file, of] of facts) {
    visit([of.functions, of.macros, of.variables], (node) => {
      const { k, at, fn, macro } = node as {
        k?: string;
        at?: number;
        fn?: { k: string; name?: string; field?: string };
        macro?: string;
      };
      const name = k === 'call' ? (fn?.name ?? fn?.field) : k === 'each' || k === 'guard' ? macro : undefined;
      if (name !== undefined && at !== undefined) calls.add(`${file}:${lineOf(at)} ${name}`);
    });
  }
  return calls;
}

for (const name of TREES)
  describeTree(name, (top) => {
    const facts = new Map<string, FileFacts>();
    beforeAll(async () => {
      const tree = folderTree(top);
      const parser = await cParser();
      for (const file of await kvmFiles(tree)) {
        const read = await tree.read(file);
        if (read.kind === 'text') facts.set(file, readFacts(parser, file, read.text));
      }
    }, 60_000);

    it('has the functions that ctags finds, but for its mistakes', () => {
      const tags = ctagsFunctions(top, [...facts.keys()]);
      const missing = tags.filter(
        (tag) =>
          facts.get(tag.file)?.functions.some((fn) => fn.name === tag.name && lineOf(fn.at) === tag.line) !== true,
      );
      const lost = missing.filter((tag) => !isMistakenFunction(tag, facts));
      console.info(
        `Linux ${name}: ctags ${tags.length} functions, ${missing.length - lost.length} of them its own mistakes, ${lost.length} not found by us`,
      );
      expect(tags.length).toBeGreaterThan(3000);
      expect(missing.length - lost.length).toBeLessThan(0.01 * tags.length);
      expect(lost.length, JSON.stringify(lost)).toBeLessThanOrEqual(0.001 * tags.length);
    });

    it('has the calls that cscope finds, but for what is no call', () => {
      const calls = cscopeCalls(top, [...facts.keys()]);
      const mine = callsByLine(facts);
      const missing = calls.filter((call) => !mine.has(`${call.file}:${call.line} ${call.name}`));
      const lost = missing.filter((call) => !isNoCall(call, facts));
      console.info(
        `Linux ${name}: cscope ${calls.length} calls, ${missing.length - lost.length} of them no calls, ${lost.length} not found by us`,
      );
      expect(calls.length).toBeGreaterThan(15_000);
      expect(missing.length - lost.length).toBeLessThan(0.01 * calls.length);
      expect(lost).toEqual([]);
    });
  });
