/**
 * KVM's MMU operations that the model knows by name: the vocabulary in which the body of a sink is read. What has a
 * body in the tree and is not listed is entered; what has neither a name here nor a body is `unmodelled`.
 */
export type Operation =
  /** `write_lock()`, `read_lock()`, `KVM_MMU_LOCK()` and their counterparts, on any lock. */
  | { readonly kind: 'lock' | 'unlock' }
  /** `kvm_mmu_invalidate_begin()`, since 7.x `_start()`: faults in flight on the range will retry. */
  | { readonly kind: 'invalidate-begin' | 'invalidate-range' | 'invalidate-end' }
  /** `kvm_rmap_zap_gfn_range()`: shadow pages' rmaps; a VM on the TDP MMU alone has none. */
  | { readonly kind: 'zap-rmaps' }
  /** `kvm_tdp_mmu_zap_leafs()`: leaves under the roots that its body iterates over. */
  | { readonly kind: 'zap-leafs' }
  /** `kvm_flush_remote_tlbs*()`, `kvm_arch_flush_remote_tlbs_range()`. */
  | { readonly kind: 'flush' }
  /** `KVM_BUG_ON(c, kvm)`: bugs the VM if `c`, and goes on; its value is `c`. */
  | { readonly kind: 'bug-on' }
  /** `kvm_vm_bugged()`, `kvm_vm_dead()`. */
  | { readonly kind: 'bug' | 'dead' }
  /** `WARN_ON*(c)`, `WARN*(c, ...)`: its value is `c`. */
  | { readonly kind: 'warn-on' }
  /** Observes, yields the CPU or asserts, and leaves the state alone. */
  | { readonly kind: 'nothing' }
  /** Passes its argument on: `likely()`, `READ_ONCE()`. */
  | { readonly kind: 'value' };

const TABLE: readonly (readonly [name: RegExp, operation: Operation])[] = [
  [
    /^(?:write|read)_lock$|^(?:raw_)?spin_lock$|^mutex_lock$|^down_(?:read|write)$|^KVM_MMU_LOCK$|^s?rcu_read_lock$/,
    { kind: 'lock' },
  ],
  [
    /^(?:write|read)_unlock$|^(?:raw_)?spin_unlock$|^mutex_unlock$|^up_(?:read|write)$|^KVM_MMU_UNLOCK$|^s?rcu_read_unlock$/,
    { kind: 'unlock' },
  ],
  [/^kvm_mmu_invalidate_(?:begin|start)$|^kvm_inc_notifier_count$/, { kind: 'invalidate-begin' }],
  [/^kvm_mmu_invalidate_range_add$/, { kind: 'invalidate-range' }],
  [/^kvm_mmu_invalidate_end$|^kvm_dec_notifier_count$/, { kind: 'invalidate-end' }],
  [
    /^_*kvm_rmap_zap_gfn_range$|^_*kvm_zap_rmaps?$|^slot_handle_level_range$|^_*walk_slot_rmaps$/,
    { kind: 'zap-rmaps' },
  ],
  [/^_*kvm_tdp_mmu_zap_leafs$/, { kind: 'zap-leafs' }],
  [/^kvm_(?:arch_)?flush_remote_tlbs\w*$/, { kind: 'flush' }],
  [/^KVM_BUG_ON(?:_DATA_CORRUPTION)?$|^KVM_BUG$/, { kind: 'bug-on' }],
  [/^kvm_vm_bugged$/, { kind: 'bug' }],
  [/^kvm_vm_dead$/, { kind: 'dead' }],
  [/^WARN(?:_ON|_ONCE|_ON_ONCE|_RATELIMIT|_ON_ONCE_SMP)?$|^KVM_MMU_WARN_ON$|^MMU_WARN_ON$/, { kind: 'warn-on' }],
  [
    /^lockdep_\w+$|^trace_\w+$|^cond_resched\w*$|^might_\w+$|^pr_\w+$|^(?:static_)?assert$|^BUILD_BUG_ON\w*$|^kvm_make_\w+request\w*$/,
    { kind: 'nothing' },
  ],
  [/^(?:un)?likely$|^READ_ONCE$|^data_race$/, { kind: 'value' }],
];

/** What the model knows of a function or macro by its name. */
export function operationOf(name: string): Operation | undefined {
  return TABLE.find(([pattern]) => pattern.test(name))?.[1];
}
