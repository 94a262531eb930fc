import type { Expr, MacroFact } from '../syntax/facts';

/** Macros that look at their arguments' addresses without storing through them. */
const READS =
  /^(?:READ_ONCE|(?:un)?likely|(?:KVM_)?(?:BUG|WARN)\w*|BUILD_BUG\w*|typeof\w*|sizeof\w*|container_of\w*|ARRAY_SIZE|min\w*|max\w*|clamp\w*|trace_\w+|pr_\w+|kvm_pr_\w+|vcpu_\w*unimpl|vcpu_debug\w*|lockdep_\w+|rcu_dereference\w*|srcu_dereference\w*|rcu_access_pointer|smp_load_acquire|data_race|BIT\w*|GENMASK\w*|atomic\w*_read|refcount_read|test_bit|list_empty\w*|copy_to_user|__builtin_(?:constant_p|types_compatible_p|object_size)|str_\w+)$/;

const found = new WeakMap<MacroFact, ReadonlySet<number>>();

/** Whether a name is that of a macro or of code outside the tree that only reads what it is given. */
export function onlyReads(name: string): boolean {
  return READS.test(name);
}

/** Which of a macro's arguments its body assigns to, or takes the address of, by index: `swap(a, b)` both. */
export function argumentsStored(macro: MacroFact): ReadonlySet<number> {
  let indices = found.get(macro);
  if (indices === undefined) {
    const stored = new Set<number>();
    for (const [index, param] of (macro.params ?? []).entries()) {
      if (!/^\w+$/.test(param)) continue;
      const stores = new RegExp(
        `\\b${param}\\s*\\)?\\s*(?:=(?!=)|[-+*/|&^]=|<<=|>>=|\\+\\+|--)|(?:\\+\\+|--|(?<!&)&)\\s*\\(?\\s*${param}\\b`,
      );
      if (stores.test(macro.text)) stored.add(index);
    }
    indices = stored;
    found.set(macro, indices);
  }
  return indices;
}

/** The members of that name in a macro's body. */
export function membersNamed(code: unknown, field: string): Extract<Expr, { k: 'member' }>[] {
  if (Array.isArray(code)) return code.flatMap((each) => membersNamed(each, field));
  if (typeof code !== 'object' || code === null) return [];
  const x = code as Expr;
  const own = x.k === 'member' && x.field === field ? [x] : [];
  return [
    ...own,
    ...Object.values(code).flatMap((each) => (typeof each === 'object' ? membersNamed(each, field) : [])),
  ];
}

/** A pointer's expression in a macro's body with the arguments of one use in it. */
export function substituted(x: Expr, given: ReadonlyMap<string, Expr | undefined>): Expr {
  if (x.k === 'id') return given.get(x.name) ?? x;
  if (x.k === 'member' || x.k === 'unary' || x.k === 'cast' || x.k === 'index')
    return { ...x, x: substituted(x.x, given) };
  return x;
}
