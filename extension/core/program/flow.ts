import type { FunctionId, Site, Vendor, Via } from './program';

/**
 * Where function pointers go. A cell is a place that can hold one, named by what it is rather than by which object:
 * the field of a struct type, a variable (an array is one cell), a local or parameter of a function, a return value.
 * Functions are put into cells, cells flow into cells, and a call through a cell calls what has arrived there.
 */
export type Cell = string;

export const cells = {
  field: (tag: string, field: string): Cell => `f:${tag}.${field}`,
  /** Every field of that name, for a receiver whose type is not known. */
  anyField: (field: string): Cell => `*:${field}`,
  variable: (file: string, name: string): Cell => `v:${file}:${name}`,
  local: (fn: FunctionId, name: string): Cell => `l:${fn}:${name}`,
  param: (fn: FunctionId, name: string): Cell => `p:${fn}:${name}`,
  result: (fn: FunctionId): Cell => `r:${fn}`,
};

/** A function in a cell, and how it got there. */
export interface Value {
  readonly fn: FunctionId;
  readonly via: Via;
  readonly slot?: string;
  readonly vendor?: Vendor;
  readonly when?: string;
  /** Where the function was named: an initialiser's entry, an assignment, an argument. */
  readonly site: Site;
  readonly assigned: boolean;
}

/** Struct types whose fields are a vendor's operations. */
export const OPS_TYPE = /^kvm_(?:x86|pmu|x86_nested|x86_init)_ops$/;

export class Flow {
  private readonly values = new Map<Cell, Map<string, Value>>();
  private readonly targets = new Map<Cell, Set<Cell>>();
  private readonly queue: [Cell, Value][] = [];

  seed(cell: Cell, value: Value): void {
    this.arrive(cell, stamp(cell, value));
  }

  /** What is in `from` is in `to` as well. */
  link(from: Cell, to: Cell): void {
    if (from === to) return;
    const known = this.targets.get(from);
    if (known === undefined) this.targets.set(from, new Set([to]));
    else if (known.has(to)) return;
    else known.add(to);
    for (const value of this.values.get(from)?.values() ?? []) this.arrive(to, stamp(to, value));
  }

  solve(): void {
    for (let next = this.queue.pop(); next !== undefined; next = this.queue.pop()) {
      const [cell, value] = next;
      for (const to of this.targets.get(cell) ?? []) this.arrive(to, stamp(to, value));
    }
  }

  at(cell: Cell): Value[] {
    return [...(this.values.get(cell)?.values() ?? [])];
  }

  /** Every cell that holds or receives something. */
  cells(): Cell[] {
    const all = new Set(this.values.keys());
    for (const [from, to] of this.targets) {
      all.add(from);
      for (const cell of to) all.add(cell);
    }
    return [...all];
  }

  private arrive(cell: Cell, value: Value): void {
    const key = `${value.fn}|${value.slot ?? ''}|${value.vendor ?? ''}|${value.when ?? ''}|${value.via}`;
    const held = this.values.get(cell);
    if (held === undefined) this.values.set(cell, new Map([[key, value]]));
    else if (held.has(key)) return;
    else held.set(key, value);
    this.queue.push([cell, value]);
  }
}

/** A value takes the description of the memory that it is in; a local only passes on where it came from. */
function stamp(cell: Cell, value: Value): Value {
  const rest = cell.slice(2);
  switch (cell[0]) {
    case 'f': {
      const tag = rest.slice(0, rest.lastIndexOf('.'));
      return { ...value, via: OPS_TYPE.test(tag) ? 'ops' : value.assigned ? 'field' : 'table', slot: rest };
    }
    case 'v': {
      const name = rest.slice(rest.lastIndexOf(':') + 1);
      const slot = value.slot?.startsWith(`${name}[`) === true ? value.slot : name;
      return { ...value, via: value.assigned ? 'field' : 'table', slot };
    }
    case 'p':
      return { ...value, via: 'argument', slot: rest.slice(rest.lastIndexOf(':') + 1) };
    case '*':
      return { ...value, slot: `*.${rest}` };
    default:
      return value;
  }
}
