import type { FunctionNode, Program } from '../program/program';
import type { Stmt } from '../syntax/facts';
import type { VmType } from '../reach/verdict';

/** The kinds of TDP MMU roots whose leaves an operation removes. */
export interface WalkedRoots {
  readonly direct: boolean;
  readonly mirror: boolean;
  /** The iterator as written, and its place. */
  readonly iterator: string;
}

/**
 * Which roots a function walks: read from the root iterator in its body (`for_each_valid_tdp_mmu_root_yield_safe()`,
 * mmu/tdp_mmu.c) through the macros behind it down to the root types that they name. An iterator that names no types
 * walks every root, as in trees that know only one kind.
 *
 * `undefined`: the body iterates over no roots.
 */
export function walkedRoots(program: Program, fn: FunctionNode): WalkedRoots | undefined {
  if (!('body' in fn.fact)) return undefined;
  const iterator = firstIterator(fn.fact.body);
  if (iterator === undefined) return undefined;
  const { symbols } = program;
  const mirror = symbols.constant('KVM_MIRROR_ROOTS', fn.file);
  const direct = symbols.constant('KVM_DIRECT_ROOTS', fn.file);
  const types = rootTypes(program, fn.file, iterator.text);
  if (mirror === undefined || direct === undefined || types === undefined) {
    return { direct: true, mirror: true, iterator: iterator.macro };
  }
  return { direct: (types & direct) !== 0n, mirror: (types & mirror) !== 0n, iterator: iterator.macro };
}

function firstIterator(body: readonly Stmt[]): { macro: string; text: string } | undefined {
  for (const stmt of body) {
    if (stmt.k === 'each' && /tdp_mmu_root/.test(stmt.macro)) return { macro: stmt.macro, text: stmt.text };
    const inner =
      stmt.k === 'if'
        ? [...stmt.then, ...(stmt.else ?? [])]
        : stmt.k === 'loop' || stmt.k === 'each' || stmt.k === 'block' || stmt.k === 'when' || stmt.k === 'switch'
          ? stmt.body
          : stmt.k === 'guard'
            ? (stmt.body ?? [])
            : [];
    const found = firstIterator(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The root types named in an iterator's arguments or in the macros that it stands for: the first that is a constant. */
function rootTypes(program: Program, file: string, text: string, seen = new Set<string>()): bigint | undefined {
  for (const word of text.match(/[A-Za-z_]\w*/g) ?? []) {
    if (seen.has(word)) continue;
    seen.add(word);
    if (/_ROOTS$/.test(word)) {
      const value = program.symbols.constant(word, file);
      if (value !== undefined) return value;
    }
    if (!/tdp_mmu_root/.test(word)) continue;
    const macro = program.symbols.macro(word, file);
    const types = macro === undefined ? undefined : rootTypes(program, file, macro.text, seen);
    if (types !== undefined) return types;
  }
  return undefined;
}

/** What is mapped before the sink runs, in the scenario `running`: the kinds of leaves that can be removed at all. */
export function mappedLeaves(vm: VmType): { readonly direct: boolean; readonly mirror: boolean } {
  // Only a TD maps its private pages through a mirror root; all others have one kind of root.
  return { direct: true, mirror: vm === 'tdx' };
}
