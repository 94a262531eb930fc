/**
 * What the reference configuration says of a preprocessor condition: 64-bit x86, SMP, a built-in kernel with every
 * option on that does not exclude another. `undefined`: it cannot be told. Used only to choose which branch of an
 * `#if` that splits a statement is kept; the linker judges definitions by its own, finer rules.
 */
export function referenceValue(condition: string): boolean | undefined {
  return new ConditionReader(condition.match(TOKENS) ?? []).either();
}

const TOKENS = /&&|\|\||[!<>=]=?|[()]|[A-Za-z_]\w*|\d\w*|\S/g;

/** Deeper than any condition is; what lies below cannot be told. */
const DEEPEST = 100;

class ConditionReader {
  private next = 0;
  private depth = 0;

  constructor(private readonly tokens: readonly string[]) {}

  either(): boolean | undefined {
    let value = this.both();
    while (this.take('||')) {
      const right = this.both();
      value = value === true || right === true ? true : value === undefined ? undefined : right;
    }
    return value;
  }

  private both(): boolean | undefined {
    let value = this.compared();
    while (this.take('&&')) {
      const right = this.compared();
      value = value === false || right === false ? false : value === undefined ? undefined : right;
    }
    return value;
  }

  /** `X > 1` and the like cannot be told. */
  private compared(): boolean | undefined {
    const value = this.negated();
    const start = this.next;
    for (let token = this.peek(); token !== undefined && !ENDS.has(token); token = this.peek()) {
      this.next += 1;
      if (token === '(') this.skipToClose();
    }
    return this.next === start ? value : undefined;
  }

  private negated(): boolean | undefined {
    let negations = 0;
    while (this.take('!')) negations += 1;
    const value = this.primary();
    return value === undefined || negations % 2 === 0 ? value : !value;
  }

  private primary(): boolean | undefined {
    const token = this.peek();
    if (token === undefined || token === ')') return undefined;
    this.next += 1;
    if (token === '(') return this.parenthesised();
    if (/^\d/.test(token)) return Number.parseInt(token, /^0x/i.test(token) ? 16 : 10) !== 0;
    if (token === 'defined' && this.peek() !== '(') return isOn(this.tokens[this.next++] ?? '');
    if (!this.take('(')) return isOn(token);
    const argument = this.peek() ?? '';
    this.skipToClose();
    if (token === 'defined' || /^IS_(?:ENABLED|BUILTIN|REACHABLE)$/.test(token)) return isOn(argument);
    return token === 'IS_MODULE' ? false : undefined;
  }

  private parenthesised(): boolean | undefined {
    if (this.depth >= DEEPEST) {
      this.skipToClose();
      return undefined;
    }
    this.depth += 1;
    const value = this.either();
    this.depth -= 1;
    this.take(')');
    return value;
  }

  private skipToClose(): void {
    for (let open = 1; open > 0 && this.next < this.tokens.length; this.next += 1) {
      if (this.peek() === '(') open += 1;
      else if (this.peek() === ')') open -= 1;
    }
  }

  private peek(): string | undefined {
    return this.tokens[this.next];
  }

  private take(token: string): boolean {
    if (this.peek() !== token) return false;
    this.next += 1;
    return true;
  }
}

const ENDS: ReadonlySet<string> = new Set(['&&', '||', ')']);

/** Off beside options of other architectures: what is not C, not this compiler, not built in. */
const OFF =
  /^(?:MODULE|__ASSEMBLY__|__ASSEMBLER__|__BIG_ENDIAN\w*|__CHECKER__|__GENKSYMS__|__cplusplus|__clang__|__i386__|CONFIG_(?:X86_32|32BIT|PREEMPT_RT|UML|CC_IS_CLANG|CPU_BIG_ENDIAN|ARM|ARM64|S390|PPC\w*|MIPS\w*|RISCV|LOONGARCH|SPARC\w*))$/;

function isOn(name: string): boolean | undefined {
  if (OFF.test(name)) return false;
  return name.startsWith('CONFIG_') || name === '__KERNEL__' || name === '__x86_64__' ? true : undefined;
}
