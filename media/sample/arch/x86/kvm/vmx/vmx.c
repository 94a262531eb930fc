// SPDX-License-Identifier: MIT
/* VMX: VM exits and the vendor's side of MSRs and CR0. */
#include <linux/kvm_host.h>
#include "vmx.h"

static int handle_cr(struct kvm_vcpu *vcpu)
{
	return kvm_set_cr0(vcpu, vcpu->arch.cr0 ^ X86_CR0_CD) ? 0 : 1;
}

static int handle_msr_write(struct kvm_vcpu *vcpu)
{
	struct msr_data msr = {
		.host_initiated = false,
		.index = vcpu->arch.regs[1],
		.data = vcpu->arch.regs[0],
	};

	return kvm_x86_call(set_msr)(vcpu, &msr) ? 0 : 1;
}

static int (*kvm_vmx_exit_handlers[])(struct kvm_vcpu *vcpu) = {
	[EXIT_REASON_CR_ACCESS] = handle_cr,
	[EXIT_REASON_MSR_WRITE] = handle_msr_write,
};

int vmx_handle_exit(struct kvm_vcpu *vcpu)
{
	u32 exit_reason = vcpu->arch.exit_reason;

	if (exit_reason >= ARRAY_SIZE(kvm_vmx_exit_handlers) || !kvm_vmx_exit_handlers[exit_reason])
		return -EIO;

	return kvm_vmx_exit_handlers[exit_reason](vcpu);
}

u32 __vmx_vcpu_run(u64 *regs);

void vmx_vcpu_run(struct kvm_vcpu *vcpu)
{
	vcpu->arch.exit_reason = __vmx_vcpu_run(vcpu->arch.regs);
}

int vmx_vm_init(struct kvm *kvm)
{
	return 0;
}

int vmx_vcpu_create(struct kvm_vcpu *vcpu)
{
	return 0;
}

int vmx_set_msr(struct kvm_vcpu *vcpu, struct msr_data *msr)
{
	return kvm_set_msr_common(vcpu, msr);
}

void vmx_set_cr0(struct kvm_vcpu *vcpu, unsigned long cr0)
{
	vcpu->arch.cr0 = cr0;
}
