// SPDX-License-Identifier: MIT
/* The sink: zapping a range of guest frames. */
#include <linux/kvm_host.h>
#include "../mmu.h"
#include "tdp_mmu.h"

bool tdp_mmu_enabled __read_mostly = true;

static bool kvm_rmap_zap_gfn_range(struct kvm *kvm, gfn_t gfn_start, gfn_t gfn_end)
{
	if (tdp_mmu_enabled)
		return false;

	return gfn_end > gfn_start;
}

void kvm_mmu_invalidate_start(struct kvm *kvm)
{
	kvm->mmu_invalidate_in_progress++;
}

void kvm_mmu_invalidate_range_add(struct kvm *kvm, gfn_t start, gfn_t end)
{
	kvm->mmu_invalidate_range_start = start;
	kvm->mmu_invalidate_range_end = end;
}

void kvm_mmu_invalidate_end(struct kvm *kvm)
{
	kvm->mmu_invalidate_seq++;
	kvm->mmu_invalidate_in_progress--;
}

void kvm_zap_gfn_range(struct kvm *kvm, gfn_t gfn_start, gfn_t gfn_end)
{
	bool flush;

	if (WARN_ON_ONCE(gfn_end <= gfn_start))
		return;

	guard(srcu)(&kvm->srcu);

	write_lock(&kvm->mmu_lock);

	kvm_mmu_invalidate_start(kvm);
	kvm_mmu_invalidate_range_add(kvm, gfn_start, gfn_end);

	flush = kvm_rmap_zap_gfn_range(kvm, gfn_start, gfn_end);

	if (tdp_mmu_enabled)
		flush = kvm_tdp_mmu_zap_leafs(kvm, gfn_start, gfn_end, flush);

	if (flush)
		kvm_flush_remote_tlbs_range(kvm, gfn_start, gfn_end - gfn_start);

	kvm_mmu_invalidate_end(kvm);

	write_unlock(&kvm->mmu_lock);
}
