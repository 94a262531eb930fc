import type { Site } from '../program/program';
import type { MmuState } from './mmu-state';
import type { Rules } from './rules';
import { type Gfn, kickAll, type Level, type Td, type TdxError, type TdxResult } from './sept';

/** A SEAMCALL that was made. */
export interface SeamCall {
  readonly name: string;
  /** Why it failed. One that is not the last was made again. */
  readonly error?: string;
  /** The state before the next one. */
  readonly state: MmuState;
  /** Where the tree makes it, if it shows that. */
  readonly site?: Site;
}

/** What taking a leaf out of the S-EPT came to. */
export interface Removal {
  readonly state: MmuState;
  /** The SEAMCALLs in order, the last one refused if `refused` says why. */
  readonly calls: readonly SeamCall[];
  readonly refused?: string;
  /** The code that made the calls, where the tree has it. */
  readonly site?: Site;
  /** What of that code the model does not know. */
  readonly unmodelled?: readonly (Site & { readonly text: string })[];
}

/** What putting a leaf into the S-EPT came to. `again`: the call was BUSY, or refused, and the fault is tried again. */
export interface Added {
  readonly state: MmuState;
  readonly calls: readonly string[];
  readonly again: boolean;
}

/**
 * Models the removal of a private leaf in a tree that knows mirror roots and does not show the vendor's code for it, as
 * `tdx_sept_remove_leaf_spte()` (vmx/tdx.c) does it: BLOCK, TRACK with a kick of all vCPUs (only when the TD is
 * RUNNABLE), REMOVE, WBINVD. No HKID, a level above 4K and a refused call are KVM_BUG_ON; what is BUSY is tried once
 * more with all vCPUs kicked out.
 */
export function removeExternal(rules: Rules, state: MmuState, gfn: Gfn, level: Level): Removal {
  const { td } = state;
  if (td === undefined) return { state, calls: [] };
  if (!td.hkidAssigned) return { state, calls: [], refused: 'the TD has no HKID' };
  if (level !== 1) return { state, calls: [], refused: 'the page is larger than 4K' };
  const { tdx } = rules;
  let now = td;
  const calls: SeamCall[] = [];
  const made = (name: string): number => calls.push({ name, state: { ...state, td: now } });
  const make = (name: string, call: (td: Td) => TdxResult, kicks = false): TdxError | undefined => {
    const first = call(now);
    const last = !first.ok && isBusy(first.error) ? call((now = kickAll(now))) : first;
    if (last.ok) now = kicks ? kickAll(last.td) : last.td;
    else now = withRefusal(now, name, gfn, last.error);
    made(name);
    return last.ok ? undefined : last.error;
  };
  const given = (refused: TdxError | undefined): Removal => ({
    state: { ...state, td: now },
    calls,
    ...(refused === undefined ? {} : { refused }),
  });
  const blocked = make('TDH.MEM.RANGE.BLOCK', (before) => tdx.rangeBlock(before, gfn, level));
  if (blocked !== undefined) return given(blocked);
  if (now.state === 'RUNNABLE') {
    const tracked = make('TDH.MEM.TRACK', tdx.memTrack, true);
    if (tracked !== undefined) return given(tracked);
  }
  const removed = make('TDH.MEM.PAGE.REMOVE', (before) => tdx.pageRemove(before, gfn, level));
  if (removed !== undefined) return given(removed);
  made('TDH.PHYMEM.PAGE.WBINVD');
  return given(undefined);
}

/**
 * Models `tdx_sept_map_leaf_spte()` where the tree does not show it: ADD before the TD is runnable, AUG after. BUSY and
 * a refusal alike leave the entry as it was.
 */
export function addExternal(rules: Rules, state: MmuState, gfn: Gfn, level: Level): Added {
  const { td } = state;
  if (td === undefined) return { state, calls: [], again: false };
  const augs = td.state === 'RUNNABLE';
  const name = augs ? 'TDH.MEM.PAGE.AUG' : 'TDH.MEM.PAGE.ADD';
  const added = augs ? rules.tdx.pageAug(td, gfn, level) : rules.tdx.pageAdd(td, gfn);
  if (added.ok) return { state: { ...state, td: added.td }, calls: [name], again: false };
  return { state: { ...state, td: withRefusal(td, name, gfn, added.error) }, calls: [name], again: true };
}

/**
 * Models `tdx_operand_busy()`: whether a call may be made again as it is. An epoch that is still in use is no such
 * case: KVM kicks all vCPUs after each TRACK, so that the next one cannot meet it.
 */
export function isBusy(error: TdxError): boolean {
  return error === 'TDX_OPERAND_BUSY';
}

/** Notes a call that was refused for the state in which it was made. */
export function withRefusal(td: Td, call: string, gfn: Gfn | undefined, error: TdxError): Td {
  if (td.refused !== undefined || isBusy(error)) return td;
  const where = gfn === undefined ? '' : ` of gfn 0x${gfn.toString(16)}`;
  return { ...td, refused: `${call}${where}: ${error}` };
}
