// SPDX-License-Identifier: MIT
/* The VFIO device: tells KVM of devices whose DMA is not coherent. */
#include <linux/kvm_host.h>

struct kvm_vfio {
	bool noncoherent;
};

static void kvm_vfio_update_coherency(struct kvm_device *dev, bool noncoherent)
{
	struct kvm_vfio *kv = dev->private;

	if (noncoherent == kv->noncoherent)
		return;

	kv->noncoherent = noncoherent;
	if (kv->noncoherent)
		kvm_arch_register_noncoherent_dma(dev->kvm);
	else
		kvm_arch_unregister_noncoherent_dma(dev->kvm);
}

static int kvm_vfio_set_attr(struct kvm_device *dev, struct kvm_device_attr *attr)
{
	if (attr->group != KVM_DEV_VFIO_FILE)
		return -ENXIO;

	switch (attr->attr) {
	case KVM_DEV_VFIO_FILE_ADD:
		kvm_vfio_update_coherency(dev, true);
		return 0;
	case KVM_DEV_VFIO_FILE_DEL:
		kvm_vfio_update_coherency(dev, false);
		return 0;
	default:
		return -ENXIO;
	}
}

static void kvm_vfio_release(struct kvm_device *dev)
{
	kvm_vfio_update_coherency(dev, false);
}

const struct kvm_device_ops kvm_vfio_ops = {
	.name = "kvm-vfio",
	.set_attr = kvm_vfio_set_attr,
	.release = kvm_vfio_release,
};
