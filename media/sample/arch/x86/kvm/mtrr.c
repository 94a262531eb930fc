// SPDX-License-Identifier: MIT
/* Guest MTRRs: a change of a memory type zaps what was mapped with the old one. */
#include <linux/kvm_host.h>
#include <asm/msr-index.h>
#include "x86.h"

static void mtrr_range(struct kvm_vcpu *vcpu, u32 msr, gpa_t *start, gpa_t *end)
{
	if (msr == MSR_MTRRdefType) {
		*start = 0;
		*end = ~0ULL;
		return;
	}

	*start = vcpu->arch.mtrr_state.var[(msr - MTRRphysBase_MSR(0)) & 0xf];
	*end = *start + (1ULL << 21);
}

static void update_mtrr(struct kvm_vcpu *vcpu, u32 msr)
{
	gpa_t start, end;

	if (!tdp_mmu_enabled)
		return;

	mtrr_range(vcpu, msr, &start, &end);
	kvm_zap_gfn_range(vcpu->kvm, gpa_to_gfn(start), gpa_to_gfn(end));
}

int kvm_mtrr_set_msr(struct kvm_vcpu *vcpu, u32 msr, u64 data)
{
	if (msr == MSR_MTRRcap)
		return 1;

	if (msr == MSR_MTRRdefType)
		vcpu->arch.mtrr_state.deftype = data;
	else
		vcpu->arch.mtrr_state.var[(msr - MTRRphysBase_MSR(0)) & 0xf] = data;

	update_mtrr(vcpu, msr);
	return 0;
}

/* Nothing resets a vCPU's MTRRs yet. */
void kvm_mtrr_reset(struct kvm_vcpu *vcpu)
{
	vcpu->arch.mtrr_state.deftype = 0;
	kvm_zap_gfn_range(vcpu->kvm, 0, ~0ULL);
}
