import type { Gfn } from './sept';

/** Translations that vCPUs may still use although their SPTE is gone. Private pages are not here: TDH.MEM.TRACK flushes them. */
export interface Tlb {
  readonly stale: ReadonlySet<Gfn>;
  /** Remote flushes so far. */
  readonly flushes: number;
}

export const CLEAN_TLB: Tlb = { stale: new Set(), flushes: 0 };

export function withStale(tlb: Tlb, gfns: readonly Gfn[]): Tlb {
  return gfns.length === 0 ? tlb : { ...tlb, stale: new Set([...tlb.stale, ...gfns]) };
}

/** Models `kvm_flush_remote_tlbs()`; with a range `kvm_flush_remote_tlbs_range()`, `[start, end)`. */
export function flushRemote(tlb: Tlb, range?: { readonly start: Gfn; readonly end: Gfn }): Tlb {
  const left = range === undefined ? [] : [...tlb.stale].filter((gfn) => gfn < range.start || gfn >= range.end);
  return { stale: new Set(left), flushes: tlb.flushes + 1 };
}
