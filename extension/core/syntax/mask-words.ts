/**
 * Words of the kernel that stand where C's grammar expects none, and carry no meaning for the analysis. They are the
 * kernel's vocabulary as a whole (compiler attributes, sections, sparse annotations), not KVM's.
 */
const PLAIN = (
  'noinline noinstr notrace asmlinkage __init __exit __initdata __exitdata __initconst __devinit __ref __refdata ' +
  '__read_mostly __ro_after_init __used __unused __always_unused __maybe_unused __packed __weak __cold __hot __pure ' +
  '__attribute_const__ __malloc __visible __kprobes __noreturn __deprecated __must_check __user __kernel __iomem ' +
  '__percpu __rcu __force __private __nocast __bitwise __safe __no_kcsan __no_kasan_or_inline __no_sanitize_memory ' +
  '__no_sanitize_address __no_sanitize_undefined __no_stack_protector __no_profile __noendbr __nocfi __noclone ' +
  '__flatten __latent_entropy __randomize_layout __no_randomize_layout __designated_init __gnu_inline ' +
  '__cacheline_aligned __cacheline_aligned_in_smp ____cacheline_aligned ____cacheline_aligned_in_smp ' +
  '__page_aligned_data __page_aligned_bss __net_init __net_exit __entry_text __cpuidle __lockfunc __extension__ ' +
  '__no_caller_saved_registers __context_unsafe __counted_by_ptr __signed_wrap __refconst __meminit __ksym __bpf_kfunc'
).split(' ');

/** Attributes with arguments, wherever they stand. */
const WITH_ARGUMENTS = (
  '__attribute__ __attribute __printf __scanf __aligned __section __must_hold __acquires __releases __acquire __release ' +
  '__cond_acquires __cond_releases __counted_by __counted_by_le __counted_by_be __sized_by __assume_aligned __alias ' +
  '__no_sanitize __cleanup __free __guarded_by __malloc __diag_ignore_all __returns_nonnull __nonnull ' +
  '__must_hold_shared __acquires_shared __releases_shared __cond_acquires_shared __assumes_ctx_lock __error __warning ' +
  '__alloc_size __realloc_size __copy __no_context_analysis __retain __context_unsafe __pt_guarded_by _Alignas'
).split(' ');
const INLINE = ['__always_inline', '__inline__', '__inline'];
/** Spellings of the compiler's. */
const QUALIFIERS =
  'restrict __restrict __restrict__ __volatile __volatile__ __const __const__ __signed __signed__'.split(' ');

/** `either`: an attribute that may have arguments. */
export type AttributeKind = 'inline' | 'qualifier' | 'arguments' | 'plain' | 'either';

const ATTRIBUTES = new Map<string, AttributeKind>([
  ...PLAIN.map((word) => [word, 'plain'] as const),
  ...WITH_ARGUMENTS.map((word) => [word, PLAIN.includes(word) ? 'either' : 'arguments'] as const),
  ...QUALIFIERS.map((word) => [word, 'qualifier'] as const),
  ...INLINE.map((word) => [word, 'inline'] as const),
]);

export function attributeKind(word: string): AttributeKind | undefined {
  return ATTRIBUTES.get(word);
}

export function takesArguments(kind: AttributeKind | undefined): boolean {
  return kind === 'arguments' || kind === 'either';
}

// Sets, here and in the passes: a regular expression takes several times as long, and these are asked of every word.
const TYPE_KEYWORDS = new Set(
  'struct union enum const volatile unsigned signed void char short int long float double _Bool'.split(' '),
);
const CONTROL_KEYWORDS = new Set(
  'if while for switch return do else case default goto break continue sizeof'.split(' '),
);
const CONDITION_KEYWORDS = new Set(['if', 'while', 'for', 'switch']);
const ALIGNOF = new Set(['__alignof__', '_Alignof', 'alignof']);
const TYPEOF = new Set(['typeof', '__typeof__', 'typeof_unqual', '__typeof']);

/** Words that begin a type. */
export function isTypeKeyword(word: string): boolean {
  return TYPE_KEYWORDS.has(word);
}

/** Words before `(` that make no call. */
export function isControlKeyword(word: string): boolean {
  return CONTROL_KEYWORDS.has(word);
}

/** Words whose parentheses a statement follows. */
export function isConditionKeyword(word: string): boolean {
  return CONDITION_KEYWORDS.has(word);
}

export function isTypeof(word: string): boolean {
  return TYPEOF.has(word);
}

export function isAlignof(word: string): boolean {
  return ALIGNOF.has(word);
}
