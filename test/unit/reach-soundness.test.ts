import { describe, expect, it } from 'vitest';
import type { Program } from '../../extension/core/program/program';
import { analyseReach } from '../../extension/core/reach/reach';
import { DEFAULT_SINK, type Verdict } from '../../extension/core/reach/verdict';
import { link } from './linking';

/** What every probe below may use. The ioctl's argument is userspace's: any number. */
const HEADER = `
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long long u64; typedef _Bool bool;
#define KVM_X86_TDX_VM 5
#define READ_ONCE(x) (x)
#define WRITE_ONCE(x, v) ((x) = (v))
struct kvm_arch { unsigned long vm_type; u32 mode; u32 other; struct pair inner; };
struct pair { u32 a; u32 b; };
struct kvm { struct kvm_arch arch; struct list_head devices; };
struct file { void *private_data; };
struct dev { u32 state; struct pair pair; u32 *out; struct dev *next; };
void kvm_zap_gfn_range(struct kvm *kvm, u64 start, u64 end) { }
struct dev *find_dev(struct kvm *kvm, unsigned long n);
unsigned long any(void);
`;

async function probeProgram(code: string): Promise<Program> {
  return link({
    'arch/x86/kvm/x86.c': `${HEADER}\n#define SINK(kvm) kvm_zap_gfn_range(kvm, 0, 1)\n${code}
static long kvm_vm_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm *kvm = filp->private_data;

	probe(kvm, arg);
	return 0;
}
static const struct file_operations kvm_vm_fops = { .unlocked_ioctl = kvm_vm_ioctl };
`,
  });
}

async function verdictOf(code: string): Promise<Verdict> {
  const program = await probeProgram(code);
  const reach = analyseReach(program, { vm: 'tdx', sinks: [DEFAULT_SINK], host: {}, assumptions: true });
  const found = reach.callers().filter((each) => each.function === 'probe');
  expect(found).toHaveLength(1);
  return (found[0] as { verdict: Verdict }).verdict;
}
const CASES: Record<string, string> = {
  'struct copied over known fields': `static void probe(struct kvm *kvm, unsigned long arg) { struct pair p = { .a = 1 }; struct pair q; q.a = arg; p = q; if (p.a == 2) SINK(kvm); }`,
  'struct copied from pointer': `static void probe(struct kvm *kvm, unsigned long arg) { struct pair p = { .a = 1 }; struct dev *d = find_dev(kvm, arg); p = d->pair; if (p.a == 2) SINK(kvm); }`,
  'struct through star': `static void probe(struct kvm *kvm, unsigned long arg) { struct pair p = { .a = 1 }; struct pair *pp = &p; struct pair q; q.a = arg; *pp = q; if (p.a == 2) SINK(kvm); }`,
  'memcpy over struct': `static void probe(struct kvm *kvm, unsigned long arg) { struct pair p = { .a = 1 }; struct dev *d = find_dev(kvm, arg); memcpy(&p, &d->pair, sizeof(p)); if (p.a == 2) SINK(kvm); }`,
  'memcpy over member of struct': `static void probe(struct kvm *kvm, unsigned long arg) { struct dev d = { .state = 1 }; d.pair.a = 1; memcpy(&d, find_dev(kvm, arg), sizeof(d)); if (d.pair.a == 2) SINK(kvm); }`,
  'copy in callee (memcpy in a helper)': `static void fill(struct pair *p, void *from) { memcpy(p, from, sizeof(*p)); } static void probe(struct kvm *kvm, unsigned long arg) { struct pair p = { .a = 1 }; fill(&p, (void *)arg); if (p.a == 2) SINK(kvm); }`,
  'copy in deep callee': `static void f6(struct pair *p, void *from) { memcpy(p, from, sizeof(*p)); } static void f5(struct pair *p, void *f) { f6(p, f); } static void f4(struct pair *p, void *f) { f5(p, f); } static void f3(struct pair *p, void *f) { f4(p, f); } static void f2(struct pair *p, void *f) { f3(p, f); } static void f1(struct pair *p, void *f) { f2(p, f); } static void f0(struct pair *p, void *f) { f1(p, f); } static void f(struct pair *p, void *f) { f0(p, f); } static void probe(struct kvm *kvm, unsigned long arg) { struct pair p = { .a = 1 }; f(&p, (void *)arg); if (p.a == 2) SINK(kvm); }`,
  'scalar via deep callee': `static void f6(u32 *p) { *p = any(); } static void f5(u32 *p) { f6(p); } static void f4(u32 *p) { f5(p); } static void f3(u32 *p) { f4(p); } static void f2(u32 *p) { f3(p); } static void f1(u32 *p) { f2(p); } static void f(u32 *p) { f1(p); } static void probe(struct kvm *kvm, unsigned long arg) { u32 p = 1; f(&p); if (p == 2) SINK(kvm); }`,
  'pointer in a struct handed on': `void run(struct dev *d); static void probe(struct kvm *kvm, unsigned long arg) { u32 res = 0; struct dev d = { .out = &res }; run(&d); if (res) SINK(kvm); }`,
  'pointer in a struct handed on to a function of the tree': `static void run6(struct dev *d) { *d->out = any(); } static void run5(struct dev *d) { run6(d); } static void run4(struct dev *d) { run5(d); } static void run3(struct dev *d) { run4(d); }  static void run2(struct dev *d) { run3(d); } static void run(struct dev *d) { run2(d); } static void probe(struct kvm *kvm, unsigned long arg) { u32 res = 0; struct dev d = { .out = &res }; run(&d); if (res) SINK(kvm); }`,
  'scalar by pointer is zero': `static void work(struct kvm *kvm, u32 *v) { if (!*v) SINK(kvm); } static void probe(struct kvm *kvm, unsigned long arg) { u32 v = arg; work(kvm, &v); }`,
  'scalar by pointer known zero': `static void work(struct kvm *kvm, u32 *v) { if (!*v) SINK(kvm); } static void probe(struct kvm *kvm, unsigned long arg) { u32 v = 0; work(kvm, &v); }`,
  'scalar by pointer written in callee then read': `static void work(struct kvm *kvm, u32 *v) { *v = 0; if (v) SINK(kvm); } static void probe(struct kvm *kvm, unsigned long arg) { u32 v = 0; work(kvm, &v); }`,
  'unknown macro writes its argument': `static void probe(struct kvm *kvm, unsigned long arg) { u64 v = 0; rdmsrl(0x10, v); if (v & 1) SINK(kvm); }`,
  'statement macro writes its argument': `#define FETCH(k, v) do { (v) = any(); } while (0)\nstatic void probe(struct kvm *kvm, unsigned long arg) { u64 v = 0; FETCH(kvm, v); if (v & 1) SINK(kvm); }`,
  'statement macro writes a field': `#define BUMP(k) do { (k)->arch.mode = 2; } while (0)\nstatic void probe(struct kvm *kvm, unsigned long arg) { kvm->arch.mode = 1; BUMP(kvm); if (kvm->arch.mode == 2) SINK(kvm); }`,
  'expression macro writes its argument': `#define FETCH(v) ((v) = any())\nstatic void probe(struct kvm *kvm, unsigned long arg) { u64 v = 0; FETCH(v); if (v & 1) SINK(kvm); }`,
  'asm output': `static void probe(struct kvm *kvm, unsigned long arg) { u64 v = 0; asm volatile("rdtsc" : "=A"(v)); if (v & 1) SINK(kvm); }`,
  'asm output of a field': `static void probe(struct kvm *kvm, unsigned long arg) { kvm->arch.mode = 0; asm volatile("x" : "=A"(kvm->arch.mode)); if (kvm->arch.mode & 1) SINK(kvm); }`,
  'loop that changes in its second turn': `static void probe(struct kvm *kvm, unsigned long arg) { int i; bool first = 1, y = 0; for (i = 0; i < arg; i++) { if (y) SINK(kvm); if (!first) y = 1; first = 0; } }`,
  'loop chain of three': `static void probe(struct kvm *kvm, unsigned long arg) { int a = 0, b = 0, c = 0; while (any()) { if (c) SINK(kvm); if (b) c = 1; if (a) b = 1; a = 1; } }`,
  'loop behind': `static void probe(struct kvm *kvm, unsigned long arg) { int a = 0, b = 0; while (any()) { if (a) b = 1; a = 1; } if (b) SINK(kvm); }`,
  'loop with continue': `static void probe(struct kvm *kvm, unsigned long arg) { int a = 0; while (any()) { if (a) { SINK(kvm); } if (any()) { a = 1; continue; } a = 0; } }`,
  'loop zero times': `static void probe(struct kvm *kvm, unsigned long arg) { int a = 0, i; for (i = 0; i < arg; i++) a = 1; if (!a) SINK(kvm); }`,
  'each zero times': `static void probe(struct kvm *kvm, unsigned long arg) { int a = 0; struct dev *d; list_for_each_entry(d, &kvm->devices, next) { a = 1; } if (!a) SINK(kvm); }`,
  'each sets': `static void probe(struct kvm *kvm, unsigned long arg) { int a = 0; struct dev *d; list_for_each_entry(d, &kvm->devices, next) { a = d->state; } if (a) SINK(kvm); }`,
  'do while': `static void probe(struct kvm *kvm, unsigned long arg) { int a = 0; do { if (a) SINK(kvm); a = 1; } while (any()); }`,
  'backward goto': `static void probe(struct kvm *kvm, unsigned long arg) { int a = 0; again: if (a) SINK(kvm); a = 1; if (any()) goto again; }`,
  'backward goto to dead label': `static void probe(struct kvm *kvm, unsigned long arg) { goto start; again: SINK(kvm); return; start: if (arg) goto again; }`,
  'backward goto changes global': `static int mode; static void probe(struct kvm *kvm, unsigned long arg) { mode = 0; again: if (mode) SINK(kvm); mode = 1; if (any()) goto again; }`,
  'backward goto through pointer': `static void probe(struct kvm *kvm, unsigned long arg) { u32 a = 0; u32 *p = &a; again: if (a) SINK(kvm); *p = 1; if (any()) goto again; }`,
  'backward goto from beside the label': `static void probe(struct kvm *kvm, unsigned long arg) { unsigned long b = any(); if (b) goto skip; again: if (b) SINK(kvm); skip: if (arg) goto again; }`,
  'backward goto between two labels': `static void probe(struct kvm *kvm, unsigned long arg) { int a = 0; goto end; one: if (a == 2) SINK(kvm); a = 2; goto end; two: a = 1; if (any()) goto one; end: if (any()) goto two; if (any()) goto one; }`,
  'goto into dead if': `static void probe(struct kvm *kvm, unsigned long arg) { if (arg) goto in; if (0) { in: SINK(kvm); } }`,
  'goto into else': `static void probe(struct kvm *kvm, unsigned long arg) { if (arg) goto in; if (1) { return; } else { any(); in: SINK(kvm); } }`,
  'goto into nested': `static void probe(struct kvm *kvm, unsigned long arg) { if (arg) goto in; return; { { if (any()) { in: SINK(kvm); } } } }`,
  'goto into switch arm': `static void probe(struct kvm *kvm, unsigned long arg) { int k = 1; if (arg) goto in; switch (k) { case 1: return; case 2: in: SINK(kvm); break; } }`,
  'goto among arms': `static void probe(struct kvm *kvm, unsigned long arg) { switch (3) { case 2: any(); in: SINK(kvm); break; case 3: if (arg) goto in; break; } }`,
  fallthrough: `static void probe(struct kvm *kvm, unsigned long arg) { switch (1) { case 1: any(); case 2: SINK(kvm); } }`,
  default: `static void probe(struct kvm *kvm, unsigned long arg) { switch (arg) { case 1: return; case 2 ... 5: return; default: SINK(kvm); } }`,
  'negative case': `static int f(unsigned long a) { if (a) return -22; return 0; } static void probe(struct kvm *kvm, unsigned long arg) { switch (f(arg)) { case -22: SINK(kvm); break; default: break; } }`,
  'negative case of 32 bit': `static void probe(struct kvm *kvm, unsigned long arg) { int r = (u32)0xffffffea; switch (r) { case -22: SINK(kvm); break; default: break; } }`,
  'switch with unknown label': `static void probe(struct kvm *kvm, unsigned long arg) { switch (7) { case SOMETHING_UNKNOWN: SINK(kvm); break; case 7: return; } }`,
  'guard class that writes a field': `static void take(struct kvm *kvm) { kvm->arch.mode = 2; }\nstatic void drop(struct kvm *kvm) {}\nDEFINE_GUARD(held, struct kvm *, take(_T), drop(_T))\nstatic void probe(struct kvm *kvm, unsigned long arg) { kvm->arch.mode = 1; guard(held)(kvm); if (kvm->arch.mode == 2) SINK(kvm); }`,
  'guard class that writes when it is left': `static void take(struct kvm *kvm) {}\nstatic void drop(struct kvm *kvm) { kvm->arch.mode = 2; }\nDEFINE_GUARD(held, struct kvm *, take(_T), drop(_T))\nstatic void probe(struct kvm *kvm, unsigned long arg) { kvm->arch.mode = 1; scoped_guard(held, kvm) { any(); } if (kvm->arch.mode == 2) SINK(kvm); }`,
  'guard class that calls': `static void take(struct kvm *kvm) { SINK(kvm); }\nstatic void drop(struct kvm *kvm) {}\nDEFINE_GUARD(held, struct kvm *, take(_T), drop(_T))\nstatic void probe(struct kvm *kvm, unsigned long arg) { guard(held)(kvm); }`,
  'guard class that calls when it is left': `static void take(struct kvm *kvm) {}\nstatic void drop(struct kvm *kvm) { SINK(kvm); }\nDEFINE_GUARD(held, struct kvm *, take(_T), drop(_T))\nstatic void probe(struct kvm *kvm, unsigned long arg) { guard(held)(kvm); }`,
  'shadowed variable': `static void probe(struct kvm *kvm, unsigned long arg) { int r = 0; { int r = 1; any(); } if (!r) SINK(kvm); }`,
  'shadowed parameter': `static void probe(struct kvm *kvm, unsigned long arg) { if (any()) { unsigned long arg = 0; any(); } else return; if (arg) SINK(kvm); }`,
  'shadowed in statement expression': `static void probe(struct kvm *kvm, unsigned long arg) { int x = 1; int y = ({ int x = 0; x; }); if (x && !y) SINK(kvm); }`,
  '64 to 32 bits': `static void probe(struct kvm *kvm, unsigned long arg) { u32 x = arg; if (!x) { if (arg) SINK(kvm); } }`,
  '32 bit wrap': `static void probe(struct kvm *kvm, unsigned long arg) { u32 x = 0xffffffff; x = x + 1; if (!x) SINK(kvm); }`,
  '32 bit wrap in place': `static void probe(struct kvm *kvm, unsigned long arg) { u32 x = 0xffffffff; x++; if (x == 0) SINK(kvm); }`,
  'u8 truncation': `static void probe(struct kvm *kvm, unsigned long arg) { u8 x = 256; if (!x) SINK(kvm); }`,
  'u8 parameter': `static void g(struct kvm *kvm, u8 x) { if (!x) SINK(kvm); } static void probe(struct kvm *kvm, unsigned long arg) { g(kvm, 256); }`,
  'u8 return': `static u8 g(int x) { return x; } static void probe(struct kvm *kvm, unsigned long arg) { if (!g(256)) SINK(kvm); }`,
  'u8 field': `struct b { u8 x; }; static void probe(struct kvm *kvm, unsigned long arg) { struct b b; b.x = 256; if (!b.x) SINK(kvm); }`,
  'bit field': `struct b { u32 x:1; }; static void probe(struct kvm *kvm, unsigned long arg) { struct b b; b.x = 2; if (!b.x) SINK(kvm); }`,
  'bool assign': `static void probe(struct kvm *kvm, unsigned long arg) { bool x = 2; if (x == 1) SINK(kvm); }`,
  'bool assign of unknown': `static void probe(struct kvm *kvm, unsigned long arg) { bool x = arg & 2; if (x == 1) SINK(kvm); }`,
  'bool return': `static bool f(unsigned long a) { return a & 2; } static void probe(struct kvm *kvm, unsigned long arg) { if (f(arg) == 1) SINK(kvm); }`,
  'bool param': `static void f(struct kvm *kvm, bool x) { if (x == 1) SINK(kvm); } static void probe(struct kvm *kvm, unsigned long arg) { f(kvm, arg & 4); }`,
  'not of int': `static void probe(struct kvm *kvm, unsigned long arg) { u32 x = ~0u; if (x == 0xffffffff) SINK(kvm); }`,
  'not of 32 bit unknown': `static void probe(struct kvm *kvm, unsigned long arg) { u32 x = 0xffffffff; if (!(~x)) SINK(kvm); }`,
  'signed less': `static void probe(struct kvm *kvm, unsigned long arg) { int x = -1; if (x < 0) SINK(kvm); }`,
  'signed less of unknown': `static void probe(struct kvm *kvm, unsigned long arg) { int x = arg; if (x < 0) SINK(kvm); }`,
  'signed shift': `static void probe(struct kvm *kvm, unsigned long arg) { int x = -2; if ((x >> 1) == -1) SINK(kvm); }`,
  'u32 compare to minus one': `static void probe(struct kvm *kvm, unsigned long arg) { u32 x = -1; if (x == -1) SINK(kvm); }`,
  'u32 greater than int': `static void probe(struct kvm *kvm, unsigned long arg) { u32 x = 0x80000000; if (x > 5) SINK(kvm); }`,
  'subtraction wraps': `static void probe(struct kvm *kvm, unsigned long arg) { u32 a = 0; if (a - 1 > 5) SINK(kvm); }`,
  'sign extension': `static void probe(struct kvm *kvm, unsigned long arg) { int a = -1; u64 b = a; if (b == 0xffffffffffffffff) SINK(kvm); }`,
  'sign extension from cast': `static void probe(struct kvm *kvm, unsigned long arg) { u64 b = (int)0xffffffff; if (b >> 32) SINK(kvm); }`,
  division: `static void probe(struct kvm *kvm, unsigned long arg) { if (arg / 2 == 3 && arg % 5 == 1) SINK(kvm); }`,
  'multiplication 32': `static void probe(struct kvm *kvm, unsigned long arg) { u32 a = 0x10000; u32 b = a * a; if (!b) SINK(kvm); }`,
  'alias by two pointers': `static void probe(struct kvm *kvm, unsigned long arg) { struct dev *a = find_dev(kvm, 1), *b = find_dev(kvm, arg); a->state = 0; b->state = 1; if (a->state) SINK(kvm); }`,
  'alias of address-taken local': `static void probe(struct kvm *kvm, unsigned long arg) { struct dev l = { .state = 0 }; struct dev *b; keep(&l); b = find_dev(kvm, arg); b->state = 1; if (l.state) SINK(kvm); }`,
  'alias of local kept in a list': `static void probe(struct kvm *kvm, unsigned long arg) { struct dev l = { .state = 0 }; struct dev *b; keep(&l); l.state = 0; b = find_dev(kvm, arg); b->state = 1; if (l.state) SINK(kvm); }`,
  'alias before first look': `static void probe(struct kvm *kvm, unsigned long arg) { struct dev *a = find_dev(kvm, 1), *b = find_dev(kvm, arg); if (a->state) return; b->state = 1; if (a->state) SINK(kvm); }`,
  'alias through inner struct': `static void probe(struct kvm *kvm, unsigned long arg) { struct dev *a = find_dev(kvm, 1), *b = find_dev(kvm, arg); struct pair *p = &b->pair; a->pair.a = 0; p->a = 1; if (a->pair.a) SINK(kvm); }`,
  'alias through scalar pointer': `static void probe(struct kvm *kvm, unsigned long arg) { struct dev *a = find_dev(kvm, 1), *b = find_dev(kvm, arg); u32 *p = &b->state; a->state = 0; *p = 1; if (a->state) SINK(kvm); }`,
  'struct assigned through another pointer': `static void probe(struct kvm *kvm, unsigned long arg) { struct dev *a = find_dev(kvm, 1), *b = find_dev(kvm, arg); struct pair q; q.a = arg; a->pair.a = 0; b->pair = q; if (a->pair.a) SINK(kvm); }`,
  'pointer reassigned': `static void probe(struct kvm *kvm, unsigned long arg) { struct dev *a = find_dev(kvm, 1); a->state = 0; a = find_dev(kvm, arg); if (a->state) SINK(kvm); }`,
  'next pointer': `static void probe(struct kvm *kvm, unsigned long arg) { struct dev *a = find_dev(kvm, 1); a->state = 0; a->next->state = 1; if (a->state) SINK(kvm); }`,
  'found pointer may be null': `static void probe(struct kvm *kvm, unsigned long arg) { struct dev *a = find_dev(kvm, 1); if (!a) SINK(kvm); }`,
  'field written by a call': `static void set(struct kvm *kvm) { kvm->arch.mode = any(); } static void probe(struct kvm *kvm, unsigned long arg) { kvm->arch.mode = 0; set(kvm); if (kvm->arch.mode) SINK(kvm); }`,
  'field written by a call in a condition': `static int set(struct kvm *kvm) { kvm->arch.mode = any(); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { kvm->arch.mode = 0; if (set(kvm)) return; if (kvm->arch.mode) SINK(kvm); }`,
  'field written by indirect call': `struct ops { void (*set)(struct kvm *kvm); }; static void set(struct kvm *kvm) { kvm->arch.mode = 1; } static struct ops ops = { .set = set }; static void probe(struct kvm *kvm, unsigned long arg) { kvm->arch.mode = 0; ops.set(kvm); if (kvm->arch.mode) SINK(kvm); }`,
  'field written by unresolved indirect call': `struct ops { void (*set)(struct kvm *kvm); }; struct ops *get_ops(void); static void probe(struct kvm *kvm, unsigned long arg) { struct ops *o = get_ops(); kvm->arch.mode = 0; o->set(kvm); if (kvm->arch.mode) SINK(kvm); }`,
  'field written through own address': `static void set(u32 *m) { *m = any(); } static void probe(struct kvm *kvm, unsigned long arg) { kvm->arch.mode = 0; set(&kvm->arch.mode); if (kvm->arch.mode) SINK(kvm); }`,
  'field written by statement call through address': `static void probe(struct kvm *kvm, unsigned long arg) { kvm->arch.mode = 0; set_bit(3, &kvm->arch.mode); if (kvm->arch.mode) SINK(kvm); }`,
  'global written by call': `static int mode; static void set(void) { mode = 1; } static void probe(struct kvm *kvm, unsigned long arg) { mode = 0; set(); if (mode) SINK(kvm); }`,
  'global written by two calls': `static int mode; static void set1(void) { mode = 1; } static void set(void) { set1(); any(); } static int call(void) { set(); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { mode = 0; if (call()) return; if (mode) SINK(kvm); }`,
  'global array': `static int modes[4]; static void probe(struct kvm *kvm, unsigned long arg) { modes[0] = 0; modes[arg] = 1; if (modes[0]) SINK(kvm); }`,
  'local array': `static void probe(struct kvm *kvm, unsigned long arg) { int m[4] = { 0 }; m[arg] = 1; if (m[0]) SINK(kvm); }`,
  'local array of structs': `static void probe(struct kvm *kvm, unsigned long arg) { struct pair m[4] = { }; m[arg].a = 1; if (m[0].a) SINK(kvm); }`,
  'call in an index': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static int table[4]; static void probe(struct kvm *kvm, unsigned long arg) { if (table[zap(kvm)]) any(); }`,
  'call in an index of an address': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static int table[4]; static void probe(struct kvm *kvm, unsigned long arg) { use(&table[zap(kvm)]); }`,
  'call in a stored index': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static int table[4]; static void probe(struct kvm *kvm, unsigned long arg) { table[zap(kvm)] = 1; }`,
  'call in an initialiser': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { struct pair p = { .a = 1, .b = zap(kvm) }; any(p.a); }`,
  'call in a compound literal': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { use(&(struct pair){ .a = zap(kvm) }); }`,
  'call as WARN argument': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { WARN_ON_ONCE(zap(kvm)); }`,
  'call as second WARN argument': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { WARN(arg, "x", zap(kvm)); }`,
  'call in asm input': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { asm volatile("x" : : "r"(zap(kvm))); }`,
  'call in a macro argument': `#define TWICE(x) ((x) * 2)\nstatic int zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { if (TWICE(zap(kvm))) any(); }`,
  'call in a statement macro argument': `#define DO(x) do { int __r = (x); if (__r) any(); } while (0)\nstatic int zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { DO(zap(kvm)); }`,
  'call in max_t': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { arg = max_t(int, 1, zap(kvm)); }`,
  'call in a guard argument': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { guard(mutex)(zap(kvm)); }`,
  'call in each argument': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { int i; for_each_thing(i, zap(kvm)) any(); }`,
  'call in loop step': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { int i; for (i = 0; i < arg; i += zap(kvm)) any(); }`,
  'call in a case of a ternary': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { int r = arg ? zap(kvm) : 0; any(r); }`,
  elvis: `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { int r = arg ?: zap(kvm); any(r); }`,
  'call in sizeof-free cast': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { (void)zap(kvm); }`,
  'call on the left': `static struct dev *zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { zap(kvm)->state = 1; }`,
  'call through star': `static u32 *zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { *zap(kvm) = 1; }`,
  'call through star index': `static u32 *zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { zap(kvm)[2]++; }`,
  'call in a returned expression': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static int probe(struct kvm *kvm, unsigned long arg) { return zap(kvm) + 1; }`,
  'call in a switch scrutinee': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { switch (zap(kvm)) { case 1: break; } }`,
  'call in static local init': `static int zap(struct kvm *kvm) { SINK(kvm); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { int r = 0, s = zap(kvm); any(r, s); }`,
  'macro with arguments swapped': `static void zap(int on, struct kvm *kvm) { if (on) SINK(kvm); }\n#define ZAP(k, n) zap(n, k)\nstatic void probe(struct kvm *kvm, unsigned long arg) { ZAP(0, 1); }`,
  'macro with an added argument': `static void zap(int on, int x, struct kvm *kvm) { if (on == 2 && x == 0) SINK(kvm); }\n#define ZAP(x, k) zap(2, x, k)\nstatic void probe(struct kvm *kvm, unsigned long arg) { ZAP(0, kvm); }`,
  'run on each cpu: arguments are others': `struct w { struct kvm *kvm; int on; }; static void run(void *p) { struct w *w = p; if (w->on) SINK(w->kvm); } static void probe(struct kvm *kvm, unsigned long arg) { struct w w = { .on = 1, .kvm = kvm }; smp_call_function_single(0, run, &w, 1); }`,
  'run on each cpu with a number': `static void run(void *p) { if (p) SINK((struct kvm *)p); } static void probe(struct kvm *kvm, unsigned long arg) { smp_call_function_single(0, run, kvm, 1); }`,
  'sort comparison': `static struct kvm *the; static int cmp(int a, int b) { if (a == 5) SINK(the); return 0; } static void probe(struct kvm *kvm, unsigned long arg) { sort(0, 4, 8, cmp, 0); }`,
  'function pointer chosen': `static void a(struct kvm *kvm) { } static void b(struct kvm *kvm) { SINK(kvm); } static void probe(struct kvm *kvm, unsigned long arg) { void (*f)(struct kvm *) = a; if (arg) f = b; f(kvm); }`,
  'function pointer chosen in a loop': `static void a(struct kvm *kvm) { } static void b(struct kvm *kvm) { SINK(kvm); } static void probe(struct kvm *kvm, unsigned long arg) { void (*f)(struct kvm *) = a; int i; for (i = 0; i < arg; i++) { f(kvm); f = b; } }`,
  'function pointer by ternary': `static void a(struct kvm *kvm) { } static void b(struct kvm *kvm) { SINK(kvm); } static void probe(struct kvm *kvm, unsigned long arg) { void (*f)(struct kvm *); f = arg ? a : b; f(kvm); }`,
  'function pointer in a field': `struct o { void (*f)(struct kvm *); }; static void a(struct kvm *kvm) { } static void b(struct kvm *kvm) { SINK(kvm); } static void probe(struct kvm *kvm, unsigned long arg) { struct o o = { .f = a }; if (arg) o.f = b; o.f(kvm); }`,
  'function pointer null or not': `static void b(struct kvm *kvm) { SINK(kvm); } static void probe(struct kvm *kvm, unsigned long arg) { void (*f)(struct kvm *) = 0; if (arg) f = b; if (f) f(kvm); }`,
  'return value of recursion': `static int r(int n) { if (n > 5) return 1; return r(n + 1); } static void probe(struct kvm *kvm, unsigned long arg) { if (r(0)) SINK(kvm); }`,
  'no return value': `static int r(int n) { if (n) return 0; } static void probe(struct kvm *kvm, unsigned long arg) { if (r(arg)) return; SINK(kvm); }`,
  'return in a loop without end': `static int r(void) { for (;;) { if (any()) return 1; } } static void probe(struct kvm *kvm, unsigned long arg) { if (r()) SINK(kvm); }`,
  'while true': `static int r(void) { while (1) { if (any()) break; } return 1; } static void probe(struct kvm *kvm, unsigned long arg) { if (r()) SINK(kvm); }`,
  'short circuit': `static int inc(int *p) { (*p)++; return 1; } static void probe(struct kvm *kvm, unsigned long arg) { int n = 0; if (arg && inc(&n)) any(); if (n) SINK(kvm); }`,
  'short circuit not taken': `static int inc(int *p) { (*p)++; return 1; } static void probe(struct kvm *kvm, unsigned long arg) { int n = 0; if (arg && inc(&n)) any(); if (!n) SINK(kvm); }`,
  comma: `static void probe(struct kvm *kvm, unsigned long arg) { int a = 0; if ((a = arg, a)) SINK(kvm); }`,
  'assignment in condition': `static void probe(struct kvm *kvm, unsigned long arg) { int r = 0; if ((r = any())) SINK(kvm); }`,
  'compound assignment': `static void probe(struct kvm *kvm, unsigned long arg) { u32 r = 1; r <<= 2; r |= 1; r ^= 4; r -= 1; if (!r) SINK(kvm); }`,
  'post increment': `static void probe(struct kvm *kvm, unsigned long arg) { int r = 0; if (r++) return; if (r == 1) SINK(kvm); }`,
  'static local': `static void probe(struct kvm *kvm, unsigned long arg) { static int r = 0; if (r) SINK(kvm); r = 1; }`,
  'uninitialised local struct in loop': `static void probe(struct kvm *kvm, unsigned long arg) { struct pair p; int i; for (i = 0; i < 3; i++) { if (i && p.a) SINK(kvm); p.a = any(); } }`,
  'nested struct initialiser': `static void probe(struct kvm *kvm, unsigned long arg) { struct dev d = { .pair = { .a = 1 } }; if (d.pair.a) SINK(kvm); }`,
  'nested designator': `static void probe(struct kvm *kvm, unsigned long arg) { struct dev d = { .pair.a = 1 }; if (d.pair.a) SINK(kvm); }`,
  'positional initialiser': `static void probe(struct kvm *kvm, unsigned long arg) { struct pair d = { 0, 1 }; if (d.b) SINK(kvm); }`,
  union: `union u { u32 a; u32 b; }; static void probe(struct kvm *kvm, unsigned long arg) { union u u = { .a = 0 }; u.b = 1; if (u.a) SINK(kvm); }`,
  'anonymous union': `struct v { union { u32 a; u32 b; }; }; static void probe(struct kvm *kvm, unsigned long arg) { struct v v = { }; v.b = 1; if (v.a) SINK(kvm); }`,
  'union of bits': `struct v { union { u32 all; struct { u32 lo:1; u32 hi:31; }; }; }; static void probe(struct kvm *kvm, unsigned long arg) { struct v v = { .all = 0 }; v.lo = 1; if (v.all) SINK(kvm); }`,
  'union initialised by another member': `struct v { union { u32 all; u32 lo; }; }; static void probe(struct kvm *kvm, unsigned long arg) { struct v v = { .all = arg }; if (v.lo) SINK(kvm); }`,
  container_of: `static void probe(struct kvm *kvm, unsigned long arg) { struct dev d = { .state = 0 }; struct pair *p = &d.pair; container_of(p, struct dev, pair)->state = 1; if (d.state) SINK(kvm); }`,
  'cast of a pointer': `struct raw { u32 x; }; static void probe(struct kvm *kvm, unsigned long arg) { struct dev d = { .state = 0 }; ((struct raw *)&d)->x = 1; if (d.state) SINK(kvm); }`,
  'pointer arithmetic': `static void probe(struct kvm *kvm, unsigned long arg) { u32 a[2] = { 0, 0 }; u32 *p = a; *(p + 1) = 1; if (a[1]) SINK(kvm); }`,
  'pointer to pointer': `static void probe(struct kvm *kvm, unsigned long arg) { u32 a = 0; u32 *p = &a; u32 **pp = &p; **pp = 1; if (a) SINK(kvm); }`,
  'address stored in the heap': `static void probe(struct kvm *kvm, unsigned long arg) { u32 a = 0; struct dev *d = find_dev(kvm, 1); d->out = &a; run(d); if (a) SINK(kvm); }`,
  'address stored in the heap, written here': `static void probe(struct kvm *kvm, unsigned long arg) { u32 a = 0; struct dev *d = find_dev(kvm, 1); d->out = &a; *d->out = 1; if (a) SINK(kvm); }`,
  'address returned': `static u32 *id(u32 *p) { return p; } static void probe(struct kvm *kvm, unsigned long arg) { u32 a = 0; *id(&a) = 1; if (a) SINK(kvm); }`,
  'address behind either': `static void probe(struct kvm *kvm, unsigned long arg) { u32 a = 0, b = 0; u32 *p = arg ? &a : &b; *p = 1; if (a) SINK(kvm); }`,
  'struct address behind either': `static void probe(struct kvm *kvm, unsigned long arg) { struct pair a = { }, b = { }; struct pair *p = arg ? &a : &b; p->a = 1; if (a.a) SINK(kvm); }`,
  'struct returned by value': `static struct pair mk(u32 x) { struct pair p = { .a = x }; return p; } static void probe(struct kvm *kvm, unsigned long arg) { struct pair p = { .a = 0 }; p = mk(arg); if (p.a) SINK(kvm); }`,
  'struct passed by value': `static void use1(struct kvm *kvm, struct pair p) { if (p.a) SINK(kvm); } static void probe(struct kvm *kvm, unsigned long arg) { struct pair p = { .a = arg }; use1(kvm, p); }`,
  get_user: `static void probe(struct kvm *kvm, unsigned long arg) { u32 v = 0; if (get_user(v, (u32 *)arg)) return; if (v) SINK(kvm); }`,
  'READ_ONCE twice': `static void probe(struct kvm *kvm, unsigned long arg) { if (READ_ONCE(kvm->arch.mode)) any(); else SINK(kvm); }`,
  ERR_PTR: `static void probe(struct kvm *kvm, unsigned long arg) { struct dev *d = find_dev(kvm, arg); if (IS_ERR(d)) SINK(kvm); }`,
  cmpxchg: `static void probe(struct kvm *kvm, unsigned long arg) { u32 v = 0; try_cmpxchg(&kvm->arch.mode, &v, 3); if (v) SINK(kvm); }`,
  'xchg of a local': `static void probe(struct kvm *kvm, unsigned long arg) { u32 v = 0; swap(v, arg); if (v) SINK(kvm); }`,
  'allocation fails twice in a helper': `static void *mk(void) { return kzalloc(8, 0); } static void probe(struct kvm *kvm, unsigned long arg) { void *a = mk(), *b; if (!a) return; b = mk(); if (!b) SINK(kvm); }`,
  'allocation fails in a loop': `static void probe(struct kvm *kvm, unsigned long arg) { int i; for (i = 0; i < 2; i++) { void *p = kzalloc(8, 0); if (!p) { if (i) SINK(kvm); return; } } }`,
  'wrong kernel config arm': `static void probe(struct kvm *kvm, unsigned long arg) {\n#ifdef CONFIG_SOMETHING\n if (arg) SINK(kvm);\n#else\n return;\n#endif\n}`,
  'two conditions on one mask': `static void probe(struct kvm *kvm, unsigned long arg) { if (arg & 3) { if (!(arg & 1)) SINK(kvm); } }`,
  'mask not': `static void probe(struct kvm *kvm, unsigned long arg) { if (!(arg & 6)) return; if (!(arg & 2)) SINK(kvm); }`,
  range: `static void probe(struct kvm *kvm, unsigned long arg) { if (arg < 10 || arg > 20) return; if (arg == 15) SINK(kvm); }`,
  'range signed': `static void probe(struct kvm *kvm, unsigned long arg) { int x = arg; if (x > 5) return; if (x == -3) SINK(kvm); }`,
  'range of large': `static void probe(struct kvm *kvm, unsigned long arg) { if (arg < 0x100000000) return; if (arg == 0x100000001) SINK(kvm); }`,
  'equal on both sides': `static void probe(struct kvm *kvm, unsigned long arg) { unsigned long b = any(); if (arg == b) { if (b == 7) SINK(kvm); } }`,
  'different calls differ': `static void probe(struct kvm *kvm, unsigned long arg) { if (any() != any()) SINK(kvm); }`,
  'same inline call differs': `static unsigned long get(struct kvm *kvm) { return any(); } static void probe(struct kvm *kvm, unsigned long arg) { if (get(kvm)) return; if (get(kvm)) SINK(kvm); }`,
  'ioctl argument memory': `static void probe(struct kvm *kvm, unsigned long arg) { struct pair p = { }; if (copy_from_user(&p, (void *)arg, sizeof(p))) return; if (p.a == 3) SINK(kvm); }`,
  'local copied before change': `static void probe(struct kvm *kvm, unsigned long arg) { int a = arg, b = a; if (a) return; a = 1; if (!b && a) SINK(kvm); }`,
};
describe('a call that can happen is never called blocked', () => {
  for (const [name, code] of Object.entries(CASES))
    it(name, async () => {
      expect(await verdictOf(code)).toMatch(/^(?:reachable|conditional|unknown)$/);
    });
});
