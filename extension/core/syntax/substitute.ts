import type { Expr, MacroFact, Stmt } from './facts';

/** A macro's body with arguments in the place of its parameters, as the preprocessor would put them. */
export function substituted(
  macro: MacroFact,
  args: readonly Expr[],
): { readonly expr?: Expr; readonly stmts?: readonly Stmt[] } {
  const given: Given = { one: new Map(), rest: new Map() };
  (macro.params ?? []).forEach((param, i) => {
    const arg = args[i];
    if (param.endsWith('...')) given.rest.set(param === '...' ? '__VA_ARGS__' : param.slice(0, -3), args.slice(i));
    else if (arg !== undefined) given.one.set(param, arg);
  });
  if (macro.expr !== undefined) return { expr: replaced(macro.expr, given) };
  return macro.stmts === undefined ? {} : { stmts: replaced(macro.stmts, given) };
}

/** What stands for each parameter; a variadic one stands for all arguments that are left. */
interface Given {
  readonly one: Map<string, Expr>;
  readonly rest: Map<string, readonly Expr[]>;
}

/** Facts are plain data: every `id` in them that is a parameter becomes its argument, or its arguments in a list. */
function replaced<T>(node: T, given: Given): T {
  return walk(node, given) as T;
}

function walk(node: unknown, given: Given): unknown {
  if (Array.isArray(node)) {
    return node.flatMap((each: unknown): readonly unknown[] => {
      const rest = nameOf(each);
      return (rest === undefined ? undefined : given.rest.get(rest)) ?? [walk(each, given)];
    });
  }
  if (typeof node !== 'object' || node === null) return node;
  const name = nameOf(node);
  if (name !== undefined) return given.one.get(name) ?? node;
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, walk(value, given)]));
}

function nameOf(node: unknown): string | undefined {
  if (typeof node !== 'object' || node === null || !('k' in node) || node.k !== 'id') return undefined;
  return 'name' in node && typeof node.name === 'string' ? node.name : undefined;
}
