import { describe, expect, it } from 'vitest';
import * as bits from '../../extension/core/reach/known-bits';

/** Every tristate number of four bits, with the numbers that it holds. */
const WIDTH = 16n;
const all: { is: bits.Bits; numbers: bigint[] }[] = [];
for (let mask = 0n; mask < WIDTH; mask++) {
  for (let value = 0n; value < WIDTH; value++) {
    if ((value & mask) !== 0n) continue;
    const numbers = range(WIDTH).filter((n) => (n & ~mask) === value);
    all.push({ is: bits.meet({ value, mask, ranges: bits.TOP.ranges }, bits.TOP), numbers });
  }
}
/** Every interval of four bits. */
for (let low = 0n; low < WIDTH; low++) {
  for (let high = low; high < WIDTH; high++) {
    all.push({ is: bits.fromRanges([[low, high]]), numbers: range(WIDTH).filter((n) => low <= n && n <= high) });
  }
}

function range(count: bigint): bigint[] {
  return Array.from({ length: Number(count) }, (_, i) => BigInt(i));
}

function holdsAll(result: bits.Bits, numbers: readonly bigint[]): boolean {
  return numbers.every((n) => bits.holds(result, n));
}

const wrap = (n: bigint): bigint => BigInt.asUintN(64, n);

describe('known bits of four, exhaustively', () => {
  it('holds exactly the numbers that it was made of', () => {
    for (const { is, numbers } of all) expect(range(WIDTH).filter((n) => bits.holds(is, n))).toEqual(numbers);
  });

  it.each([
    ['and', bits.and, (a: bigint, b: bigint) => a & b],
    ['or', bits.or, (a: bigint, b: bigint) => a | b],
    ['xor', bits.xor, (a: bigint, b: bigint) => a ^ b],
    ['add', bits.add, (a: bigint, b: bigint) => wrap(a + b)],
    ['subtract', bits.subtract, (a: bigint, b: bigint) => wrap(a - b)],
    ['multiply', bits.multiply, (a: bigint, b: bigint) => wrap(a * b)],
    ['shiftLeft', bits.shiftLeft, (a: bigint, b: bigint) => wrap(a << b)],
    ['shiftRight', bits.shiftRight, (a: bigint, b: bigint) => a >> b],
  ] as const)('%s', (_name, abstract, concrete) => {
    for (const a of all) {
      for (const b of all) {
        const result = abstract(a.is, b.is);
        const wrong = a.numbers.some((x) => b.numbers.some((y) => !bits.holds(result, concrete(x, y))));
        if (wrong) expect({ a: a.is, b: b.is, result }).toBe('sound');
      }
    }
  });

  it('join, meet, within', () => {
    for (const a of all) {
      for (const b of all) {
        const both = a.numbers.filter((n) => b.numbers.includes(n));
        const fine =
          holdsAll(bits.join(a.is, b.is), [...a.numbers, ...b.numbers]) &&
          holdsAll(bits.meet(a.is, b.is), both) &&
          (!bits.within(a.is, b.is) || a.numbers.every((n) => b.numbers.includes(n)));
        if (!fine) expect({ a: a.is, b: b.is }).toBe('sound');
      }
    }
  });

  it('a decided comparison is right for every pair', () => {
    for (const a of all) {
      for (const b of all) {
        const equal = bits.equal(a.is, b.is);
        const less = bits.less(a.is, b.is);
        const pairs = a.numbers.flatMap((x) => b.numbers.map((y) => [x, y] as const));
        const fine =
          (equal === undefined || pairs.every(([x, y]) => (x === y) === equal)) &&
          (less === undefined || pairs.every(([x, y]) => x < y === less));
        if (!fine) expect({ a: a.is, b: b.is, equal, less }).toBe('sound');
      }
    }
  });
});
