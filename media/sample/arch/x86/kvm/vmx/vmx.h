/* SPDX-License-Identifier: MIT */
#ifndef __KVM_X86_VMX_H
#define __KVM_X86_VMX_H

#include <linux/kvm_host.h>

#define EXIT_REASON_CR_ACCESS 28
#define EXIT_REASON_MSR_WRITE 32
#define EXIT_REASON_TDCALL 77

#define VMX_REQUIRED_APICV_INHIBITS				\
	(BIT(APICV_INHIBIT_REASON_DISABLED) |			\
	 BIT(APICV_INHIBIT_REASON_HYPERV) |			\
	 BIT(APICV_INHIBIT_REASON_ABSENT) |			\
	 BIT(APICV_INHIBIT_REASON_BLOCKIRQ) |			\
	 BIT(APICV_INHIBIT_REASON_PHYSICAL_ID_ALIASED))

static inline bool is_td(struct kvm *kvm)
{
	return kvm->arch.vm_type == KVM_X86_TDX_VM;
}

static inline bool is_td_vcpu(struct kvm_vcpu *vcpu)
{
	return is_td(vcpu->kvm);
}

int vmx_vm_init(struct kvm *kvm);
int vmx_vcpu_create(struct kvm_vcpu *vcpu);
int vmx_set_msr(struct kvm_vcpu *vcpu, struct msr_data *msr);
void vmx_set_cr0(struct kvm_vcpu *vcpu, unsigned long cr0);
void vmx_vcpu_run(struct kvm_vcpu *vcpu);
int vmx_handle_exit(struct kvm_vcpu *vcpu);

int tdx_vm_init(struct kvm *kvm);
int tdx_vcpu_create(struct kvm_vcpu *vcpu);
int tdx_set_msr(struct kvm_vcpu *vcpu, struct msr_data *msr);
void tdx_vcpu_run(struct kvm_vcpu *vcpu);
int tdx_handle_exit(struct kvm_vcpu *vcpu);

#endif
