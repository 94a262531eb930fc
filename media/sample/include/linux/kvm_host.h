/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_KVM_HOST_H
#define _LINUX_KVM_HOST_H

#include <linux/types.h>
#include <linux/lock.h>
#include <linux/kvm.h>
#include <asm/kvm_host.h>

struct file;
struct kvm_device;

struct kvm {
	rwlock_t mmu_lock;
	struct srcu_struct srcu;
	struct mutex lock;
	unsigned long mmu_invalidate_seq;
	long mmu_invalidate_in_progress;
	gfn_t mmu_invalidate_range_start;
	gfn_t mmu_invalidate_range_end;
	bool vm_bugged;
	bool vm_dead;
	struct kvm_arch arch;
};

struct kvm_vcpu {
	struct kvm *kvm;
	int vcpu_id;
	struct kvm_vcpu_arch arch;
};

struct file_operations {
	long (*unlocked_ioctl)(struct file *filp, unsigned int ioctl, unsigned long arg);
	int (*release)(struct file *filp);
};

struct file {
	void *private_data;
	const struct file_operations *f_op;
};

struct kvm_device_ops {
	const char *name;
	int (*set_attr)(struct kvm_device *dev, struct kvm_device_attr *attr);
	void (*release)(struct kvm_device *dev);
};

struct kvm_device {
	const struct kvm_device_ops *ops;
	struct kvm *kvm;
	void *private;
};

void kvm_make_all_cpus_request(struct kvm *kvm, unsigned int req);
void kvm_flush_remote_tlbs_range(struct kvm *kvm, gfn_t gfn, u64 nr_pages);
void kvm_mmu_invalidate_start(struct kvm *kvm);
void kvm_mmu_invalidate_range_add(struct kvm *kvm, gfn_t start, gfn_t end);
void kvm_mmu_invalidate_end(struct kvm *kvm);

static inline void kvm_vm_dead(struct kvm *kvm)
{
	kvm->vm_dead = true;
	kvm_make_all_cpus_request(kvm, KVM_REQ_VM_DEAD);
}

static inline void kvm_vm_bugged(struct kvm *kvm)
{
	kvm->vm_bugged = true;
	kvm_vm_dead(kvm);
}

#define KVM_BUG_ON(cond, kvm) ({				\
	bool __ret = !!(cond);					\
	if (WARN_ON_ONCE(__ret && !(kvm)->vm_bugged))		\
		kvm_vm_bugged(kvm);				\
	unlikely(__ret);					\
})

static inline gfn_t gpa_to_gfn(gpa_t gpa)
{
	return (gfn_t)(gpa >> PAGE_SHIFT);
}

int kvm_arch_init_vm(struct kvm *kvm, unsigned long type);
int kvm_arch_vcpu_create(struct kvm_vcpu *vcpu);
long kvm_arch_vm_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg);
int kvm_arch_vcpu_ioctl_run(struct kvm_vcpu *vcpu);
int kvm_arch_vcpu_ioctl_set_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *sregs);
int kvm_arch_vcpu_ioctl_set_guest_debug(struct kvm_vcpu *vcpu, struct kvm_guest_debug *dbg);
long kvm_arch_vcpu_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg);
int kvm_arch_vm_ioctl_enable_cap(struct kvm *kvm, struct kvm_enable_cap *cap);

extern const struct kvm_device_ops kvm_vfio_ops;

#endif
