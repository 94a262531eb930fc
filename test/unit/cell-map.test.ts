import { describe, expect, it } from 'vitest';
import { CellMap } from '../../extension/core/reach/cell-map';

describe('CellMap', () => {
  it('holds one value of each name where maps of unlike names were merged', () => {
    const one = CellMap.of<number>([['f.a', 1]]);
    const other = CellMap.of<number>([['f.b', 2]]);
    const both = one.merged(other, (_name, mine, others) => mine ?? others);
    const changed = both.set('f.a', 3).set('f.b', 4);
    expect(changed.entries().sort()).toEqual([
      ['f.a', 3],
      ['f.b', 4],
    ]);
    const emptied = changed.changed((_name, value) => (value > 2 ? undefined : value));
    expect(emptied.entries()).toEqual([]);
    expect(emptied.get('f.b')).toBeUndefined();
  });
});
