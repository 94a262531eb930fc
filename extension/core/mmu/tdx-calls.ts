import { isBusy, withRefusal } from './external-leaf';
import { type Branch, noteUnmodelled, type Value } from './branch';
import type { Evaluated } from './evaluate';
import type { Machine } from './machine';
import type { Rules } from './rules';
import type { Site } from '../program/program';
import { type Gfn, type Level, septEntry, type Td, type TdxError, type TdxResult } from './sept';

interface TdxCall {
  readonly name: string;
  readonly run: (rules: Rules, td: Td, gfn: Gfn, level: Level) => TdxResult;
  /** It is about one gfn, which comes first among its numbers, the level after it. */
  readonly onGfn: boolean;
}

/** KVM's wrappers of SEAMCALLs (arch/x86/virt/vmx/tdx/tdx.c) that change or need the state of the S-EPT. */
const CALLS: ReadonlyMap<string, TdxCall> = new Map<string, TdxCall>([
  [
    'tdh_mem_sept_add',
    { name: 'TDH.MEM.SEPT.ADD', onGfn: true, run: ({ tdx }, td, gfn, level) => tdx.septAdd(td, gfn, level) },
  ],
  ['tdh_mem_page_add', { name: 'TDH.MEM.PAGE.ADD', onGfn: true, run: ({ tdx }, td, gfn) => tdx.pageAdd(td, gfn) }],
  [
    'tdh_mem_page_aug',
    { name: 'TDH.MEM.PAGE.AUG', onGfn: true, run: ({ tdx }, td, gfn, level) => tdx.pageAug(td, gfn, level) },
  ],
  [
    'tdh_mem_range_block',
    { name: 'TDH.MEM.RANGE.BLOCK', onGfn: true, run: ({ tdx }, td, gfn, level) => tdx.rangeBlock(td, gfn, level) },
  ],
  [
    'tdh_mem_range_unblock',
    { name: 'TDH.MEM.RANGE.UNBLOCK', onGfn: true, run: ({ tdx }, td, gfn, level) => tdx.rangeUnblock(td, gfn, level) },
  ],
  ['tdh_mem_track', { name: 'TDH.MEM.TRACK', onGfn: false, run: ({ tdx }, td) => tdx.memTrack(td) }],
  [
    'tdh_mem_page_remove',
    { name: 'TDH.MEM.PAGE.REMOVE', onGfn: true, run: ({ tdx }, td, gfn, level) => tdx.pageRemove(td, gfn, level) },
  ],
  ['tdh_phymem_page_wbinvd_hkid', { name: 'TDH.PHYMEM.PAGE.WBINVD', onGfn: false, run: (_, td) => ({ ok: true, td }) }],
]);

export function isTdxCall(name: string): boolean {
  return CALLS.has(name);
}

/** Makes a call of the TDX module; its value is the module's completion status, 0 for success. */
export function performTdxCall(
  machine: Machine,
  name: string,
  values: readonly Value[],
  branch: Branch,
  site: Site,
): Evaluated {
  const call = CALLS.get(name);
  const { td } = branch.state;
  if (call === undefined || td === undefined) return [noteUnmodelled(branch, name, site), undefined];
  const [address, level] = values.filter((value) => typeof value === 'bigint');
  if (call.onGfn && address === undefined)
    return [noteUnmodelled(branch, `${name}() at an address that the model cannot tell`, site), undefined];
  const gfn = (address ?? 0n) >> 12n;
  const at = Number(level ?? 1n);
  const was = call.onGfn ? septEntry(td, gfn, at).state : undefined;
  const result = call.run(machine.rules, td, gfn, at);
  const after = result.ok ? result.td : withRefusal(td, call.name, call.onGfn ? gfn : undefined, result.error);
  const what = result.ok
    ? was === undefined
      ? call.name
      : `${call.name}: S-EPT ${was} -> ${septEntry(after, gfn, at).state}`
    : `${call.name}: ${result.error}`;
  const state = { ...branch.state, td: after };
  const seamcall = { name: call.name, ...(result.ok ? {} : { error: result.error }) };
  return [
    { ...branch, state, trace: [...branch.trace, { text: what, site, state, seamcall }] },
    result.ok ? 0n : statusOf(machine, result.error),
  ];
}

/** The number of a completion status in the tree; of one that the tree does not name, some error that is not BUSY. */
function statusOf({ program }: Machine, error: TdxError): bigint {
  const named = program.symbols.constant(error);
  if (named !== undefined) return named;
  return isBusy(error) ? 0x8000_0200_0000_0000n : 0xc000_0000_0000_0000n;
}
