import type { Expr, InitItem } from './facts';
import { includesIn } from './included';
import type { LowerContext } from './lower-context';
import { lowerExpr } from './lower-expr';
import { child, type SyntaxNode } from './syntax-node';

/** The entries of a `{ ... }`; `when` of an entry is what lies within the braces. */
export function lowerItems(ctx: LowerContext, list: SyntaxNode): InitItem[] {
  const items: InitItem[] = [];
  for (const node of list.children) {
    if (node.type === 'comment' || node.type === 'ERROR') continue;
    const when = ctx.when(node.start, list.start);
    if (node.type !== 'initializer_pair') items.push({ value: lowerExpr(ctx, node), ...when });
    else {
      const value = child(node, 'value');
      if (value !== undefined) items.push({ ...designator(ctx, node), value: lowerExpr(ctx, value), ...when });
    }
  }
  const included = includesIn(ctx, list, list.children);
  if (included.length === 0) return items;
  return [...items, ...included.map(({ fact }) => ({ value: fact }))].sort((a, b) => a.value.at - b.value.at);
}

function designator(ctx: LowerContext, pair: SyntaxNode): Pick<InitItem, 'fields' | 'index' | 'last'> {
  const fields: string[] = [];
  const range: { index?: Expr; last?: Expr } = {};
  for (const node of pair.children) {
    if (node.type === 'field_designator') fields.push(ctx.name(node.children[0] ?? node));
    // GNU's old `field: value`
    else if (node.type === 'field_identifier') fields.push(ctx.name(node));
    else if (node.type === 'subscript_designator') {
      const inner = node.children[0];
      if (inner !== undefined) range.index = lowerExpr(ctx, inner);
    } else if (node.type === 'subscript_range_designator') {
      const [start, end] = [child(node, 'start'), child(node, 'end')];
      if (start !== undefined) range.index = lowerExpr(ctx, start);
      if (end !== undefined) range.last = lowerExpr(ctx, end);
    }
  }
  return fields.length === 0 ? range : { fields, ...range };
}
