import type { Expr, Pos, Stmt } from './facts';
import type { LowerContext } from './lower-context';
import type { SyntaxNode } from './syntax-node';

/**
 * An `#include` among statements or in an initialiser: of one file alone it can only be said that it stands there. It is
 * opaque until `completeFacts()` puts what the other file says in its place.
 */
export interface Included {
  readonly k: 'opaque';
  readonly at: Pos;
  readonly text: string;
}

/** The `#include`s directly in a node: in none of its `parts`. */
export function includesIn(
  ctx: LowerContext,
  node: SyntaxNode,
  parts: readonly { readonly start: number; readonly end: number }[],
): readonly { readonly start: number; readonly fact: Included }[] {
  const { includes } = ctx.masked;
  if ((includes.at(-1)?.start ?? -1) < node.start) return NONE;
  return includes
    .filter(({ start }) => node.start < start && start < node.end)
    .filter(({ start }) => !parts.some((part) => part.start < start && start < part.end))
    .map(({ start, target }) => ({ start, fact: { k: 'opaque', at: ctx.at(start), text: `#include "${target}"` } }));
}

const NONE: readonly never[] = [];

/** What a statement or an expression includes; `undefined` if it is no `#include`. */
export function includedTarget(x: Expr | Stmt): string | undefined {
  return x.k === 'opaque' ? /^#include "(.*)"$/.exec(x.text)?.[1] : undefined;
}
