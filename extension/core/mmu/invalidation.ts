import type { Gfn } from './sept';

/** `kvm->mmu_invalidate_*` (virt/kvm/kvm_main.c): what makes page faults in flight retry. */
export interface Invalidation {
  readonly inProgress: number;
  readonly seq: number;
  /** `[start, end)`; absent: none noted. */
  readonly range?: { readonly start: Gfn; readonly end: Gfn };
}

export const NO_INVALIDATION: Invalidation = { inProgress: 0, seq: 0 };

/** Models `kvm_mmu_invalidate_begin()`, `_start()` since 7.x: the first of nested ones forgets the old range. */
export function invalidateBegin(was: Invalidation): Invalidation {
  const { inProgress, seq, range } = was;
  return { inProgress: inProgress + 1, seq, ...(inProgress === 0 || range === undefined ? {} : { range }) };
}

/** Models `kvm_mmu_invalidate_range_add()`: one range that covers all. It warns when nothing is in progress. */
export function invalidateRangeAdd(
  was: Invalidation,
  start: Gfn,
  end: Gfn,
): { readonly invalidation: Invalidation; readonly warns: boolean } {
  const range =
    was.range === undefined
      ? { start, end }
      : {
          start: start < was.range.start ? start : was.range.start,
          end: end > was.range.end ? end : was.range.end,
        };
  return { invalidation: { ...was, range }, warns: was.inProgress === 0 };
}

/** Models `kvm_mmu_invalidate_end()`: seq moves, so that a fault that sampled the old one retries. KVM_BUG_ON below 0. */
export function invalidateEnd(was: Invalidation): { readonly invalidation: Invalidation; readonly bugs: boolean } {
  const inProgress = was.inProgress - 1;
  return { invalidation: { ...was, inProgress, seq: was.seq + 1 }, bugs: inProgress < 0 };
}

/** Models `mmu_invalidate_retry_gfn()`: a fault on `gfn` that sampled `seq` must start again. */
export function mustRetry(now: Invalidation, seq: number, gfn: Gfn): boolean {
  if (now.inProgress > 0 && (now.range === undefined || (gfn >= now.range.start && gfn < now.range.end))) return true;
  return now.seq !== seq;
}
