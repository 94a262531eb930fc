/* SPDX-License-Identifier: MIT */
#ifndef _ASM_X86_KVM_HOST_H
#define _ASM_X86_KVM_HOST_H

#include <linux/types.h>
#include <linux/lock.h>
#include <linux/static_call.h>
#include <linux/kvm.h>

struct kvm;
struct kvm_vcpu;
struct kvm_x86_nested_ops;

#define PAGE_SHIFT 12
#define PTRS_PER_PMD 512
#define X86_CR0_CD BIT(30)
#define APIC_DEFAULT_PHYS_BASE 0xfee00000

#define KVM_REQ_APICV_UPDATE 25
#define KVM_REQ_VM_DEAD 1

enum kvm_apicv_inhibit {
	APICV_INHIBIT_REASON_DISABLED,
	APICV_INHIBIT_REASON_HYPERV,
	APICV_INHIBIT_REASON_ABSENT,
	APICV_INHIBIT_REASON_BLOCKIRQ,
	APICV_INHIBIT_REASON_PHYSICAL_ID_ALIASED,
	APICV_INHIBIT_REASON_PIT_REINJ,
};

struct kvm_lapic {
	struct kvm_vcpu *vcpu;
	bool guest_apic_protected;
};

struct msr_data {
	bool host_initiated;
	u32 index;
	u64 data;
};

struct kvm_mtrr {
	u64 var[16];
	u64 deftype;
};

struct kvm_vcpu_arch {
	u64 regs[16];
	u64 cr0;
	struct kvm_lapic *apic;
	struct kvm_mtrr mtrr_state;
	bool guest_state_protected;
	u32 exit_reason;
};

struct kvm_arch {
	unsigned long vm_type;
	bool has_protected_state;
	bool has_private_mem;
	u64 disabled_quirks;
	gfn_t gfn_direct_bits;
	atomic_t noncoherent_dma_count;
	unsigned long apicv_inhibit_reasons;
	struct kvm_apic_map *apic_map;
};

struct kvm_apic_map {
	u32 max_apic_id;
};

struct kvm_x86_ops {
	const char *name;
	int (*vm_init)(struct kvm *kvm);
	int (*vcpu_create)(struct kvm_vcpu *vcpu);
	int (*set_msr)(struct kvm_vcpu *vcpu, struct msr_data *msr);
	void (*set_cr0)(struct kvm_vcpu *vcpu, unsigned long cr0);
	void (*vcpu_run)(struct kvm_vcpu *vcpu);
	int (*handle_exit)(struct kvm_vcpu *vcpu);
	void (*refresh_apicv_exec_ctrl)(struct kvm_vcpu *vcpu);
	const unsigned long required_apicv_inhibits;
};

extern struct kvm_x86_ops kvm_x86_ops;
extern bool tdp_mmu_enabled;
extern bool enable_apicv;

#define kvm_x86_call(func) static_call(kvm_x86_##func)

#define KVM_X86_OP(func) DECLARE_STATIC_CALL(kvm_x86_##func, *(((struct kvm_x86_ops *)0)->func));
#define KVM_X86_OP_OPTIONAL KVM_X86_OP
#include <asm/kvm-x86-ops.h>

int kvm_set_msr_common(struct kvm_vcpu *vcpu, struct msr_data *msr);
void kvm_post_set_cr0(struct kvm_vcpu *vcpu, unsigned long old_cr0, unsigned long cr0);
int kvm_set_cr0(struct kvm_vcpu *vcpu, unsigned long cr0);
void kvm_set_or_clear_apicv_inhibit(struct kvm *kvm, enum kvm_apicv_inhibit reason, bool set);
void kvm_arch_register_noncoherent_dma(struct kvm *kvm);
void kvm_arch_unregister_noncoherent_dma(struct kvm *kvm);

static inline void kvm_set_apicv_inhibit(struct kvm *kvm, enum kvm_apicv_inhibit reason)
{
	kvm_set_or_clear_apicv_inhibit(kvm, reason, true);
}

static inline void kvm_clear_apicv_inhibit(struct kvm *kvm, enum kvm_apicv_inhibit reason)
{
	kvm_set_or_clear_apicv_inhibit(kvm, reason, false);
}

#endif
