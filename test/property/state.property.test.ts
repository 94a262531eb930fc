import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CellMap } from '../../extension/core/reach/cell-map';
import { nameOf } from '../../extension/core/reach/cell-names';
import * as bits from '../../extension/core/reach/known-bits';
import { bitsOf, bitsValue, initial, join, START, type State, type Value } from '../../extension/core/reach/state';

/** Few names, so that maps meet; the last two have one hash. */
const NAMES = ['f.vcpu', 'f.i', '*f.vcpu.mode', '*f.vcpu.arch.cr0', 'f/g@12.i', 'global.on', 'f.a4o5', 'f.aa0c'];
const name = fc.constantFrom(...NAMES);

const change = fc.oneof(
  fc.record({ op: fc.constant('set' as const), key: name, value: fc.nat(3) }),
  fc.record({ op: fc.constant('drop' as const), key: name }),
  fc.record({ op: fc.constant('add' as const), by: fc.nat(2) }),
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function changed(map: CellMap<number>, by: Change): CellMap<number> {
  if (by.op === 'set') return map.set(by.key, by.value);
  if (by.op === 'drop') return map.changed((key, value) => (key === by.key ? undefined : value));
  return map.changed((_key, value) => value + by.by);
}

function changedModel(map: ReadonlyMap<string, number>, by: Change): Map<string, number> {
  if (by.op === 'set') return new Map([...map, [by.key, by.value]]);
  if (by.op === 'drop') return new Map([...map].filter(([key]) => key !== by.key));
  return new Map([...map].map(([key, value]) => [key, value + by.by]));
}

const sorted = (entries: Iterable<readonly [string, number]>): (readonly [string, number])[] =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

describe('a map of cells', () => {
  it('has two names with one hash to be tried on', () => {
    expect(nameOf('f.a4o5').hash).toBe(nameOf('f.aa0c').hash);
  });

  it('is what a plain map is after the same changes, and no change alters an earlier map', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const maps = [CellMap.empty<number>()];
        const models = [new Map<string, number>()];
        for (const [i, each] of changes.entries()) {
          maps.push(changed(maps[i] ?? CellMap.empty(), each));
          models.push(changedModel(models[i] ?? new Map(), each));
        }
        for (const [i, map] of maps.entries()) {
          expect(sorted(map.entries())).toEqual(sorted(models[i] ?? []));
          for (const key of NAMES) expect(map.get(key)).toBe(models[i]?.get(key));
        }
      }),
    );
  });

  it('stays the same map if nothing changes', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        const map = changes.reduce(changed, CellMap.empty<number>());
        expect(map.changed((_key, value) => value)).toBe(map);
        for (const [key, value] of map.entries()) expect(map.set(key, value)).toBe(map);
        expect(map.merged(map, () => undefined)).toBe(map);
      }),
    );
  });

  it('asks a merge for the names that differ, and for no other', () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 15 }),
        fc.array(change, { maxLength: 5 }),
        fc.array(change, { maxLength: 5 }),
        (first, mine, others) => {
          const common = first.reduce(changed, CellMap.empty<number>());
          const a = mine.reduce(changed, common);
          const b = others.reduce(changed, common);
          const asked = new Map<string, readonly [number | undefined, number | undefined]>();
          const merged = a.merged(b, (key, x, y) => {
            asked.set(key, [x, y]);
            return x === undefined || y === undefined ? undefined : x + y;
          });
          for (const key of NAMES) {
            const [x, y] = [a.get(key), b.get(key)];
            expect(asked.get(key)).toEqual(x === y ? undefined : [x, y]);
            expect(merged.get(key)).toBe(x === y ? x : x === undefined || y === undefined ? undefined : x + y);
          }
        },
      ),
    );
  });
});

const known = fc
  .tuple(fc.bigInt({ min: 0n, max: 40n }), fc.bigInt({ min: 0n, max: 40n }))
  .map(([a, b]) => bits.fromRanges([a < b ? [a, b] : [b, a]]));
const value: fc.Arbitrary<Value> = fc.oneof(
  known.map(bitsValue),
  name.map((id) => initial(id)),
  name.map((id): Value => ({ k: 'object', id })),
  fc.subarray(['a.c:f', 'a.c:g']).map((ids): Value => ({ k: 'function', ids })),
);
const state: fc.Arbitrary<State> = fc
  .record({
    cells: fc.array(fc.tuple(name, value), { maxLength: 8 }),
    known: fc.array(fc.tuple(name, known), { maxLength: 4 }),
    conditions: fc.subarray(['a', 'b']),
    escaped: fc.subarray(['f.i', 'f.vcpu']),
  })
  .map((parts) => ({
    cells: CellMap.of(parts.cells),
    known: CellMap.of(parts.known),
    conditions: new Set(parts.conditions),
    escaped: new Set(parts.escaped),
  }));

/** What a state says, whatever it shares with others. */
function said(of: State): unknown {
  const plain = <T>(map: CellMap<T>): unknown[] => map.entries().sort(([a], [b]) => (a < b ? -1 : 1));
  return [plain(of.cells), plain(of.known), [...of.conditions].sort(), [...of.escaped].sort()];
}

describe('joined states', () => {
  it('hold what either side holds', () => {
    fc.assert(
      fc.property(state, state, (a, b) => {
        const both = join(a, b);
        for (const side of [a, b]) {
          for (const cell of NAMES) {
            const own = side.cells.get(cell) ?? initial(cell);
            const joined = both.cells.get(cell) ?? initial(cell);
            if (joined.k === 'object' || joined.k === 'function') expect(joined.k).toBe(own.k);
            expect(bits.within(bitsOf(side, own), bitsOf(both, joined))).toBe(true);
          }
          for (const each of both.conditions) expect(side.conditions).toContain(each);
          for (const each of side.escaped) expect(both.escaped).toContain(each);
        }
      }),
    );
  });

  it('are the same whichever comes first', () => {
    fc.assert(
      fc.property(state, state, (a, b) => {
        expect(said(join(a, b))).toEqual(said(join(b, a)));
      }),
    );
  });

  it('are the state itself if both are it', () => {
    fc.assert(
      fc.property(state, (a) => {
        const copy: State = {
          ...START,
          ...a,
          cells: CellMap.of(a.cells.entries()),
          known: CellMap.of(a.known.entries()),
        };
        expect(join(a, a)).toBe(a);
        expect(said(join(a, copy))).toEqual(said(a));
      }),
    );
  });

  it('leave the states that they come from alone', () => {
    fc.assert(
      fc.property(state, state, (a, b) => {
        const before = [said(a), said(b)];
        join(a, b);
        expect([said(a), said(b)]).toEqual(before);
      }),
    );
  });
});
