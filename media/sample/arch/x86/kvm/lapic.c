// SPDX-License-Identifier: MIT
/* The map from APIC ids to vCPUs, and what happens when it cannot be had. */
#include <linux/kvm_host.h>
#include "x86.h"

void kvm_recalculate_apic_map(struct kvm *kvm)
{
	struct kvm_apic_map *new;

	new = kvzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new) {
		kvm_set_apicv_inhibit(kvm, APICV_INHIBIT_REASON_PHYSICAL_ID_ALIASED);
		return;
	}

	kfree(kvm->arch.apic_map);
	kvm->arch.apic_map = new;
}
