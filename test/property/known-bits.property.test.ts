import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as bits from '../../extension/core/reach/known-bits';

const ALL = bits.ALL;
const u64 = fc.bigInt({ min: 0n, max: ALL });
/** A number and something that is known of it. */
const known = fc
  .tuple(u64, u64, fc.array(fc.tuple(u64, u64), { maxLength: 3 }), fc.boolean())
  .map(([n, mask, others, ranged]) => {
    const byBits: bits.Bits = { value: n & ~mask, mask, ranges: [[0n, ALL]] };
    const ranges = others.map(([a, b]) => (a < b ? ([a, b] as const) : ([b, a] as const)));
    const byRange = [...ranges, [n > 7n ? n - 7n : 0n, n] as const].reduce(
      (all, range) => bits.join(all, bits.fromRanges([range])),
      bits.NONE,
    );
    return { n, is: ranged ? bits.meet(byBits, byRange) : bits.meet(byBits, bits.TOP) };
  });
const wrap = (n: bigint): bigint => BigInt.asUintN(64, n);

const operations: readonly (readonly [
  string,
  (a: bits.Bits, b: bits.Bits) => bits.Bits,
  (a: bigint, b: bigint) => bigint,
])[] = [
  ['and', bits.and, (a, b) => a & b],
  ['or', bits.or, (a, b) => a | b],
  ['xor', bits.xor, (a, b) => a ^ b],
  ['add', bits.add, (a, b) => wrap(a + b)],
  ['subtract', bits.subtract, (a, b) => wrap(a - b)],
  ['multiply', bits.multiply, (a, b) => wrap(a * b)],
  ['shiftLeft', bits.shiftLeft, (a, b) => (b < 64n ? wrap(a << b) : 0n)],
  ['shiftRight', bits.shiftRight, (a, b) => (b < 64n ? a >> b : 0n)],
];

describe('known bits of 64', () => {
  it.each(operations)('%s holds what the numbers give', (name, abstract, concrete) => {
    fc.assert(
      fc.property(known, known, (a, b) => {
        // A shift by the width or more is undefined in C: whatever the result holds is right.
        if (name.startsWith('shift') && b.n >= 64n) return;
        expect(bits.holds(abstract(a.is, b.is), concrete(a.n, b.n))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('shifts by known numbers hold what the numbers give', () => {
    fc.assert(
      fc.property(known, fc.bigInt({ min: 0n, max: 63n }), (a, n) => {
        expect(bits.holds(bits.shiftLeft(a.is, bits.constant(n)), wrap(a.n << n))).toBe(true);
        expect(bits.holds(bits.shiftRight(a.is, bits.constant(n)), a.n >> n)).toBe(true);
      }),
    );
  });

  it('not, cut, join, without and between keep the number', () => {
    fc.assert(
      fc.property(known, known, fc.constantFrom(1, 8, 16, 32), (a, b, width) => {
        expect(bits.holds(bits.not(a.is), ALL & ~a.n)).toBe(true);
        expect(bits.holds(bits.cut(a.is, width), BigInt.asUintN(width, a.n))).toBe(true);
        expect(bits.holds(bits.join(a.is, b.is), a.n)).toBe(true);
        expect(bits.holds(bits.join(a.is, b.is), b.n)).toBe(true);
        if (a.n !== b.n) expect(bits.holds(bits.without(a.is, b.n), a.n)).toBe(true);
        const [low, high] = a.n < b.n ? [a.n, b.n] : [b.n, a.n];
        expect(bits.holds(bits.between(a.is, low, high), a.n)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('what both hold, their meet holds', () => {
    fc.assert(
      fc.property(u64, u64, u64, (n, maskA, maskB) => {
        const a = bits.and({ value: n & ~maskA, mask: maskA, ranges: [[0n, ALL]] }, bits.constant(ALL));
        const b = bits.and({ value: n & ~maskB, mask: maskB, ranges: [[0n, ALL]] }, bits.constant(ALL));
        expect(bits.holds(bits.meet(a, b), n)).toBe(true);
      }),
    );
  });

  it('a decided comparison is right, and so is a decided truth', () => {
    fc.assert(
      fc.property(known, known, (a, b) => {
        const equal = bits.equal(a.is, b.is);
        if (equal !== undefined) expect(equal).toBe(a.n === b.n);
        const less = bits.less(a.is, b.is);
        if (less !== undefined) expect(less).toBe(a.n < b.n);
        const truth = bits.truth(a.is);
        if (truth !== undefined) expect(truth).toBe(a.n !== 0n);
      }),
      { numRuns: 1000 },
    );
  });
});
