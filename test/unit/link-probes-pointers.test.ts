import { describe, it } from 'vitest';
import { F, TYPES, VCPU, receiver } from './probe-code';
import { check, type Probes } from './probes';

const ARGUMENTS: Probes = {
  'one caller up': {
    c: `${F}static int each(int (*h)(int)) { return h(1); }\nint run(void) { return each(f); }`,
    edges: { each: ['f argument h'], run: ['each call -'] },
  },
  'two callers up': {
    c: `${F}static int c1(int (*h)(int)) { return h(1); }\nstatic int c2(int (*h)(int)) { return c1(h); }\nint run(void) { return c2(f); }`,
    calls: { c1: 'f' },
  },
  'three callers up': {
    c: `${F}static int c1(int (*h)(int)) { return h(1); }\nstatic int c2(int (*a)(int)) { return c1(a); }\nstatic int c3(int n, int (*b)(int)) { return c2(b); }\nint run(void) { return c3(1, &f); }`,
    calls: { c1: 'f' },
  },
  'four callers up': {
    c: `${F}static int c1(int (*h)(int)) { return h(1); }\nstatic int c2(int (*a)(int)) { return c1(a); }\nstatic int c3(int (*b)(int)) { return c2(b); }\nstatic int c4(int (*b)(int)) { return c3(b); }\nint run(void) { return c4(f); }`,
    calls: { c1: 'f' },
  },
  'of two callers': {
    c: `${F}static int each(int (*h)(int)) { return h(1); }\nint a(void) { return each(f); }\nint b(void) { return each(g); }`,
    calls: { each: 'f g', a: 'each', b: 'each' },
  },
  'two parameters are told apart': {
    c: `${F}static int c1(int (*h)(int), int (*k)(int)) { return h(1); }\nint run(void) { return c1(f, g); }`,
    calls: { c1: 'f' },
  },
  'into another file': {
    c: {
      'arch/x86/kvm/a.c': `${F}int run(void) { return each(f); }`,
      'arch/x86/kvm/b.c': 'int each(int (*h)(int)) { return h(1); }',
    },
    calls: { each: 'f' },
  },
  'of a typedef of a pointer': {
    c: `typedef int (*fn_t)(int);\n${F}static int each(fn_t h) { return h(1); }\nint run(void) { return each(f); }`,
    calls: { each: 'f' },
  },
  'of a typedef of a function': {
    c: `typedef int fn_t(int);\n${F}static int each(fn_t *h) { return h(1); }\nint run(void) { return each(f); }`,
    calls: { each: 'f' },
  },
  'of a typedef of a function, without a star': {
    c: `typedef int fn_t(int);\n${F}static int each(fn_t h) { return h(1); }\nint run(void) { return each(f); }`,
    calls: { each: 'f' },
  },
  'written as a function type': {
    c: `${F}static int each(int h(int)) { return h(1); }\nint run(void) { return each(f); }`,
    calls: { each: 'f' },
  },
  'called with a star': {
    c: `${F}static int each(int (*h)(int)) { return (*h)(1); }\nint run(void) { return each(f); }`,
    calls: { each: 'f' },
  },
  'of a ternary': {
    c: `${F}static int each(int (*h)(int)) { return h(1); }\nint run(int a) { return each(a ? f : g); }`,
    calls: { each: 'f g' },
  },
  'of a local': {
    c: `${F}static int each(int (*h)(int)) { return h(1); }\nint run(int a) { int (*k)(int) = f; if (a) k = g; return each(k); }`,
    calls: { each: 'f g' },
  },
  'with a cast': {
    c: `${F}static int each(int (*h)(int)) { return h(1); }\nint run(void) { return each((int (*)(int))f); }`,
    calls: { each: 'f' },
  },
  'through a struct field': {
    c: `struct arg { int (*h)(int); };\n${F}static int each(struct arg *a) { return a->h(1); }\nint run(void) { struct arg a = { .h = f }; return each(&a); }`,
    calls: { each: 'f' },
  },
  'through a struct field that is assigned': {
    c: `struct arg { int (*h)(int); };\n${F}static int each(struct arg *a) { return a->h(1); }\nint run(void) { struct arg a; a.h = g; return each(&a); }`,
    calls: { each: 'g' },
  },
  'through a field from a parameter': {
    c: `struct arg { int (*h)(int); };\n${F}static int each(struct arg *a) { return a->h(1); }\nstatic int wrap(int (*h)(int)) { struct arg a = { .h = h }; return each(&a); }\nint run(void) { return wrap(f); }`,
    calls: { each: 'f' },
  },
  'through a struct that is passed by value': {
    c: `struct arg { int (*h)(int); };\n${F}static int each(struct arg a) { return a.h(1); }\nint run(void) { return each((struct arg){ .h = f }); }`,
    calls: { each: 'f' },
  },
  'into an out-parameter without a typedef': {
    c: `${F}static void pick(int a, int (**out)(int)) { *out = f; }\nint run(int a) { int (*h)(int); pick(a, &h); return h(1); }`,
    calls: { run: 'f pick' },
  },
  'through a local array': {
    c: `${F}int run(int i) { int (*h[])(int) = { f, g }; return h[i](1); }`,
    calls: { run: 'f g' },
  },
  'through a local array that is assigned': {
    c: `${F}int run(int i) { int (*h[2])(int); h[0] = f; h[1] = g; return h[i](1); }`,
    calls: { run: 'f g' },
  },
  'through an indirect call': {
    c: `struct ops { int (*walk)(int (*h)(int)); };\n${F}static int walk(int (*h)(int)) { return h(1); }\nstatic struct ops ops = { .walk = walk };\nint run(void) { return ops.walk(g); }`,
    calls: { run: 'walk', walk: 'g' },
  },
  'through recursion': {
    c: `${F}static int each(int n, int (*h)(int)) { return n ? each(n - 1, h) : h(1); }\nint run(void) { return each(3, f); }`,
    calls: { each: 'each f' },
  },
  'through a variadic function': {
    c: `${F}static int each(int n, ...) { return n; }\nint run(void) { return each(1, f); }`,
    calls: { run: 'each', each: '' },
  },
  'NULL is no function': {
    c: `${F}static int each(int (*h)(int)) { return h ? h(1) : 0; }\nint run(void) { return each(NULL); }`,
    calls: { each: '' },
  },
  'stored in a static variable': {
    c: `${F}static int (*saved)(int);\nvoid set(int (*h)(int)) { saved = h; }\nvoid init(void) { set(f); }\nint run(void) { return saved(1); }`,
    calls: { run: 'f' },
  },
  'stored in a global of another file': {
    c: {
      'arch/x86/kvm/a.h': 'extern int (*hook)(int);',
      'arch/x86/kvm/a.c': `#include "a.h"\n${F}int (*hook)(int) = f;`,
      'arch/x86/kvm/b.c': '#include "a.h"\nint run(void) { return hook(1); }',
    },
    calls: { run: 'f' },
  },
  'two static variables of one name': {
    c: {
      'arch/x86/kvm/a.c':
        'static int f(int x) { return x; }\nstatic int (*hook)(int) = f;\nint a(void) { return hook(1); }',
      'arch/x86/kvm/b.c':
        'static int f(int x) { return x; }\nstatic int (*hook)(int) = f;\nint b(void) { return hook(1); }',
    },
    calls: { a: 'a.c:f', b: 'b.c:f' },
  },
  'of typeof': {
    c: `${F}int run(void) { typeof(f) *h = f; typeof(&g) k = g; return h(1) + k(1); }`,
    calls: { run: 'f g' },
  },
  'in a static local': { c: `${F}int run(void) { static int (*h)(int) = f; return h(1); }`, calls: { run: 'f' } },
  'as a void * field, cast back': {
    c: `typedef int (*fn_t)(int);\nstruct w { void *data; };\n${F}void set(struct w *w) { w->data = f; }\nint run(struct w *w) { return ((fn_t)w->data)(1); }`,
    calls: { run: 'f' },
  },
  'as unsigned long, cast back': {
    c: `typedef int (*fn_t)(int);\nstruct w { unsigned long data; };\n${F}void set(struct w *w) { w->data = (unsigned long)f; }\nint run(struct w *w) { return ((fn_t)w->data)(1); }`,
    calls: { run: 'f' },
  },
  'in a union': {
    c: `union u { int (*a)(int); void *p; };\n${F}void set(union u *u) { u->a = f; }\nint run(union u *u) { return u->a(1); }`,
    calls: { run: 'f' },
  },
  'positional in a compound literal': {
    c: `struct arg { int (*h)(int); };\n${F}static int each(struct arg a) { return a.h(1); }\nint run(void) { return each((struct arg){ f }); }`,
    calls: { each: 'f' },
  },
  'compared, then called': {
    c: `${F}static int each(int (*h)(int)) { if (h == g) return 0; return h(1); }\nint run(void) { return each(f); }`,
    calls: { each: 'f' },
  },
  'through a wrapper macro': {
    c: `${F}static int __each(int (*h)(int), int flags) { return h(1); }\n#define each(h) __each(h, 0)\nint run(void) { return each(f); }`,
    calls: { __each: 'f', run: '__each' },
  },
  'through a slot': {
    c: `struct kvm_x86_ops { int (*walk)(int (*h)(int)); };\n#define KVM_X86_OP(func) DECLARE_STATIC_CALL(kvm_x86_##func, *(((struct kvm_x86_ops *)0)->func));\n#define kvm_x86_call(f) static_call(kvm_x86_##f)\n${F}static int walk(int (*h)(int)) { return h(1); }\nstruct kvm_x86_ops svm_x86_ops = { .walk = walk };\nint run(void) { return kvm_x86_call(walk)(f); }`,
    calls: { run: 'walk', walk: 'f' },
  },
  'of a slot': {
    c: `struct kvm_x86_ops { int (*go)(int); };\nextern struct kvm_x86_ops kvm_x86_ops;\n${F}struct kvm_x86_ops svm_x86_ops = { .go = f };\nstatic int each(int (*h)(int)) { return h(1); }\nint run(void) { return each(kvm_x86_ops.go); }`,
    calls: { each: 'f', run: 'each' },
  },
  'of an element': {
    c: `${F}static int (*table[])(int) = { f, g };\nstatic int each(int (*h)(int)) { return h(1); }\nint run(int i) { return each(table[i]); }`,
    calls: { each: 'f g' },
  },
  'in an inner function with a block': {
    c: `${F}static int each(int (*h)(int)) { int (*k)(int); { k = h; } return k(1); }\nint run(void) { return each(f); }`,
    calls: { each: 'f' },
  },
  'of an argument that is an assignment': {
    c: `${F}static int each(int (*h)(int)) { return h(1); }\nint run(void) { int (*k)(int); return each(k = f); }`,
    calls: { each: 'f' },
  },
  'of READ_ONCE': {
    c: `${F}struct s { int (*h)(int); };\nstatic int each(int (*h)(int)) { return h(1); }\nvoid set(struct s *s) { s->h = f; }\nint run(struct s *s) { return each(READ_ONCE(s->h)); }`,
    calls: { each: 'f' },
  },
  'of &*': {
    c: `${F}static int each(int (*h)(int)) { return h(1); }\nint run(int a) { return each(&*f); }`,
    calls: { each: 'f' },
  },
};

const RETURNED: Probes = {
  'by return of a typedef': {
    c: `typedef int (*fn_t)(int);\n${F}static fn_t pick(int a) { if (a) return f; return NULL; }\nint run(int a) { return pick(a)(1); }`,
    calls: { run: 'f pick' },
  },
  'by return of a typedef of a function': {
    c: `typedef int fn_t(int);\n${F}static fn_t *pick(int a) { return f; }\nint run(int a) { return pick(a)(1); }`,
    calls: { run: 'f pick' },
  },
  'into a local': {
    c: `typedef int (*fn_t)(int);\n${F}static fn_t pick(int a) { return f; }\nint run(int a) { fn_t h = pick(a); return h ? h(1) : 0; }`,
    calls: { run: 'f pick' },
  },
  'out of a switch': {
    c: `typedef int (*fn_t)(int);\n${F}static fn_t pick(int a) { switch (a) { case 1: return f; default: return g; } }\nint run(int a) { fn_t h; h = pick(a); return h(1); }`,
    calls: { run: 'f g pick' },
  },
  'out of a table': {
    c: `typedef int (*fn_t)(int);\n${F}static fn_t table[] = { f, g };\nstatic fn_t pick(int a) { return table[a]; }\nint run(int a) { return pick(a)(1); }`,
    calls: { run: 'f g pick' },
  },
  'of a parameter': {
    c: `typedef int (*fn_t)(int);\n${F}static fn_t same(fn_t h) { return h; }\nint run(int a) { return same(f)(1); }`,
    calls: { run: 'f same' },
  },
  'as an argument': {
    c: `typedef int (*fn_t)(int);\n${F}static fn_t pick(int a) { return f; }\nstatic int each(fn_t h) { return h(1); }\nint run(int a) { return each(pick(a)); }`,
    calls: { each: 'f', run: 'each pick' },
  },
  'as a struct of operations': {
    c: `struct ops { int (*go)(int); };\n${F}static struct ops a = { .go = f };\nstatic struct ops *pick(int n) { return &a; }\nint run(int n) { return pick(n)->go(1); }`,
    calls: { run: 'f pick' },
  },
};

const FIELDS: Probes = {
  'called later': {
    c: `${VCPU}void set(struct vcpu *v) { v->arch.complete = f; }\nint run(struct vcpu *v) { return v->arch.complete(v); }`,
    edges: { run: ['f field arch.complete'], set: [] },
  },
  'called through a local': {
    c: `${VCPU}void set(struct vcpu *v) { v->arch.complete = f; }\nint run(struct vcpu *v) { int (*h)(struct vcpu *) = v->arch.complete; v->arch.complete = NULL; return h(v); }`,
    calls: { run: 'f' },
  },
  'set to one of two': {
    c: `${VCPU}void set(struct vcpu *v, int a) { v->arch.complete = a ? f : g; }\nint run(struct vcpu *v) { return v->arch.complete(v); }`,
    calls: { run: 'f g' },
  },
  'set to a parameter': {
    c: `${VCPU}static void set(struct vcpu *v, int (*h)(struct vcpu *)) { v->arch.complete = h; }\nvoid init(struct vcpu *v) { set(v, g); }\nint run(struct vcpu *v) { return v->arch.complete(v); }`,
    calls: { run: 'g' },
  },
  'set to another field': {
    c: `struct old { int (*complete2)(struct vcpu *v); };\n${VCPU}void set(struct vcpu *v, struct old *o) { o->complete2 = f; v->arch.complete = o->complete2; }\nint run(struct vcpu *v) { return v->arch.complete(v); }`,
    calls: { run: 'f' },
  },
  'set in a chain of assignments': {
    c: `${VCPU}void set(struct vcpu *v, struct vcpu *w) { v->arch.complete = w->arch.complete = f; }\nint run(struct vcpu *v) { return v->arch.complete(v); }`,
    calls: { run: 'f' },
  },
  'tested only': {
    c: `${VCPU}void set(struct vcpu *v) { v->arch.complete = f; }\nint run(struct vcpu *v) { return v->arch.complete == f || !v->arch.complete; }`,
    calls: { run: '' },
  },
  'used with ?:': {
    c: `${VCPU}void set(struct vcpu *v) { v->arch.complete = f; }\nint run(struct vcpu *v) { int (*h)(struct vcpu *) = v->arch.complete ?: g; return h(v); }`,
    calls: { run: 'f g' },
  },
  'called in place of ?:': {
    c: `${VCPU}void set(struct vcpu *v) { v->arch.complete = f; }\nint run(struct vcpu *v) { return (v->arch.complete ?: g)(v); }`,
    calls: { run: 'f g' },
  },
  'copied with its struct': {
    c: `${VCPU}void set(struct vcpu *v, struct arch *a) { a->complete = f; v->arch = *a; }\nint run(struct vcpu *v) { return v->arch.complete(v); }`,
    calls: { run: 'f' },
  },
  'after a comma': {
    c: `${VCPU}void set(struct vcpu *v) { v->arch.complete = f; }\nint run(struct vcpu *v) { return (prepare(v), v->arch.complete)(v); }`,
    calls: { run: 'f' },
  },
  swapped: {
    c: `${VCPU}void set(struct vcpu *v, struct arch *a) { a->complete = f; swap(v->arch.complete, a->complete); }\nint run(struct vcpu *v) { return v->arch.complete(v); }`,
    calls: { run: 'f' },
  },
};

const RECEIVERS: Probes = {
  'a parameter': receiver('int run(struct a *a) { return a->go(1); }'),
  'a parameter of the other type': receiver('int run(struct b *a) { return a->go(1); }', 'g'),
  'a const parameter': receiver('int run(const struct a *const a) { return a->go(1); }'),
  'a local': receiver('int run(void) { struct a *a = find(); return a->go(1); }'),
  'a local by value': receiver('int run(void) { struct a a = one_a; return a.go(1); }'),
  'the inner of two locals of one name': receiver(
    'int run(void) { struct b *p; { struct a *p = find(); return p->go(1); } }',
  ),
  'a for-loop variable': receiver('int run(struct a *list) { for (struct a *p = list; p; p++) p->go(1); return 0; }'),
  'a global': receiver('struct a *current_a;\nint run(void) { return current_a->go(1); }'),
  'a global of a header': {
    c: {
      'arch/x86/kvm/h.h': 'struct a { int (*go)(int); };\nstruct b { int (*go)(int); };\nextern struct a *shared;',
      'arch/x86/kvm/a.c':
        '#include "h.h"\nstatic int f(int x) { return x; }\nstatic int g(int x) { return x; }\nstruct a x = { .go = f };\nstruct b y = { .go = g };',
      'arch/x86/kvm/b.c': '#include "h.h"\nint run(void) { return shared->go(1); }',
    },
    calls: { run: 'f' },
  },
  'a field': receiver(
    'struct box { struct b *first; struct a *second; };\nint run(struct box *x) { return x->second->go(1); }',
  ),
  'a field of a field': receiver(
    'struct in { struct a a; };\nstruct box { struct in in; };\nint run(struct box *x) { return x->in.a.go(1); }',
  ),
  'a member of an anonymous union': receiver(
    'struct box { union { struct a *pa; struct b *pb; }; };\nint run(struct box *x) { return x->pa->go(1); }',
  ),
  'a member of a named union': receiver(
    'struct box { union { struct a *pa; struct b *pb; } u; };\nint run(struct box *x) { return x->u.pb->go(1); }',
    'g',
  ),
  'a member of an anonymous struct': receiver(
    'struct box { int t; struct { struct a *pa; }; };\nint run(struct box *x) { return x->pa->go(1); }',
  ),
  'an element': receiver('struct a many[4];\nint run(int i) { return many[i].go(1); }'),
  'an element of a field': receiver(
    'struct box { struct a *slots[4]; };\nint run(struct box *x, int i) { return x->slots[i]->go(1); }',
  ),
  'a typedef of a struct': receiver('typedef struct a a_t;\nint run(a_t *a) { return a->go(1); }'),
  'a typedef of a pointer': receiver('typedef struct a *a_p;\nint run(a_p a) { return a->go(1); }'),
  'an unnamed typedef of a struct': {
    c: 'typedef struct { int (*go)(int); } a_t;\nstruct b { int (*go)(int); };\nstatic int f(int x) { return x; }\nstatic int g(int x) { return x; }\nstatic a_t one = { .go = f };\nstatic struct b two = { .go = g };\nint run(a_t *a) { return a->go(1); }',
    calls: { run: 'f' },
  },
  'a cast': receiver('int run(void *p) { return ((struct a *)p)->go(1); }'),
  container_of: receiver(
    'struct box { int n; struct a a; };\nint run(int *p) { return container_of(p, struct box, n)->a.go(1); }',
  ),
  'container_of in a local': receiver(
    'struct box { int n; struct b b; };\nint run(int *p) { struct box *x = container_of(p, struct box, n); return x->b.go(1); }',
    'g',
  ),
  'a function that gives it': receiver(
    'static struct a *find(int n) { return &one_a; }\nint run(void) { return find(1)->go(1); }',
    'f find',
  ),
  'a prototype that gives it': receiver('struct a *find(int n);\nint run(void) { return find(1)->go(1); }'),
  'a macro that gives it': receiver(
    'struct box { struct a a; };\n#define to_a(x) (&(x)->a)\nint run(struct box *x) { return to_a(x)->go(1); }',
  ),
  'an inline that wraps container_of': receiver(
    'struct box { int n; struct a a; };\nstatic inline struct box *to_box(int *n) { return container_of(n, struct box, n); }\nint run(int *p) { return to_box(p)->a.go(1); }',
    'f to_box',
  ),
  'a dereferenced pointer': receiver('int run(struct a **p) { return (*p)->go(1); }'),
  'an address': receiver('int run(void) { return (&one_a)->go(1); }'),
  'a ternary': receiver('int run(struct a *p, struct a *q, int n) { return (n ? p : q)->go(1); }'),
  'a list entry': receiver(
    'struct dev { struct a a; struct list_head list; };\nint run(struct list_head *h) { struct dev *d; list_for_each_entry(d, h, list) return d->a.go(1); return 0; }',
  ),
  list_first_entry: receiver(
    'struct dev { struct a a; struct list_head list; };\nint run(struct list_head *h) { return list_first_entry(h, struct dev, list)->a.go(1); }',
  ),
  rcu_dereference: receiver(
    'struct box { struct a __rcu *a; };\nint run(struct box *x) { return rcu_dereference(x->a)->go(1); }',
  ),
  'srcu_dereference of an indexed field': receiver(
    'struct box { struct a __rcu *a[2]; };\nint run(struct box *x) { return srcu_dereference(x->a[1], &x->srcu)->go(1); }',
  ),
  'a statement expression': receiver('int run(struct a *a) { return ({ struct a *p = a; p; })->go(1); }'),
  'pointer arithmetic': receiver('int run(struct a *a, int i) { return (a + i)->go(1); }'),
  'a struct forward declared': receiver(
    'struct a;\nstruct box { struct a *x; };\nint run(struct box *b) { return b->x->go(1); }',
  ),
  'a struct of another #if': receiver(
    'struct box {\n#ifdef CONFIG_X86_64\n\tstruct a *x;\n#else\n\tstruct b *x;\n#endif\n};\nint run(struct box *b) { return b->x->go(1); }',
  ),
  'a field of the same name in a known type without functions': receiver(
    'struct c { int (*go)(int); };\nint run(struct c *c) { return c->go(1); }',
    '',
  ),
  'an unknown type: every field of the name': {
    c: `${TYPES}int run(void) { return mystery()->go(1); }`,
    edges: { run: ['f table *.go', 'g table *.go'] },
  },
  'an unknown struct: every field of the name': {
    c: `${TYPES}int run(struct hidden *h) { return h->part.go(1); }`,
    edges: { run: ['f table *.go', 'g table *.go'] },
  },
  'an unknown one and a known one in one function': {
    c: `${TYPES}int run(struct a *a) { return a->go(mystery()->go(1)); }`,
    edges: { run: ['f table *.go', 'f table a.go', 'g table *.go'] },
  },
};

describe.each([
  ['a function given as an argument', ARGUMENTS],
  ['a function given back', RETURNED],
  ['a function in a field', FIELDS],
  ['the receiver is', RECEIVERS],
])('%s', (_, probes) => {
  it.each(Object.entries(probes))('%s', (_name, probe) => check(probe));
});
