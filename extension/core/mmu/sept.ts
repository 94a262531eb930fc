/**
 * The secure EPT (S-EPT) of a TD and the TDX module's calls on it, after the module's public tables (TDX 1.5). The
 * module owns these tables: KVM changes them by SEAMCALLs only (`arch/x86/virt/vmx/tdx/tdx.c`), the guest by TDCALLs.
 */

/** Guest frame number: guest physical address >> 12. */
export type Gfn = bigint;
/** 1: 4K, 2: 2M, 3: 1G, and up for non-leaf entries. */
export type Level = number;

export const SEPT_STATES = [
  'FREE',
  'MAPPED',
  'PENDING',
  'BLOCKED',
  'PENDING_BLOCKED',
  'NL_MAPPED',
  'NL_BLOCKED',
] as const;
export type SeptState = (typeof SEPT_STATES)[number];

export interface SeptEntry {
  readonly state: SeptState;
  /** The TD epoch at which the entry was blocked; of blocked entries only. */
  readonly blockEpoch?: number;
}

export const TD_STATES = ['UNINITIALIZED', 'INITIALIZED', 'RUNNABLE'] as const;
export type TdState = (typeof TD_STATES)[number];

/** A TD as the TDX module and `struct kvm_tdx` see it. */
export interface Td {
  readonly state: TdState;
  readonly hkidAssigned: boolean;
  /** Counts TDH.MEM.TRACK. */
  readonly epoch: number;
  /** vCPUs in the guest, by id, with the TD epoch that they entered in. */
  readonly inGuest: ReadonlyMap<number, number>;
  /** By `entryKey()`; an absent entry is FREE. */
  readonly entries: ReadonlyMap<string, SeptEntry>;
  /** A TDCALL of a vCPU in the guest holds what KVM's calls need: they are BUSY until the vCPU is kicked out. */
  readonly contended: boolean;
  /** The first call that the module refused for the state that it was made in: KVM and the module disagree. */
  readonly refused?: string;
}

/** Completion status of a call, named as in `asm/tdx.h` and the module's specification. */
export type TdxError =
  | 'TDX_OPERAND_BUSY'
  | 'TDX_OP_STATE_INCORRECT'
  | 'TDX_EPT_ENTRY_STATE_INCORRECT'
  | 'TDX_GPA_RANGE_ALREADY_BLOCKED'
  | 'TDX_GPA_RANGE_NOT_BLOCKED'
  | 'TDX_TLB_TRACKING_NOT_DONE'
  | 'TDX_PREVIOUS_TLB_EPOCH_BUSY'
  | 'TDX_PAGE_ALREADY_ACCEPTED'
  | 'TDX_PAGE_SIZE_MISMATCH'
  | 'EPT_VIOLATION';

export type TdxResult = { readonly ok: true; readonly td: Td } | { readonly ok: false; readonly error: TdxError };

const FREE: SeptEntry = { state: 'FREE' };

export function entryKey(gfn: Gfn, level: Level): string {
  return `${level}:${gfn}`;
}

export function septEntry(td: Td, gfn: Gfn, level: Level): SeptEntry {
  return td.entries.get(entryKey(gfn, level)) ?? FREE;
}

function refused(error: TdxError): TdxResult {
  return { ok: false, error };
}

function withEntry(td: Td, gfn: Gfn, level: Level, entry: SeptEntry): TdxResult {
  const entries = new Map(td.entries);
  if (entry.state === 'FREE') entries.delete(entryKey(gfn, level));
  else entries.set(entryKey(gfn, level), entry);
  return { ok: true, td: { ...td, entries } };
}

/** From FREE to `to`; anything else is refused. */
function fill(td: Td, gfn: Gfn, level: Level, to: SeptState): TdxResult {
  if (septEntry(td, gfn, level).state !== 'FREE') return refused('TDX_EPT_ENTRY_STATE_INCORRECT');
  return withEntry(td, gfn, level, { state: to });
}

/** TDH.MEM.SEPT.ADD, `tdh_mem_sept_add()`: links a page of non-leaf entries. */
export function septAdd(td: Td, gfn: Gfn, level: Level): TdxResult {
  if (td.state === 'UNINITIALIZED') return refused('TDX_OP_STATE_INCORRECT');
  return fill(td, gfn, level, 'NL_MAPPED');
}

/** TDH.MEM.PAGE.ADD, `tdh_mem_page_add()`: a page of the initial image, before TDH.MR.FINALIZE only. */
export function pageAdd(td: Td, gfn: Gfn): TdxResult {
  if (td.state !== 'INITIALIZED') return refused('TDX_OP_STATE_INCORRECT');
  return fill(td, gfn, 1, 'MAPPED');
}

/** TDH.MEM.PAGE.AUG, `tdh_mem_page_aug()`: a page that the guest must accept. */
export function pageAug(td: Td, gfn: Gfn, level: Level): TdxResult {
  if (td.state === 'UNINITIALIZED') return refused('TDX_OP_STATE_INCORRECT');
  return fill(td, gfn, level, 'PENDING');
}

/** TDG.MEM.PAGE.ACCEPT, the guest's TDCALL: the page is zeroed and the guest's from here on. */
export function pageAccept(td: Td, gfn: Gfn, level: Level): TdxResult {
  switch (septEntry(td, gfn, level).state) {
    case 'PENDING':
      return withEntry(td, gfn, level, { state: 'MAPPED' });
    case 'MAPPED':
      return refused('TDX_PAGE_ALREADY_ACCEPTED');
    case 'NL_MAPPED':
      return refused('TDX_PAGE_SIZE_MISMATCH');
    case 'FREE':
    case 'BLOCKED':
    case 'PENDING_BLOCKED':
    case 'NL_BLOCKED':
      return refused('EPT_VIOLATION');
  }
}

const BLOCKED_OF: Readonly<Partial<Record<SeptState, SeptState>>> = {
  MAPPED: 'BLOCKED',
  PENDING: 'PENDING_BLOCKED',
  NL_MAPPED: 'NL_BLOCKED',
};
const UNBLOCKED_OF: Readonly<Partial<Record<SeptState, SeptState>>> = {
  BLOCKED: 'MAPPED',
  PENDING_BLOCKED: 'PENDING',
  NL_BLOCKED: 'NL_MAPPED',
};

/** TDH.MEM.RANGE.BLOCK, `tdh_mem_range_block()`: no new translation through the entry from here on. */
export function rangeBlock(td: Td, gfn: Gfn, level: Level): TdxResult {
  if (td.state === 'UNINITIALIZED') return refused('TDX_OP_STATE_INCORRECT');
  const { state } = septEntry(td, gfn, level);
  if (UNBLOCKED_OF[state] !== undefined) return refused('TDX_GPA_RANGE_ALREADY_BLOCKED');
  const blocked = BLOCKED_OF[state];
  if (blocked === undefined) return refused('TDX_EPT_ENTRY_STATE_INCORRECT');
  return withEntry(td, gfn, level, { state: blocked, blockEpoch: td.epoch });
}

/** TDH.MEM.TRACK, `tdh_mem_track()`: begins a new TD epoch, once no vCPU is left in the one before the current. */
export function memTrack(td: Td): TdxResult {
  if (td.state === 'UNINITIALIZED') return refused('TDX_OP_STATE_INCORRECT');
  if ([...td.inGuest.values()].some((epoch) => epoch < td.epoch)) return refused('TDX_PREVIOUS_TLB_EPOCH_BUSY');
  return { ok: true, td: { ...td, epoch: td.epoch + 1 } };
}

/** No vCPU can hold a translation from before the entry was blocked. */
export function isTracked(td: Td, entry: SeptEntry): boolean {
  if (entry.blockEpoch === undefined) return false;
  if (entry.blockEpoch < td.epoch - 1) return true;
  const { blockEpoch } = entry;
  return blockEpoch === td.epoch - 1 && ![...td.inGuest.values()].some((epoch) => epoch <= blockEpoch);
}

/** TDH.MEM.PAGE.REMOVE, `tdh_mem_page_remove()`: what the page held is gone. Tracking is needed once the TD may run. */
export function pageRemove(td: Td, gfn: Gfn, level: Level): TdxResult {
  if (td.state === 'UNINITIALIZED') return refused('TDX_OP_STATE_INCORRECT');
  const entry = septEntry(td, gfn, level);
  if (entry.state !== 'BLOCKED' && entry.state !== 'PENDING_BLOCKED') return refused('TDX_GPA_RANGE_NOT_BLOCKED');
  if (td.state === 'RUNNABLE' && !isTracked(td, entry)) return refused('TDX_TLB_TRACKING_NOT_DONE');
  return withEntry(td, gfn, level, FREE);
}

/** TDH.MEM.RANGE.UNBLOCK: back to the state before; KVM does not call it. */
export function rangeUnblock(td: Td, gfn: Gfn, level: Level): TdxResult {
  if (td.state === 'UNINITIALIZED') return refused('TDX_OP_STATE_INCORRECT');
  const entry = septEntry(td, gfn, level);
  const state = UNBLOCKED_OF[entry.state];
  if (state === undefined) return refused('TDX_GPA_RANGE_NOT_BLOCKED');
  if (td.state === 'RUNNABLE' && !isTracked(td, entry)) return refused('TDX_TLB_TRACKING_NOT_DONE');
  return withEntry(td, gfn, level, { state });
}

/** The module's calls, as KVM makes them. */
export interface TdxModule {
  readonly septAdd: typeof septAdd;
  readonly pageAdd: typeof pageAdd;
  readonly pageAug: typeof pageAug;
  readonly rangeBlock: typeof rangeBlock;
  readonly memTrack: typeof memTrack;
  readonly pageRemove: typeof pageRemove;
  readonly rangeUnblock: typeof rangeUnblock;
}

/** A call that needs a lock which a TDCALL of a vCPU may hold. */
function unlessBusy<Args extends unknown[]>(call: (td: Td, ...args: Args) => TdxResult) {
  return (td: Td, ...args: Args): TdxResult =>
    td.contended && td.inGuest.size > 0 ? refused('TDX_OPERAND_BUSY') : call(td, ...args);
}

export const TDX_MODULE: TdxModule = {
  septAdd: unlessBusy(septAdd),
  pageAdd: unlessBusy(pageAdd),
  pageAug: unlessBusy(pageAug),
  rangeBlock: unlessBusy(rangeBlock),
  memTrack: unlessBusy(memTrack),
  pageRemove: unlessBusy(pageRemove),
  rangeUnblock: unlessBusy(rangeUnblock),
};

/** A vCPU enters the guest (TDH.VP.ENTER): it runs in the current TD epoch. */
export function enterGuest(td: Td, vcpu: number): Td {
  return { ...td, inGuest: new Map(td.inGuest).set(vcpu, td.epoch) };
}

/** All vCPUs leave the guest: `kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE)`. */
export function kickAll(td: Td): Td {
  return td.inGuest.size === 0 && !td.contended ? td : { ...td, inGuest: new Map(), contended: false };
}

/**
 * What a guest's access to a private page at `gfn` meets: the page, a page it has to accept (#VE, or a TD exit where
 * the TD disables #VE), or an EPT violation that KVM handles.
 */
export function guestTouch(td: Td, gfn: Gfn, level: Level): 'page' | 'pending' | 'violation' {
  const { state } = septEntry(td, gfn, level);
  return state === 'MAPPED' ? 'page' : state === 'PENDING' ? 'pending' : 'violation';
}
