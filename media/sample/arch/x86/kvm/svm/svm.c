// SPDX-License-Identifier: MIT
/* SVM: the other vendor's table. */
#include <linux/kvm_host.h>
#include "svm.h"

static int svm_vm_init(struct kvm *kvm)
{
	if (kvm->arch.vm_type == KVM_X86_SNP_VM)
		kvm->arch.has_private_mem = true;
	return 0;
}

static int svm_vcpu_create(struct kvm_vcpu *vcpu)
{
	vcpu->arch.guest_state_protected = vcpu->kvm->arch.vm_type >= KVM_X86_SEV_ES_VM;
	return 0;
}

static int svm_set_msr(struct kvm_vcpu *vcpu, struct msr_data *msr)
{
	return kvm_set_msr_common(vcpu, msr);
}

static void svm_set_cr0(struct kvm_vcpu *vcpu, unsigned long cr0)
{
	vcpu->arch.cr0 = cr0;
}

u32 __svm_vcpu_run(u64 *regs);

static void svm_vcpu_run(struct kvm_vcpu *vcpu)
{
	vcpu->arch.exit_reason = __svm_vcpu_run(vcpu->arch.regs);
}

static int npf_interception(struct kvm_vcpu *vcpu)
{
	if (vcpu->kvm->arch.vm_type == KVM_X86_SNP_VM)
		sev_handle_rmp_fault(vcpu, 0);
	return 1;
}

static int cr0_write_interception(struct kvm_vcpu *vcpu)
{
	return kvm_set_cr0(vcpu, vcpu->arch.cr0 ^ X86_CR0_CD) ? 0 : 1;
}

static int (*const svm_exit_handlers[])(struct kvm_vcpu *vcpu) = {
	[SVM_EXIT_WRITE_CR0] = cr0_write_interception,
	[SVM_EXIT_NPF] = npf_interception,
};

static int svm_handle_exit(struct kvm_vcpu *vcpu)
{
	u32 exit_code = vcpu->arch.exit_reason;

	if (exit_code >= ARRAY_SIZE(svm_exit_handlers) || !svm_exit_handlers[exit_code])
		return -EIO;

	return svm_exit_handlers[exit_code](vcpu);
}

struct kvm_x86_ops svm_x86_ops __initdata = {
	.name = "kvm_amd",
	.vm_init = svm_vm_init,
	.vcpu_create = svm_vcpu_create,
	.set_msr = svm_set_msr,
	.set_cr0 = svm_set_cr0,
	.vcpu_run = svm_vcpu_run,
	.handle_exit = svm_handle_exit,
	.required_apicv_inhibits = BIT(APICV_INHIBIT_REASON_DISABLED) | BIT(APICV_INHIBIT_REASON_HYPERV) |
				   BIT(APICV_INHIBIT_REASON_PIT_REINJ),
};
