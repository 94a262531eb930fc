import type { MemoryType } from './memory-types';

/** `kvm_get_apic_mode()`. */
export type ApicMode = 'disabled' | 'xapic' | 'x2apic';

/** What of `struct kvm_vcpu` matters to the MMU. */
export interface Vcpu {
  readonly id: number;
  readonly apicMode: ApicMode;
  /** `vcpu->arch.apic->apicv_active` */
  readonly apicvActive: boolean;
  /** Pending `KVM_REQ_X`, by name: the next KVM_RUN handles them before it enters the guest. */
  readonly requests: ReadonlySet<string>;
  /** CR0.CD, the default type of the MTRRs and the first entry of the PAT: the MMU looks at the first two in old trees only. */
  readonly cr0Cd: boolean;
  readonly mtrr: MemoryType;
  readonly pat: MemoryType;
}

export function newVcpu(id: number, apicvActive: boolean): Vcpu {
  return { id, apicMode: 'xapic', apicvActive, requests: new Set(), cr0Cd: false, mtrr: 'WB', pat: 'WB' };
}

/** Models `kvm_make_request()`; without an id `kvm_make_all_cpus_request()`. */
export function withRequest(vcpus: readonly Vcpu[], request: string, id?: number): readonly Vcpu[] {
  return vcpus.map((vcpu) =>
    (id !== undefined && vcpu.id !== id) || vcpu.requests.has(request)
      ? vcpu
      : { ...vcpu, requests: new Set([...vcpu.requests, request]) },
  );
}

export function withVcpu(vcpus: readonly Vcpu[], id: number, change: Partial<Vcpu>): readonly Vcpu[] {
  return vcpus.map((vcpu) => (vcpu.id === id ? { ...vcpu, ...change } : vcpu));
}

/**
 * Whether a request only makes vCPUs leave the guest and leaves nothing to do (`KVM_REQUEST_NO_ACTION`,
 * arch/x86/include/asm/kvm_host.h).
 */
export function isKickOnly(request: string): boolean {
  return /^KVM_REQ_OUTSIDE_GUEST_MODE$|^KVM_REQ_UNBLOCK$/.test(request);
}
