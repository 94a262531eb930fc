import type { MmuState } from './mmu-state';
import type { RootTypes } from './roots';

/** What an unmap is about: private memory, shared memory, or whatever a gfn range holds. */
export type Filter = 'private' | 'shared' | 'both';

/**
 * Models `kvm_gfn_range_filter_to_root_types()` (mmu/tdp_mmu.h). A VM without mirror roots has all it maps under its
 * direct roots.
 */
export function rootTypes(state: MmuState, filter: Filter): RootTypes {
  if (!state.roots.some((root) => root.kind === 'mirror')) return { direct: true, mirror: false, invalid: false };
  return { direct: filter !== 'private', mirror: filter !== 'shared', invalid: false };
}
