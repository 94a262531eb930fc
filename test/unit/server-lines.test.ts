import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineMap } from '../../extension/server/line-map';

const ANALYSED = ['a', 'b', 'c', 'd', 'e'].join('\n');

describe('lines of an analysed text in the text of now', () => {
  it('move with what was inserted or removed above them', () => {
    const inserted = LineMap.between(ANALYSED, 'a\nnew\nnew\nb\nc\nd\ne');
    expect([0, 1, 4].map((line) => inserted.toCurrent(line))).toEqual([0, 3, 6]);
    expect([0, 1, 2, 3, 6].map((line) => inserted.toAnalysed(line))).toEqual([0, undefined, undefined, 1, 4]);
    const removed = LineMap.between(ANALYSED, 'a\nd\ne');
    expect([0, 3, 4].map((line) => removed.toCurrent(line))).toEqual([0, 1, 2]);
  });

  it('keep their numbers where they were edited one by one', () => {
    const edited = LineMap.between(ANALYSED, 'a\nB\nC\nd\ne');
    expect([1, 2].map((line) => edited.toCurrent(line))).toEqual([1, 2]);
    expect([1, 2].map((line) => edited.toAnalysed(line))).toEqual([1, 2]);
  });

  it('stay in the text, and are found again where nothing was edited', () => {
    const text = fc.array(fc.constantFrom('a', 'b', '', '}'), { maxLength: 12 }).map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const map = LineMap.between(before, after);
        const [old, now] = [before.split('\n'), after.split('\n')];
        for (const line of old.keys()) {
          const current = map.toCurrent(line);
          expect(current).toBeGreaterThanOrEqual(0);
          expect(current).toBeLessThan(now.length);
        }
        for (const [line, content] of now.entries()) {
          const analysed = map.toAnalysed(line);
          if (analysed === undefined) continue;
          expect(old[analysed]).toBeDefined();
          if (old.length !== now.length) expect(old[analysed]).toBe(content);
        }
      }),
    );
  });
});
