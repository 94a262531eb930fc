import type { MacroFact, When } from '../syntax/facts';
import { type ConditionValue, evaluateCondition } from '../syntax/condition-value';
import { type Definitions, isDefault, type Located } from './located';

/**
 * What the reference configuration (x86-64, SMP, every KVM option on) says of `#if` conditions. KVM's own options come
 * from its Kconfig files (`kconfig.ts`); without them, and for options of other subsystems, an option is on unless it
 * is one of those below.
 */
const OFF_OPTIONS =
  /^CONFIG_(?:X86_32|M\d86\w*|32BIT|UML|PREEMPT_RT|CPU_BIG_ENDIAN|ARM|ARM64|S390|PPC\w*|MIPS\w*|RISCV|LOONGARCH|SPARC\w*|ALPHA|PARISC|IA64|GENERIC_BUG_RELATIVE_POINTERS|NO_\w+|DEBUG_INFO_BTF\w*|X86_5LEVEL_OFF|KASAN\w*|KCSAN|KMSAN\w*|UBSAN\w*|CFI_CLANG|DEBUG_\w+|PROVE_\w+|LOCK_STAT|FTRACE_MCOUNT_USE_\w+)$/;
const HOST_OPTIONS =
  /^CONFIG_(?:X86|X86_64|X86_32|64BIT|32BIT|SMP|MMU|MMU_NOTIFIER|PREEMPT_NOTIFIERS|HAS_IOMEM|X86_LOCAL_APIC|S390|PPC\w*|ARM64|MIPS|RISCV)$/;
const DEFINED = new Set(['__KERNEL__', '__x86_64__', '__GNUC__', '__LITTLE_ENDIAN', '__LP64__']);
const UNDEFINED = new Set([
  '__ASSEMBLY__',
  '__ASSEMBLER__',
  '__i386__',
  '__aarch64__',
  '__BIG_ENDIAN',
  '__CHECKER__',
  '__GENKSYMS__',
  '__cplusplus',
  '__clang__',
]);

export class Conditions {
  private readonly cache = new Map<string, boolean | undefined>();
  private readonly open = new Set<string>();

  constructor(private readonly definitions: Definitions) {}

  /** `undefined` if it cannot be told: such code is kept. */
  isActive(when: When | undefined, from?: string): boolean | undefined {
    if (when === undefined) return true;
    let all: boolean | undefined = true;
    for (const text of when) {
      const one = this.holds(text, from);
      if (one === false) return false;
      if (one === undefined) all = undefined;
    }
    return all;
  }

  /**
   * Whether a condition that the reference configuration answers is so on every host: it names options of KVM's Kconfig
   * files, or those that a 64-bit host which runs KVM has. Of any other option a kernel may be built either way.
   */
  isSettled(text: string): boolean {
    const options = text.match(/\bCONFIG_\w+/g) ?? [];
    return options.every((name) => this.definitions.macros.has(name) || HOST_OPTIONS.test(name));
  }

  private holds(text: string, from: string | undefined): boolean | undefined {
    const key =
      /CONFIG_/.test(text) && !/\b(?!CONFIG_|defined\b|IS_ENABLED\b)[A-Za-z_]\w*/.test(text)
        ? text
        : `${text}\0${from ?? ''}`;
    if (this.cache.has(key)) return this.cache.get(key);
    if (this.open.has(key)) return undefined;
    this.open.add(key);
    const value = evaluateCondition(text, {
      defined: (name) => this.defined(name, from),
      value: (name) => this.valueOf(name, from),
    });
    this.open.delete(key);
    this.cache.set(key, value);
    return value;
  }

  private defined(name: string, from: string | undefined): boolean | undefined {
    if (name.startsWith('CONFIG_')) return this.option(name);
    if (DEFINED.has(name)) return true;
    if (UNDEFINED.has(name)) return false;
    const macros = this.definitions.visibleMacros(name, from);
    let known: boolean | undefined = false;
    for (const { file, fact } of macros) {
      if (isDefault(fact)) continue;
      const active = this.isActive(fact.when, file);
      if (active === true) return true;
      if (active === undefined) known = undefined;
    }
    if (macros.length > 0) return known;
    // KVM's own switches (`__KVM_HAVE_ARCH_X`, `KVM_ARCH_X`, `kvm_arch_x`) are defined in files that were read, or nowhere.
    return /^_*kvm/i.test(name) ? false : undefined;
  }

  private option(name: string): boolean {
    const own = this.definitions.macros.get(name);
    if (own !== undefined) return own.some(({ fact }) => fact.text.trim() === '1');
    return !OFF_OPTIONS.test(name);
  }

  private valueOf(name: string, from: string | undefined): ConditionValue {
    if (name === '__x86_64__' || name === '__GNUC__') return 1n;
    if (name.startsWith('CONFIG_')) return this.option(name) ? 'on' : 0n;
    const active = this.definitions
      .visibleMacros(name, from)
      .filter((m) => this.isActive(m.fact.when, m.file) !== false);
    const one: Located<MacroFact> | undefined = active[0];
    if (one === undefined || active.length > 1 || one.fact.params !== undefined) return undefined;
    const number = /^\(?\s*(0[xX][0-9a-fA-F]+|\d+)[uUlL]*\s*\)?$/.exec(one.fact.text.trim());
    if (number?.[1] !== undefined) return BigInt(number[1]);
    return /^\w+$/.test(one.fact.text.trim()) && !this.open.has(`=${name}`) ? this.alias(name, one) : undefined;
  }

  private alias(name: string, macro: Located<MacroFact>): ConditionValue {
    this.open.add(`=${name}`);
    const value = this.valueOf(macro.fact.text.trim(), macro.file);
    this.open.delete(`=${name}`);
    return value;
  }
}
