import type { When } from './facts';
import type { Branch } from './masked';

/** Deeper nesting is no program; its conditions are those of the levels above. */
const DEEPEST = 64;

/** The `#if` conditions around each offset of a text, laid out once as stretches with the same conditions. */
export class Conditions {
  /** Where each stretch starts; the first one is before all branches. */
  private readonly starts: number[] = [0];
  private readonly lists: When[] = [[]];
  private last = 0;

  /** `branches` as masking gives them: sorted by start, inner ones within outer ones. */
  constructor(branches: readonly Branch[]) {
    const open: Branch[] = [];
    const list = (): When => open.map((branch) => branch.when);
    const closeUntil = (offset: number): void => {
      for (let top = open.at(-1); top !== undefined && top.end <= offset; top = open.at(-1)) {
        open.pop();
        this.stretch(top.end, list());
      }
    };
    for (const branch of branches) {
      // Of a split statement nothing but its reading is left: no condition.
      if (branch.dropped || branch.chosen === true) continue;
      closeUntil(branch.start);
      if (open.length >= DEEPEST) continue;
      open.push(branch);
      this.stretch(branch.start, list());
    }
    closeUntil(Infinity);
  }

  around(offset: number): When {
    const { starts } = this;
    let at = this.last;
    if (offset < (starts[at] ?? 0) || offset >= (starts[at + 1] ?? Infinity)) {
      let high = starts.length;
      at = 0;
      while (at + 1 < high) {
        const middle = (at + high) >> 1;
        if ((starts[middle] ?? Infinity) <= offset) at = middle;
        else high = middle;
      }
      this.last = at;
    }
    return this.lists[at] ?? [];
  }

  private stretch(start: number, when: When): void {
    if (this.starts.at(-1) === start) this.lists[this.lists.length - 1] = when;
    else {
      this.starts.push(start);
      this.lists.push(when);
    }
  }
}
