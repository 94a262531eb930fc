import type { Expr, MacroFact, Stmt } from './facts';

/** A macro's body with arguments in the place of its parameters, as the preprocessor would put them. */
export function substituted(
  macro: MacroFact,
  args: readonly Expr[],
): { readonly expr?: Expr; readonly stmts?: readonly Stmt[] } {
  const given = new Map<string, Expr>();
  (macro.params ?? []).forEach((param, i) => {
    const arg = args[i];
    if (arg !== undefined) given.set(param, arg);
  });
  if (macro.expr !== undefined) return { expr: replaced(macro.expr, given) };
  return macro.stmts === undefined ? {} : { stmts: replaced(macro.stmts, given) };
}

/** Facts are plain data: every `id` in them that is a parameter becomes its argument. */
function replaced<T>(node: T, given: ReadonlyMap<string, Expr>): T {
  return walk(node, given) as T;
}

function walk(node: unknown, given: ReadonlyMap<string, Expr>): unknown {
  if (Array.isArray(node)) return node.map((each) => walk(each, given));
  if (typeof node !== 'object' || node === null) return node;
  if ('k' in node && node.k === 'id' && 'name' in node && typeof node.name === 'string') {
    return given.get(node.name) ?? node;
  }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, walk(value, given)]));
}
