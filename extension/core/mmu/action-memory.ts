import { waitsForLock } from './action-zap';
import type { Branch } from './branch';
import { slotOf } from './memslots';
import type { MmuState } from './mmu-state';
import { type Met, type Played, sayOf, type Stage } from './play';
import type { Gfn } from './sept';
import { convert, deleteSlot, unmapRange } from './unmap';
import { hasPrivateMemory } from './vm';

/** KVM_SET_MEMORY_ATTRIBUTES on one gfn: userspace gives up what the page held. */
export function convertAttribute(
  stage: Stage,
  branch: Branch,
  { gfn, private: toPrivate }: { readonly gfn: Gfn; readonly private: boolean },
): readonly Played[] {
  const to = toPrivate ? 'private' : 'shared';
  const what = `KVM_SET_MEMORY_ATTRIBUTES makes ${hex(gfn)} ${to}`;
  const { vm, memory } = branch.state;
  const tell = teller(stage, branch, ['kvm_arch_pre_set_memory_attributes', 'kvm_vm_set_mem_attributes']);
  const refuse = teller(stage, branch, ['kvm_vm_ioctl_set_mem_attributes']);
  if (vm.dead) return [refuse(branch.state, `${what}: the VM is dead, -EIO`, ['error'])];
  if (!hasPrivateMemory(vm.type))
    return [refuse(branch.state, `${what}: a VM of this type has no private memory, -EINVAL`, ['error'])];
  if (memory.privateGfns.has(gfn) === toPrivate) return [tell(branch.state, `${what}: it is so already`)];
  return [waitsForLock(branch) ?? tell(convert(stage.world.rules, branch.state, gfn, to), what)];
}

/** What an MMU notifier unmaps is shared memory; it works on a dead VM too. */
export function unmap(
  stage: Stage,
  branch: Branch,
  { gfn, pages = 1n }: { readonly gfn: Gfn; readonly pages: bigint | undefined },
): readonly Played[] {
  const tell = teller(stage, branch, ['kvm_unmap_gfn_range']);
  const what = `an MMU notifier unmaps ${hex(gfn)}${pages === 1n ? '' : ` to ${hex(gfn + pages)}`}`;
  return [waitsForLock(branch) ?? tell(unmapRange(stage.world.rules, branch.state, gfn, gfn + pages, 'shared'), what)];
}

/** KVM_SET_USER_MEMORY_REGION with no size: userspace gives up the memslot and what it maps, private or shared. */
export function deleteMemslot(stage: Stage, branch: Branch, { gfn }: { readonly gfn: Gfn }): readonly Played[] {
  const { vm, memory } = branch.state;
  const slot = slotOf(memory, gfn);
  const tell = teller(stage, branch, ['kvm_arch_flush_shadow_memslot']);
  const what = `KVM_SET_USER_MEMORY_REGION deletes the memslot of ${hex(gfn)}`;
  if (vm.dead) return [tell(branch.state, `${what}: the VM is dead, -EIO`, ['error'])];
  if (slot === undefined) return [tell(branch.state, `${what}: there is none, -EINVAL`, ['error'])];
  const waiting = waitsForLock(branch);
  if (waiting !== undefined) return [waiting];
  return [tell(deleteSlot(stage.world.rules, branch.state, slot), what)];
}

function teller(
  stage: Stage,
  branch: Branch,
  names: readonly string[],
): (state: MmuState, text: string, met?: readonly Met[]) => Played {
  return (state, text, met = []) => ({ branch: sayOf(stage, { ...branch, state }, names, text), met });
}

function hex(gfn: Gfn): string {
  return `gfn 0x${gfn.toString(16)}`;
}
