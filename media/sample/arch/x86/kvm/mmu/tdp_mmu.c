// SPDX-License-Identifier: MIT
/* The TDP MMU: direct roots, and for a TD the mirror of its S-EPT. */
#include <linux/kvm_host.h>
#include "tdp_mmu.h"

static struct kvm_mmu_page *tdp_mmu_next_root(struct kvm *kvm, struct kvm_mmu_page *prev,
					      enum kvm_tdp_mmu_root_types types);
static bool tdp_mmu_zap_leafs(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start, gfn_t end, bool flush);

#define __for_each_tdp_mmu_root_yield_safe(_kvm, _root, _types)			\
	for (_root = tdp_mmu_next_root(_kvm, NULL, _types); _root;		\
	     _root = tdp_mmu_next_root(_kvm, _root, _types))

#define for_each_valid_tdp_mmu_root_yield_safe(_kvm, _root)			\
	__for_each_tdp_mmu_root_yield_safe(_kvm, _root, KVM_VALID_ROOTS)

bool kvm_tdp_mmu_zap_leafs(struct kvm *kvm, gfn_t start, gfn_t end, bool flush)
{
	struct kvm_mmu_page *root;

	for_each_valid_tdp_mmu_root_yield_safe(kvm, root)
		flush = tdp_mmu_zap_leafs(kvm, root, start, end, flush);

	return flush;
}

static struct kvm_mmu_page *tdp_mmu_next_root(struct kvm *kvm, struct kvm_mmu_page *prev,
					      enum kvm_tdp_mmu_root_types types)
{
	struct kvm_mmu_page *root = prev ? prev->next : NULL;

	while (root && root->is_mirror && !(types & KVM_MIRROR_ROOTS))
		root = root->next;

	return root;
}

static bool tdp_mmu_zap_leafs(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start, gfn_t end, bool flush)
{
	return flush || (!root->invalid && start < end);
}
