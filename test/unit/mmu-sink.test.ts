import { describe, expect, it } from 'vitest';
import type { OutcomeClass } from '../../extension/core/mmu/outcome';
import { sinkOutcome } from '../../extension/core/mmu/sink';
import { outcomeOf, programOf, SINK_ID, TDP, type Variant } from './mmu-tree';

const LOST: readonly OutcomeClass[] = ['private-data-lost', 'guest-ve', 'refault'];
const KILLED: readonly OutcomeClass[] = ['vm-bugged', 'vm-dead'];
const KILLED_AND_LOST: readonly OutcomeClass[] = ['vm-bugged', 'vm-dead', 'private-data-lost'];
const REFAULT: readonly OutcomeClass[] = ['refault'];

interface Case {
  readonly name: string;
  readonly sink: Variant;
  readonly tdx: readonly OutcomeClass[];
  readonly default: readonly OutcomeClass[];
  readonly snp: readonly OutcomeClass[];
}

const CHECK = 'KVM_BUG_ON(is_td(kvm), kvm)';

const CASES: readonly Case[] = [
  { name: 'unguarded', sink: {}, tdx: LOST, default: REFAULT, snp: REFAULT },
  {
    name: 'KVM_BUG_ON in the TDP arm, value unused',
    sink: { arm: 'KVM_BUG_ON(kvm_gfn_direct_bits(kvm), kvm);' },
    tdx: KILLED_AND_LOST,
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'KVM_BUG_ON at entry, value unused',
    sink: { entry: `${CHECK};` },
    tdx: KILLED_AND_LOST,
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'return at entry',
    sink: { entry: `if (${CHECK}) return;` },
    tdx: KILLED,
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'return at entry without KVM_BUG_ON',
    sink: { entry: 'if (is_td(kvm)) return;' },
    tdx: ['no-op'],
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'return inside the locked part',
    sink: { locked: `if (${CHECK}) return;` },
    tdx: ['lock-leaked', 'vm-bugged', 'vm-dead'],
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'return inside the TDP arm',
    sink: { arm: `if (${CHECK}) return;` },
    tdx: ['lock-leaked', 'vm-bugged', 'vm-dead'],
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'goto out of the locked part that skips the zap',
    sink: {
      body: `	bool flush = false;
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm);
	if (${CHECK})
		goto out;
	flush = kvm_tdp_mmu_zap_leafs(kvm, gfn_start, gfn_end, flush);
	if (flush)
		kvm_flush_remote_tlbs(kvm);
out:
	kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);`,
    },
    tdx: KILLED,
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'goto that skips the end of the invalidation only',
    sink: {
      body: `	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm);
	if (!is_td(kvm)) {
		if (kvm_tdp_mmu_zap_leafs(kvm, gfn_start, gfn_end, false))
			kvm_flush_remote_tlbs(kvm);
		kvm_mmu_invalidate_end(kvm);
	}
	write_unlock(&kvm->mmu_lock);`,
    },
    tdx: ['lock-leaked', 'live-lock'],
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'guard in a helper',
    sink: {
      before: `static bool refuse(struct kvm *k)\n{\n\treturn KVM_BUG_ON(is_td(k), k);\n}`,
      entry: 'if (refuse(kvm)) return;',
    },
    tdx: KILLED,
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'guard in a macro',
    sink: { before: `#define REFUSE(k) KVM_BUG_ON(is_td(k), k)`, entry: 'if (REFUSE(kvm)) return;' },
    tdx: KILLED,
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'the zap in a helper two levels down',
    sink: {
      before: `static bool inner(struct kvm *k, gfn_t s, gfn_t e)
{
	return kvm_tdp_mmu_zap_leafs(k, s, e, false);
}
static void outer(struct kvm *k, gfn_t s, gfn_t e)
{
	write_lock(&k->mmu_lock);
	if (inner(k, s, e))
		kvm_flush_remote_tlbs(k);
	write_unlock(&k->mmu_lock);
}`,
      body: 'outer(kvm, gfn_start, gfn_end);',
    },
    tdx: LOST,
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'predicate of the wrong polarity',
    sink: { entry: 'if (KVM_BUG_ON(!is_td(kvm), kvm)) return;' },
    tdx: LOST,
    default: KILLED,
    snp: KILLED,
  },
  {
    name: 'private memory for a predicate, through the macro that reads the field',
    sink: {
      before: '#define kvm_arch_has_private_mem(k) ((k)->arch.has_private_mem)',
      arm: 'KVM_BUG_ON(kvm_arch_has_private_mem(kvm), kvm);',
    },
    tdx: KILLED_AND_LOST,
    default: REFAULT,
    snp: KILLED,
  },
  {
    name: 'private memory for a predicate, the field',
    sink: { arm: 'KVM_BUG_ON(kvm->arch.has_private_mem, kvm);' },
    tdx: KILLED_AND_LOST,
    default: REFAULT,
    snp: KILLED,
  },
  {
    name: 'predicate that holds for SNP too',
    sink: { arm: 'KVM_BUG_ON(is_td(kvm) || is_snp(kvm), kvm);' },
    tdx: KILLED_AND_LOST,
    default: REFAULT,
    snp: KILLED,
  },
  {
    name: 'kvm_vm_bugged() by hand',
    sink: { entry: 'if (is_td(kvm)) { kvm_vm_bugged(kvm); return; }' },
    tdx: KILLED,
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'kvm_vm_dead() by hand',
    sink: { entry: 'if (is_td(kvm)) { kvm_vm_dead(kvm); return; }' },
    tdx: ['vm-dead'],
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'WARN only',
    sink: { entry: 'WARN_ON_ONCE(is_td(kvm));' },
    tdx: ['private-data-lost', 'guest-ve', 'warn', 'refault'],
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'BUG_ON with the lock held',
    sink: { locked: 'BUG_ON(is_td(kvm));' },
    tdx: ['lock-leaked'],
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'the lock taken twice',
    sink: { locked: 'if (is_td(kvm)) write_lock(&kvm->mmu_lock);' },
    tdx: ['lock-leaked'],
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'scoped_guard, left by return',
    sink: {
      body: `	scoped_guard(write_lock, &kvm->mmu_lock) {
		if (${CHECK})
			return;
		if (kvm_tdp_mmu_zap_leafs(kvm, gfn_start, gfn_end, false))
			kvm_flush_remote_tlbs(kvm);
	}`,
    },
    tdx: KILLED,
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'guard(write_lock), left by return',
    sink: {
      body: `	guard(write_lock)(&kvm->mmu_lock);
	if (${CHECK})
		return;
	if (kvm_tdp_mmu_zap_leafs(kvm, gfn_start, gfn_end, false))
		kvm_flush_remote_tlbs(kvm);`,
    },
    tdx: KILLED,
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'roots: an iterator over direct roots only',
    sink: {
      files: {
        [TDP]: `
enum { KVM_INVALID_ROOTS = 1, KVM_DIRECT_ROOTS = 2, KVM_MIRROR_ROOTS = 4, KVM_VALID_ROOTS = 6 };
#define for_each_direct_tdp_mmu_root(_kvm, _root) __for_each_tdp_mmu_root(_kvm, _root, -1, KVM_DIRECT_ROOTS)
bool kvm_tdp_mmu_zap_leafs(struct kvm *kvm, gfn_t start, gfn_t end, bool flush)
{
	struct kvm_mmu_page *root;
	for_each_direct_tdp_mmu_root(kvm, root)
		flush = tdp_mmu_zap_leafs(kvm, root, start, end, true, flush);
	return flush;
}`,
      },
    },
    tdx: REFAULT,
    default: REFAULT,
    snp: REFAULT,
  },
  {
    name: 'roots: mirror roots skipped in the loop',
    sink: {
      files: {
        [TDP]: `
enum { KVM_INVALID_ROOTS = 1, KVM_DIRECT_ROOTS = 2, KVM_MIRROR_ROOTS = 4, KVM_VALID_ROOTS = 6 };
static inline bool is_mirror_sp(const struct kvm_mmu_page *sp) { return sp->role.is_mirror; }
bool kvm_tdp_mmu_zap_leafs(struct kvm *kvm, gfn_t start, gfn_t end, bool flush)
{
	struct kvm_mmu_page *root;
	__for_each_tdp_mmu_root_yield_safe(kvm, root, -1, KVM_VALID_ROOTS) {
		if (is_mirror_sp(root))
			continue;
		flush = tdp_mmu_zap_leafs(kvm, root, start, end, true, flush);
	}
	return flush;
}`,
      },
    },
    tdx: REFAULT,
    default: REFAULT,
    snp: REFAULT,
  },
];

describe('a macro that leads to itself', () => {
  const SELVES: readonly (readonly [name: string, macros: string, condition: string])[] = [
    ['by way of another one', '#define A vm->mode\n#define vm (&vm->mode + f(A))', 'f(A)'],
    ['in an argument', '#define X F(X)', 'X'],
    ['with its own call in its body', '#define F(x) (x + F(x))', 'F(1)'],
    ['in its own call within an argument of its call', '#define F(x) (x + F(x))', 'F(F(1))'],
    ['by way of a call', '#define F(x) (G(x) && kvm->arch.nr)\n#define G(x) (F(x) + G(x))', 'F(kvm)'],
    ['as a name', '#define A (B + 1)\n#define B (A + 1)', 'A > 1'],
  ];
  it.each(SELVES)('%s is unknown', async (_, macros, condition) => {
    const { classes, unmodelled, trace } = await outcomeOf(
      { before: macros, entry: `if (${condition}) return;` },
      'tdx',
    );
    expect(classes.length + unmodelled.length).toBeGreaterThan(0);
    expect(trace.some(({ text }) => text.startsWith('not decided') || text.includes('does not know'))).toBe(true);
    const statement = await outcomeOf({ before: macros, entry: `${condition};` }, 'tdx');
    expect(statement.zapped.mirror).toBe(true);
  });

  it('is not one whose call stands in an argument of its own call', async () => {
    const before = '#define DOUBLE(x) ((x) + (x))\n#define FOUR DOUBLE(DOUBLE(1))';
    const zapped = async (condition: string): Promise<boolean> =>
      (await outcomeOf({ before, entry: `if (${condition}) return;` }, 'tdx')).zapped.mirror;
    expect(await zapped('FOUR != 4')).toBe(true);
    expect(await zapped('DOUBLE(DOUBLE(DOUBLE(1))) == 8')).toBe(false);
  });
});

describe('what a run of the sink does', () => {
  for (const one of CASES)
    it(one.name, async () => {
      const classes = {
        tdx: (await outcomeOf(one.sink, 'tdx')).classes,
        default: (await outcomeOf(one.sink, 'default')).classes,
        snp: (await outcomeOf(one.sink, 'snp')).classes,
      };
      expect(classes).toEqual({ tdx: one.tdx, default: one.default, snp: one.snp });
    });

  it('is fully understood in all of these', async () => {
    for (const one of CASES) expect((await outcomeOf(one.sink, 'tdx')).unmodelled).toEqual([]);
  });
});

describe('an outcome', () => {
  it('of the check in the arm names its site, and that both kinds of leaves go all the same', async () => {
    const outcome = await outcomeOf({ arm: `${CHECK};` }, 'tdx');
    expect(outcome).toMatchObject({
      vm: 'tdx',
      sink: 'zap_it',
      scenario: 'running',
      bugged: true,
      dead: true,
      bugSite: { file: 'arch/x86/kvm/mmu/mmu.c', line: 17, column: 1, function: 'zap_it' },
      zapped: { direct: true, mirror: true, rmap: false },
      flushed: true,
      returnsEarly: false,
      leaked: [],
    });
    expect(outcome.guest).toBe('The guest does not run again, and its private pages are zapped all the same.');
    expect(outcome.userspace).toContain('-EIO');
  });

  it('of the return at entry zaps nothing, flushes nothing and takes no lock', async () => {
    const outcome = await outcomeOf({ entry: `if (${CHECK}) return;` }, 'tdx');
    expect(outcome).toMatchObject({
      bugged: true,
      zapped: { direct: false, mirror: false, rmap: false },
      flushed: false,
      returnsEarly: true,
      leaked: [],
    });
    expect(outcome.trace.some((event) => event.text.includes('mmu_lock'))).toBe(false);
  });

  it('of the return in the locked arm says what is left behind', async () => {
    const outcome = await outcomeOf({ arm: `if (${CHECK}) return;` }, 'tdx');
    expect(outcome.leaked).toEqual(['mmu_lock', 'mmu_invalidate_in_progress']);
    expect(outcome.zapped).toEqual({ direct: false, mirror: false, rmap: false });
    expect(outcome.trace.at(-1)?.text).toBe('left behind: mmu_lock and mmu_invalidate_in_progress');
    // guard(srcu) is released by the compiler.
    expect(outcome.trace.some((event) => event.text === 'the end of guard(srcu) releases srcu')).toBe(true);
  });

  it('of a helper names the helper as the function of the bug', async () => {
    const before = `static bool refuse(struct kvm *k)\n{\n\treturn KVM_BUG_ON(is_td(k), k);\n}`;
    expect((await outcomeOf({ before, entry: 'if (refuse(kvm)) return;' }, 'tdx')).bugSite?.function).toBe('refuse');
  });

  it('of a check that holds for SNP says that healthy guests are killed', async () => {
    const entry = 'if (KVM_BUG_ON(is_snp(kvm), kvm)) return;';
    expect((await outcomeOf({ entry }, 'snp')).guest).toMatch(/^It kills healthy guests/);
    const before = 'void zap_it(struct kvm *kvm, gfn_t start, gfn_t end);';
    const sev = `${before}\nvoid sev_handle_rmp_fault(struct kvm *kvm)\n{\n\tzap_it(kvm, 0, 1);\n}\n`;
    const outcome = await outcomeOf({ entry, files: { 'arch/x86/kvm/svm/sev.c': sev } }, 'snp');
    expect(outcome.guest).toBe('It kills healthy SNP guests: sev_handle_rmp_fault() of kvm-amd calls the sink.');
  });

  it('bugs the VM once, at the first site', async () => {
    const outcome = await outcomeOf({ entry: `${CHECK};`, arm: `${CHECK};` }, 'tdx');
    expect(outcome.bugSite?.line).toBe(9);
    expect(outcome.trace.filter((event) => event.text.includes('fires')).length).toBe(1);
  });

  it('lists its events in the order of the code, with their places', async () => {
    const { trace } = await outcomeOf({ arm: `${CHECK};` }, 'tdx');
    const order = [
      'takes mmu_lock',
      'in_progress is 1',
      'fires',
      ': direct root,',
      ': mirror root,',
      'flushed',
      'releases mmu_lock',
    ];
    const at = order.map((text) => trace.findIndex((event) => event.text.includes(text)));
    expect(at).toEqual([...at].sort((a, b) => a - b));
    expect(at.every((index) => index >= 0 && trace[index]?.site !== undefined)).toBe(true);
    expect(trace.map((event) => event.text).filter((text) => text.startsWith('private gfn'))).toEqual(
      [
        ['0x100', ', contents lost'],
        ['0x101', ', contents lost'],
        ['0x102', ', not accepted yet, nothing lost'],
      ].flatMap(([gfn, gone]) => [
        `private gfn ${gfn}: TDH.MEM.RANGE.BLOCK`,
        `private gfn ${gfn}: TDH.MEM.TRACK`,
        `private gfn ${gfn}: TDH.MEM.PAGE.REMOVE${gone}`,
        `private gfn ${gfn}: TDH.PHYMEM.PAGE.WBINVD`,
      ]),
    );
  });

  it('of a sink without a body is the user’s error', async () => {
    const program = await programOf({});
    const question = { vm: 'tdx', sinks: ['nowhere'], host: {}, assumptions: true } as const;
    expect(() => sinkOutcome(program, 'mmu.c:nowhere', question, () => 'unknown')).toThrow(/nowhere.*no function body/);
  });
});

describe('what the model does not know', () => {
  it('is executed as unmodelled, shown, and the rest still happens', async () => {
    const outcome = await outcomeOf({ locked: 'poke_hardware(kvm);' }, 'tdx');
    expect(outcome.unmodelled).toEqual([
      { file: 'arch/x86/kvm/mmu/mmu.c', line: 14, column: 1, function: 'zap_it', text: 'poke_hardware' },
    ]);
    expect(outcome.classes).toEqual(LOST);
    expect(outcome.trace.some((event) => event.text.includes('poke_hardware'))).toBe(true);
  });

  it('is not claimed to do nothing', async () => {
    const outcome = await outcomeOf({ body: 'poke_hardware(kvm);' }, 'tdx');
    expect(outcome.classes).toEqual([]);
    expect(outcome.guest).toMatch(/^Cannot tell/);
  });

  it.each([
    ['a call through a pointer', 'kvm->ops->poke(kvm);'],
    ['inline assembler', 'asm volatile("nop" ::: "memory");'],
    ['a CLASS() of another kind', 'CLASS(fd, f)(kvm);'],
    ['an unknown guard', 'guard(kvm_private)(&kvm->arch.nr);'],
    ['a goto into a block', 'if (kvm->arch.nr) { goto inside; } while (0) { inside: ; }'],
    ['a helper that writes through a pointer it cannot follow', '(*kvm->arch.hook)(kvm);'],
  ])('is noted: %s', async (_, locked) => {
    expect((await outcomeOf({ locked }, 'tdx')).unmodelled).not.toEqual([]);
  });

  it('leaves computations without effect alone', async () => {
    const outcome = await outcomeOf(
      { entry: 'gfn_end = min(gfn_end, kvm_gfn_direct_bits(kvm)); if (kvm_has_room(4)) gfn_start = 0;' },
      'default',
    );
    expect(outcome.unmodelled).toEqual([]);
  });

  it('is entered where it has a body that does more', async () => {
    const before = 'static void note(struct kvm *k)\n{\n\tk->arch.nr = 1;\n\tpoke_hardware(k);\n}';
    const outcome = await outcomeOf({ before, entry: 'note(kvm);' }, 'default');
    expect(outcome.unmodelled.map((call) => `${call.function}: ${call.text}`)).toEqual(['note: poke_hardware']);
  });
});

describe('forms of other trees', () => {
  it('before 5.20: notifier counts, KVM_MMU_LOCK, rmaps slot by slot, roots walked without a body to read', async () => {
    const body = `	bool flush = false;
	KVM_MMU_LOCK(kvm);
	kvm_inc_notifier_count(kvm, gfn_start, gfn_end);
	kvm_for_each_memslot_in_gfn_range(&iter, slots, gfn_start, gfn_end) {
		flush = slot_handle_level_range(kvm, iter.slot, kvm_zap_rmapp, 1, 3, gfn_start, gfn_end - 1, true, flush);
	}
	flush = kvm_tdp_mmu_zap_gfn_range(kvm, gfn_start, gfn_end, flush);
	if (flush)
		kvm_flush_remote_tlbs_with_address(kvm, gfn_start, gfn_end - gfn_start);
	kvm_dec_notifier_count(kvm, gfn_start, gfn_end);
	KVM_MMU_UNLOCK(kvm);`;
    const outcome = await outcomeOf({ body }, 'tdx');
    expect(outcome.classes).toEqual(LOST);
    expect(outcome).toMatchObject({ flushed: true, leaked: [] });
    expect(outcome.unmodelled.map((note) => note.text)).toEqual([
      'kvm_tdp_mmu_zap_gfn_range(): no root iterator in a body of it: all roots are assumed',
    ]);
    expect((await outcomeOf({ body }, 'default', { scenario: 'shadow' })).zapped.rmap).toBe(true);
  });

  it('without mirror roots: a hypothetical TD’s private pages go with the direct root, and the trace says so', async () => {
    const files = {
      [TDP]: `
#define for_each_tdp_mmu_root_yield_safe(_kvm, _root, _shared) for (_root = first(_kvm); _root; _root = next(_root))
bool kvm_tdp_mmu_zap_leafs(struct kvm *kvm, gfn_t start, gfn_t end, bool flush)
{
	struct kvm_mmu_page *root;
	for_each_tdp_mmu_root_yield_safe(kvm, root, false)
		flush = tdp_mmu_zap_leafs(kvm, root, start, end, true, flush);
	return flush;
}`,
    };
    const outcome = await outcomeOf({ files }, 'tdx');
    expect(outcome.classes).toEqual(LOST);
    expect(outcome.zapped).toEqual({ direct: true, mirror: false, rmap: false });
    expect(outcome.trace.some((event) => event.text.startsWith('hypothetical TD'))).toBe(true);
    expect((await outcomeOf({ files }, 'default')).trace.some((event) => event.text.includes('TD'))).toBe(false);
  });

  it('all leaves of each root: tdp_mmu_zap_root()', async () => {
    const body = `	struct kvm_mmu_page *root;
	guard(write_lock)(&kvm->mmu_lock);
	__for_each_tdp_mmu_root_yield_safe(kvm, root, KVM_DIRECT_ROOTS | KVM_INVALID_ROOTS)
		tdp_mmu_zap_root(kvm, root, false);
	kvm_flush_remote_tlbs(kvm);`;
    expect((await outcomeOf({ body }, 'tdx')).zapped).toEqual({ direct: true, mirror: false, rmap: false });
  });

  it('root types that a variable holds: all roots are assumed, and that is noted', async () => {
    const body = `	struct kvm_mmu_page *root;
	guard(write_lock)(&kvm->mmu_lock);
	__for_each_tdp_mmu_root_yield_safe(kvm, root, types)
		tdp_mmu_zap_leafs(kvm, root, gfn_start, gfn_end, true, false);
	kvm_flush_remote_tlbs(kvm);`;
    const outcome = await outcomeOf({ body }, 'tdx');
    expect(outcome.classes).toEqual(LOST);
    expect(outcome.unmodelled.map((note) => note.text)).toEqual([
      '__for_each_tdp_mmu_root_yield_safe(): which roots it walks: all are assumed',
    ]);
  });
});

describe('far from the sink', () => {
  const chain = (last: string): string =>
    `static void d(struct kvm *k)\n{\n\t${last}\n}\n` +
    'static void c(struct kvm *k)\n{\n\td(k);\n}\n' +
    'static void b(struct kvm *k)\n{\n\tc(k);\n}\n' +
    'static void a(struct kvm *k)\n{\n\tb(k);\n}\n';

  it('an operation is still found', async () => {
    const outcome = await outcomeOf({ before: chain('kvm_vm_dead(k);'), entry: 'a(kvm);' }, 'default');
    expect(outcome.dead).toBe(true);
  });

  it('an assertion that is decided fires, one that nobody can decide is taken to hold, and the trace says so', async () => {
    const fires = await outcomeOf({ before: chain('KVM_BUG_ON(is_td(k), k);'), entry: 'a(kvm);' }, 'tdx');
    expect(fires.bugged).toBe(true);
    const open = await outcomeOf({ before: chain('KVM_BUG_ON(k->arch.nr > 2, k);'), entry: 'a(kvm);' }, 'tdx');
    expect(open.bugged).toBe(false);
    expect(open.trace.some((event) => event.text.includes("a helper's own assertion, taken not to fire"))).toBe(true);
  });

  it('an unknown call is noted', async () => {
    const outcome = await outcomeOf({ before: chain('poke_hardware(k);'), entry: 'a(kvm);' }, 'default');
    expect(outcome.unmodelled.length).toBe(1);
  });
});

describe('a condition that nobody can decide', () => {
  it('is run both ways, the worst is reported and the trace says so', async () => {
    const outcome = await outcomeOf({ entry: 'if (kvm->arch.nr) return;' }, 'tdx');
    expect(outcome.classes).toEqual(LOST);
    expect(outcome.trace.map((event) => event.text)).toContain('not decided: kvm->arch.nr; taken to be false');
    expect(outcome.trace.at(-1)?.text).toMatch(/^2 runs .* the worst is shown$/);
  });

  it('prefers a leaked lock to lost pages, and lost pages to a dead VM', async () => {
    expect((await outcomeOf({ locked: 'if (kvm->arch.nr) return;' }, 'tdx')).classes[0]).toBe('lock-leaked');
    const dies = await outcomeOf({ entry: 'if (KVM_BUG_ON(kvm->arch.nr, kvm)) return;' }, 'tdx');
    expect(dies.classes).toEqual(LOST);
    expect((await outcomeOf({ entry: 'if (KVM_BUG_ON(kvm->arch.nr, kvm)) return;' }, 'default')).classes).toEqual(
      KILLED,
    );
  });

  it('keeps its value within a run: a lock taken and released under one condition balances', async () => {
    const outcome = await outcomeOf(
      {
        body: `	if (kvm->arch.nr)
		mutex_lock(&kvm->slots_lock);
	write_lock(&kvm->mmu_lock);
	write_unlock(&kvm->mmu_lock);
	if (kvm->arch.nr)
		mutex_unlock(&kvm->slots_lock);`,
      },
      'tdx',
    );
    expect(outcome.classes).toEqual(['no-op']);
  });

  it('loses its value when it is written', async () => {
    const outcome = await outcomeOf(
      {
        body: `	if (kvm->arch.nr)
		write_lock(&kvm->mmu_lock);
	kvm->arch.nr = 0;
	if (kvm->arch.nr)
		write_unlock(&kvm->mmu_lock);`,
      },
      'tdx',
    );
    expect(outcome.leaked).toEqual(['mmu_lock']);
  });

  it('is forgotten where both ways come to the same', async () => {
    const outcome = await outcomeOf({ entry: 'int n = 0; if (kvm->arch.nr) { cond_resched(); }' }, 'tdx');
    expect(outcome.trace.some((event) => event.text.includes('not decided'))).toBe(false);
  });

  it('is asked of the reachability engine, as written, in the function where it stands', async () => {
    const asked: string[] = [];
    const outcome = await outcomeOf({ entry: 'if (KVM_BUG_ON(kvm->arch.nr > 3, kvm)) return;' }, 'tdx', {
      decide: (fn, condition) => {
        asked.push(`${fn} ${condition.k}`);
        return condition.k === 'binary' ? true : 'unknown';
      },
    });
    expect(outcome.classes).toEqual(KILLED);
    expect(asked).toContain(`${SINK_ID} binary`);
  });

  it('says when there are more runs than are followed', async () => {
    const many = Array.from({ length: 8 }, (_, i) => `if (kvm->arch.f${i}) kvm_flush_remote_tlbs(kvm);`).join('\n');
    const outcome = await outcomeOf({ entry: many }, 'tdx');
    expect(outcome.classes).toEqual(LOST);
    expect(outcome.unmodelled.some((note) => note.text.includes('not all are followed'))).toBe(true);
  });
});

describe('scenarios', () => {
  it('created: nothing is mapped, nothing happens, and direct bits are not set yet', async () => {
    const outcome = await outcomeOf({ arm: 'KVM_BUG_ON(kvm_gfn_direct_bits(kvm), kvm);' }, 'tdx', {
      scenario: 'created',
    });
    expect(outcome.classes).toEqual(['no-op']);
    expect(outcome.bugged).toBe(false);
  });

  it('initialised: an added page leaves the initial image', async () => {
    const outcome = await outcomeOf({}, 'tdx', { scenario: 'initialised' });
    expect(outcome.classes).toEqual(['private-data-lost', 'guest-ve']);
    expect(outcome.guest).toContain('initial image');
    expect(outcome.trace.some((event) => event.text.includes('TDH.MEM.TRACK'))).toBe(false);
  });

  it('shadow: rmaps go instead of the TDP MMU’s leaves', async () => {
    const outcome = await outcomeOf({}, 'default', { scenario: 'shadow' });
    expect(outcome.zapped).toEqual({ direct: false, mirror: false, rmap: true });
    expect(outcome.classes).toEqual(REFAULT);
    expect((await outcomeOf({}, 'default', { host: { tdp_mmu_enabled: 'N' } })).zapped.rmap).toBe(true);
  });

  it('apic-page: only the caller’s range goes', async () => {
    const outcome = await outcomeOf({}, 'tdx', { scenario: 'apic-page' });
    expect(outcome.zapped).toEqual({ direct: true, mirror: false, rmap: false });
    expect(outcome.classes).toEqual(REFAULT);
    expect(
      outcome.trace.some((event) => event.text.includes('gfns 0xfee00 to 0xfee01: 1 leaf becomes non-present')),
    ).toBe(true);
  });

  it('huge: a 2M leaf goes with the others', async () => {
    const outcome = await outcomeOf({}, 'default', { scenario: 'huge' });
    expect(outcome.trace.some((event) => event.text.includes('6 leaves become non-present'))).toBe(true);
  });

  it('empty-range: refused with a WARN', async () => {
    const outcome = await outcomeOf({}, 'tdx', { scenario: 'empty-range' });
    expect(outcome.classes).toEqual(['warn']);
    expect(outcome.returnsEarly).toBe(true);
  });

  it('empty-range, refused silently: nothing', async () => {
    const outcome = await outcomeOf({ body: 'if (gfn_end <= gfn_start) return;\nkvm_flush_remote_tlbs(kvm);' }, 'tdx', {
      scenario: 'empty-range',
    });
    expect(outcome.classes).toEqual(['no-op']);
  });
});

describe('stale translations', () => {
  it('that a missing flush leaves are in the trace', async () => {
    const body = `	write_lock(&kvm->mmu_lock);
	kvm_tdp_mmu_zap_leafs(kvm, gfn_start, gfn_end, false);
	write_unlock(&kvm->mmu_lock);`;
    const outcome = await outcomeOf({ body }, 'default');
    expect(outcome.flushed).toBe(false);
    expect(outcome.trace.some((event) => event.text.includes('before the TLBs are flushed'))).toBe(true);
  });

  it('are warned of where the zap runs without the lock', async () => {
    const outcome = await outcomeOf({ body: 'kvm_tdp_mmu_zap_leafs(kvm, gfn_start, gfn_end, false);' }, 'default');
    expect(outcome.classes).toContain('warn');
  });
});

it('gives the same bytes for the same input', async () => {
  for (const vm of ['tdx', 'default', 'snp'] as const) {
    const sink = { entry: 'if (kvm->arch.nr) poke_hardware(kvm);', arm: `${CHECK};` };
    expect(JSON.stringify(await outcomeOf(sink, vm))).toBe(JSON.stringify(await outcomeOf(sink, vm)));
  }
});
