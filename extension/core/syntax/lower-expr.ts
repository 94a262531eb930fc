import type { AssignOp, BinaryOp, Expr, InitItem, UnaryOp } from './facts';
import type { LowerContext } from './lower-context';
import { lowerBlock } from './lower-stmt';
import { descriptorText, typeText } from './lower-types';
import { child, ofType, type SyntaxNode } from './syntax-node';

const BINARY = new Set('+ - * / % << >> & | ^ == != < <= > >= && || ,'.split(' '));
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
    case 'char_literal': {
      const rewrite = ctx.rewriteAt(node.start, 'other');
      return rewrite === undefined ? { k: 'num', at, text: ctx.text(node) } : { k: 'id', at, name: ctx.name(node) };
    }
    case 'string_literal':
    case 'concatenated_string':
      return { k: 'str', at, text: ctx.written(node.start, node.end) };
    case 'parenthesized_expression': {
      const block = ofType(node, 'compound_statement');
      if (block !== undefined) return { k: 'block', at, body: lowerBlock(ctx, block) };
      const inner = firstExpr(node);
      return inner === undefined ? opaque(ctx, node) : lowerExpr(ctx, inner);
    }
    case 'call_expression':
      return lowerCall(ctx, node);
    case 'field_expression': {
      const x = child(node, 'argument');
      const field = child(node, 'field');
      const op = child(node, 'operator');
      if (x === undefined || field === undefined) return opaque(ctx, node);
      return { k: 'member', at, x: lowerExpr(ctx, x), field: ctx.name(field), arrow: op?.type === '->' };
    }
    case 'subscript_expression': {
      const x = child(node, 'argument');
      const i = child(node, 'index');
      return x && i ? { k: 'index', at, x: lowerExpr(ctx, x), i: lowerExpr(ctx, i) } : opaque(ctx, node);
    }
    case 'assignment_expression': {
      const l = child(node, 'left');
      const r = child(node, 'right');
      const op = child(node, 'operator')?.type ?? '=';
      if (l === undefined || r === undefined || !ASSIGN.has(op)) return opaque(ctx, node);
      return { k: 'assign', at, op: op as AssignOp, l: lowerExpr(ctx, l), r: lowerExpr(ctx, r) };
    }
    case 'binary_expression':
      return lowerBinary(ctx, node);
    case 'comma_expression': {
      const l = child(node, 'left');
      const r = child(node, 'right');
      return l && r ? { k: 'binary', at, op: ',', l: lowerExpr(ctx, l), r: lowerExpr(ctx, r) } : opaque(ctx, node);
    }
    case 'unary_expression':
    case 'pointer_expression': {
      const x = child(node, 'argument');
      const op = child(node, 'operator')?.type ?? '';
      if (x === undefined || !/^[!~\-+*&]$/.test(op)) return opaque(ctx, node);
      return { k: 'unary', at, op: op as UnaryOp, x: lowerExpr(ctx, x) };
    }
    case 'update_expression': {
      const x = child(node, 'argument');
      const op = child(node, 'operator');
      if (x === undefined || op === undefined) return opaque(ctx, node);
      const plus = op.type === '++';
      const post = op.start > x.start;
      return { k: 'unary', at, op: post ? (plus ? 'post++' : 'post--') : plus ? '++' : '--', x: lowerExpr(ctx, x) };
    }
    case 'cast_expression': {
      const type = child(node, 'type');
      const value = child(node, 'value');
      if (type === undefined || value === undefined) return opaque(ctx, node);
      return { k: 'cast', at, type: descriptorText(ctx, type), x: lowerExpr(ctx, value) };
    }
    case 'conditional_expression': {
      const c = child(node, 'condition');
      const a = child(node, 'consequence');
      const b = child(node, 'alternative');
      if (c === undefined || b === undefined) return opaque(ctx, node);
      const cond = { k: 'cond', at, c: lowerExpr(ctx, c), b: lowerExpr(ctx, b) } as const;
      return a === undefined ? cond : { ...cond, a: lowerExpr(ctx, a) };
    }
    case 'sizeof_expression': {
      const type = child(node, 'type');
      const value = child(node, 'value');
      if (type !== undefined) return { k: 'sizeof', at, type: descriptorText(ctx, type) };
      return value === undefined ? opaque(ctx, node) : { k: 'sizeof', at, x: lowerExpr(ctx, value) };
    }
    case 'type_descriptor':
      return { k: 'type', at, type: descriptorText(ctx, node) };
    case 'compound_literal_expression': {
      const type = child(node, 'type');
      const value = child(node, 'value');
      if (value === undefined) return opaque(ctx, node);
      const items = lowerItems(ctx, value);
      return { k: 'init', at, items, ...(type === undefined ? {} : { type: descriptorText(ctx, type) }) };
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

function opaque(ctx: LowerContext, node: SyntaxNode): Expr {
  return { k: 'opaque', at: ctx.at(node.start), text: ctx.written(node.start, node.end) };
}

function firstExpr(node: SyntaxNode): SyntaxNode | undefined {
  return node.children.find((each) => each.type !== 'comment' && each.type !== 'ERROR');
}

function lowerName(ctx: LowerContext, node: SyntaxNode): Expr {
  const at = ctx.at(node.start);
  const type = ctx.rewriteAt(node.start, 'type-argument');
  if (type !== undefined) return { k: 'type', at, type: typeText(type.original) };
  return { k: 'id', at, name: ctx.name(node) };
}

function lowerCall(ctx: LowerContext, node: SyntaxNode): Expr {
  const fn = child(node, 'function');
  const list = child(node, 'arguments');
  if (fn === undefined || list === undefined) return opaque(ctx, node);
  const args = list.children.filter((each) => each.type !== 'comment' && each.type !== 'ERROR');
  // `(u32)(x)`: the grammar cannot know that a name is a type.
  const cast = castTarget(ctx, fn);
  const [only] = args;
  if (cast !== undefined && only !== undefined && args.length === 1) {
    return { k: 'cast', at: ctx.at(node.start), type: cast, x: lowerExpr(ctx, only) };
  }
  const callee = fn.type === 'field_expression' ? (child(fn, 'field') ?? fn) : innermost(fn);
  return {
    k: 'call',
    at: ctx.at(callee.start),
    fn: lowerExpr(ctx, fn),
    args: args.map((arg) => lowerArgument(ctx, arg)),
  };
}

/** Where a callee's name stands: in `(*fn)(x)` the name inside, in `f(a)(b)` that of `f`. */
function innermost(fn: SyntaxNode): SyntaxNode {
  if (fn.type === 'call_expression') return innermost(child(fn, 'function') ?? fn);
  if (fn.type === 'subscript_expression') return innermost(child(fn, 'argument') ?? fn);
  if (fn.type === 'field_expression') return child(fn, 'field') ?? fn;
  if (fn.type === 'pointer_expression') return innermost(child(fn, 'argument') ?? fn);
  if (fn.type === 'parenthesized_expression') return innermost(firstExpr(fn) ?? fn);
  return fn;
}

function lowerArgument(ctx: LowerContext, node: SyntaxNode): Expr {
  // A statement expression may stand bare between a macro's parentheses.
  if (node.type === 'compound_statement') return { k: 'block', at: ctx.at(node.start), body: lowerBlock(ctx, node) };
  return lowerExpr(ctx, node);
}

/** `(gfn_t)` before something that the grammar took for arguments or for an operand: the type, if it is one. */
function castTarget(ctx: LowerContext, fn: SyntaxNode): string | undefined {
  if (fn.type !== 'parenthesized_expression') return undefined;
  const inner = firstExpr(fn);
  if (inner?.type !== 'identifier' || fn.children.length !== 1) return undefined;
  const name = ctx.text(inner);
  return isTypeName(ctx, name) ? name : undefined;
}

function isTypeName(ctx: LowerContext, name: string): boolean {
  return (
    /^(?:__)?[us](?:8|16|32|64)$|^(?:__)?[bl]e(?:16|32|64)$|_t$|^bool$|^(?:u?int|ulong|uint)$/.test(name) ||
    ctx.typeNames.has(name)
  );
}

function lowerBinary(ctx: LowerContext, node: SyntaxNode): Expr {
  const at = ctx.at(node.start);
  const l = child(node, 'left');
  const r = child(node, 'right');
  const op = child(node, 'operator')?.type ?? '';
  if (l === undefined || r === undefined || !BINARY.has(op)) return opaque(ctx, node);
  // `(u64)-1`, `(hpa_t)*p`, `(gpa_t)&x`
  const cast = /^[-+*&]$/.test(op) ? castTarget(ctx, l) : undefined;
  if (cast !== undefined) {
    const operatorAt = child(node, 'operator')?.start ?? node.start;
    return {
      k: 'cast',
      at,
      type: cast,
      x: { k: 'unary', at: ctx.at(operatorAt), op: op as UnaryOp, x: lowerExpr(ctx, r) },
    };
  }
  return { k: 'binary', at, op: op as BinaryOp, l: lowerExpr(ctx, l), r: lowerExpr(ctx, r) };
}

function lowerItems(ctx: LowerContext, list: SyntaxNode): InitItem[] {
  const items: InitItem[] = [];
  for (const node of list.children) {
    if (node.type === 'comment' || node.type === 'ERROR') continue;
    const when = ctx.when(node.start, list.start);
    if (node.type !== 'initializer_pair') {
      items.push({ value: lowerExpr(ctx, node), ...when });
      continue;
    }
    const value = child(node, 'value');
    if (value === undefined) continue;
    const fields: string[] = [];
    let index: Expr | undefined;
    let last: Expr | undefined;
    for (const designator of node.children) {
      if (designator.type === 'field_designator' || designator.type === 'field_identifier') {
        const name = designator.children[0] ?? designator;
        fields.push(ctx.name(name));
      } else if (designator.type === 'subscript_designator') {
        const inner = designator.children[0];
        if (inner !== undefined) index = lowerExpr(ctx, inner);
      } else if (designator.type === 'subscript_range_designator') {
        const start = child(designator, 'start');
        const end = child(designator, 'end');
        if (start !== undefined) index = lowerExpr(ctx, start);
        if (end !== undefined) last = lowerExpr(ctx, end);
      }
    }
    items.push({
      ...(fields.length === 0 ? {} : { fields }),
      ...(index === undefined ? {} : { index }),
      ...(last === undefined ? {} : { last }),
      value: lowerExpr(ctx, value),
      ...when,
    });
  }
  return items;
}
