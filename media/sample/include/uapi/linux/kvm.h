/* SPDX-License-Identifier: MIT */
#ifndef _UAPI_LINUX_KVM_H
#define _UAPI_LINUX_KVM_H

#include <linux/types.h>
#include <asm/kvm.h>

#define KVMIO 0xAE
#define _IO(type, nr) (((type) << 8) | (nr))

#define KVM_CREATE_VCPU _IO(KVMIO, 0x41)
#define KVM_REINJECT_CONTROL _IO(KVMIO, 0x71)
#define KVM_RUN _IO(KVMIO, 0x80)
#define KVM_SET_SREGS _IO(KVMIO, 0x84)
#define KVM_SET_MSRS _IO(KVMIO, 0x89)
#define KVM_SET_GUEST_DEBUG _IO(KVMIO, 0x9b)
#define KVM_ENABLE_CAP _IO(KVMIO, 0xa3)
#define KVM_SET_DEVICE_ATTR _IO(KVMIO, 0xe1)

#define KVM_CAP_HYPERV_SYNIC 123
#define KVM_CAP_DISABLE_QUIRKS2 213

struct kvm_enable_cap {
	u32 cap;
	u32 flags;
	u64 args[4];
};

struct kvm_guest_debug {
	u32 control;
};
#define KVM_GUESTDBG_BLOCKIRQ 0x00100000

struct kvm_sregs {
	u64 cr0;
	u64 cr4;
};

struct kvm_msr_entry {
	u32 index;
	u32 reserved;
	u64 data;
};

struct kvm_device_attr {
	u32 flags;
	u32 group;
	u64 attr;
	u64 addr;
};
#define KVM_DEV_VFIO_FILE 1
#define KVM_DEV_VFIO_FILE_ADD 1
#define KVM_DEV_VFIO_FILE_DEL 2

#endif
