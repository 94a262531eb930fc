import { describe, expect, it } from 'vitest';
import { verdictOf } from './reach-probe';

/** What the probes below use of the kernel. */
const MORE = `
#define BIT(n) (1UL << (n))
#define GENMASK(h, l) (((~0UL) << (l)) & (~0UL >> (63 - (h))))
#define __bf_shf(x) (__builtin_ffsll(x) - 1)
#define FIELD_GET(mask, reg) (((reg) & (mask)) >> __bf_shf(mask))
#define offsetof(t, m) __builtin_offsetof(t, m)
#define container_of(ptr, type, member) ({ void *__mptr = (void *)(ptr); ((type *)(__mptr - offsetof(type, member))); })
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define clamp(v, lo, hi) min(max(v, lo), hi)
#define EINVAL 22
#define GET_MODE(k) ((k)->arch.mode)
#define SET_MODE(k, v) ((k)->arch.mode = (v))
struct other_arch { bool mode; }; struct other { struct other_arch arch; }; struct other *find_other(void);
#define SET_STATE(d, v) do { (d)->state = (v); } while (0)
#define RETURN_IF(c) do { if (c) return; } while (0)
#define GOTO_IF(c, l) do { if (c) goto l; } while (0)
#define BAIL_IF(c, to) GOTO_IF(c, to)
#define RETRY_IF(c) do { if (c) goto again; } while (0)
typedef struct { int counter; } atomic_t;
typedef struct { atomic_t refs; } refcount_t;
struct kref { refcount_t refcount; };
struct obj { struct kref kref; u32 state; unsigned long bits[2]; atomic_t count; struct kvm *kvm; union { u32 raw; struct { u32 lo:4; u32 hi:28; }; }; u32 *where; struct pair pair; };
struct obj *find_obj(struct kvm *kvm, unsigned long n);
enum kind { KIND_A, KIND_B, KIND_C };
`;

const OBJ = 'struct obj *o = find_obj(kvm, arg);';

const BODIES: Record<string, string> = {
  'a bit of a bitmap': `unsigned long m[2] = { 0 }; set_bit(arg, m); if (test_bit(3, m)) SINK(kvm);`,
  'a bit beyond the first word': `unsigned long m[2] = { 0, 0 }; __set_bit(64 + (arg & 63), m); if (m[1]) SINK(kvm);`,
  'a bit by number from userspace': `unsigned long m = 0; __set_bit(arg & 63, &m); if (m) SINK(kvm);`,
  'test_and_set_bit sets': `unsigned long m = 0; if (test_and_set_bit(0, &m)) return; if (m) SINK(kvm);`,
  'test_and_clear_bit clears': `unsigned long m = 1; if (!test_and_clear_bit(0, &m)) return; if (!m) SINK(kvm);`,
  '__test_and_set_bit in a field': `${OBJ} o->bits[0] = 0; if (__test_and_set_bit(2, o->bits)) return; if (o->bits[0]) SINK(kvm);`,
  assign_bit: `unsigned long m = 0; assign_bit(1, &m, arg); if (m) SINK(kvm);`,
  change_bit: `unsigned long m = 0; change_bit(1, &m); if (m) SINK(kvm);`,
  'bitmap_zero of a field': `${OBJ} o->bits[0] = 5; bitmap_zero(o->bits, 64); if (!o->bits[0]) SINK(kvm);`,
  bitmap_fill: `unsigned long m[2] = { 0 }; bitmap_fill(m, 128); if (m[0]) SINK(kvm);`,
  'bitmap_or into': `unsigned long a = 0, b = arg; bitmap_or(&a, &a, &b, 64); if (a) SINK(kvm);`,
  'a loop over set bits': `unsigned long m = arg; int bit, hit = 0; for_each_set_bit(bit, &m, 64) hit = 1; if (hit) SINK(kvm);`,
  atomic_inc: `${OBJ} atomic_set(&o->count, 0); atomic_inc(&o->count); if (atomic_read(&o->count)) SINK(kvm);`,
  atomic_inc_return: `${OBJ} if (atomic_inc_return(&o->count) == 1) SINK(kvm);`,
  atomic_dec_and_test: `${OBJ} atomic_set(&o->count, 1); if (atomic_dec_and_test(&o->count)) SINK(kvm);`,
  atomic_xchg: `atomic_t a = { 0 }; atomic_xchg(&a, arg); if (atomic_read(&a)) SINK(kvm);`,
  'atomic_cmpxchg of a local': `atomic_t a = { 0 }; if (atomic_cmpxchg(&a, 0, 1)) return; if (a.counter) SINK(kvm);`,
  atomic_fetch_or: `atomic_t a = { .counter = 0 }; atomic_fetch_or(4, &a); if (a.counter & 4) SINK(kvm);`,
  atomic64_add_unless: `atomic_t a = { .counter = 0 }; atomic_add_unless(&a, 1, 7); if (a.counter) SINK(kvm);`,
  refcount_dec_and_test: `${OBJ} refcount_set(&o->kref.refcount, 1); if (refcount_dec_and_test(&o->kref.refcount)) SINK(kvm);`,
  'found in a list': `struct dev *d, *hit = 0; list_for_each_entry(d, &kvm->devices, next) { if (d->state == arg) { hit = d; break; } } if (hit) SINK(kvm);`,
  'not found in a list': `struct dev *d, *hit = 0; list_for_each_entry(d, &kvm->devices, next) { if (d->state == arg) { hit = d; break; } } if (!hit) SINK(kvm);`,
  'the cursor behind a list': `struct dev *d; list_for_each_entry(d, &kvm->devices, next) { if (d->state == arg) break; } if (d->state == 9) SINK(kvm);`,
  'a list that is emptied on the way': `struct dev *d, *n; int left = 1; list_for_each_entry_safe(d, n, &kvm->devices, next) { left = 0; kfree(d); } if (left) SINK(kvm);`,
  'an array loop with break': `int i; for (i = 0; i < 8; i++) if (i == arg) break; if (i == 8) SINK(kvm);`,
  'an array loop whose index is used behind': `int i; for (i = 0; i < 8; i++) if (i == arg) break; if (i == 5) SINK(kvm);`,
  'a loop that counts down': `int i = 4; while (i--) { if (arg & BIT(i)) break; } if (i < 0) SINK(kvm);`,
  'container_of there and back': `struct obj o = { .state = 0 }; struct kref *k = &o.kref; struct obj *p = container_of(k, struct obj, kref); p->state = arg; if (o.state) SINK(kvm);`,
  'container_of of a nested member': `struct obj o = { .state = 0 }; struct pair *q = &o.pair; container_of(q, struct obj, pair)->state = 1; if (o.state == 1) SINK(kvm);`,
  'a union read by its other member': `${OBJ} o->raw = 0; o->hi = 3; if (o->raw) SINK(kvm);`,
  'a bit-field of a union': `struct obj o = { .raw = 0xf0 }; if (o.hi == 0xf) SINK(kvm);`,
  'a bit-field that wraps': `struct obj o = { .raw = 0 }; o.lo = 17; if (o.lo == 1) SINK(kvm);`,
  'a union filled by userspace': `struct obj o = { .lo = 1 }; o.raw = arg; if (o.lo == 2) SINK(kvm);`,
  'a struct copied to a struct': `struct obj a = { .state = 0 }, b = { .state = 0 }; b.state = arg; a = b; if (a.state) SINK(kvm);`,
  'a struct copied through pointers': `struct obj a = { .state = 0 }; struct obj *p = &a, *q = find_obj(kvm, arg); *p = *q; if (a.state) SINK(kvm);`,
  'a nested struct copied': `struct obj a = { .state = 0 }; a.pair.a = 0; a.pair = find_obj(kvm, arg)->pair; if (a.pair.a) SINK(kvm);`,
  'memcpy of a struct with sizeof': `struct pair p = { .a = 0 }, q; q.a = arg; memcpy(&p, &q, sizeof(q)); if (p.a) SINK(kvm);`,
  'memmove of a field': `${OBJ} o->pair.a = 0; memmove(&o->pair, &kvm->arch.inner, sizeof(o->pair)); if (o->pair.a) SINK(kvm);`,
  'memset to other than zero': `struct pair p = { .a = 0 }; memset(&p, 0xff, sizeof(p)); if (p.a) SINK(kvm);`,
  'memset of a whole object': `${OBJ} o->state = 1; memset(o, 0, sizeof(*o)); if (!o->state) SINK(kvm);`,
  'a compound literal': `struct pair p; p = (struct pair){ .b = 1 }; if (!p.a) SINK(kvm);`,
  'a compound literal by pointer': `struct pair *p = &(struct pair){ .a = arg }; if (p->a) SINK(kvm);`,
  'a compound literal stored through a pointer': `${OBJ} o->pair.a = 0; o->pair = (struct pair){ .a = arg }; if (o->pair.a) SINK(kvm);`,
  'statement expressions in each other': `int r = ({ int x = arg; ({ int y = x; y + 1; }); }); if (r == 3) SINK(kvm);`,
  'a return in a statement expression': `int r = ({ if (arg == 1) return; 0; }); if (!r) SINK(kvm);`,
  'a jump out of a statement expression': `int r = ({ if (arg == 1) goto out; 0; }); if (!r) return; out: SINK(kvm);`,
  'an assignment in a statement expression': `int a = 0; int r = ({ a = arg; 1; }); if (r && a) SINK(kvm);`,
  'a conditional value': `int r = arg & 1 ? 2 : arg & 2 ? 4 : 8; if (r == 4) SINK(kvm);`,
  'a conditional with an assignment': `int a = 0; int r = arg ? (a = 1) : 0; if (a) SINK(kvm); (void)r;`,
  'a conditional lvalue address': `u32 a = 0, b = 0; *(arg ? &a : &b) = 1; if (b) SINK(kvm);`,
  'x ?: y': `u32 a = arg ?: 7; if (a == 7) SINK(kvm);`,
  'x ?: y with a call': `unsigned long a = any() ?: 7; if (a == 9) SINK(kvm);`,
  'a comma in a for': `int i, j; for (i = 0, j = 0; i < arg; i++, j++) ; if (j == 3) SINK(kvm);`,
  'a comma in a condition': `int a = 0; while (a++, any()) if (a == 3) SINK(kvm);`,
  'a macro that returns': `int a = arg; RETURN_IF(a == 1); if (a == 2) SINK(kvm);`,
  'a macro that jumps': `int a = 0; GOTO_IF(arg == 1, out); a = 1; return; out: if (!a) SINK(kvm);`,
  'a macro that jumps back': `int a = 0; again: if (a) SINK(kvm); a = 1; GOTO_IF(any(), again);`,
  'a macro that jumps back to a label that it names': `int a = 0; again: if (a) SINK(kvm); a = 1; RETRY_IF(any());`,
  'a macro that jumps to its argument through another macro': `int a = 0; BAIL_IF(arg == 1, out); a = 1; return; out: if (!a) SINK(kvm);`,
  'an assembler that jumps back': `int a = 0; again: if (a) SINK(kvm); a = 1; asm goto("jmp %l0" : : : : again);`,
  'a macro that stores, its parameter named like a local': `struct dev *d = find_dev(kvm, 1); ${OBJ} o->state = 0; SET_STATE(o, 1); if (o->state) SINK(kvm); (void)d;`,
  'a macro whose parameter is named like a local of another type': `struct other *k = find_other(); kvm->arch.mode = arg; if (GET_MODE(kvm)) SINK(kvm); (void)k;`,
  'a macro that stores, its parameter named like a local of another type': `struct other *k = find_other(); SET_MODE(kvm, 256); if (kvm->arch.mode == 256) SINK(kvm); (void)k;`,
  'a computed index': `int t[4] = { 0, 1, 2, 3 }; if (t[arg & 3] == 2) SINK(kvm);`,
  'a computed index on the left': `int t[4] = { 0 }; t[(arg >> 2) & 3] = 1; if (t[2]) SINK(kvm);`,
  'an index that is stepped': `int t[4] = { 0 }, i = 0; t[i++] = 1; t[i++] = arg; if (t[1] && i == 2) SINK(kvm);`,
  'an array through a pointer': `int t[4] = { 0 }; int *p = t; p[arg & 3] = 1; if (t[0]) SINK(kvm);`,
  'an array through a stepped pointer': `u32 t[2] = { 0, 0 }; u32 *p = t; *p++ = 1; *p = 1; if (t[1]) SINK(kvm);`,
  'a field through a pointer kept in a struct': `u32 a = 0; struct obj o = { .where = &a }; *o.where = arg; if (a) SINK(kvm);`,
  'a field through a pointer kept in a found struct': `${OBJ} kvm->arch.mode = 0; o->where = &kvm->arch.mode; *o->where = arg; if (kvm->arch.mode) SINK(kvm);`,
  'a field through a pointer to it': `u32 *p = &kvm->arch.mode; kvm->arch.mode = 0; *p |= arg; if (kvm->arch.mode) SINK(kvm);`,
  'a field through a pointer that another pointer holds': `u32 a = 0; u32 *p = &a, **q = &p; struct obj o = { .where = *q }; *o.where = 1; if (a) SINK(kvm);`,
  'a loop of jumps with state': `int state = 0; next: switch (state) { case 0: state = 1; goto next; case 1: state = any(); goto next; case 5: SINK(kvm); return; default: return; }`,
  'a switch over an enum with a case missing': `enum kind k = arg; switch (k) { case KIND_A: return; case KIND_B: return; } SINK(kvm);`,
  'a switch over an enum beyond its names': `enum kind k = arg; switch (k) { case KIND_A: case KIND_B: case KIND_C: return; } SINK(kvm);`,
  'a switch in a loop with continue': `int i, n = 0; for (i = 0; i < 4; i++) { switch (any()) { case 1: continue; case 2: n = 1; break; } if (n) SINK(kvm); }`,
  'a switch with break in a nested block': `switch (arg) { case 1: { if (any()) break; return; } default: return; } SINK(kvm);`,
  '32 of 64 bits': `u32 lo = arg; u64 all = ((u64)lo << 32) | lo; if ((all >> 32) == 7) SINK(kvm);`,
  'a 64-bit product of 32-bit numbers': `u32 a = arg; u64 b = (u64)a * 4096; if (b > 0xffffffff) SINK(kvm);`,
  'a signed number from an unsigned one': `int n = (int)arg; if (n < 0) SINK(kvm);`,
  'a signed char': `signed char c = arg; if (c == -1) SINK(kvm);`,
  'minus one as a long': `long n = -1; if ((unsigned long)n > 100) SINK(kvm);`,
  'an int compared with an unsigned': `int n = -1; u32 u = 5; if (n > u) SINK(kvm);`,
  'an errno in a u64': `u64 r = -EINVAL; if ((int)r == -EINVAL) SINK(kvm);`,
  'an errno through long': `long r = -EINVAL; int i = r; if (i == -22) SINK(kvm);`,
  'a shift to the sign': `int n = 1 << 31; if (n < 0) SINK(kvm);`,
  'a shift by a variable': `if ((1UL << (arg & 63)) & BIT(40)) SINK(kvm);`,
  min: `unsigned long n = min(arg, 5UL); if (n == 5) SINK(kvm);`,
  'min the other way': `unsigned long n = min(arg, 5UL); if (n == 2) SINK(kvm);`,
  max: `unsigned long n = max(arg, 5UL); if (n == 9) SINK(kvm);`,
  clamp: `unsigned long n = clamp(arg, 2UL, 5UL); if (n == 2) SINK(kvm);`,
  min_t: `u32 n = min_t(u32, arg, 5); if (n == 3) SINK(kvm);`,
  'min_t that cuts': `u32 n = min_t(u8, arg, 200); if (n < 5 && arg > 255) SINK(kvm);`,
  FIELD_GET: `if (FIELD_GET(GENMASK(7, 4), arg) == 3) SINK(kvm);`,
  'GENMASK and its complement': `if ((arg & ~GENMASK(11, 0)) == 0x1000) SINK(kvm);`,
  GENMASK_ULL: `u64 v = arg & GENMASK_ULL(51, 12); if (v == 0x2000) SINK(kvm);`,
  FIELD_PREP: `u64 v = FIELD_PREP(GENMASK(7, 4), 3); if (v == 0x30) SINK(kvm);`,
  'IS_ENABLED of an option of KVM': `if (IS_ENABLED(CONFIG_KVM_SMM) && arg) SINK(kvm);`,
  'IS_ENABLED of an option that no Kconfig file has': `if (IS_ENABLED(CONFIG_OWN)) return; SINK(kvm);`,
  'IS_ENABLED or': `if (!IS_ENABLED(CONFIG_KVM_SMM) || arg) SINK(kvm);`,
  IS_BUILTIN: `if (IS_BUILTIN(CONFIG_KVM)) SINK(kvm);`,
  IS_MODULE: `if (IS_MODULE(CONFIG_KVM)) SINK(kvm);`,
  'copy_from_user fails': `struct pair p = { .a = 1 }; if (copy_from_user(&p, (void *)arg, sizeof(p))) SINK(kvm);`,
  'copy_from_user keeps what it did not fill': `struct pair p = { .a = 1 }; if (copy_from_user(&p.b, (void *)arg, sizeof(p.b))) return; if (p.b == 7 && p.a == 1) SINK(kvm);`,
  'copy_from_user of an array': `u32 t[2] = { 0 }; if (copy_from_user(t, (void *)arg, sizeof(t))) return; if (t[1]) SINK(kvm);`,
  'copy_from_user into a field': `if (copy_from_user(&kvm->arch.inner, (void *)arg, sizeof(struct pair))) return; if (kvm->arch.inner.a == 3) SINK(kvm);`,
  'an error pointer': `${OBJ} if (IS_ERR(o)) SINK(kvm);`,
  'no error pointer': `${OBJ} if (IS_ERR(o)) return; SINK(kvm);`,
  IS_ERR_OR_NULL: `${OBJ} if (IS_ERR_OR_NULL(o)) SINK(kvm);`,
  PTR_ERR: `${OBJ} long r = PTR_ERR(o); if (r == -EINVAL) SINK(kvm);`,
  PTR_ERR_OR_ZERO: `${OBJ} int r = PTR_ERR_OR_ZERO(o); if (r) return; SINK(kvm);`,
  'a pointer compared with another': `${OBJ} struct obj *p = find_obj(kvm, 1); if (o != p) SINK(kvm);`,
  'a pointer compared with itself found again': `${OBJ} struct obj *p = find_obj(kvm, arg); if (o == p) SINK(kvm);`,
  'a per-cpu variable': `if (this_cpu_read(own_mode)) SINK(kvm);`,
  'a per-cpu variable by pointer': `u32 *p = this_cpu_ptr(&own_mode); *p = 0; preempt_enable(); if (__this_cpu_read(own_mode)) SINK(kvm);`,
  'a time': `u64 then = ktime_get(); any(); if (ktime_get() > then) SINK(kvm);`,
  'a lock that is tried': `if (!mutex_trylock(&kvm->lock)) SINK(kvm);`,
};

const FUNCTIONS: Record<string, string> = {
  'a kref whose callback calls': `static void gone(struct kref *k) { struct obj *o = container_of(k, struct obj, kref); SINK(o->kvm); } static void probe(struct kvm *kvm, unsigned long arg) { ${OBJ} kref_put(&o->kref, gone); gone(&o->kref); }`,
  'function pointers in a local table': `static void a(struct kvm *kvm) { } static void b(struct kvm *kvm) { SINK(kvm); } static void probe(struct kvm *kvm, unsigned long arg) { void (*t[])(struct kvm *) = { a, b }; t[arg & 1](kvm); b(kvm); }`,
  'a function pointer as an argument': `static bool never(u32 x) { return 0; } static bool odd(u32 x) { return x & 1; } static bool ask(bool (*f)(u32), u32 x) { return f(x); } static void probe(struct kvm *kvm, unsigned long arg) { if (ask(never, arg)) return; if (ask(odd, arg)) SINK(kvm); }`,
  'a function pointer in a struct that is passed': `struct how { bool (*f)(u32); }; static bool never(u32 x) { return 0; } static bool odd(u32 x) { return x & 1; } static bool ask(struct how *h, u32 x) { return h->f(x); } static void probe(struct kvm *kvm, unsigned long arg) { struct how h = { .f = never }; if (arg) h.f = odd; if (ask(&h, arg)) SINK(kvm); }`,
  recursion: `static int depth(u32 n) { if (!n) return 0; return 1 + depth(n >> 1); } static void probe(struct kvm *kvm, unsigned long arg) { if (depth(arg) == 3) SINK(kvm); }`,
  'recursion that writes': `static void walk(struct dev *d, u32 *hits) { if (!d) return; (*hits)++; walk(d->next, hits); } static void probe(struct kvm *kvm, unsigned long arg) { u32 hits = 0; walk(find_dev(kvm, arg), &hits); if (hits == 2) SINK(kvm); }`,
  'two functions that call each other': `static int odd(u32 n); static int even(u32 n) { return n ? odd(n - 1) : 1; } static int odd(u32 n) { return n ? even(n - 1) : 0; } static void probe(struct kvm *kvm, unsigned long arg) { if (even(arg)) SINK(kvm); }`,
  'a global that another ioctl sets': `static u32 own_mode; static void probe(struct kvm *kvm, unsigned long arg) { if (own_mode) SINK(kvm); own_mode = arg; }`,
  'a module parameter': `static bool own_mode; module_param(own_mode, bool, 0644); static void probe(struct kvm *kvm, unsigned long arg) { if (own_mode) SINK(kvm); }`,
  'a module parameter under another name': `static int own_mode = 1; module_param_named(mode, own_mode, int, 0444); static void probe(struct kvm *kvm, unsigned long arg) { if (!own_mode) SINK(kvm); }`,
  'a static key': `DEFINE_STATIC_KEY_FALSE(own_key); static void probe(struct kvm *kvm, unsigned long arg) { if (static_branch_unlikely(&own_key)) SINK(kvm); static_branch_inc(&own_key); }`,
  'a static key that is on': `DEFINE_STATIC_KEY_TRUE(own_key); static void probe(struct kvm *kvm, unsigned long arg) { if (!static_branch_likely(&own_key)) SINK(kvm); }`,
  'a per-cpu definition': `static DEFINE_PER_CPU(u32, own_mode); static void probe(struct kvm *kvm, unsigned long arg) { if (__this_cpu_read(own_mode)) SINK(kvm); this_cpu_write(own_mode, arg); }`,
  'a static table of structs': `static const struct pair own_table[] = { { 1, 0 }, { 2, 1 } }; static void probe(struct kvm *kvm, unsigned long arg) { int i; for (i = 0; i < 2; i++) if (own_table[i].a == arg && own_table[i].b) SINK(kvm); }`,
  'a value returned through a pointer on one way': `static int get(unsigned long n, u32 *v) { if (n == 3) return -1; *v = n; return 0; } static void probe(struct kvm *kvm, unsigned long arg) { u32 v = 0; if (get(arg, &v)) return; if (v == 5) SINK(kvm); }`,
  'a value kept where the callee fails': `static int get(unsigned long n, u32 *v) { if (n == 3) return -1; *v = 5; return 0; } static void probe(struct kvm *kvm, unsigned long arg) { u32 v = 0; get(arg, &v); if (!v) SINK(kvm); }`,
  'a macro with its own variable': `#define TWICE(x) ({ typeof(x) own = (x); own + own; })\nstatic void probe(struct kvm *kvm, unsigned long arg) { int own = 3; int r = TWICE(arg); if (r == 8 && own == 3) SINK(kvm); }`,
  'a macro with an argument named like its variable': `#define SETS(x) do { int own = 1; (x) = own; } while (0)\nstatic void probe(struct kvm *kvm, unsigned long arg) { int mine = 0; SETS(mine); if (mine) SINK(kvm); }`,
  'an inline assembler with memory': `static inline void put(u32 *p) { asm volatile("movl $1, %0" : "=m"(*p)); } static void probe(struct kvm *kvm, unsigned long arg) { u32 v = 0; put(&v); if (v) SINK(kvm); }`,
  'an inline assembler that jumps': `static inline bool ask(void) { asm goto("jmp %l0" : : : : out); return 0; out: return 1; } static void probe(struct kvm *kvm, unsigned long arg) { if (ask()) SINK(kvm); }`,
  'a struct given back and changed': `static struct pair twice(struct pair p) { p.a *= 2; return p; } static void probe(struct kvm *kvm, unsigned long arg) { struct pair p = { .a = 1 }; p = twice(p); if (p.a == 2) SINK(kvm); }`,
  'a const parameter cast away': `static void touch(const u32 *p) { *(u32 *)p = 1; } static void probe(struct kvm *kvm, unsigned long arg) { u32 v = 0; touch(&v); if (v) SINK(kvm); }`,
  'a pointer given as a number': `static void touch(unsigned long p) { *(u32 *)p = 1; } static void probe(struct kvm *kvm, unsigned long arg) { u32 v = 0; touch((unsigned long)&v); if (v) SINK(kvm); }`,
  'a struct by void pointer': `static void touch(void *data) { struct pair *p = data; p->a = 1; } static void probe(struct kvm *kvm, unsigned long arg) { struct pair p = { .a = 0 }; touch(&p); if (p.a) SINK(kvm); }`,
  'a walker with a callback': `static int visit(struct dev *d, void *data) { u32 *hit = data; *hit = d->state; return 0; } static void walk(struct kvm *kvm, int (*f)(struct dev *, void *), void *data) { struct dev *d; list_for_each_entry(d, &kvm->devices, next) f(d, data); } static void probe(struct kvm *kvm, unsigned long arg) { u32 hit = 0; walk(kvm, visit, &hit); if (hit) SINK(kvm); }`,
  'a cleanup that is run at the end of the block': `static void drop(struct kvm **k) { (*k)->arch.mode = 2; } static void probe(struct kvm *kvm, unsigned long arg) { { struct kvm *k __cleanup(drop) = kvm; kvm->arch.mode = 1; } if (kvm->arch.mode == 2) SINK(kvm); }`,
  'a guard that ends with a return': `static void take(struct kvm *kvm) {} static void drop(struct kvm *kvm) { kvm->arch.mode = 2; }\nDEFINE_GUARD(held, struct kvm *, take(_T), drop(_T))\nstatic int set(struct kvm *kvm) { guard(held)(kvm); kvm->arch.mode = 1; return 0; } static void probe(struct kvm *kvm, unsigned long arg) { if (set(kvm)) return; if (kvm->arch.mode == 2) SINK(kvm); }`,
  'a guard that ends with a break': `static void take(struct kvm *kvm) {} static void drop(struct kvm *kvm) { kvm->arch.mode = 2; }\nDEFINE_GUARD(held, struct kvm *, take(_T), drop(_T))\nstatic void probe(struct kvm *kvm, unsigned long arg) { while (any()) { guard(held)(kvm); kvm->arch.mode = 1; break; } if (kvm->arch.mode == 2) SINK(kvm); }`,
  'a nested ternary of predicates': `static bool is(struct kvm *kvm, u32 m) { return m == 1 ? kvm->arch.mode & 1 : m == 2 ? kvm->arch.mode & 2 : 0; } static void probe(struct kvm *kvm, unsigned long arg) { kvm->arch.mode = arg; if (is(kvm, 2)) SINK(kvm); }`,
  'variadic arguments': `#define call(f, ...) f(__VA_ARGS__)\nstatic void zap(struct kvm *kvm, int on) { if (on == 4) SINK(kvm); } static void probe(struct kvm *kvm, unsigned long arg) { call(zap, kvm, 4); }`,
};

describe('an idiom of the kernel does not make a call that can happen blocked', () => {
  const bodies = Object.entries(BODIES).map(([name, body]) => {
    return [name, `static void probe(struct kvm *kvm, unsigned long arg) { ${body} }`] as const;
  });
  it.each([...bodies, ...Object.entries(FUNCTIONS)])('%s', async (_name, code) => {
    expect(await verdictOf(`${MORE}\n${code}`)).toMatch(/^(?:reachable|conditional|unknown)$/);
  });
});
