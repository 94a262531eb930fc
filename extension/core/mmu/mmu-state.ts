import type { Invalidation } from './invalidation';
import type { Locks } from './locks';
import type { Memory } from './memslots';
import type { Root } from './roots';
import type { Gfn, Td } from './sept';
import type { Tlb } from './tlb';
import type { Vm } from './vm';

/**
 * All that the model knows of one VM. Immutable: an operation gives a new state that shares what it left alone, so
 * that any step can be shown and undone, and equal references mean that nothing changed.
 */
export interface MmuState {
  readonly vm: Vm;
  /** vCPU ids. */
  readonly vcpus: readonly number[];
  readonly memory: Memory;
  readonly roots: readonly Root[];
  /** Of a TD only. */
  readonly td?: Td;
  /** Gfns that shadow pages map: `slot->arch.rmap`. A VM without shadow pages has none. */
  readonly rmaps: ReadonlySet<Gfn>;
  readonly locks: Locks;
  readonly invalidation: Invalidation;
  readonly tlb: Tlb;
}

export function withRoot(state: MmuState, index: number, root: Root): MmuState {
  return { ...state, roots: state.roots.map((was, at) => (at === index ? root : was)) };
}
