// SPDX-License-Identifier: MIT
/* TDs: what the vendor refuses or does itself because guest state is protected. */
#include <linux/kvm_host.h>
#include <asm/msr-index.h>
#include "vmx.h"

int tdx_vm_init(struct kvm *kvm)
{
	kvm->arch.has_protected_state = true;
	kvm->arch.has_private_mem = true;
	kvm->arch.disabled_quirks |= KVM_X86_QUIRK_IGNORE_GUEST_PAT;
	kvm->arch.gfn_direct_bits = BIT_ULL(47 - PAGE_SHIFT);
	return 0;
}

int tdx_vcpu_create(struct kvm_vcpu *vcpu)
{
	vcpu->arch.apic->guest_apic_protected = true;
	vcpu->arch.guest_state_protected = true;
	return 0;
}

u32 tdh_vp_enter(u64 *regs);

void tdx_vcpu_run(struct kvm_vcpu *vcpu)
{
	vcpu->arch.exit_reason = tdh_vp_enter(vcpu->arch.regs);
}

static bool tdx_has_emulated_msr(u32 index)
{
	switch (index) {
	case MSR_MTRRcap:
	case MTRRphysBase_MSR(0) ... MSR_MTRRfix4K_F8000:
	case MSR_MTRRdefType:
	case MSR_IA32_APICBASE:
		return true;
	default:
		return false;
	}
}

int tdx_set_msr(struct kvm_vcpu *vcpu, struct msr_data *msr)
{
	if (msr->index == MSR_IA32_APICBASE)
		return 1;

	if (!tdx_has_emulated_msr(msr->index))
		return 1;

	return kvm_set_msr_common(vcpu, msr);
}

static int tdx_emulate_wrmsr(struct kvm_vcpu *vcpu)
{
	struct msr_data msr = {
		.host_initiated = false,
		.index = vcpu->arch.regs[1],
		.data = vcpu->arch.regs[0],
	};

	return kvm_x86_call(set_msr)(vcpu, &msr) ? 0 : 1;
}

static int handle_tdvmcall(struct kvm_vcpu *vcpu)
{
	return tdx_emulate_wrmsr(vcpu);
}

int tdx_handle_exit(struct kvm_vcpu *vcpu)
{
	switch (vcpu->arch.exit_reason) {
	case EXIT_REASON_TDCALL:
		return handle_tdvmcall(vcpu);
	default:
		return -EIO;
	}
}
