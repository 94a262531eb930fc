import { sinkOutcome } from '../../extension/core/mmu/sink';
import type { Decide } from '../../extension/core/mmu/machine';
import type { Outcome } from '../../extension/core/mmu/outcome';
import { scenarioNamed } from '../../extension/core/mmu/scenario';
import type { Program } from '../../extension/core/program/program';
import type { VmType } from '../../extension/core/reach/verdict';
import { link } from './linking';

const HOST = 'include/linux/kvm_host.h';
const TDP = 'arch/x86/kvm/mmu/tdp_mmu.c';
const MMU = 'arch/x86/kvm/mmu/mmu.c';

/** What a sink needs around it: the KVM-shaped world in which the tests' sinks stand. */
const WORLD: Readonly<Record<string, string>> = {
  [HOST]: `
typedef unsigned long long gfn_t;
enum { KVM_X86_DEFAULT_VM, KVM_X86_SW_PROTECTED_VM, KVM_X86_SEV_VM, KVM_X86_SEV_ES_VM, KVM_X86_SNP_VM, KVM_X86_TDX_VM };
struct kvm_arch { unsigned long vm_type; gfn_t gfn_direct_bits; int nr; };
struct kvm { int mmu_lock; int srcu; int slots_lock; struct kvm_arch arch; int vm_bugged; };
static inline int is_td(struct kvm *kvm) { return kvm->arch.vm_type == KVM_X86_TDX_VM; }
static inline int is_snp(struct kvm *kvm) { return kvm->arch.vm_type == KVM_X86_SNP_VM; }
static inline gfn_t kvm_gfn_direct_bits(const struct kvm *kvm) { return kvm->arch.gfn_direct_bits; }
static inline int kvm_has_room(int n) { return n > 3; }
`,
  [TDP]: `
#include <linux/kvm_host.h>
enum kvm_tdp_mmu_root_types {
	KVM_INVALID_ROOTS = 1, KVM_DIRECT_ROOTS = 2, KVM_MIRROR_ROOTS = 4,
	KVM_VALID_ROOTS = KVM_DIRECT_ROOTS | KVM_MIRROR_ROOTS,
};
#define __for_each_tdp_mmu_root_yield_safe(_kvm, _root, _types) \\
	for (_root = tdp_mmu_next_root(_kvm, NULL, _types); _root; _root = tdp_mmu_next_root(_kvm, _root, _types))
#define for_each_valid_tdp_mmu_root_yield_safe(_kvm, _root) \\
	__for_each_tdp_mmu_root_yield_safe(_kvm, _root, KVM_VALID_ROOTS)
static bool tdp_mmu_zap_leafs(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start, gfn_t end, bool flush);
bool kvm_tdp_mmu_zap_leafs(struct kvm *kvm, gfn_t start, gfn_t end, bool flush)
{
	struct kvm_mmu_page *root;

	for_each_valid_tdp_mmu_root_yield_safe(kvm, root)
		flush = tdp_mmu_zap_leafs(kvm, root, start, end, flush);
	return flush;
}
`,
};

/** A sink in the shape of KVM's, with text put in at its places. */
export interface Variant {
  /** After the check of the range, before the lock. */
  readonly entry?: string;
  /** In the locked part, before the zaps. */
  readonly locked?: string;
  /** In the arm of the TDP MMU, before its zap. */
  readonly arm?: string;
  /** Instead of the whole body. */
  readonly body?: string;
  /** Functions before the sink. */
  readonly before?: string;
  /** Replaces files of the world. */
  readonly files?: Readonly<Record<string, string>>;
}

export function sinkText({ entry = '', locked = '', arm = '', body, before = '' }: Variant): string {
  const whole =
    body ??
    `	bool flush;

	if (WARN_ON_ONCE(gfn_end <= gfn_start))
		return;
${entry}
	guard(srcu)(&kvm->srcu);
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_start(kvm);
	kvm_mmu_invalidate_range_add(kvm, gfn_start, gfn_end);
${locked}
	flush = kvm_rmap_zap_gfn_range(kvm, gfn_start, gfn_end);
	if (tdp_mmu_enabled) {
${arm}
		flush = kvm_tdp_mmu_zap_leafs(kvm, gfn_start, gfn_end, flush);
	}
	if (flush)
		kvm_flush_remote_tlbs_range(kvm, gfn_start, gfn_end - gfn_start);
	kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
`;
  return `#include <linux/kvm_host.h>\n${before}\nvoid zap_it(struct kvm *kvm, gfn_t gfn_start, gfn_t gfn_end)\n{\n${whole}\n}\n`;
}

export function programOf(variant: Variant): Promise<Program> {
  return link({ ...WORLD, [MMU]: sinkText(variant), ...variant.files });
}

export const SINK_ID = `${MMU}:zap_it`;
const UNDECIDED: Decide = () => 'unknown';

/** The outcome of a variant, where `decide` knows nothing but what a test gives it. */
export async function outcomeOf(
  variant: Variant,
  vm: VmType,
  options: { readonly decide?: Decide; readonly scenario?: string; readonly host?: Record<string, string> } = {},
): Promise<Outcome> {
  const program = await programOf(variant);
  const question = { vm, sinks: ['zap_it'], host: options.host ?? {}, assumptions: true };
  return sinkOutcome(
    program,
    SINK_ID,
    question,
    options.decide ?? UNDECIDED,
    scenarioNamed(options.scenario ?? 'running'),
  );
}

export { HOST, TDP };
