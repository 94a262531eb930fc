import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as bits from '../../extension/core/reach/known-bits';
import { asNarrow, converted, type NumberType } from '../../extension/core/reach/number-types';
import { bitsOf, bitsValue, START } from '../../extension/core/reach/state';

const word = fc.bigInt({ min: 0n, max: bits.ALL });
/** Numbers where signs and widths change: near the ends of every type. */
const edge = fc
  .tuple(fc.constantFrom(0n, 7n, 8n, 15n, 16n, 31n, 32n, 63n), fc.integer({ min: -2, max: 2 }))
  .map(([shift, by]) => BigInt.asUintN(64, (1n << shift) + BigInt(by)));
const number = fc.oneof(word, edge);

/** What is known of a number: it is one of a few, or its bits outside a mask, or it lies in an interval. */
const known = fc.tuple(number, number, fc.array(number, { maxLength: 3 })).map(([n, mask, others]) => {
  const shapes = [
    bits.join(bits.constant(n), others.map(bits.constant).reduce(bits.join, bits.NONE)),
    { value: n & ~mask, mask, ranges: [[n & ~mask, (n & ~mask) | mask]] as const },
    bits.fromRanges([n < mask ? [n, mask] : [mask, n]]),
  ];
  return { n, shapes };
});

function type(width: number, signed: boolean, isBool = false): NumberType {
  const half = 1n << BigInt(width - 1);
  const range = signed
    ? bits.fromRanges([
        [0n, half - 1n],
        [bits.ALL - half + 1n, bits.ALL],
      ])
    : bits.fromRanges([[0n, (1n << BigInt(width)) - 1n]]);
  return { width, signed, isBool, range };
}

/** What C stores of `n`, held as 64 bits. */
function stored(n: bigint, { width, signed, isBool }: NumberType): bigint {
  if (isBool) return n === 0n ? 0n : 1n;
  return BigInt.asUintN(64, signed ? BigInt.asIntN(width, n) : BigInt.asUintN(width, n));
}

describe('a store in an object of a narrower type', () => {
  it.each([
    ['bool', type(1, false, true)],
    ['u8', type(8, false)],
    ['s8', type(8, true)],
    ['u16', type(16, false)],
    ['s16', type(16, true)],
    ['u32', type(32, false)],
    ['s32', type(32, true)],
    ['a bit-field of 3', type(3, false)],
  ])('%s holds what C leaves of each number that the value can be', (_, to) => {
    fc.assert(
      fc.property(known, ({ n, shapes }) => {
        for (const shape of shapes) {
          if (!bits.holds(shape, n)) continue;
          const left = bitsOf(
            START,
            converted(to, START, bitsValue(shape), () => 'x'),
          );
          expect(bits.holds(left, stored(n, to))).toBe(true);
          expect(bits.within(left, to.range)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

it('the result of an operation holds what it is at 64 bits, and at 32 with and without a sign', () => {
  fc.assert(
    fc.property(known, ({ n, shapes }) => {
      for (const shape of shapes) {
        if (!bits.holds(shape, n)) continue;
        const result = asNarrow(shape);
        expect(bits.holds(result, n)).toBe(true);
        if (bits.within(shape, bits.fromRanges([[0n, 0x7fffffffn]]))) continue;
        expect(bits.holds(result, BigInt.asUintN(32, n))).toBe(true);
        expect(bits.holds(result, BigInt.asUintN(64, BigInt.asIntN(32, n)))).toBe(true);
      }
    }),
    { numRuns: 5000 },
  );
});
