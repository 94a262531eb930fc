import type { AssignOp, BinaryOp, Expr, UnaryOp } from './facts';
import { lowerCall, lowerFalseCast, ontoOperand } from './lower-call';
import type { LowerContext } from './lower-context';
import { lowerItems } from './lower-init';
import { lowerBlock } from './lower-stmt';
import { descriptorText, typeText } from './lower-types';
import { child, ofType, type SyntaxNode } from './syntax-node';

/** Operators from those that bind tightest. */
const LEVELS = ['* / %', '+ -', '<< >>', '< <= > >=', '== !=', '&', '^', '|', '&&', '||'];
const LEVEL: ReadonlyMap<string, number> = new Map(
  LEVELS.flatMap((level, i) => level.split(' ').map((op) => [op, i] as const)),
);
const ASSIGN = new Set('= += -= *= /= %= <<= >>= &= |= ^='.split(' '));

/** An expression; parentheses are dropped, what is not understood is opaque. Total. */
export function lowerExpr(ctx: LowerContext, node: SyntaxNode): Expr {
  const at = ctx.at(node.start);
  switch (node.type) {
    case 'identifier':
    case 'field_identifier':
    case 'type_identifier':
    case 'primitive_type':
    case 'true':
    case 'false':
    case 'null':
      return lowerName(ctx, node);
    case 'number_literal':
    case 'char_literal':
      return lowerNumber(ctx, node);
    case 'string_literal':
    case 'concatenated_string':
      return { k: 'str', at, text: ctx.written(node.start, node.end) };
    case 'parenthesized_expression': {
      const block = ofType(node, 'compound_statement');
      if (block !== undefined) return { k: 'block', at, body: lowerBlock(ctx, block) };
      const inner = firstExpr(node);
      return inner === undefined ? opaque(ctx, node) : lowerExpr(ctx, inner);
    }
    // A statement expression may stand bare between a macro's parentheses.
    case 'compound_statement':
      return { k: 'block', at, body: lowerBlock(ctx, node) };
    case 'call_expression':
      return lowerCall(ctx, node);
    case 'field_expression':
      return lowerMember(ctx, node);
    case 'subscript_expression': {
      const [x, i] = [child(node, 'argument'), child(node, 'index')];
      if (x === undefined || i === undefined) return opaque(ctx, node);
      return ontoOperand(x, lowerExpr(ctx, x), (base) => ({ k: 'index', at, x: base, i: lowerExpr(ctx, i) }));
    }
    case 'assignment_expression': {
      const [l, r] = [child(node, 'left'), child(node, 'right')];
      const op = child(node, 'operator')?.type ?? '=';
      if (l === undefined || r === undefined || !ASSIGN.has(op)) return opaque(ctx, node);
      return { k: 'assign', at, op: op as AssignOp, l: lowerExpr(ctx, l), r: lowerExpr(ctx, r) };
    }
    case 'binary_expression':
      return lowerBinary(ctx, node);
    case 'comma_expression':
      return commaList(node)
        .map((each) => lowerExpr(ctx, each))
        .reduce((l, r) => ({ k: 'binary', at, op: ',', l, r }));
    case 'unary_expression':
    case 'pointer_expression':
      return lowerUnary(ctx, node);
    case 'update_expression': {
      const [x, op] = [child(node, 'argument'), child(node, 'operator')];
      if (x === undefined || op === undefined) return opaque(ctx, node);
      const sign = op.type === '++' ? '++' : '--';
      return { k: 'unary', at, op: op.start > x.start ? `post${sign}` : sign, x: lowerExpr(ctx, x) };
    }
    case 'cast_expression':
      return lowerCast(ctx, node);
    case 'conditional_expression': {
      const [c, a, b] = [child(node, 'condition'), child(node, 'consequence'), child(node, 'alternative')];
      if (c === undefined || b === undefined) return opaque(ctx, node);
      const middle = a === undefined ? {} : { a: lowerExpr(ctx, a) };
      return { k: 'cond', at, c: lowerExpr(ctx, c), ...middle, b: lowerExpr(ctx, b) };
    }
    case 'sizeof_expression':
      return lowerSizeof(ctx, node);
    case 'type_descriptor':
      return { k: 'type', at, type: descriptorText(ctx, node) };
    case 'compound_literal_expression': {
      const [type, value] = [child(node, 'type'), child(node, 'value')];
      if (value === undefined) return opaque(ctx, node);
      const of = type === undefined ? {} : { type: descriptorText(ctx, type) };
      return { k: 'init', at, items: lowerItems(ctx, value), ...of };
    }
    case 'initializer_list':
      return { k: 'init', at, items: lowerItems(ctx, node) };
    case 'extension_expression': {
      const inner = firstExpr(node);
      return inner === undefined ? opaque(ctx, node) : lowerExpr(ctx, inner);
    }
    default:
      return opaque(ctx, node);
  }
}

function isBinary(op: string): op is BinaryOp {
  return LEVEL.has(op);
}

function bindsLooser(a: string, b: string): boolean {
  return (LEVEL.get(a) ?? 0) > (LEVEL.get(b) ?? 0);
}

export function opaque(ctx: LowerContext, node: SyntaxNode): Expr {
  return { k: 'opaque', at: ctx.at(node.start), text: ctx.written(node.start, node.end) };
}

/** What stands inside parentheses, or in another node that only wraps. */
export function firstExpr(node: SyntaxNode): SyntaxNode | undefined {
  return node.children.find((each) => each.type !== 'comment' && each.type !== 'ERROR');
}

/** `a, b, c` without parentheres around: `[a, b, c]`. The grammar nests to the right. */
export function commaList(node: SyntaxNode): SyntaxNode[] {
  const list: SyntaxNode[] = [];
  let rest = node;
  while (rest.type === 'comma_expression') {
    const [l, r] = [child(rest, 'left'), child(rest, 'right')];
    if (l === undefined || r === undefined) break;
    list.push(...commaList(l));
    rest = r;
  }
  list.push(rest);
  return list;
}

function lowerName(ctx: LowerContext, node: SyntaxNode): Expr {
  const at = ctx.at(node.start);
  const type = ctx.rewriteAt(node.start, 'type-argument');
  if (type !== undefined) return { k: 'type', at, type: typeText(type.original) };
  return { k: 'id', at, name: ctx.name(node) };
}

function lowerNumber(ctx: LowerContext, node: SyntaxNode): Expr {
  const at = ctx.at(node.start);
  // `3DNOW`, a word that begins like a number
  if (ctx.rewriteAt(node.start, 'other') !== undefined) return { k: 'id', at, name: ctx.name(node) };
  const text = ctx.text(node);
  const sign = text[0];
  // The grammar takes the sign of `-1` into the number; in C it is an operator.
  if (sign !== '-' && sign !== '+') return { k: 'num', at, text };
  const space = /^.\s*/.exec(text)?.[0].length ?? 1;
  return { k: 'unary', at, op: sign, x: { k: 'num', at: ctx.at(node.start + space), text: text.slice(space) } };
}

function lowerMember(ctx: LowerContext, node: SyntaxNode): Expr {
  const [x, field] = [child(node, 'argument'), child(node, 'field')];
  if (x === undefined || field === undefined) return opaque(ctx, node);
  const arrow = child(node, 'operator')?.type === '->';
  const [at, name] = [ctx.at(node.start), ctx.name(field)];
  return ontoOperand(x, lowerExpr(ctx, x), (base) => ({ k: 'member', at, x: base, field: name, arrow }));
}

function lowerBinary(ctx: LowerContext, node: SyntaxNode): Expr {
  const [l, r] = [child(node, 'left'), child(node, 'right')];
  const op = child(node, 'operator')?.type ?? '';
  if (l === undefined || r === undefined || !isBinary(op)) return opaque(ctx, node);
  const cast = lowerFalseCast(ctx, node, l, r);
  if (cast !== undefined) return cast;
  const [left, right] = [lowerExpr(ctx, l), lowerExpr(ctx, r)];
  // `(x) - y * z` may be read as `((x)-y) * z`, a product of a cast: where that was put right, `* z` belongs to `y`.
  if (left.k === 'binary' && l.type !== 'parenthesized_expression' && bindsLooser(left.op, op))
    return { ...left, r: { k: 'binary', at: left.r.at, op, l: left.r, r: right } };
  return { k: 'binary', at: ctx.at(node.start), op, l: left, r: right };
}

function lowerCast(ctx: LowerContext, node: SyntaxNode): Expr {
  const [type, value] = [child(node, 'type'), child(node, 'value')];
  if (type === undefined || value === undefined) return opaque(ctx, node);
  const at = ctx.at(node.start);
  const [name, ...more] = type.children;
  const op = child(value, 'operator')?.type ?? '';
  const operand = child(value, 'argument');
  // `(x) - y` read as a cast of `-y` to a type `x`, for want of knowing that `x` is none.
  const isPlain = name?.type === 'type_identifier' && more.length === 0 && !ctx.isTypeName(ctx.text(name));
  if (isPlain && operand !== undefined && /^[-+*&]$/.test(op) && value.type !== 'parenthesized_expression') {
    const l: Expr = { k: 'id', at: ctx.at(name.start), name: ctx.name(name) };
    return { k: 'binary', at, op: op as BinaryOp, l, r: lowerExpr(ctx, operand) };
  }
  return { k: 'cast', at, type: descriptorText(ctx, type), x: lowerExpr(ctx, value) };
}

function lowerUnary(ctx: LowerContext, node: SyntaxNode): Expr {
  const x = child(node, 'argument');
  const operator = child(node, 'operator');
  if (x === undefined || operator === undefined || !/^[!~\-+*&]$/.test(operator.type)) return opaque(ctx, node);
  // `&&label`, the address of a label, is no address of an address.
  const inner = x.type === 'pointer_expression' ? child(x, 'operator') : undefined;
  if (operator.type === '&' && inner?.type === '&' && inner.start === operator.end) return opaque(ctx, node);
  return { k: 'unary', at: ctx.at(node.start), op: operator.type as UnaryOp, x: lowerExpr(ctx, x) };
}

function lowerSizeof(ctx: LowerContext, node: SyntaxNode): Expr {
  const at = ctx.at(node.start);
  const [type, value] = [child(node, 'type'), child(node, 'value')];
  if (type !== undefined) return { k: 'sizeof', at, type: descriptorText(ctx, type) };
  if (value === undefined) return opaque(ctx, node);
  const x = lowerExpr(ctx, value);
  // The grammar cannot know that the name between the parentheses is a type.
  if (x.k === 'type' || (x.k === 'id' && value.type === 'parenthesized_expression' && ctx.isTypeName(x.name)))
    return { k: 'sizeof', at, type: x.k === 'type' ? x.type : x.name };
  return { k: 'sizeof', at, x };
}
