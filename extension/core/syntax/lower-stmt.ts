import type { Expr, Stmt } from './facts';
import type { LowerContext } from './lower-context';
import { lowerExpr } from './lower-expr';
import { baseType, readDeclarator } from './lower-types';
import { child, type SyntaxNode } from './syntax-node';

/** The statements of a `{ ... }`, those of an `#if` branch wrapped in a `when`. */
export function lowerBlock(ctx: LowerContext, node: SyntaxNode): Stmt[] {
  const depth = ctx.conditions(node.start).length;
  return lowerList(ctx, node.children, depth);
}

/** One statement as a list: a block gives its statements, a `case` its label and what follows. */
export function lowerBody(ctx: LowerContext, node: SyntaxNode | undefined): Stmt[] {
  if (node === undefined) return [];
  return node.type === 'compound_statement'
    ? lowerBlock(ctx, node)
    : lowerList(ctx, [node], ctx.conditions(node.start).length);
}

function lowerList(ctx: LowerContext, nodes: readonly SyntaxNode[], depth: number): Stmt[] {
  const list: Stmt[] = [];
  let i = 0;
  while (i < nodes.length) {
    const node = nodes[i];
    if (node === undefined) break;
    const condition = ctx.conditions(node.start)[depth];
    if (condition === undefined) {
      list.push(...lowerStmt(ctx, node));
      i += 1;
      continue;
    }
    let end = i + 1;
    while (end < nodes.length && ctx.conditions(nodes[end]?.start ?? 0)[depth] === condition) end += 1;
    list.push({
      k: 'when',
      at: ctx.at(node.start),
      when: condition,
      body: lowerList(ctx, nodes.slice(i, end), depth + 1),
    });
    i = end;
  }
  return list;
}

function lowerStmt(ctx: LowerContext, node: SyntaxNode): Stmt[] {
  const at = ctx.at(node.start);
  switch (node.type) {
    case 'comment':
      return [];
    case 'compound_statement':
      return [{ k: 'block', at, body: lowerBlock(ctx, node) }];
    case 'expression_statement':
      return lowerExpressionStatement(ctx, node);
    case 'declaration':
      return lowerDeclaration(ctx, node);
    case 'if_statement': {
      const alternative = child(node, 'alternative');
      const otherwise = alternative?.type === 'else_clause' ? alternative.children[0] : alternative;
      return [
        {
          k: 'if',
          at,
          ...condition(ctx, node),
          then: lowerBody(ctx, child(node, 'consequence')),
          ...(otherwise === undefined ? {} : { else: lowerBody(ctx, otherwise) }),
        },
      ];
    }
    case 'switch_statement': {
      const { c, text } = condition(ctx, node);
      return [{ k: 'switch', at, x: c, text, body: lowerBody(ctx, child(node, 'body')) }];
    }
    case 'case_statement':
      return lowerCase(ctx, node);
    case 'while_statement':
      return [lowerWhile(ctx, node)];
    case 'do_statement':
      return [{ k: 'loop', at, form: 'do', ...condition(ctx, node), body: lowerBody(ctx, child(node, 'body')) }];
    case 'for_statement':
      return [lowerFor(ctx, node)];
    case 'return_statement': {
      const x = node.children.find((each) => each.type !== 'comment');
      const value = x === undefined ? {} : { x: lowerExpr(ctx, x) };
      return [{ k: 'return', at, ...value, text: x === undefined ? '' : ctx.written(x.start, x.end) }];
    }
    case 'goto_statement': {
      const label = child(node, 'label');
      return [{ k: 'goto', at, label: label === undefined ? '' : ctx.text(label) }];
    }
    case 'labeled_statement': {
      const label = child(node, 'label');
      const rest = node.children.filter((each) => each.field !== 'label');
      return [
        { k: 'label', at, name: label === undefined ? '' : ctx.text(label) },
        ...rest.flatMap((each) => lowerStmt(ctx, each)),
      ];
    }
    case 'break_statement':
      return [{ k: 'break', at }];
    case 'continue_statement':
      return [{ k: 'continue', at }];
    case 'struct_specifier':
    case 'union_specifier':
    case 'enum_specifier':
    case 'type_definition':
      baseType(ctx, { ...node, children: [{ ...node, field: 'type' }] });
      return [];
    default:
      ctx.problem(node.start, `a statement was not understood: ${ctx.written(node.start, node.end).slice(0, 60)}`);
      return [{ k: 'opaque', at, text: ctx.written(node.start, node.end) }];
  }
}

function condition(ctx: LowerContext, node: SyntaxNode): { c: Expr; text: string } {
  const c = child(node, 'condition');
  if (c === undefined) return { c: { k: 'opaque', at: ctx.at(node.start), text: '' }, text: '' };
  const written = ctx.written(c.start, c.end);
  return { c: lowerExpr(ctx, c), text: /^\(.*\)$/.test(written) ? written.slice(1, -1).trim() : written };
}

function lowerExpressionStatement(ctx: LowerContext, node: SyntaxNode): Stmt[] {
  const at = ctx.at(node.start);
  const inner = node.children.find((each) => each.type !== 'comment');
  if (inner === undefined) return [];
  const asm = ctx.rewriteAt(inner.start, 'asm');
  const x = lowerExpr(ctx, inner);
  if (asm !== undefined && x.k === 'call') {
    const outputs = asm.outputs ?? 0;
    return [{ k: 'asm', at, outputs: x.args.slice(0, outputs), inputs: x.args.slice(outputs) }];
  }
  // `guard(mutex)(&lock);`
  if (x.k === 'call' && x.fn.k === 'call' && x.fn.fn.k === 'id' && x.fn.fn.name === 'guard') {
    const name = x.fn.args[0];
    return [{ k: 'guard', at, macro: 'guard', name: name?.k === 'id' ? name.name : '', args: x.args }];
  }
  if (x.k === 'call' && x.fn.k === 'call' && x.fn.fn.k === 'id' && x.fn.fn.name === 'CLASS') {
    const [name, variable] = x.fn.args;
    return [
      {
        k: 'guard',
        at,
        macro: 'CLASS',
        name: name?.k === 'id' ? name.name : '',
        ...(variable?.k === 'id' ? { variable: variable.name } : {}),
        args: x.args,
      },
    ];
  }
  return [{ k: 'expr', at, x }];
}

function lowerDeclaration(ctx: LowerContext, node: SyntaxNode): Stmt[] {
  const isStatic = node.children.some((each) => each.type === 'storage_class_specifier' && ctx.text(each) === 'static');
  const base = baseType(ctx, node);
  const cleanup = ctx
    .rewritesIn(node.start, node.end)
    .map((rewrite) => /^__(?:free|cleanup)\s*\(\s*(\w+)\s*\)/.exec(rewrite.original)?.[1])
    .find((name) => name !== undefined);
  const stmts: Stmt[] = [];
  for (const each of node.children) {
    if (each.field !== 'declarator') continue;
    const declarator = each.type === 'init_declarator' ? child(each, 'declarator') : each;
    const value = each.type === 'init_declarator' ? child(each, 'value') : undefined;
    const { name, nameStart, type } = readDeclarator(ctx, base, declarator);
    stmts.push({
      k: 'decl',
      at: ctx.at(nameStart),
      name,
      type,
      static: isStatic,
      ...(value === undefined ? {} : { init: lowerExpr(ctx, value) }),
      ...(cleanup === undefined ? {} : { cleanup }),
    });
  }
  return stmts;
}

/** `case x:` and the statements up to the next label, which the grammar puts inside. */
function lowerCase(ctx: LowerContext, node: SyntaxNode): Stmt[] {
  const at = ctx.at(node.start);
  const value = child(node, 'value');
  const rest = node.children.filter((each) => each !== value && each.type !== 'comment');
  const label: Stmt = value === undefined ? { k: 'case', at } : { k: 'case', at, ...caseRange(ctx, node, value) };
  return [label, ...lowerList(ctx, rest, ctx.conditions(node.start).length)];
}

function caseRange(ctx: LowerContext, node: SyntaxNode, value: SyntaxNode): { lo: Expr; hi?: Expr } {
  const macro = ctx.rewriteAt(node.start, 'label-macro');
  if (macro !== undefined) {
    const at = ctx.at(node.start);
    const match = /^(\w+)\s*\(([\s\S]*)\)$/.exec(macro.original);
    const args = (match?.[2] ?? '').split(',').map((arg): Expr => ({ k: 'id', at, name: arg.trim() }));
    return { lo: { k: 'call', at, fn: { k: 'id', at, name: match?.[1] ?? '' }, args } };
  }
  const operator = value.type === 'binary_expression' ? child(value, 'operator') : undefined;
  if (operator !== undefined && ctx.rewriteAt(operator.start, 'case-range') !== undefined) {
    const lo = child(value, 'left');
    const hi = child(value, 'right');
    if (lo !== undefined && hi !== undefined) return { lo: lowerExpr(ctx, lo), hi: lowerExpr(ctx, hi) };
  }
  return { lo: lowerExpr(ctx, value) };
}

/** A `while`, or a loop macro that masking made one. */
function lowerWhile(ctx: LowerContext, node: SyntaxNode): Stmt {
  const at = ctx.at(node.start);
  const body = lowerBody(ctx, child(node, 'body'));
  const macro = ctx.rewriteAt(node.start, 'loop');
  const { c, text } = condition(ctx, node);
  if (macro === undefined) return { k: 'loop', at, form: 'while', c, text, body };
  const args = commaList(c);
  const name = macro.original;
  if (name === 'scoped_guard' || name === 'scoped_cond_guard') {
    const [guard, ...rest] = args;
    return { k: 'guard', at, macro: name, name: guard?.k === 'id' ? guard.name : '', args: rest, body };
  }
  return { k: 'each', at, macro: name, args, text: `${name}(${text})`, body };
}

function commaList(x: Expr): Expr[] {
  return x.k === 'binary' && x.op === ',' ? [...commaList(x.l), x.r] : [x];
}

function lowerFor(ctx: LowerContext, node: SyntaxNode): Stmt {
  const init = child(node, 'initializer');
  const c = child(node, 'condition');
  const step = child(node, 'update');
  const open = node.start;
  const close = child(node, 'body')?.start ?? node.end;
  const written = ctx.written(open, close);
  return {
    k: 'loop',
    at: ctx.at(node.start),
    form: 'for',
    text: written.replace(/^for\s*\(/, '').replace(/\)$/, ''),
    ...(init === undefined
      ? {}
      : {
          init:
            init.type === 'declaration'
              ? lowerDeclaration(ctx, init)
              : [{ k: 'expr', at: ctx.at(init.start), x: lowerExpr(ctx, init) } as const],
        }),
    ...(c === undefined ? {} : { c: lowerExpr(ctx, c) }),
    ...(step === undefined ? {} : { step: lowerExpr(ctx, step) }),
    body: lowerBody(ctx, child(node, 'body')),
  };
}
