import type { Action } from './explore';
import { accept, access, type Access } from './faults';
import type { MmuState } from './mmu-state';
import { type Gfn, kickAll } from './sept';
import { convert, unmapRange } from './unmap';
import { hasPrivateMemory } from './vm';

/**
 * What host, userspace and guest can do to some gfns of a VM, the sink aside: guest accesses by each vCPU, acceptance,
 * exits, conversions by userspace, MMU notifiers.
 */
export function actionsOn(state: MmuState, gfns: readonly Gfn[]): readonly Action[] {
  const kinds: readonly Access[] = hasPrivateMemory(state.vm.type) ? ['private', 'shared'] : ['shared'];
  const actions: Action[] = [];
  for (const gfn of gfns) {
    const name = `gfn 0x${gfn.toString(16)}`;
    for (const vcpu of state.vcpus) {
      for (const kind of kinds)
        actions.push({
          name: `vCPU ${vcpu} touches ${name}, ${kind}`,
          run: (now) => [access(now, vcpu, gfn, kind).state],
        });
      if (state.td !== undefined)
        actions.push({ name: `vCPU ${vcpu} accepts ${name}`, run: (now) => [accept(now, vcpu, gfn).state] });
    }
    if (kinds.length > 1) {
      actions.push({ name: `userspace makes ${name} shared`, gives: gfn, run: (now) => [convert(now, gfn, 'shared')] });
      actions.push({ name: `userspace makes ${name} private`, run: (now) => [convert(now, gfn, 'private')] });
    }
    actions.push({
      name: `MMU notifier on ${name}`,
      run: (now) => [now.vm.dead ? now : unmapRange(now, gfn, gfn + 1n, 'shared')],
    });
  }
  if (state.td !== undefined)
    actions.push({
      name: 'all vCPUs exit',
      run: (now) => [now.td === undefined ? now : { ...now, td: kickAll(now.td) }],
    });
  return actions;
}
