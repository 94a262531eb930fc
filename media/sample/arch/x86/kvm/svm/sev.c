// SPDX-License-Identifier: MIT
/* SNP: an RMP fault zaps the large page, by design. */
#include <linux/kvm_host.h>
#include "svm.h"
#include "../mmu.h"

void sev_handle_rmp_fault(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	gfn_t gfn = gpa_to_gfn(gpa) & ~(gfn_t)(PTRS_PER_PMD - 1);

	kvm_zap_gfn_range(vcpu->kvm, gfn, gfn + PTRS_PER_PMD);
}
