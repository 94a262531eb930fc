import { changesWord } from './atomic-operations';
import { isTdxCall } from './tdx-calls';

/**
 * KVM's MMU operations that the model knows by name: the vocabulary in which the body of a sink is read. What has a
 * body in the tree and is not listed is entered; what has neither a name here nor a body is `unmodelled`.
 */
export type Operation =
  | { readonly kind: 'lock' | 'unlock'; readonly mode: 'write' | 'read'; readonly lock?: string }
  | { readonly kind: 'invalidate-begin' | 'invalidate-range' | 'invalidate-end' }
  | { readonly kind: 'zap-rmaps' | 'walk-rmaps' | 'zap-root' | 'zap-all-roots' }
  | { readonly kind: 'flush' }
  | { readonly kind: 'bug-on' | 'warn-on' | 'host-bug-on'; readonly condition: boolean }
  | { readonly kind: 'bug' | 'dead' }
  | { readonly kind: 'request' }
  | { readonly kind: 'tdx-call' }
  | { readonly kind: 'store' }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'value' };

/** A task's locks. The name of the lock is that of the argument, unless the operation implies it. */
const LOCKS: readonly (readonly [name: RegExp, operation: Operation])[] = [
  /** `write_lock(&kvm->mmu_lock)`, a spinlock or mutex: exclusive. */
  [/^write_lock(?:_\w+)?$|^(?:raw_)?spin_lock(?:_\w+)?$|^mutex_lock$|^down_write$/, { kind: 'lock', mode: 'write' }],
  [
    /^write_unlock(?:_\w+)?$|^(?:raw_)?spin_unlock(?:_\w+)?$|^mutex_unlock$|^up_write$/,
    { kind: 'unlock', mode: 'write' },
  ],
  /** `read_lock(&kvm->mmu_lock)`, SRCU. */
  [/^read_lock(?:_\w+)?$|^down_read$|^srcu_read_lock$/, { kind: 'lock', mode: 'read' }],
  [/^read_unlock(?:_\w+)?$|^up_read$|^srcu_read_unlock$/, { kind: 'unlock', mode: 'read' }],
  [/^rcu_read_lock$/, { kind: 'lock', mode: 'read', lock: 'rcu' }],
  [/^rcu_read_unlock$/, { kind: 'unlock', mode: 'read', lock: 'rcu' }],
  /** `KVM_MMU_LOCK(kvm)` (virt/kvm/kvm_mm.h): `kvm->mmu_lock` for writing. */
  [/^KVM_MMU_LOCK$/, { kind: 'lock', mode: 'write', lock: 'mmu_lock' }],
  [/^KVM_MMU_UNLOCK$/, { kind: 'unlock', mode: 'write', lock: 'mmu_lock' }],
];

/** `kvm_mmu_invalidate_*()` (virt/kvm/kvm_main.c) under its names in all trees; before 5.20 `kvm_inc_notifier_count()`. */
const INVALIDATION: typeof LOCKS = [
  [/^kvm_mmu_invalidate_(?:begin|start)$|^kvm_inc_notifier_count$/, { kind: 'invalidate-begin' }],
  [/^kvm_mmu_invalidate_range_add$/, { kind: 'invalidate-range' }],
  [/^kvm_mmu_invalidate_end$|^kvm_dec_notifier_count$/, { kind: 'invalidate-end' }],
];

const WALKS_RMAPS = /^slot_handle_level(?:_range)?$|^_*walk_slot_rmaps\w*$/;

export function walksRmaps(name: string): boolean {
  return WALKS_RMAPS.test(name);
}

const ZAPS: typeof LOCKS = [
  /** `kvm_rmap_zap_gfn_range()` (mmu/mmu.c) and what older trees call in its place for each memslot. */
  [/^_*kvm_rmap_zap_gfn_range$/, { kind: 'zap-rmaps' }],
  /** `__walk_slot_rmaps(kvm, slot, handler, ...)`, in 6.1 `slot_handle_level_range()`: what the handler does to each rmap of a slot. */
  [WALKS_RMAPS, { kind: 'walk-rmaps' }],
  /** `tdp_mmu_zap_leafs(kvm, root, start, end, ...)` (mmu/tdp_mmu.c): leaves under one root; `tdp_mmu_zap_root()`: all of them. */
  [/^tdp_mmu_zap_(?:leafs|root)$|^zap_gfn_range$/, { kind: 'zap-root' }],
  /** `kvm_tdp_mmu_zap_leafs(kvm, start, end, flush)`, before 5.17 `kvm_tdp_mmu_zap_gfn_range()`: the roots that its iterator visits. */
  [/^_*kvm_tdp_mmu_zap_(?:leafs|gfn_range)$/, { kind: 'zap-all-roots' }],
  /** `kvm_flush_remote_tlbs()`, `kvm_flush_remote_tlbs_range()`, in 6.1 `_with_address()`. */
  [/^kvm_(?:arch_)?flush_remote_tlbs\w*$/, { kind: 'flush' }],
];

const ASSERTIONS: typeof LOCKS = [
  /** `KVM_BUG_ON(c, kvm)` (include/linux/kvm_host.h): bugs the VM if `c`, and goes on; its value is `c`. */
  [/^KVM_BUG_ON(?:_DATA_CORRUPTION)?$|^KVM_BUG$/, { kind: 'bug-on', condition: true }],
  [/^kvm_vm_bugged$/, { kind: 'bug' }],
  [/^kvm_vm_dead$/, { kind: 'dead' }],
  /** `WARN_ON(c)` and its kin: prints; its value is `c`. */
  [/^WARN(?:_ON|_ONCE|_ON_ONCE|_RATELIMIT)?$|^(?:KVM_)?MMU_WARN_ON$/, { kind: 'warn-on', condition: true }],
  /** `BUG()`, `BUG_ON(c)`: the task ends here, with the locks that it holds. */
  [/^BUG_ON$/, { kind: 'host-bug-on', condition: true }],
  [/^BUG$/, { kind: 'host-bug-on', condition: false }],
];

const OTHERS: typeof LOCKS = [
  /** `kvm_make_all_cpus_request(kvm, KVM_REQ_X)` */
  [/^kvm_make_(?:\w+_)?request\w*$/, { kind: 'request' }],
  /** Observes, yields the CPU, asserts or prints, and leaves the state alone. */
  [
    /^lockdep_\w+$|^trace_\w+$|^(?:_)?cond_resched\w*$|^might_\w+$|^pr_\w+$|^printk\w*$|^BUILD_BUG_ON\w*$|^(?:static_)?assert$|^smp_\w*mb$|^cpu_relax$|^preempt_(?:en|dis)able$|^tdx_(?:quirk_reset|clear)_\w+$/,
    { kind: 'nothing' },
  ],
  /** Passes on what its first argument, or the object that it points to, holds. */
  [
    /^(?:un)?likely$|^READ_ONCE$|^data_race$|^smp_load_acquire$|^s?rcu_dereference\w*$|^array_index_nospec$|^(?:raw_)?(?:atomic(?:64|_long)?|refcount)_read$/,
    { kind: 'value' },
  ],
];

const TABLE = [...LOCKS, ...INVALIDATION, ...ZAPS, ...ASSERTIONS, ...OTHERS];

/** What the model knows of a function or macro by its name. */
export function operationOf(name: string): Operation | undefined {
  if (!known.has(name)) {
    const listed = TABLE.find(([pattern]) => pattern.test(name))?.[1];
    known.set(
      name,
      listed ?? (isTdxCall(name) ? { kind: 'tdx-call' } : changesWord(name) ? { kind: 'store' } : undefined),
    );
  }
  return known.get(name);
}

/** Each name is looked at once. */
const known = new Map<string, Operation | undefined>();

/**
 * The mode of a lock class that `guard(name)(...)` takes (DEFINE_GUARD, DEFINE_LOCK_GUARD_1 in include/linux/);
 * `undefined`: no lock that the model knows.
 */
export function guardMode(name: string): 'write' | 'read' | undefined {
  if (/^(?:s?rcu(?:_fast)?|read_lock\w*|rwsem_read\w*|preempt\w*|cpus_read_lock)$/.test(name)) return 'read';
  return /^(?:write_lock\w*|mutex\w*|(?:raw_)?spinlock\w*|rwsem_write\w*)$/.test(name) ? 'write' : undefined;
}
