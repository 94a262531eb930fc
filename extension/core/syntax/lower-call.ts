import type { BinaryOp, Expr, UnaryOp } from './facts';
import type { LowerContext } from './lower-context';
import { firstExpr, lowerExpr, opaque } from './lower-expr';
import { lowerAsm } from './lower-expression-stmt';
import { typeText } from './lower-types';
import { isAlignof } from './mask-words';
import type { Rewrite } from './masked';
import { child, type SyntaxNode } from './syntax-node';

/**
 * Calls, and the casts that look like one: a grammar that knows no typedefs reads `(gfn_t)(x)` as a call of `gfn_t`,
 * `(u64)-1` as a subtraction and `(u64)*p` as a product.
 */
export function lowerCall(ctx: LowerContext, node: SyntaxNode): Expr {
  const [fn, list] = [child(node, 'function'), child(node, 'arguments')];
  if (fn === undefined || list === undefined) return opaque(ctx, node);
  const asm = ctx.rewriteAt(node.start, 'asm');
  if (asm !== undefined) return lowerAsmMacro(ctx, node, asm);
  // `"a" __stringify(b)`: a string from pieces, the last of which looks called.
  if (fn.type === 'string_literal' || fn.type === 'concatenated_string')
    return { k: 'str', at: ctx.at(node.start), text: ctx.written(node.start, node.end) };
  // Nothing in it is evaluated.
  if (fn.type === 'identifier' && isAlignof(ctx.name(fn))) return opaque(ctx, node);
  const nodes = list.children.filter((each) => each.type !== 'comment' && each.type !== 'ERROR');
  const [only] = nodes;
  if (only !== undefined && nodes.length === 1) {
    const cast = castOf(ctx, fn, () => lowerExpr(ctx, only));
    if (cast !== undefined) return cast;
  }
  const at = ctx.at(calleeName(fn).start);
  const args = nodes.map((each) => lowerArgument(ctx, each));
  return ontoOperand(fn, lowerExpr(ctx, fn), (base) => ({ k: 'call', at, fn: base, args }));
}

/** A name that means a type is one as an argument too: `min_t(u32, a, b)`. */
function lowerArgument(ctx: LowerContext, node: SyntaxNode): Expr {
  const x = lowerExpr(ctx, node);
  return x.k === 'id' && ctx.isTypeName(x.name) ? { k: 'type', at: x.at, type: x.name } : x;
}

/** `r = asm_safe("insn", , outputs)`: what it assigns is unknown afterwards, and so is its value. */
function lowerAsmMacro(ctx: LowerContext, node: SyntaxNode, asm: Rewrite): Expr {
  const at = ctx.at(node.start);
  const operands = (child(node, 'arguments')?.children ?? []).map((each) => lowerExpr(ctx, each));
  const value: Expr = { k: 'opaque', at, text: ctx.written(node.start, node.end) };
  return { k: 'block', at, body: [lowerAsm(at, asm, operands), { k: 'expr', at, x: value }] };
}

/** Where a callee's name stands: in `(*fn)(x)` the name inside, in `f(a)(b)` that of `f`, in `a->b.f(x)` that of `f`. */
function calleeName(fn: SyntaxNode): SyntaxNode {
  switch (fn.type) {
    case 'call_expression':
      return calleeName(child(fn, 'function') ?? fn);
    case 'subscript_expression':
    case 'pointer_expression':
      return calleeName(child(fn, 'argument') ?? fn);
    case 'field_expression':
      return child(fn, 'field') ?? fn;
    case 'parenthesized_expression':
      return calleeName(firstExpr(fn) ?? fn);
    default:
      return fn;
  }
}

/**
 * Applies a postfix (`->f`, `[i]`, `(args)`) to what it belongs to. If its operand `node` was a cast in disguise, the
 * cast is around the whole: `(gfn_t)(x)->f` is a cast of `x->f`.
 */
export function ontoOperand(node: SyntaxNode, operand: Expr, postfix: (base: Expr) => Expr): Expr {
  const disguised =
    node.type === 'call_expression' || node.type === 'field_expression' || node.type === 'subscript_expression';
  if (operand.k !== 'cast' || !disguised) return postfix(operand);
  return { ...operand, x: ontoOperand(node, operand.x, postfix) };
}

/** `value` cast to what `fn` says, a type in parentheses or a chain of them (`(u64)(u32)`); `undefined`: `fn` is no type. */
function castOf(ctx: LowerContext, fn: SyntaxNode, value: () => Expr): Expr | undefined {
  if (fn.type === 'call_expression') {
    // `(u64)(u32)(x)`: a "call" of the "call" `(u64)(u32)`.
    const [outer, list] = [child(fn, 'function'), child(fn, 'arguments')];
    const inner = list === undefined ? undefined : typeInParentheses(ctx, list);
    if (outer === undefined || list === undefined || inner === undefined) return undefined;
    return castOf(ctx, outer, () => ({ k: 'cast', at: ctx.at(list.start), type: inner, x: value() }));
  }
  const type = typeInParentheses(ctx, fn);
  return type === undefined ? undefined : { k: 'cast', at: ctx.at(fn.start), type, x: value() };
}

function typeInParentheses(ctx: LowerContext, node: SyntaxNode): string | undefined {
  if (node.type !== 'parenthesized_expression' && node.type !== 'argument_list') return undefined;
  const inner = node.children[0];
  if (inner?.type !== 'identifier' || node.children.length > 1) return undefined;
  const made = ctx.rewriteAt(inner.start, 'type-argument');
  if (made !== undefined) return typeText(made.original);
  const name = ctx.text(inner);
  return ctx.isTypeName(name) ? name : undefined;
}

/**
 * The binary `node` if its left side is a type in parentheses: a cast of `+r`, `-r`, `*r` or `&r`. The grammar gave
 * `r` all that binds tighter than the binary operator; the unary one takes no more than its first operand.
 */
export function lowerFalseCast(ctx: LowerContext, node: SyntaxNode, l: SyntaxNode, r: SyntaxNode): Expr | undefined {
  const operator = child(node, 'operator');
  if (operator === undefined || !/^[-+*&]$/.test(operator.type)) return undefined;
  const type = typeInParentheses(ctx, l);
  if (type === undefined) return undefined;
  const at = ctx.at(l.start);
  const operatorAt = ctx.at(operator.start);
  return onFirstOperand(ctx, r, (x) => ({
    k: 'cast',
    at,
    type,
    x: { k: 'unary', at: operatorAt, op: operator.type as UnaryOp, x },
  }));
}

function onFirstOperand(ctx: LowerContext, node: SyntaxNode, wrap: (x: Expr) => Expr): Expr {
  const [l, r] = [child(node, 'left'), child(node, 'right')];
  const op = child(node, 'operator')?.type ?? '';
  const isPlain = node.type === 'binary_expression' && l !== undefined && typeInParentheses(ctx, l) === undefined;
  if (!isPlain || r === undefined) return wrap(lowerExpr(ctx, node));
  const first = onFirstOperand(ctx, l, wrap);
  return { k: 'binary', at: first.at, op: op as BinaryOp, l: first, r: lowerExpr(ctx, r) };
}
