import type { FunctionNode, Symbols } from '../program/program';
import type { Expr, FieldFact, TypeText } from '../syntax/facts';
import * as bits from './known-bits';
import type { Bits } from './known-bits';
import { bitsOf, bitsValue, restingOn, type State, type Value } from './state';

/**
 * A number's type that is narrower than a register: a store of a wider number changes it. Numbers are held as 64 bits:
 * unsigned ones with zeros above, signed ones with their sign.
 */
export interface NumberType {
  readonly width: number;
  readonly signed: boolean;
  readonly isBool: boolean;
  /** The numbers that the type can hold. */
  readonly range: Bits;
}

const NAMES: Readonly<Record<string, readonly [width: number, signed: boolean]>> = {
  char: [8, true],
  'signed char': [8, true],
  'unsigned char': [8, false],
  short: [16, true],
  'unsigned short': [16, false],
  int: [32, true],
  signed: [32, true],
  unsigned: [32, false],
  'unsigned int': [32, false],
  u8: [8, false],
  u16: [16, false],
  u32: [32, false],
  s8: [8, true],
  s16: [16, true],
  s32: [32, true],
  bool: [1, false],
  _Bool: [1, false],
};

const made = new Map<string, NumberType>();

function numberType(width: number, signed: boolean, isBool = false): NumberType {
  const key = `${width}${signed ? 's' : 'u'}${isBool ? 'b' : ''}`;
  let type = made.get(key);
  if (type === undefined) {
    const half = 1n << BigInt(width - 1);
    const range = signed
      ? bits.fromRanges([
          [0n, half - 1n],
          [bits.ALL - half + 1n, bits.ALL],
        ])
      : bits.fromRanges([[0n, (1n << BigInt(width)) - 1n]]);
    type = { width, signed, isBool, range };
    made.set(key, type);
  }
  return type;
}

const named = new WeakMap<Symbols, Map<TypeText, NumberType | undefined>>();

/** The narrow number type that a type's text names; `undefined`: a 64-bit number, a pointer, a struct, or not known. */
export function numberTypeOf(symbols: Symbols, type: TypeText): NumberType | undefined {
  const known = named.get(symbols) ?? new Map<TypeText, NumberType | undefined>();
  named.set(symbols, known);
  if (!known.has(type)) known.set(type, readNumberType(symbols, type));
  return known.get(type);
}

function readNumberType(symbols: Symbols, type: TypeText): NumberType | undefined {
  const text = type in NAMES ? type : symbols.resolveType(type).replace(/^__(?=[us]\d)/, '');
  const known = NAMES[text.replace(/^u?int(\d+)_t$/, (whole, n: string) => `${whole.startsWith('u') ? 'u' : 's'}${n}`)];
  if (known === undefined) return undefined;
  return numberType(known[0], known[1], known[0] === 1);
}

/** What storing a value in an object of this type leaves there. `fresh` names a number of which only the bits are known. */
export function converted(type: NumberType | undefined, state: State, value: Value, fresh: () => string): Value {
  const left = leftOf(type, state, value, fresh);
  return left === value ? value : restingOn(left, value.facts);
}

function leftOf(type: NumberType | undefined, state: State, value: Value, fresh: () => string): Value {
  if (type === undefined || value.k === 'object' || value.k === 'function') return value;
  const known = bitsOf(state, value);
  if (bits.isNone(known) || bits.within(known, type.range)) return value;
  if (type.isBool) {
    const is = bits.truth(known);
    return is === undefined ? { k: 'symbol', id: fresh(), of: type.range } : bitsValue(bits.constant(is ? 1n : 0n));
  }
  const low = truncated(known, type);
  return bits.single(low) === undefined ? { k: 'symbol', id: fresh(), of: low } : bitsValue(low);
}

function truncated(known: Bits, type: NumberType): Bits {
  const n = bits.single(known);
  if (n !== undefined) {
    return bits.constant(type.signed ? BigInt.asIntN(type.width, n) : BigInt.asUintN(type.width, n));
  }
  const low = bits.cut(known, type.width);
  if (!type.signed) return low;
  const sign = 1n << BigInt(type.width - 1);
  const ones = bits.constant(bits.ALL ^ ((sign << 1n) - 1n));
  if ((low.value & sign) !== 0n) return bits.or(low, ones);
  if ((low.mask & sign) === 0n) return low;
  const rest = bits.and(low, bits.constant(sign - 1n));
  return bits.join(rest, bits.or(rest, bits.constant(ones.value | sign)));
}

/**
 * What an operation gives whose operands may be 32 bits wide: the 64-bit result, and where that does not fit, the result
 * as an unsigned and as a signed 32-bit number.
 */
export function asNarrow(result: Bits): Bits {
  const int = numberType(32, true);
  if (bits.within(result, SMALL)) return result;
  return bits.join(result, bits.join(truncated(result, numberType(32, false)), truncated(result, int)));
}

const SMALL = bits.fromRanges([[0n, 0x7fffffffn]]);

const WIDE =
  /^(?:unsigned long(?: int)?|unsigned long long(?: int)?|long unsigned int|(?:__)?u64|uint64_t|size_t|uintptr_t)$/;

/** Whether a type's text names a 64-bit number without a sign. */
export function isUnsigned64(symbols: Symbols, type: TypeText): boolean {
  return WIDE.test(type) || WIDE.test(symbols.resolveType(type));
}

/** The field's own fact: its width as a bit-field, and what lies over it in a union. */
export function fieldOf(symbols: Symbols, tag: string, field: string): FieldFact | undefined {
  return symbols.struct(tag)?.fields.find((each) => each.name === field);
}

export function fieldNumberType(symbols: Symbols, tag: string, field: string): NumberType | undefined {
  const fact = fieldOf(symbols, tag, field);
  if (fact === undefined) return undefined;
  const declared = numberTypeOf(symbols, fact.type);
  if (fact.bits === undefined) return declared;
  const width = Number(fact.bits);
  if (!Number.isInteger(width) || width < 1 || width > 63) return declared;
  return declared?.isBool === true ? declared : numberType(width, declared?.signed ?? false);
}

export interface PlaceType {
  readonly number: NumberType | undefined;
  /** A struct or a union, or a type that is not known: a store changes its fields. */
  readonly hasParts: boolean;
}

const ofExpression = new WeakMap<Symbols, WeakMap<Expr, PlaceType>>();

/** The type of an lvalue in a function's body, as far as a store to it depends on it. */
export function placeType(symbols: Symbols, x: Expr, node: FunctionNode, tag: string | undefined): PlaceType {
  let cache = ofExpression.get(symbols);
  if (cache === undefined) {
    cache = new WeakMap();
    ofExpression.set(symbols, cache);
  }
  let type = cache.get(x);
  if (type === undefined) {
    const text = symbols.typeOf(x, node);
    const field = x.k === 'member' && tag !== undefined ? fieldNumberType(symbols, tag, x.field) : undefined;
    const resolved = text === undefined ? undefined : symbols.resolveType(text);
    type = {
      number: field ?? (text === undefined ? undefined : numberTypeOf(symbols, text)),
      hasParts: resolved === undefined || (/^(?:struct|union)\b/.test(resolved) && !resolved.includes('*')),
    };
    cache.set(x, type);
  }
  return type;
}
