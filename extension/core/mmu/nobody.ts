import type { MmuState } from './mmu-state';

/** A VM without vCPUs, memory or roots: what code is given that must depend on nothing but what is added. */
export const NOBODY: MmuState = {
  vm: {
    type: 'default',
    tdpMmu: true,
    directBits: 0n,
    mirrored: false,
    disabledQuirks: 0n,
    noncoherentDma: 0,
    typedSptes: false,
    bugged: false,
    dead: false,
    warns: 0,
  },
  vcpus: [],
  apicv: { enabled: true, reasons: 0n, required: 0n },
  memory: { slots: [], privateGfns: new Set() },
  roots: [],
  rmaps: new Set(),
  faults: new Map(),
  locks: [],
  invalidation: { inProgress: 0, seq: 0 },
  tlb: { stale: new Set(), flushes: 0 },
};
