/** Locks that the running task holds. A lock is known by its last name: `mmu_lock` of `&kvm->mmu_lock`. */
export interface HeldLock {
  readonly name: string;
  readonly mode: LockMode;
}

export type LockMode = 'write' | 'read';
/** Innermost last. */
export type Locks = readonly HeldLock[];

export type LockResult =
  { readonly ok: true; readonly locks: Locks } | { readonly ok: false; readonly fault: 'self-deadlock' | 'not-held' };

/** Locks that a task may take again while it holds them. */
const RECURSIVE = /^(?:s?rcu|rcu_read_lock)$/;

/** Models `write_lock()`, `read_lock()`, `mutex_lock()`: a task that takes its own lock again waits for itself. */
export function takeLock(locks: Locks, name: string, mode: LockMode): LockResult {
  const held = locks.find((lock) => lock.name === name);
  if (held !== undefined && !RECURSIVE.test(name) && (held.mode === 'write' || mode === 'write'))
    return { ok: false, fault: 'self-deadlock' };
  return { ok: true, locks: [...locks, { name, mode }] };
}

/** Models `write_unlock()`, `read_unlock()`, `mutex_unlock()`. */
export function dropLock(locks: Locks, name: string): LockResult {
  const index = locks.findLastIndex((lock) => lock.name === name);
  if (index < 0) return { ok: false, fault: 'not-held' };
  return { ok: true, locks: locks.filter((_, at) => at !== index) };
}

export function holds(locks: Locks, name: string, mode?: LockMode): boolean {
  return locks.some((lock) => lock.name === name && (mode === undefined || lock.mode === mode));
}
