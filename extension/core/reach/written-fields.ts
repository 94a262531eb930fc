import type { FunctionId, Program } from '../program/program';

/** Names of fields. */
export interface FieldNames {
  has(field: string): boolean;
  readonly isEmpty: boolean;
}

/**
 * For each function the names of the fields that a call of it may store to, itself or through whatever it calls.
 * Functions that call each other in a circle write the same: one set of bits serves them all.
 * `own`: what each function's body stores to.
 */
export function writtenFields(
  program: Program,
  own: ReadonlyMap<FunctionId, ReadonlySet<string>>,
): (id: FunctionId) => FieldNames {
  const index = new Map<string, number>();
  for (const fields of own.values()) for (const field of fields) if (!index.has(field)) index.set(field, index.size);
  const sets = new Map<FunctionId, FieldBits>();
  for (const circle of circles(program)) {
    const bits = new FieldBits(index);
    for (const id of circle) sets.set(id, bits);
    for (const id of circle) {
      for (const field of own.get(id) ?? []) bits.add(field);
      for (const edge of program.callees.get(id) ?? []) bits.addAll(sets.get(edge.calleeId));
    }
  }
  const nothing = new FieldBits(index);
  return (id) => sets.get(id) ?? nothing;
}

class FieldBits implements FieldNames {
  private readonly words: Uint32Array;
  isEmpty = true;

  constructor(private readonly index: ReadonlyMap<string, number>) {
    this.words = new Uint32Array((index.size + 31) >> 5);
  }

  has(field: string): boolean {
    const i = this.index.get(field);
    return i !== undefined && ((this.words[i >> 5] ?? 0) & (1 << (i & 31))) !== 0;
  }

  add(field: string): void {
    const i = this.index.get(field);
    if (i === undefined) return;
    this.words[i >> 5] = (this.words[i >> 5] ?? 0) | (1 << (i & 31));
    this.isEmpty = false;
  }

  addAll(other: FieldBits | undefined): void {
    if (other === undefined || other === this || other.isEmpty) return;
    for (const [i, word] of other.words.entries()) if (word !== 0) this.words[i] = (this.words[i] ?? 0) | word;
    this.isEmpty = false;
  }
}

/** The strongly connected parts of the call graph, callees before callers (Kosaraju). */
function circles(program: Program): FunctionId[][] {
  const callees = (id: FunctionId): FunctionId[] => (program.callees.get(id) ?? []).map((edge) => edge.calleeId);
  const callers = (id: FunctionId): FunctionId[] => (program.callers.get(id) ?? []).map((edge) => edge.callerId);
  const seen = new Set<FunctionId>();
  const finished = [...program.functions.keys()].flatMap((id) => finishing(id, callers, seen));
  const grouped = new Set<FunctionId>();
  return finished.reverse().flatMap((id) => {
    const circle = finishing(id, callees, grouped);
    return circle.length === 0 ? [] : [circle];
  });
}

/** What is found from `start` and not `seen` yet, in the order in which a depth-first search leaves it. */
function finishing(
  start: FunctionId,
  next: (id: FunctionId) => readonly FunctionId[],
  seen: Set<FunctionId>,
): FunctionId[] {
  if (seen.has(start)) return [];
  seen.add(start);
  const finished: FunctionId[] = [];
  const open = [{ id: start, rest: next(start)[Symbol.iterator]() }];
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const step = top.rest.next();
    if (step.done === true) {
      finished.push(top.id);
      open.pop();
    } else if (!seen.has(step.value)) {
      seen.add(step.value);
      open.push({ id: step.value, rest: next(step.value)[Symbol.iterator]() });
    }
  }
  return finished;
}
