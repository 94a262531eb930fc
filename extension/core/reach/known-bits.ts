/**
 * What is known of an unsigned 64-bit number: its bits (a "tristate number", as in the kernel's kernel/bpf/tnum.c) and
 * the intervals it lies in. Every operation is sound: the result holds each number that the operation can give for
 * numbers that its operands hold.
 *
 * `value` has the known ones, `mask` the unknown bits; `ranges` are sorted, disjoint, inclusive. Nothing holds for a
 * number when `ranges` is empty: such a state cannot be.
 */
export interface Bits {
  readonly value: bigint;
  readonly mask: bigint;
  readonly ranges: readonly Range[];
}

export type Range = readonly [low: bigint, high: bigint];

export const ALL = (1n << 64n) - 1n;
/** Lists of more intervals than this are joined to their hull: an allow-list has a few dozen. */
const MAX_RANGES = 128;

export const TOP: Bits = { value: 0n, mask: ALL, ranges: [[0n, ALL]] };
export const NONE: Bits = { value: 0n, mask: 0n, ranges: [] };

export function constant(n: bigint): Bits {
  const value = BigInt.asUintN(64, n);
  return { value, mask: 0n, ranges: [[value, value]] };
}

export function fromRanges(ranges: readonly Range[]): Bits {
  return settle({ value: 0n, mask: ALL, ranges });
}

export function isNone(a: Bits): boolean {
  return a.ranges.length === 0;
}

/** The only number that it can be. */
export function single(a: Bits): bigint | undefined {
  if (a.mask === 0n && a.ranges.length > 0) return a.value;
  const only = a.ranges[0];
  return a.ranges.length === 1 && only !== undefined && only[0] === only[1] ? only[0] : undefined;
}

export function holds(a: Bits, n: bigint): boolean {
  return (n & ~a.mask) === a.value && a.ranges.some(([low, high]) => low <= n && n <= high);
}

/** Every number of `a` is one of `b`; may say no where it is so. */
export function within(a: Bits, b: Bits): boolean {
  if (a === b || b === TOP || isNone(a)) return true;
  if ((a.mask & ~b.mask) !== 0n || (a.value & ~b.mask) !== b.value) return false;
  return a.ranges.every(([low, high]) => b.ranges.some(([l, h]) => l <= low && high <= h));
}

/** `LOW[n]`: the lowest n bits. */
const LOW = Array.from({ length: 65 }, (_, n) => (1n << BigInt(n)) - 1n);

/** The lowest bits up to the highest one that is set in `n`. */
function upTo(n: bigint): bigint {
  const high = Number(n >> 32n);
  const length = high === 0 ? 32 - Math.clz32(Number(n)) : 64 - Math.clz32(high);
  return LOW[length] ?? ALL;
}

/** Bits from intervals and intervals from bits, where one says more than the other. */
function settle(a: Bits): Bits {
  const ranges = clipped(a.ranges, a.value, a.value | a.mask);
  const first = ranges[0];
  const last = ranges.at(-1);
  if (first === undefined || last === undefined) return NONE;
  const kept: readonly Range[] = ranges.length > MAX_RANGES ? [[first[0], last[1]]] : ranges;
  // The leading bits that the smallest and the largest number share are known.
  const unknown = upTo(first[0] ^ last[1]);
  const mask = a.mask & unknown;
  const value = (a.value | (first[0] & ~unknown)) & ~mask & ALL;
  if ((a.value & ~a.mask) !== (value & ~a.mask)) return NONE;
  return { value, mask, ranges: kept };
}

/** What of the intervals lies between two numbers. */
function clipped(ranges: readonly Range[], least: bigint, most: bigint): readonly Range[] {
  const first = ranges[0];
  const last = ranges.at(-1);
  const fits = first === undefined || last === undefined || (least <= first[0] && last[1] <= most);
  return fits ? ranges : intersect(ranges, [[least, most]]);
}

function intersect(a: readonly Range[], b: readonly Range[]): Range[] {
  const both: Range[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const x = a[i];
    const y = b[j];
    if (x === undefined || y === undefined) break;
    const low = x[0] > y[0] ? x[0] : y[0];
    const high = x[1] < y[1] ? x[1] : y[1];
    if (low <= high) both.push([low, high]);
    if (x[1] < y[1]) i += 1;
    else j += 1;
  }
  return both;
}

function unite(a: readonly Range[], b: readonly Range[]): readonly Range[] {
  if (a === b) return a;
  const merged: [bigint, bigint][] = [];
  let i = 0;
  let j = 0;
  for (;;) {
    const x = a[i];
    const y = b[j];
    const takesX = x !== undefined && (y === undefined || x[0] <= y[0]);
    const next = takesX ? x : y;
    if (next === undefined) return merged;
    if (takesX) i += 1;
    else j += 1;
    const last = merged.at(-1);
    if (last === undefined || next[0] > last[1] + 1n) merged.push([next[0], next[1]]);
    else if (next[1] > last[1]) last[1] = next[1];
  }
}

function isTop(a: Bits): boolean {
  return a === TOP || (a.mask === ALL && a.ranges.length === 1 && a.ranges[0]?.[0] === 0n && a.ranges[0][1] === ALL);
}

export function join(a: Bits, b: Bits): Bits {
  if (a === b || isNone(b)) return a;
  if (isNone(a)) return b;
  if (isTop(a) || isTop(b)) return TOP;
  const mask = a.mask | b.mask | (a.value ^ b.value);
  return settle({ value: a.value & ~mask, mask, ranges: unite(a.ranges, b.ranges) });
}

export function meet(a: Bits, b: Bits): Bits {
  if (((a.value ^ b.value) & ~a.mask & ~b.mask & ALL) !== 0n) return NONE;
  const mask = a.mask & b.mask;
  return settle({ value: (a.value | b.value) & ~mask, mask, ranges: intersect(a.ranges, b.ranges) });
}

export function without(a: Bits, n: bigint): Bits {
  const others: Range[] = [];
  if (n > 0n) others.push([0n, n - 1n]);
  if (n < ALL) others.push([n + 1n, ALL]);
  return settle({ ...a, ranges: intersect(a.ranges, others) });
}

export function between(a: Bits, low: bigint, high: bigint): Bits {
  return low > high ? NONE : settle({ ...a, ranges: intersect(a.ranges, [[low, high]]) });
}

/** Bits alone, the intervals follow from them. */
function ofBits(value: bigint, mask: bigint): Bits {
  const m = mask & ALL;
  const v = value & ALL & ~m;
  return { value: v, mask: m, ranges: [[v, v | m]] };
}

export function and(a: Bits, b: Bits): Bits {
  const ones = a.value & b.value;
  const maybe = (a.value | a.mask) & (b.value | b.mask);
  return ofBits(ones, maybe & ~ones);
}

export function or(a: Bits, b: Bits): Bits {
  const ones = a.value | b.value;
  return ofBits(ones, (a.mask | b.mask) & ~ones);
}

export function xor(a: Bits, b: Bits): Bits {
  const mask = a.mask | b.mask;
  return ofBits((a.value ^ b.value) & ~mask, mask);
}

export function not(a: Bits): Bits {
  return ofBits(~a.value & ~a.mask & ALL, a.mask);
}

export function shiftLeft(a: Bits, by: Bits): Bits {
  const n = single(by);
  return n === undefined || n >= 64n ? TOP : ofBits(a.value << n, a.mask << n);
}

export function shiftRight(a: Bits, by: Bits): Bits {
  const n = single(by);
  return n === undefined || n >= 64n ? TOP : ofBits(a.value >> n, a.mask >> n);
}

/** Sums and differences as the kernel's `tnum_add()` and `tnum_sub()` compute them. */
export function add(a: Bits, b: Bits): Bits {
  const sm = a.mask + b.mask;
  const sv = a.value + b.value;
  const sigma = sm + sv;
  const chi = sigma ^ sv;
  const mask = (chi | a.mask | b.mask) & ALL;
  return ofBits(sv & ~mask, mask);
}

export function subtract(a: Bits, b: Bits): Bits {
  const dv = BigInt.asUintN(64, a.value - b.value);
  const alpha = BigInt.asUintN(64, dv + a.mask);
  const beta = BigInt.asUintN(64, dv - b.mask);
  const mask = ((alpha ^ beta) | a.mask | b.mask) & ALL;
  return ofBits(dv & ~mask, mask);
}

export function multiply(a: Bits, b: Bits): Bits {
  const x = single(a);
  const y = single(b);
  return x === undefined || y === undefined ? TOP : constant(x * y);
}

export function cut(a: Bits, width: number): Bits {
  const all = (1n << BigInt(width)) - 1n;
  const high = a.ranges.at(-1)?.[1] ?? 0n;
  if (high <= all) return a;
  return ofBits(a.value & all, a.mask & all);
}

/** Not zero, zero, or undecided. */
export function truth(a: Bits): boolean | undefined {
  if (a.value !== 0n) return true;
  if (!holds(a, 0n)) return true;
  return single(a) === 0n ? false : undefined;
}

/** `a == b`; numbers of different widths and signs make a mere difference in the upper half undecided. */
export function equal(a: Bits, b: Bits): boolean | undefined {
  const x = single(a);
  const y = single(b);
  if (x !== undefined && y !== undefined) {
    if (x === y) return true;
    return (x & 0xffffffffn) === (y & 0xffffffffn) ? undefined : false;
  }
  const low = 0xffffffffn;
  if (((a.value ^ b.value) & ~a.mask & ~b.mask & low) !== 0n) return false;
  const most = (c: Bits): bigint => c.ranges.at(-1)?.[1] ?? 0n;
  const comparable = most(a) <= 0x7fffffffn || most(b) <= 0x7fffffffn || (most(a) <= low && most(b) <= low);
  if (comparable && isNone(meet(a, b))) return highBitsMatter(a) || highBitsMatter(b) ? undefined : false;
  return undefined;
}

function highBitsMatter(a: Bits): boolean {
  return (a.ranges.at(-1)?.[1] ?? 0n) > ALL >> 32n && single(a) !== undefined;
}

/** `a < b` for numbers that both lie below 2^31, where signs and widths make no difference; else undecided. */
export function less(a: Bits, b: Bits): boolean | undefined {
  const [aLow, aHigh] = [a.ranges[0]?.[0] ?? 0n, a.ranges.at(-1)?.[1] ?? 0n];
  const [bLow, bHigh] = [b.ranges[0]?.[0] ?? 0n, b.ranges.at(-1)?.[1] ?? 0n];
  if (aHigh > 0x7fffffffn || bHigh > 0x7fffffffn) return undefined;
  if (aHigh < bLow) return true;
  return aLow >= bHigh ? false : undefined;
}
