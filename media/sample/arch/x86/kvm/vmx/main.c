// SPDX-License-Identifier: MIT
/* One table for VMX and TDX: each entry asks whether the VM is a TD. */
#include <linux/kvm_host.h>
#include "vmx.h"

#ifdef CONFIG_KVM_INTEL_TDX
static int vt_vm_init(struct kvm *kvm)
{
	if (is_td(kvm))
		return tdx_vm_init(kvm);

	return vmx_vm_init(kvm);
}

static int vt_vcpu_create(struct kvm_vcpu *vcpu)
{
	if (is_td_vcpu(vcpu))
		return tdx_vcpu_create(vcpu);

	return vmx_vcpu_create(vcpu);
}

static int vt_set_msr(struct kvm_vcpu *vcpu, struct msr_data *msr)
{
	if (is_td_vcpu(vcpu))
		return tdx_set_msr(vcpu, msr);

	return vmx_set_msr(vcpu, msr);
}

static void vt_set_cr0(struct kvm_vcpu *vcpu, unsigned long cr0)
{
	if (is_td_vcpu(vcpu))
		return;

	vmx_set_cr0(vcpu, cr0);
}

static void vt_vcpu_run(struct kvm_vcpu *vcpu)
{
	if (is_td_vcpu(vcpu))
		tdx_vcpu_run(vcpu);
	else
		vmx_vcpu_run(vcpu);
}

static int vt_handle_exit(struct kvm_vcpu *vcpu)
{
	if (is_td_vcpu(vcpu))
		return tdx_handle_exit(vcpu);

	return vmx_handle_exit(vcpu);
}

#define vt_op(name) vt_##name
#else
#define vt_op(name) vmx_##name
#endif

struct kvm_x86_ops vt_x86_ops __initdata = {
	.name = "kvm_intel",
	.vm_init = vt_op(vm_init),
	.vcpu_create = vt_op(vcpu_create),
	.set_msr = vt_op(set_msr),
	.set_cr0 = vt_op(set_cr0),
	.vcpu_run = vt_op(vcpu_run),
	.handle_exit = vt_op(handle_exit),
	.required_apicv_inhibits = VMX_REQUIRED_APICV_INHIBITS,
};
