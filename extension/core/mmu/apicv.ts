import type { Gfn } from './sept';

/** What of `kvm->arch` says whether the VM's vCPUs may use the hardware's APIC virtualization. */
export interface Apicv {
  /** `enable_apicv` of the vendor module. */
  readonly enabled: boolean;
  /** `kvm->arch.apicv_inhibit_reasons`, a bit per `APICV_INHIBIT_REASON_X`. */
  readonly reasons: bigint;
  /** The reasons that the vendor's APICv cares about: `kvm_x86_ops.required_apicv_inhibits`. */
  readonly required: bigint;
}

/** The page of the local APIC: `APIC_DEFAULT_PHYS_BASE >> PAGE_SHIFT` (arch/x86/include/asm/apicdef.h). */
export const APIC_PAGE_GFN: Gfn = 0xfee00n;

/** Models `kvm_apicv_activated()`. */
export function isActivated(apicv: Apicv): boolean {
  return apicv.enabled && apicv.reasons === 0n;
}
