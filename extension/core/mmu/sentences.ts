import type { Consequences } from './consequences';
import type { MmuState } from './mmu-state';
import type { VmType } from '../reach/verdict';

/**
 * One sentence: what the guest sees. `start` is the state before the sink ran; `amdCaller` a function of kvm-amd
 * that calls the sink itself, if the tree has one.
 */
export function guestSees(c: Consequences, start: MmuState, unmodelled: number, amdCaller: string | undefined): string {
  if (c.dead) return deadGuest(c, start.vm.type, amdCaller);
  if (c.leaked.includes('mmu_lock')) return 'vCPUs hang at their next fault: mmu_lock is never released.';
  if (c.lost.length > 0) return lostGuest(c, start);
  if (c.pending)
    return 'A vCPU touched a page that it has not accepted: #VE, or with SEPT_VE_DISABLE a TD exit and a dead VM.';
  if (c.liveLock) return 'vCPUs fault on the range without end: the invalidation is never over.';
  if (c.refaults) return 'The guest faults the zapped pages in again when it touches them; what they hold is kept.';
  if (c.zapped.mirror) return 'The guest finds pages that it has not accepted yet pending again.';
  if (unmodelled > 0) return 'Cannot tell: the sink makes calls that the model does not know.';
  return 'The guest sees nothing.';
}

function deadGuest(c: Consequences, type: VmType, amdCaller: string | undefined): string {
  if (c.lost.length > 0) return 'The guest does not run again, and its private pages are zapped all the same.';
  if (type === 'snp' && c.bugged && amdCaller !== undefined)
    return `It kills healthy SNP guests: ${amdCaller}() of kvm-amd calls the sink.`;
  if (type !== 'tdx' && c.bugged) return 'It kills healthy guests: they would have faulted the zapped pages in again.';
  if (c.zapped.direct || c.zapped.mirror || c.zapped.rmap)
    return 'The guest does not run again, and its pages are zapped all the same.';
  return 'The guest does not run again; nothing of its memory is zapped.';
}

function lostGuest(c: Consequences, { td }: MmuState): string {
  if (c.accepted) return 'What the zapped private pages held is gone; the guest has accepted them anew, zeroed.';
  if (c.pending)
    return 'A vCPU touched a zapped private page and met a pending one: #VE, or with SEPT_VE_DISABLE a TD exit and a dead VM; what the page held is lost.';
  if (td?.state === 'INITIALIZED')
    return 'Pages added to the initial image are gone from it; the guest finds them pending, takes #VE, or the VM dies.';
  return 'The next access to a zapped private page meets a pending page: #VE, or with SEPT_VE_DISABLE a TD exit and a dead VM; what the page held is lost.';
}

/** One sentence: what userspace sees. */
export function userspaceSees(c: Consequences, unmodelled: number): string {
  if (c.leaked.includes('mmu_lock'))
    return 'Every task that takes mmu_lock hangs: faults, ioctls, and the teardown of the VM.';
  if (c.otherLocks.length > 0) return `Tasks that need ${c.otherLocks.join(', ')} hang.`;
  if (c.dead)
    return 'KVM_RUN and all other VM, vCPU and device ioctls return -EIO; closing the file descriptors still works.';
  if (c.liveLock) return 'KVM_RUN does not return from the fault; the task can be killed.';
  if (c.failed) return 'An ioctl fails: the steps say which, and with what.';
  if (c.accepted) return 'Userspace sees no error.';
  if (c.lost.length > 0) return 'No error at the call; the guest fails later, or KVM_RUN returns -EIO.';
  if (unmodelled > 0 && !c.refaults) return 'Cannot tell: the sink makes calls that the model does not know.';
  return c.warned ? 'Userspace sees nothing; the kernel log has a WARN.' : 'Userspace sees nothing.';
}
