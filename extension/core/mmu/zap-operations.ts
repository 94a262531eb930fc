import type { Site } from '../program/program';
import { type Branch, noteUnmodelled, say, type Value } from './branch';
import type { Call } from './call';
import { bugged } from './death';
import type { Evaluated } from './evaluate';
import { holds } from './locks';
import { type Frame, type Machine, siteOf } from './machine';
import type { MmuState } from './mmu-state';
import { ALL_GFNS, bug, rangeOf, rangeWords } from './perform';
import { hasMirrorRoots } from './root-iterator';
import type { Gfn } from './sept';
import { truth } from './values';
import { warn } from './vm';
import { type Zap, type ZappedLeaf, zapLeafs, zapRmaps } from './zap';

/**
 * Performs a zap by name; its value is whether the caller has to flush, as in KVM: what it was handed, or that a leaf
 * of a valid root went.
 */
export function performZap(
  machine: Machine,
  frame: Frame,
  kind: 'zap-rmaps' | 'zap-root' | 'zap-all-roots',
  x: Call,
  values: readonly Value[],
  branch: Branch,
): Evaluated {
  const site = siteOf(frame, x.at);
  const name = x.fn.k === 'id' ? x.fn.name : '';
  const range = rangeOf(machine, frame, x, values, 'end') ?? { start: 0n, end: ALL_GFNS };
  const before = handed(x, values);
  const locked = lockChecked(branch, name, site);
  if (kind === 'zap-rmaps') {
    const zap = zapRmaps(locked.state, range.start, range.end);
    if (zap.leaves.length === 0) return [say(locked, `${name}(): there are no rmaps in the range`, site), before];
    const after = { ...locked, state: zap.state };
    return [say(after, `${name}(): ${leafWords(zap.leaves.length)} of shadow pages removed`, site), true];
  }
  const known = values.find((value) => typeof value === 'object' && 'root' in value);
  if (known === undefined && kind === 'zap-root') {
    const assumed = noteUnmodelled(locked, `${name}() on a root that the model cannot tell: all are assumed`, site);
    return zapRoots(machine, assumed, name, site, range, before);
  }
  if (typeof known === 'object' && 'root' in known)
    return zapOne(machine, locked, name, site, range, known.root, before);
  const assumed = noteUnmodelled(locked, `${name}(): no root iterator in a body of it: all roots are assumed`, site);
  return zapRoots(machine, assumed, name, site, range, before);
}

/**
 * A walk over the rmaps of one memslot: what its handler does to each. Only handlers that zap (`kvm_zap_rmap()`) are
 * known. Its range names the last gfn; without one it is the slot's.
 */
export function walkRmaps(
  machine: Machine,
  frame: Frame,
  x: Call,
  values: readonly Value[],
  branch: Branch,
): Evaluated {
  const site = siteOf(frame, x.at);
  const name = x.fn.k === 'id' ? x.fn.name : '';
  const handler = x.args.find((arg) => arg.k === 'id' && /rmap|handler|^fn$/.test(arg.name));
  const does = handler?.k === 'id' ? handler.name : 'a handler';
  const before = handed(x, values);
  if (!/zap_rmap/.test(does)) return [noteUnmodelled(branch, `${name}() with ${does}`, site), undefined];
  const slot = values.map((value) => slotRange(branch, value)).find((range) => range !== undefined);
  const range = rangeOf(machine, frame, x, values, 'last') ?? slot ?? { start: 0n, end: ALL_GFNS };
  const locked = lockChecked(branch, name, site);
  const zap = zapRmaps(locked.state, range.start, range.end);
  if (zap.leaves.length === 0) return [say(locked, `${name}(): there are no rmaps in the range`, site), before];
  const what = `${name}(${does}): ${rangeWords(range)}: ${leafWords(zap.leaves.length)} non-present`;
  return [say({ ...locked, state: zap.state }, what, site), true];
}

function slotRange({ state }: Branch, value: Value): Range | undefined {
  const slot = typeof value === 'object' && 'slot' in value ? state.memory.slots[value.slot] : undefined;
  return slot === undefined ? undefined : { start: slot.base, end: slot.base + slot.pages };
}

type Range = { readonly start: Gfn; readonly end: Gfn };

function zapRoots(machine: Machine, branch: Branch, name: string, site: Site, range: Range, before: Value): Evaluated {
  let flush = before;
  let after = branch;
  for (const [index, root] of branch.state.roots.entries()) {
    if (root.valid) [after, flush] = zapOne(machine, after, name, site, range, index, flush);
  }
  return [after, flush];
}

function zapOne(
  machine: Machine,
  branch: Branch,
  name: string,
  site: Site,
  range: Range,
  index: number,
  before: Value,
): Evaluated {
  const root = branch.state.roots[index];
  if (root === undefined) return [branch, before];
  const zap = zapLeafs(machine.rules, branch.state, index, range.start, range.end);
  const which = hasMirrorRoots(machine.program) ? `${root.kind} root` : 'root';
  const gfns = rangeWords(range);
  if (zap.leaves.length === 0) return [say(branch, `${name}(): ${which}, ${gfns}: no present leaf`, site), before];
  const what = `${name}(): ${which}, ${gfns}: ${leafWords(zap.leaves.length)} non-present`;
  // Leaves of a mirror root go one by one, each with its SEAMCALLs.
  const mirror = zap.leaves.some((leaf) => leaf.was !== undefined);
  let after = say(mirror ? branch : { ...branch, state: zap.state }, what, site);
  if (mirror) {
    for (const leaf of zap.leaves) after = sayPrivateLeaf(after, leaf, site);
    after = { ...after, state: stillBugged(after, zap.state) };
  }
  return [after, flushNeeded(zap, before)];
}

/** Each SEAMCALL of a mirror leaf's removal, in order; a refused one is KVM_BUG_ON. */
function sayPrivateLeaf(branch: Branch, leaf: ZappedLeaf, otherwise: Site): Branch {
  const page = `private gfn 0x${leaf.gfn.toString(16)}`;
  const gone = leaf.was === 'MAPPED' ? 'contents lost' : 'not accepted yet, nothing lost';
  const { refused, site = otherwise } = leaf;
  let after: Branch = { ...branch, state: stillBugged(branch, leaf.cleared) };
  for (const { text, ...at } of leaf.unmodelled ?? []) after = noteUnmodelled(after, text, at);
  for (const [index, call] of leaf.calls.entries()) {
    const { name, error, site: where = site } = call;
    after = { ...after, state: stillBugged(after, call.state) };
    if (refused !== undefined && index === leaf.calls.length - 1)
      return bug(after, `${page}: ${name} refused, ${refused}: KVM_BUG_ON`, where);
    const what = error !== undefined ? `: ${error}` : name === 'TDH.MEM.PAGE.REMOVE' ? `, ${gone}` : '';
    after = say(after, `${page}: ${name}${what}`, where);
  }
  return refused === undefined ? after : bug(after, `${page}: KVM_BUG_ON, ${refused}`, site);
}

/** A VM that a leaf before this one has bugged is bugged in what comes after it. */
function stillBugged({ state: { vm } }: Branch, state: MmuState): MmuState {
  return vm.bugSite === undefined || state.vm.bugged ? state : bugged(state, vm.bugSite);
}

function flushNeeded(zap: Zap, before: Value): Value {
  return zap.flush ? true : before;
}

function leafWords(count: number): string {
  return count === 1 ? '1 leaf becomes' : `${count} leaves become`;
}

/** What the caller hands as `flush`, the last argument of these functions where they take one. */
function handed(x: Call, values: readonly Value[]): Value {
  const last = values.at(-1);
  const flush = x.args.length > 3 && typeof last !== 'bigint' && typeof last !== 'object' ? truth(last) : false;
  return x.args.length > 3 ? flush : false;
}

/** `lockdep_assert_held_write(&kvm->mmu_lock)` in the zap functions. */
function lockChecked(branch: Branch, name: string, site: Site): Branch {
  const { state } = branch;
  if (holds(state.locks, 'mmu_lock', 'write')) return branch;
  return say(
    { ...branch, state: { ...state, vm: warn(state.vm) } },
    `${name}(): mmu_lock is not held for writing`,
    site,
  );
}
