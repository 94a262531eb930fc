/**
 * Expressions of `#if`, as text, to a value in three-valued logic: `undefined` is "cannot be told". Any text is
 * answered: what is not an expression cannot be told.
 */
export interface ConditionNames {
  /** Whether the preprocessor knows the name. */
  defined(name: string): boolean | undefined;
  value(name: string): ConditionValue;
  /** Whether what the option stands for is in the kernel itself (`IS_BUILTIN()`) and no module; absent: it may be either. */
  builtIn?(option: string): boolean | undefined;
}

/** `'on'`: not zero, a number that is not known (`CONFIG_NR_CPUS`). */
export type ConditionValue = bigint | 'on' | undefined;

const TOKEN =
  /\s*(?:(0[xX][0-9a-fA-F]+|\d+)[uUlL]*|([A-Za-z_]\w*)|(\|\||&&|==|!=|<=|>=|<<|>>|[-+*/%&|^!~<>()?:,])|(\S))/y;
const PRECEDENCE: Readonly<Record<string, number>> = {
  '||': 1,
  '&&': 2,
  '|': 3,
  '^': 4,
  '&': 5,
  '==': 6,
  '!=': 6,
  '<': 7,
  '<=': 7,
  '>': 7,
  '>=': 7,
  '<<': 8,
  '>>': 8,
  '+': 9,
  '-': 9,
  '*': 10,
  '/': 10,
  '%': 10,
};
const DEEPEST = 200;

export function evaluateCondition(text: string, names: ConditionNames): boolean | undefined {
  const value = new Evaluator(tokens(text), names).whole();
  return value === undefined ? undefined : value !== 0n;
}

function tokens(text: string): string[] {
  const found: string[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    found.push(match[1] ?? match[2] ?? match[3] ?? match[4] ?? '');
    if (TOKEN.lastIndex >= text.length) break;
  }
  return found;
}

class Evaluator {
  private at = 0;
  private broken = false;
  private depth = 0;

  constructor(
    private readonly list: readonly string[],
    private readonly names: ConditionNames,
  ) {}

  whole(): ConditionValue {
    const value = this.ternary();
    return this.broken || this.at < this.list.length ? undefined : value;
  }

  private take(token: string): boolean {
    if (this.list[this.at] !== token) return false;
    this.at++;
    return true;
  }

  private ternary(): ConditionValue {
    if (++this.depth > DEEPEST) {
      this.broken = true;
      this.at = this.list.length;
      return undefined;
    }
    const c = this.binary(1);
    if (this.take('?')) {
      const a = this.ternary();
      if (!this.take(':')) this.broken = true;
      const b = this.ternary();
      this.depth--;
      return c === undefined ? undefined : c !== 0n ? a : b;
    }
    this.depth--;
    return c;
  }

  private binary(lowest: number): ConditionValue {
    let left = this.unary();
    for (;;) {
      const op = this.list[this.at] ?? '';
      const precedence = PRECEDENCE[op];
      if (precedence === undefined || precedence < lowest) return left;
      this.at++;
      left = combine(op, left, this.binary(precedence + 1));
    }
  }

  private unary(): ConditionValue {
    if (++this.depth > DEEPEST) {
      this.broken = true;
      this.at = this.list.length;
      return undefined;
    }
    const value = this.prefixed();
    this.depth--;
    return value;
  }

  private prefixed(): ConditionValue {
    if (this.take('!')) {
      const x = this.unary();
      return x === undefined ? undefined : truth(x === 0n);
    }
    if (this.take('-')) {
      const x = this.unary();
      return typeof x === 'bigint' ? -x : undefined;
    }
    if (this.take('+')) return this.unary();
    if (this.take('~')) {
      const x = this.unary();
      return typeof x === 'bigint' ? ~x : undefined;
    }
    if (this.take('(')) {
      const x = this.ternary();
      if (!this.take(')')) this.broken = true;
      return x;
    }
    const token = this.list[this.at++];
    if (token === undefined) {
      this.broken = true;
      return undefined;
    }
    if (/^\d/.test(token)) return BigInt(/^0[0-7]+$/.test(token) ? `0o${token}` : token);
    if (/^[A-Za-z_]/.test(token)) return this.name(token);
    this.broken = true;
    return undefined;
  }

  private name(name: string): ConditionValue {
    if (name === 'defined') {
      const braced = this.take('(');
      const operand = this.list[this.at++];
      if (braced && !this.take(')')) this.broken = true;
      if (operand === undefined) this.broken = true;
      return operand === undefined ? undefined : known(this.names.defined(operand));
    }
    if (/^IS_(?:ENABLED|BUILTIN|MODULE|REACHABLE)$/.test(name) && this.take('(')) {
      const option = this.list[this.at++] ?? '';
      if (!this.take(')')) this.broken = true;
      if (name === 'IS_ENABLED' || name === 'IS_REACHABLE') return known(this.names.defined(option));
      const builtIn = this.names.builtIn?.(option);
      return builtIn === undefined ? undefined : truth(builtIn === (name === 'IS_BUILTIN'));
    }
    if (this.take('(')) {
      this.skipArguments();
      return undefined;
    }
    return this.names.value(name);
  }

  private skipArguments(): void {
    for (let open = 1; open > 0; this.at++) {
      const token = this.list[this.at];
      if (token === undefined) {
        this.broken = true;
        return;
      }
      if (token === '(') open++;
      if (token === ')') open--;
    }
  }
}

function known(value: boolean | undefined): bigint | undefined {
  return value === undefined ? undefined : truth(value);
}

function truth(value: boolean): bigint {
  return value ? 1n : 0n;
}

function combine(op: string, l: ConditionValue, r: ConditionValue): ConditionValue {
  if (op === '&&') {
    if (l === 0n || r === 0n) return 0n;
    return l === undefined || r === undefined ? undefined : 1n;
  }
  if (op === '||') {
    if ((l !== undefined && l !== 0n) || (r !== undefined && r !== 0n)) return 1n;
    return l === undefined || r === undefined ? undefined : 0n;
  }
  return typeof l === 'bigint' && typeof r === 'bigint' ? arithmetic(op, l, r) : undefined;
}

/** C's binary operators on integers without a width; shifts and divisions that C leaves undefined give `undefined`. */
export function arithmetic(op: string, l: bigint, r: bigint): bigint | undefined {
  switch (op) {
    case '+':
      return l + r;
    case '-':
      return l - r;
    case '*':
      return l * r;
    case '/':
      return r === 0n ? undefined : l / r;
    case '%':
      return r === 0n ? undefined : l % r;
    case '<<':
      return r < 0n || r > 127n ? undefined : l << r;
    case '>>':
      return r < 0n || r > 127n ? undefined : l >> r;
    case '&':
      return l & r;
    case '|':
      return l | r;
    case '^':
      return l ^ r;
    case '==':
      return truth(l === r);
    case '!=':
      return truth(l !== r);
    case '<':
      return truth(l < r);
    case '<=':
      return truth(l <= r);
    case '>':
      return truth(l > r);
    case '>=':
      return truth(l >= r);
    case '&&':
      return truth(l !== 0n && r !== 0n);
    case '||':
      return truth(l !== 0n || r !== 0n);
    case ',':
      return r;
    default:
      return undefined;
  }
}
