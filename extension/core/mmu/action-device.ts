import { waitsForLock } from './action-zap';
import { type Branch, noteUnmodelled, say } from './branch';
import { inhibitReasons } from './inhibits';
import { CHANGE_INHIBIT, REGISTER_DMA, runInhibit, runNamed, UNREGISTER_DMA } from './kernel-calls';
import { continued, type Played, sayOf, type Stage } from './play';
import type { Run } from './run-once';

/** KVM_DEV_VFIO_FILE_ADD with a device whose DMA is not coherent: what the tree does about it, to the sink and back. */
export function registerDevice(stage: Stage, branch: Branch): readonly Played[] {
  const what = 'KVM_DEV_VFIO_FILE_ADD of a device with non-coherent DMA';
  return byCode(stage, branch, REGISTER_DMA, what, runNamed(stage.world, REGISTER_DMA));
}

/** KVM_DEV_VFIO_FILE_DEL of such a device. */
export function unregisterDevice(stage: Stage, branch: Branch): readonly Played[] {
  const what = 'KVM_DEV_VFIO_FILE_DEL of a device with non-coherent DMA';
  const { vm } = branch.state;
  if (!vm.dead && vm.noncoherentDma === 0)
    return [{ branch: sayOf(stage, branch, [UNREGISTER_DMA], `${what}: there is none, -ENOENT`), met: ['error'] }];
  return byCode(stage, branch, UNREGISTER_DMA, what, runNamed(stage.world, UNREGISTER_DMA));
}

interface Why {
  readonly reason: string;
}

export function setInhibit(stage: Stage, branch: Branch, { reason }: Why): readonly Played[] {
  return changeInhibit(stage, branch, reason, true);
}

export function clearInhibit(stage: Stage, branch: Branch, { reason }: Why): readonly Played[] {
  return changeInhibit(stage, branch, reason, false);
}

const PREFIX = 'APICV_INHIBIT_REASON_';

/** `reason`: an enumerator of the tree, with or without what all of them begin with. */
function changeInhibit(stage: Stage, branch: Branch, reason: string, set: boolean): readonly Played[] {
  const name = reason.startsWith(PREFIX) ? reason : `${PREFIX}${reason}`;
  const what = set ? `APICv is inhibited: ${name}` : `an inhibit of APICv goes: ${name}`;
  const found = inhibitReasons(stage.world.program).find((one) => one.name === name);
  if (found === undefined)
    return [{ branch: say(noteUnmodelled(branch, `${name} (not in this tree)`, stage.site), what) }];
  return byCode(stage, branch, CHANGE_INHIBIT, what, runInhibit(stage.world, found.bit, set));
}

/** An action that is the tree's own code: whether it comes to the sink is up to the code. */
function byCode(stage: Stage, branch: Branch, name: string, what: string, run: Run | undefined): readonly Played[] {
  if (branch.state.vm.dead)
    return [{ branch: sayOf(stage, branch, ['kvm_vm_ioctl'], `${what}: the VM is dead, -EIO`), met: ['error'] }];
  const begun = sayOf(stage, branch, [name], what);
  if (run === undefined) return [{ branch: begun }];
  const ends = run(branch.state);
  const waiting = waitsForLock(branch);
  if (waiting !== undefined && ends.some(({ end }) => end?.kind === 'halt')) return [waiting];
  return ends.map((ended) => ({
    branch: continued(begun, ended),
    ...(runsSink(stage, ended) ? { sink: true as const } : {}),
  }));
}

function runsSink({ site }: Stage, { trace }: Branch): boolean {
  return trace.some((event) => event.site?.function === site.function && event.site.file === site.file);
}
