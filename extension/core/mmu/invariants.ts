import type { Action, Invariant } from './explore';
import { slotOf } from './memslots';
import { sameCaching } from './memory-types';
import type { MmuState } from './mmu-state';
import type { Rules } from './rules';
import { guestTouch, septEntry } from './sept';
import { hasPrivateMemory } from './vm';

/** What must hold after every action, whatever came before. */
export function invariantsOf(rules: Rules): readonly Invariant[] {
  return [
    {
      name: 'locks and invalidations balance',
      broken: (_, after) => {
        const held = after.locks.map((lock) => lock.name);
        if (held.length > 0) return `${held.join(', ')} left held`;
        return after.invalidation.inProgress === 0 ? undefined : 'mmu_invalidate_in_progress is not back at 0';
      },
    },
    {
      name: 'mirror SPTEs and S-EPT agree',
      broken: (before, after) => disagreement(before, after),
    },
    {
      name: 'no stale translation survives',
      broken: (_, after) => {
        const [gfn] = after.tlb.stale;
        return gfn === undefined ? undefined : `gfn 0x${gfn.toString(16)} is unmapped, and TLBs may still hold it`;
      },
    },
    {
      name: 'no access to a page that the guest does not own',
      broken: (_, after) => (after.vm.dead ? undefined : foreignPage(after)),
    },
    {
      name: 'memory types follow the rule',
      broken: (_, after) => (after.vm.dead ? undefined : oldType(rules, after)),
    },
    {
      name: 'a dead VM refuses ioctls',
      broken: (before, after, action) =>
        before.vm.dead && action.ioctl === true && before !== after ? `'${action.name}' goes through` : undefined,
    },
    {
      name: 'a live TD loses a page only to userspace',
      broken: (before, after, action) => (after.vm.dead ? undefined : lostPage(before, after, action)),
    },
  ];
}

/** A call that the module refused is a disagreement too, also where it killed the VM. */
function disagreement(before: MmuState, after: MmuState): string | undefined {
  const { td } = after;
  if (td === undefined) return undefined;
  if (td.refused !== undefined && before.td?.refused === undefined && !before.vm.dead) return td.refused;
  const mirror = after.roots.find((root) => root.kind === 'mirror');
  if (mirror === undefined || after.vm.dead) return undefined;
  for (const [gfn, leaf] of mirror.leaves) {
    const entry = septEntry(td, gfn, 1).state;
    if (leaf.state === 'frozen') return `gfn 0x${gfn.toString(16)}: SPTE frozen, and no S-EPT call is running`;
    if (entry !== 'MAPPED' && entry !== 'PENDING') return `gfn 0x${gfn.toString(16)}: SPTE present, S-EPT ${entry}`;
  }
  for (const [key, entry] of td.entries) {
    const gfn = BigInt(key.slice(key.indexOf(':') + 1));
    if (key.startsWith('1:') && !mirror.leaves.has(gfn))
      return `gfn 0x${gfn.toString(16)}: SPTE non-present, S-EPT ${entry.state}`;
  }
  return undefined;
}

/** A page that is mapped against its gfn's attribute, or outside of any memslot. */
function foreignPage(state: MmuState): string | undefined {
  const apart = hasPrivateMemory(state.vm.type) && (state.td === undefined || state.vm.mirrored);
  for (const root of state.roots)
    for (const [gfn, leaf] of root.leaves) {
      const page = `gfn 0x${gfn.toString(16)} is mapped under the ${root.kind} root`;
      if (slotOf(state.memory, gfn) === undefined) return `${page} outside of any memslot`;
      if (apart && state.memory.privateGfns.has(gfn) !== leaf.isPrivate) return `${page} against its attribute`;
    }
  return undefined;
}

/** An SPTE that holds another memory type than it would get now. */
function oldType(rules: Rules, state: MmuState): string | undefined {
  if (!state.vm.typedSptes) return undefined;
  for (const root of state.roots) {
    if (root.kind === 'mirror') continue;
    for (const [gfn, leaf] of root.leaves) {
      const now = state.vcpus.map((vcpu) => rules.caching(state, vcpu, gfn));
      if (now.length > 0 && !now.some((caching) => sameCaching(caching, leaf.caching)))
        return `gfn 0x${gfn.toString(16)} keeps ${words(leaf.caching)} in its SPTE, and would get ${words(now[0])}`;
    }
  }
  return undefined;
}

function words(caching: { readonly memoryType: string; readonly ignorePat: boolean } | undefined): string {
  if (caching === undefined) return 'no type';
  return `${caching.memoryType}${caching.ignorePat ? ' without the guest’s PAT' : ' with the guest’s PAT'}`;
}

/** A hypothetical TD, in a tree without mirror roots, has its pages under the only root that there is. */
function lostPage(before: MmuState, after: MmuState, action: Action): string | undefined {
  if (before.td === undefined || after.td === undefined) return undefined;
  for (const gfn of before.memory.privateGfns) {
    if (guestTouch(before.td, gfn, 1) !== 'page') continue;
    const mapped = (state: MmuState): boolean => state.vm.mirrored || state.roots.some((root) => root.leaves.has(gfn));
    const gone = guestTouch(after.td, gfn, 1) !== 'page' || (mapped(before) && !mapped(after));
    if (gone && action.gives?.(gfn) !== true)
      return `gfn 0x${gfn.toString(16)} was the guest's, and what it held is gone`;
  }
  return undefined;
}
