import { type ConditionNames, evaluateCondition } from './condition-value';

/**
 * What the reference configuration says of a preprocessor condition: 64-bit x86, SMP, a built-in kernel with every
 * option on that does not exclude another. `undefined`: it cannot be told. Used only to choose which branch of an
 * `#if` that splits a statement is kept; the linker judges definitions by its own, finer rules.
 */
export function referenceValue(condition: string): boolean | undefined {
  return evaluateCondition(condition, REFERENCE);
}

const REFERENCE: ConditionNames = {
  defined: isOn,
  builtIn: isOn,
  value(name) {
    const on = isOn(name);
    return on === undefined ? undefined : on ? 'on' : 0n;
  },
};

/** Off beside options of other architectures: what is not C, not this compiler, not built in. */
const OFF =
  /^(?:MODULE|__ASSEMBLY__|__ASSEMBLER__|__BIG_ENDIAN\w*|__CHECKER__|__GENKSYMS__|__cplusplus|__clang__|__i386__|CONFIG_(?:X86_32|32BIT|PREEMPT_RT|UML|CC_IS_CLANG|CPU_BIG_ENDIAN|ARM|ARM64|S390|PPC\w*|MIPS\w*|RISCV|LOONGARCH|SPARC\w*))$/;

function isOn(name: string): boolean | undefined {
  if (OFF.test(name)) return false;
  return name.startsWith('CONFIG_') || name === '__KERNEL__' || name === '__x86_64__' ? true : undefined;
}
