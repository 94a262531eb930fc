/**
 * What the reference configuration says of a preprocessor condition: 64-bit x86, SMP, a built-in kernel with every
 * option on that does not exclude another. `undefined`: it cannot be told. Used only to choose which branch of an
 * `#if` that splits a statement is kept; the linker judges definitions by its own, finer rules.
 */
export function referenceValue(condition: string): boolean | undefined {
  const tokens = condition.match(/&&|\|\||[!()<>=]=?|[A-Za-z_]\w*|\d\w*|\S/g) ?? [];
  let next = 0;
  const primary = (): boolean | undefined => {
    const token = tokens[next++];
    if (token === undefined) return undefined;
    if (token === '!') {
      const value = primary();
      return value === undefined ? undefined : !value;
    }
    if (token === '(') {
      const value = either();
      if (tokens[next] === ')') next += 1;
      return value;
    }
    if (/^\d/.test(token)) return comparison(Number.parseInt(token, token.startsWith('0x') ? 16 : 10) !== 0);
    if (tokens[next] !== '(') return comparison(token === 'defined' ? defined(tokens[next++] ?? '') : isOn(token));
    next += 1;
    const argument = tokens[next] ?? '';
    const args = skipToClose();
    if (token === 'defined') return defined(argument);
    if (/^IS_(ENABLED|BUILTIN|REACHABLE)$/.test(token) && args === 1) return isOn(argument);
    if (token === 'IS_MODULE') return false;
    return comparison(undefined);
  };
  const skipToClose = (): number => {
    let depth = 1;
    let count = 0;
    while (next < tokens.length && depth > 0) {
      const token = tokens[next++];
      if (token === '(') depth += 1;
      else if (token === ')') depth -= 1;
      count += 1;
    }
    return count - 1;
  };
  /** `X > 1` and the like cannot be told. */
  const comparison = (value: boolean | undefined): boolean | undefined => {
    const token = tokens[next];
    if (token === undefined || token === '&&' || token === '||' || token === ')') return value;
    while (next < tokens.length && !['&&', '||', ')'].includes(tokens[next] ?? '')) next += 1;
    return undefined;
  };
  const both = (): boolean | undefined => {
    let value = primary();
    while (tokens[next] === '&&') {
      next += 1;
      const right = primary();
      value = value === false || right === false ? false : value === undefined ? undefined : right;
    }
    return value;
  };
  const either = (): boolean | undefined => {
    let value = both();
    while (tokens[next] === '||') {
      next += 1;
      const right = both();
      value = value === true || right === true ? true : value === undefined ? undefined : right;
    }
    return value;
  };
  return either();
}

const OFF =
  /^(MODULE|__ASSEMBLY__|__ASSEMBLER__|__BIG_ENDIAN\w*|__CHECKER__|__clang__|CONFIG_X86_32|CONFIG_PREEMPT_RT|CONFIG_UML|CONFIG_CC_IS_CLANG)$/;

function isOn(name: string): boolean | undefined {
  if (OFF.test(name)) return false;
  return name.startsWith('CONFIG_') || name === '__KERNEL__' || name === '__x86_64__' ? true : undefined;
}

function defined(name: string): boolean | undefined {
  return isOn(name);
}
