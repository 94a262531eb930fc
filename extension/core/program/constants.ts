import type { Expr, MacroFact } from '../syntax/facts';
import type { Conditions } from './conditions';
import type { Definitions, Located, LocatedEnumerator } from './located';
import { arithmetic } from '../syntax/condition-value';
import { unsignedWidth } from './unsigned-width';

type Bindings = ReadonlyMap<string, bigint | undefined>;

const NONE: Bindings = new Map();
const DEEPEST = 64;
const MASK64 = (1n << 64n) - 1n;

/** Widths in bits of the integer types of x86-64 that casts and `sizeof` name; negative: signed. */
const WIDTHS: Readonly<Record<string, number>> = {
  bool: 1,
  _Bool: 1,
  char: -8,
  'signed char': -8,
  'unsigned char': 8,
  u8: 8,
  __u8: 8,
  uint8_t: 8,
  s8: -8,
  __s8: -8,
  short: -16,
  'unsigned short': 16,
  u16: 16,
  __u16: 16,
  uint16_t: 16,
  s16: -16,
  int: -32,
  signed: -32,
  unsigned: 32,
  'unsigned int': 32,
  u32: 32,
  __u32: 32,
  uint32_t: 32,
  s32: -32,
  __s32: -32,
  long: -64,
  'long long': -64,
  'unsigned long': 64,
  'unsigned long long': 64,
  u64: 64,
  __u64: 64,
  uint64_t: 64,
  s64: -64,
  __s64: -64,
  size_t: 64,
};

/** Names that no file read defines. x86 has pages of 4K, which arch/Kconfig makes `CONFIG_PAGE_SHIFT`. */
const GIVEN: ReadonlyMap<string, bigint> = new Map([
  ['true', 1n],
  ['false', 0n],
  ['NULL', 0n],
  ['CONFIG_PAGE_SHIFT', 12n],
]);

/** Width in bits of an integer type after typedefs, negative if it is signed; `undefined` for anything else. */
export function integerWidth(type: string): number | undefined {
  return Object.hasOwn(WIDTHS, type) ? WIDTHS[type] : type.startsWith('enum ') ? 32 : undefined;
}

export function wrap(value: bigint, width: number): bigint {
  if (width === 1) return value === 0n ? 0n : 1n;
  return width < 0 ? BigInt.asIntN(-width, value) : BigInt.asUintN(width, value);
}

/** Folds constants as the compiler would. Where the text does not say that a number has no sign, it is a mathematical integer until a cast. */
export class Constants {
  private readonly cache = new Map<string, bigint | undefined>();
  private readonly open = new Set<string>();
  private depth = 0;

  constructor(
    private readonly definitions: Definitions,
    private readonly conditions: Conditions,
    private readonly resolveType: (type: string) => string,
  ) {}

  constant(name: string, from?: string): bigint | undefined {
    const macros = this.definitions.macros.get(name);
    const enumerators = this.definitions.enumerators.get(name);
    if (macros === undefined && enumerators === undefined) return GIVEN.get(name);
    const key = `${name}\0${from ?? ''}`;
    if (this.cache.has(key)) return this.cache.get(key);
    if (this.open.has(key)) return undefined;
    this.open.add(key);
    const value = this.ofMacros(name, from) ?? this.ofEnumerators(enumerators, from);
    this.open.delete(key);
    this.cache.set(key, value);
    return value;
  }

  /** The macro that `name` means in `from`; of several, the first whose `#if` is on. */
  macro(name: string, from?: string): MacroFact | undefined {
    const all = this.definitions.visibleMacros(name, from);
    if (all.length === 0) return undefined;
    return (this.active(all)[0] ?? all[0])?.fact;
  }

  fold(x: Expr, from?: string): bigint | undefined {
    return this.eval(x, from, NONE);
  }

  private active<Fact extends { readonly when?: readonly string[] }>(
    all: readonly Located<Fact>[],
  ): readonly Located<Fact>[] {
    if (all.length === 1 && all[0]?.fact.when === undefined) return all;
    return all.filter((one) => this.conditions.isActive(one.fact.when, one.file) !== false);
  }

  /** Several active definitions count only if they agree. */
  private ofMacros(name: string, from: string | undefined): bigint | undefined {
    let found: bigint | undefined;
    for (const { file, fact } of this.active(this.definitions.visibleMacros(name, from))) {
      if (fact.params !== undefined) return undefined;
      if (fact.text.trim() === name) continue; // `#define X X` beside an enumerator
      const value = fact.expr === undefined ? undefined : this.eval(fact.expr, file, NONE);
      if (value === undefined || (found !== undefined && found !== value)) return undefined;
      found = value;
    }
    return found;
  }

  private ofEnumerators(all: readonly LocatedEnumerator[] | undefined, from: string | undefined): bigint | undefined {
    const seen = this.definitions
      .visible(all, from)
      .filter((one) => this.conditions.isActive(one.fact.when, one.file) !== false);
    const first = seen[0];
    return first === undefined || seen.length > 1 ? undefined : this.enumerator(first);
  }

  private enumerator(one: LocatedEnumerator): bigint | undefined {
    let steps = 0n;
    let at = one;
    while (at.fact.value === undefined) {
      // An enumerator that is switched off does not count, and neither does its value.
      let before = at.before;
      while (before !== undefined && this.conditions.isActive(before.fact.when, before.file) === false)
        before = before.before;
      if (before === undefined) return steps;
      steps++;
      at = before;
    }
    const base = this.eval(at.fact.value, at.file, NONE);
    return base === undefined ? undefined : base + steps;
  }

  private eval(x: Expr, from: string | undefined, bound: Bindings): bigint | undefined {
    if (this.depth > DEEPEST) return undefined;
    this.depth++;
    const value = this.evalInner(x, from, bound);
    this.depth--;
    return value;
  }

  private evalInner(x: Expr, from: string | undefined, bound: Bindings): bigint | undefined {
    switch (x.k) {
      case 'num':
        return parseNumber(x.text);
      case 'id':
        return bound.has(x.name) ? bound.get(x.name) : this.constant(x.name, from);
      case 'unary':
        return this.wrapped(x, this.unary(x.op, this.eval(x.x, from, bound)));
      case 'binary': {
        const l = this.eval(x.l, from, bound);
        const r = this.eval(x.r, from, bound);
        if (x.op === '&' && (l === 0n || r === 0n)) return 0n;
        return l === undefined || r === undefined ? undefined : this.wrapped(x, arithmetic(x.op, l, r));
      }
      case 'cond': {
        const c = this.eval(x.c, from, bound);
        if (c === undefined) return undefined;
        if (c === 0n) return this.eval(x.b, from, bound);
        return x.a === undefined ? c : this.eval(x.a, from, bound);
      }
      case 'cast':
        return this.cast(x.type, this.eval(x.x, from, bound));
      case 'sizeof': {
        const width = x.type === undefined ? undefined : integerWidth(this.resolveType(x.type));
        if (x.type?.endsWith('*') === true) return 8n;
        return width === undefined ? undefined : BigInt(Math.max(1, Math.abs(width) >> 3));
      }
      case 'call':
        return x.fn.k === 'id' ? this.call(x.fn.name, x.args, from, bound) : undefined;
      default:
        return undefined;
    }
  }

  /** What a computation without a sign leaves of a number: `~0UL` is not -1. */
  private wrapped(x: Expr, value: bigint | undefined): bigint | undefined {
    if (value === undefined || (value >= 0n && value <= 0x7fffffffn)) return value;
    const width = unsignedWidth(x, (type) => integerWidth(this.resolveType(type)));
    return width === undefined ? value : wrap(value, width);
  }

  private unary(op: string, x: bigint | undefined): bigint | undefined {
    if (x === undefined) return undefined;
    if (op === '-') return -x;
    if (op === '+') return x;
    if (op === '~') return ~x;
    if (op === '!') return x === 0n ? 1n : 0n;
    return undefined;
  }

  private cast(type: string, x: bigint | undefined): bigint | undefined {
    if (x === undefined) return undefined;
    const width = integerWidth(this.resolveType(type));
    if (width !== undefined) return wrap(x, width);
    return type.endsWith('*') ? BigInt.asUintN(64, x) : undefined;
  }

  private call(name: string, args: readonly Expr[], from: string | undefined, bound: Bindings): bigint | undefined {
    const known = this.vocabulary(name, args, from, bound);
    if (known !== undefined) return known;
    const macro = this.macro(name, from);
    if (macro?.params === undefined || macro.expr === undefined || macro.text.includes('#')) return undefined;
    if (macro.params.length !== args.length || this.open.has(`${name}()`)) return undefined;
    const inner = new Map<string, bigint | undefined>();
    macro.params.forEach((param, i) => {
      const arg = args[i];
      inner.set(param, arg === undefined ? undefined : this.eval(arg, from, bound));
    });
    this.open.add(`${name}()`);
    const value = this.eval(macro.expr, from, inner);
    this.open.delete(`${name}()`);
    return value;
  }

  /** The kernel's ways of writing bits and masks, whose own definitions go through assembler-safe and type-checking layers. */
  private vocabulary(
    name: string,
    args: readonly Expr[],
    from: string | undefined,
    bound: Bindings,
  ): bigint | undefined {
    const first = args[0];
    const second = args[1];
    const value = (x: Expr | undefined): bigint | undefined =>
      x === undefined ? undefined : this.eval(x, from, bound);
    switch (name) {
      case 'BIT':
      case 'BIT_ULL':
      case '_BITUL':
      case '_BITULL':
      case 'BIT_U64': {
        const bit = value(first);
        return bit === undefined || bit < 0n || bit > 63n ? undefined : 1n << bit;
      }
      case 'GENMASK':
      case 'GENMASK_ULL':
      case '__GENMASK':
      case '__GENMASK_ULL': {
        const high = value(first);
        const low = value(second);
        if (high === undefined || low === undefined || low < 0n || high > 63n || high < low) return undefined;
        return (MASK64 >> (63n - high)) & (MASK64 << low) & MASK64;
      }
      case '_AC':
      case '__AC':
      case '_UL':
      case '_ULL':
      case 'UL':
      case 'ULL':
      case 'U64_C':
        return value(first);
      default:
        return undefined;
    }
  }
}

/** C integer and character constants; `undefined` for floating ones and anything else. */
export function parseNumber(text: string): bigint | undefined {
  const number = /^(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)[uUlL]*$/.exec(text);
  if (number?.[1] !== undefined) {
    const digits = number[1];
    if (/^0[0-7]+$/.test(digits)) return BigInt(`0o${digits.slice(1)}`);
    return BigInt(digits);
  }
  const character = /^'([^'\\])'$/.exec(text);
  return character?.[1] === undefined ? undefined : BigInt(character[1].charCodeAt(0));
}
