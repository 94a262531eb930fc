// SPDX-License-Identifier: MIT
/* What all x86 vendors share: ioctls, MSRs, CR0, APICv, non-coherent DMA. */
#include <linux/kvm_host.h>
#include <asm/msr-index.h>
#include "x86.h"

struct kvm_x86_ops kvm_x86_ops __read_mostly;
bool enable_apicv __read_mostly = true;

/* APICv */

static void set_or_clear_apicv_inhibit(unsigned long *inhibits, enum kvm_apicv_inhibit reason, bool set)
{
	if (set)
		*inhibits |= BIT(reason);
	else
		*inhibits &= ~BIT(reason);
}

static void __kvm_set_or_clear_apicv_inhibit(struct kvm *kvm, enum kvm_apicv_inhibit reason, bool set)
{
	unsigned long old, new;

	if (!(kvm_x86_ops.required_apicv_inhibits & BIT(reason)))
		return;

	old = new = kvm->arch.apicv_inhibit_reasons;
	set_or_clear_apicv_inhibit(&new, reason, set);

	if (!!old != !!new) {
		kvm_make_all_cpus_request(kvm, KVM_REQ_APICV_UPDATE);
		kvm->arch.apicv_inhibit_reasons = new;
		if (new) {
			gfn_t gfn = gpa_to_gfn(APIC_DEFAULT_PHYS_BASE);

			kvm_zap_gfn_range(kvm, gfn, gfn + 1);
		}
	} else {
		kvm->arch.apicv_inhibit_reasons = new;
	}
}

void kvm_set_or_clear_apicv_inhibit(struct kvm *kvm, enum kvm_apicv_inhibit reason, bool set)
{
	if (!enable_apicv)
		return;

	mutex_lock(&kvm->lock);
	__kvm_set_or_clear_apicv_inhibit(kvm, reason, set);
	mutex_unlock(&kvm->lock);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_set_or_clear_apicv_inhibit);

static int kvm_hv_activate_synic(struct kvm_vcpu *vcpu)
{
	kvm_set_apicv_inhibit(vcpu->kvm, APICV_INHIBIT_REASON_HYPERV);
	return 0;
}

static int kvm_vm_ioctl_reinject(struct kvm *kvm, bool reinject)
{
	if (reinject)
		kvm_set_apicv_inhibit(kvm, APICV_INHIBIT_REASON_PIT_REINJ);
	else
		kvm_clear_apicv_inhibit(kvm, APICV_INHIBIT_REASON_PIT_REINJ);
	return 0;
}

int kvm_arch_vcpu_ioctl_set_guest_debug(struct kvm_vcpu *vcpu, struct kvm_guest_debug *dbg)
{
	if (vcpu->arch.guest_state_protected)
		return -EINVAL;

	if (dbg->control & KVM_GUESTDBG_BLOCKIRQ)
		kvm_set_apicv_inhibit(vcpu->kvm, APICV_INHIBIT_REASON_BLOCKIRQ);
	else
		kvm_clear_apicv_inhibit(vcpu->kvm, APICV_INHIBIT_REASON_BLOCKIRQ);
	return 0;
}

/* CR0.CD */

void kvm_post_set_cr0(struct kvm_vcpu *vcpu, unsigned long old_cr0, unsigned long cr0)
{
	if ((cr0 ^ old_cr0) & X86_CR0_CD)
		kvm_zap_gfn_range(vcpu->kvm, 0, ~0ULL);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_post_set_cr0);

int kvm_set_cr0(struct kvm_vcpu *vcpu, unsigned long cr0)
{
	unsigned long old_cr0 = vcpu->arch.cr0;

	kvm_x86_call(set_cr0)(vcpu, cr0);
	kvm_post_set_cr0(vcpu, old_cr0, cr0);
	return 0;
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_set_cr0);

int kvm_arch_vcpu_ioctl_set_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *sregs)
{
	if (vcpu->kvm->arch.has_protected_state && vcpu->arch.guest_state_protected)
		return -EINVAL;

	return kvm_set_cr0(vcpu, sregs->cr0);
}

/* MSRs */

int kvm_set_msr_common(struct kvm_vcpu *vcpu, struct msr_data *msr)
{
	switch (msr->index) {
	case MTRRphysBase_MSR(0) ... MSR_MTRRfix4K_F8000:
	case MSR_MTRRdefType:
		return kvm_mtrr_set_msr(vcpu, msr->index, msr->data);
	case MSR_IA32_APICBASE:
		return 0;
	default:
		return 1;
	}
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_set_msr_common);

static int do_set_msr(struct kvm_vcpu *vcpu, unsigned int index, u64 *data)
{
	struct msr_data msr = {
		.data = *data,
		.index = index,
		.host_initiated = true,
	};

	return kvm_x86_call(set_msr)(vcpu, &msr);
}

static int msr_io(struct kvm_vcpu *vcpu, struct kvm_msr_entry __user *user,
		  int (*do_msr)(struct kvm_vcpu *vcpu, unsigned int index, u64 *data))
{
	struct kvm_msr_entry entry;

	if (copy_from_user(&entry, user, sizeof(entry)))
		return -EFAULT;

	return do_msr(vcpu, entry.index, &entry.data);
}

/* Non-coherent DMA */

static void kvm_noncoherent_dma_assignment_start_or_stop(struct kvm *kvm)
{
	if (kvm_check_has_quirk(kvm, KVM_X86_QUIRK_IGNORE_GUEST_PAT))
		kvm_zap_gfn_range(kvm, gpa_to_gfn(0), gpa_to_gfn(~0ULL));
}

void kvm_arch_register_noncoherent_dma(struct kvm *kvm)
{
	if (atomic_inc_return(&kvm->arch.noncoherent_dma_count) == 1)
		kvm_noncoherent_dma_assignment_start_or_stop(kvm);
}

void kvm_arch_unregister_noncoherent_dma(struct kvm *kvm)
{
	if (!atomic_dec_return(&kvm->arch.noncoherent_dma_count))
		kvm_noncoherent_dma_assignment_start_or_stop(kvm);
}

/* VM and vCPU */

int kvm_arch_init_vm(struct kvm *kvm, unsigned long type)
{
	kvm->arch.vm_type = type;
	kvm->arch.has_private_mem = type == KVM_X86_SW_PROTECTED_VM;
	kvm->arch.disabled_quirks = 0;

	return kvm_x86_call(vm_init)(kvm);
}

int kvm_arch_vcpu_create(struct kvm_vcpu *vcpu)
{
	int r = kvm_x86_call(vcpu_create)(vcpu);

	if (r)
		return r;

	kvm_recalculate_apic_map(vcpu->kvm);
	return 0;
}

int kvm_arch_vcpu_ioctl_run(struct kvm_vcpu *vcpu)
{
	int r;

	do {
		kvm_x86_call(vcpu_run)(vcpu);
		r = kvm_x86_call(handle_exit)(vcpu);
	} while (r > 0);

	return r;
}

int kvm_arch_vm_ioctl_enable_cap(struct kvm *kvm, struct kvm_enable_cap *cap)
{
	switch (cap->cap) {
	case KVM_CAP_DISABLE_QUIRKS2:
		if (cap->args[0] & ~KVM_X86_VALID_QUIRKS)
			return -EINVAL;
		kvm->arch.disabled_quirks |= cap->args[0];
		return 0;
	default:
		return -EINVAL;
	}
}

long kvm_arch_vm_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm *kvm = filp->private_data;

	switch (ioctl) {
	case KVM_REINJECT_CONTROL:
		return kvm_vm_ioctl_reinject(kvm, arg);
	default:
		return -ENOTTY;
	}
}

static int kvm_vcpu_ioctl_enable_cap(struct kvm_vcpu *vcpu, struct kvm_enable_cap *cap)
{
	switch (cap->cap) {
	case KVM_CAP_HYPERV_SYNIC:
		return kvm_hv_activate_synic(vcpu);
	default:
		return -EINVAL;
	}
}

long kvm_arch_vcpu_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm_vcpu *vcpu = filp->private_data;
	void __user *argp = (void __user *)arg;

	switch (ioctl) {
	case KVM_SET_MSRS:
		return msr_io(vcpu, argp, do_set_msr);
	case KVM_ENABLE_CAP: {
		struct kvm_enable_cap cap;

		if (copy_from_user(&cap, argp, sizeof(cap)))
			return -EFAULT;
		return kvm_vcpu_ioctl_enable_cap(vcpu, &cap);
	}
	default:
		return -ENOTTY;
	}
}
