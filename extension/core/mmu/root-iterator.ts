import type { Program } from '../program/program';
import type { RootTypes } from './roots';

/** The name of a loop macro over `kvm->arch.tdp_mmu_roots`. */
export function isRootIterator(macro: string): boolean {
  return /tdp_mmu_root/.test(macro);
}

/** Whether a tree knows mirror roots: before TDX support all roots are alike. */
export function hasMirrorRoots(program: Program): boolean {
  return (
    program.symbols.constant('KVM_MIRROR_ROOTS') !== undefined ||
    program.symbols.fieldType('struct kvm_mmu_page', 'is_mirror') !== undefined ||
    program.symbols.fieldType('union kvm_mmu_page_role', 'is_mirror') !== undefined
  );
}

/**
 * Which roots an iterator visits, as `text` writes it (`for_each_valid_tdp_mmu_root_yield_safe(kvm, root, -1)`,
 * mmu/tdp_mmu.c): read through the macros behind it down to the root types that they name. An iterator that names
 * none visits every root that its name does not exclude, as in trees that know one kind only. `undefined`: the tree
 * tells kinds apart, and which ones are meant is not in the text.
 */
export function iteratedRoots(program: Program, file: string, text: string): RootTypes | undefined {
  const types = namedTypes(program, file, text, new Set());
  const direct = rootType(program, file, 'KVM_DIRECT_ROOTS');
  const mirror = rootType(program, file, 'KVM_MIRROR_ROOTS');
  if (direct === undefined || mirror === undefined)
    return { direct: true, mirror: true, invalid: !text.includes('valid') };
  if (types === undefined) return undefined;
  const has = (bits: bigint | undefined): boolean => bits !== undefined && (types & bits) !== 0n;
  return { direct: has(direct), mirror: has(mirror), invalid: has(rootType(program, file, 'KVM_INVALID_ROOTS')) };
}

/** A constant of `enum kvm_tdp_mmu_root_types`, also where `file` does not see its definition. */
function rootType(program: Program, file: string, name: string): bigint | undefined {
  return program.symbols.constant(name, file) ?? program.symbols.constant(name);
}

/** The root types named in an iterator's arguments or in the macros that it stands for: all that are or-ed there. */
function namedTypes(program: Program, file: string, text: string, seen: Set<string>): bigint | undefined {
  const words = text.match(/[A-Za-z_]\w*/g) ?? [];
  const named = words
    .filter((word) => word.endsWith('_ROOTS'))
    .map((word) => rootType(program, file, word))
    .filter((value) => value !== undefined);
  if (named.length > 0) return named.reduce((all, value) => all | value, 0n);
  for (const word of words) {
    if (!isRootIterator(word) || seen.has(word)) continue;
    seen.add(word);
    const macro = program.symbols.macro(word, file);
    const types = macro === undefined ? undefined : namedTypes(program, file, macro.text, seen);
    if (types !== undefined) return types;
  }
  return undefined;
}
