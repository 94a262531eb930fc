import type { Site } from '../program/program';
import type { Expr } from '../syntax/facts';
import { type Branch, say } from './branch';
import { dropLock, type LockMode, takeLock } from './locks';
import { warn } from './vm';

/** The last name of what a lock's address is written as: `mmu_lock` of `&kvm->mmu_lock`. */
export function lockName(x: Expr): string {
  if (x.k === 'unary' && x.op === '&') return lockName(x.x);
  if (x.k === 'cast') return lockName(x.x);
  if (x.k === 'member') return x.field;
  return x.k === 'id' ? x.name : '';
}

export function takeNamed(branch: Branch, name: string, mode: LockMode, site: Site, by: string): Branch {
  const result = takeLock(branch.state.locks, name, mode);
  if (!result.ok) {
    const waits = say(branch, `${by} on ${name}, which this task holds: it waits for itself`, site);
    return { ...waits, end: { kind: 'halt' } };
  }
  return say({ ...branch, state: { ...branch.state, locks: result.locks } }, `${by} takes ${name}`, site);
}

export function dropNamed(branch: Branch, name: string, site: Site, by: string): Branch {
  const { state } = branch;
  const result = dropLock(state.locks, name);
  if (!result.ok) {
    return say(
      { ...branch, state: { ...state, vm: warn(state.vm) } },
      `${by} releases ${name}, which this task does not hold`,
      site,
    );
  }
  const after = say({ ...branch, state: { ...state, locks: result.locks } }, `${by} releases ${name}`, site);
  if (name !== 'mmu_lock' || state.tlb.stale.size === 0) return after;
  return say(
    after,
    `mmu_lock is released before the TLBs are flushed: ${state.tlb.stale.size} stale translations`,
    site,
  );
}
