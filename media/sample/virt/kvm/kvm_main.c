// SPDX-License-Identifier: MIT
/* The file descriptors that userspace holds. */
#include <linux/kvm_host.h>

static int kvm_vm_ioctl_create_vcpu(struct kvm *kvm, u32 id)
{
	struct kvm_vcpu *vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);

	if (!vcpu)
		return -ENOMEM;

	vcpu->kvm = kvm;
	vcpu->vcpu_id = id;
	return kvm_arch_vcpu_create(vcpu);
}

static long kvm_vcpu_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm_vcpu *vcpu = filp->private_data;
	void __user *argp = (void __user *)arg;

	if (vcpu->kvm->vm_dead)
		return -EIO;

	switch (ioctl) {
	case KVM_RUN:
		return kvm_arch_vcpu_ioctl_run(vcpu);
	case KVM_SET_SREGS: {
		struct kvm_sregs sregs;

		if (copy_from_user(&sregs, argp, sizeof(sregs)))
			return -EFAULT;
		return kvm_arch_vcpu_ioctl_set_sregs(vcpu, &sregs);
	}
	case KVM_SET_GUEST_DEBUG: {
		struct kvm_guest_debug dbg;

		if (copy_from_user(&dbg, argp, sizeof(dbg)))
			return -EFAULT;
		return kvm_arch_vcpu_ioctl_set_guest_debug(vcpu, &dbg);
	}
	default:
		return kvm_arch_vcpu_ioctl(filp, ioctl, arg);
	}
}

static const struct file_operations kvm_vcpu_fops = {
	.unlocked_ioctl = kvm_vcpu_ioctl,
};

static long kvm_vm_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm *kvm = filp->private_data;

	if (kvm->vm_dead)
		return -EIO;

	switch (ioctl) {
	case KVM_CREATE_VCPU:
		return kvm_vm_ioctl_create_vcpu(kvm, arg);
	case KVM_ENABLE_CAP: {
		struct kvm_enable_cap cap;

		if (copy_from_user(&cap, (void __user *)arg, sizeof(cap)))
			return -EFAULT;
		return kvm_arch_vm_ioctl_enable_cap(kvm, &cap);
	}
	default:
		return kvm_arch_vm_ioctl(filp, ioctl, arg);
	}
}

static const struct file_operations kvm_vm_fops = {
	.unlocked_ioctl = kvm_vm_ioctl,
};

static long kvm_device_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm_device *dev = filp->private_data;
	struct kvm_device_attr attr;

	if (dev->kvm->vm_dead)
		return -EIO;

	switch (ioctl) {
	case KVM_SET_DEVICE_ATTR:
		if (copy_from_user(&attr, (void __user *)arg, sizeof(attr)))
			return -EFAULT;
		return dev->ops->set_attr(dev, &attr);
	default:
		return -ENOTTY;
	}
}

static int kvm_device_release(struct file *filp)
{
	struct kvm_device *dev = filp->private_data;

	dev->ops->release(dev);
	return 0;
}

static const struct file_operations kvm_device_fops = {
	.unlocked_ioctl = kvm_device_ioctl,
	.release = kvm_device_release,
};

/* Where a VM comes from: /dev/kvm's own ioctl would call it. */
int kvm_create_vm(struct file *filp, struct kvm *kvm, unsigned long type);
int kvm_create_vm(struct file *filp, struct kvm *kvm, unsigned long type)
{
	filp->f_op = &kvm_vm_fops;
	filp->private_data = kvm;
	return kvm_arch_init_vm(kvm, type);
}

void kvm_open_vcpu(struct file *filp, struct kvm_vcpu *vcpu);
void kvm_open_vcpu(struct file *filp, struct kvm_vcpu *vcpu)
{
	filp->f_op = &kvm_vcpu_fops;
	filp->private_data = vcpu;
}

void kvm_open_device(struct file *filp, struct kvm_device *dev);
void kvm_open_device(struct file *filp, struct kvm_device *dev)
{
	filp->f_op = &kvm_device_fops;
	filp->private_data = dev;
}
