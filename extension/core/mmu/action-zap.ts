import { say, type Branch } from './branch';
import { continued, type Played, type Stage } from './play';
import { holds } from './locks';
import type { Gfn } from './sept';

/** The sink runs, as its body in the tree says. */
export function zap(
  stage: Stage,
  branch: Branch,
  { start, end }: { readonly start: Gfn | undefined; readonly end: Gfn | undefined },
): readonly Played[] {
  const waiting = waitsForLock(branch);
  if (waiting !== undefined) return [waiting];
  const range = { start: start ?? stage.range.start, end: end ?? stage.range.end };
  return stage.runSink(branch.state, range).map((ended) => ({ branch: continued(branch, ended), sink: true as const }));
}

/** What a task that takes `mmu_lock` comes to where another one has left it held; `undefined`: the lock is free. */
export function waitsForLock(branch: Branch): Played | undefined {
  if (!holds(branch.state.locks, 'mmu_lock')) return undefined;
  return { branch: say(branch, 'a task waits for mmu_lock, which is never released'), met: ['retry'] };
}
