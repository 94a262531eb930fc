import type { Expr, Pos, Stmt } from './facts';
import { type Included, includesIn } from './included';
import type { LowerContext } from './lower-context';
import { commaList, lowerExpr, opaque } from './lower-expr';
import { lowerExpressionStatement } from './lower-expression-stmt';
import { readMacroCall } from './macro-text';
import { baseType, readDeclarator, variablesType } from './lower-types';
import { child, type SyntaxNode } from './syntax-node';

/** The statements of a `{ ... }`, those of an `#if` branch wrapped in a `when`. */
export function lowerBlock(ctx: LowerContext, node: SyntaxNode): Stmt[] {
  const items = flatten(node.children, []);
  const included = includesIn(
    ctx,
    node,
    items.filter(({ isLabel }) => !isLabel).map((item) => item.node),
  );
  if (included.length > 0) {
    items.push(
      ...included.map(({ start, fact }) => ({ node: { ...NOTHING, start, end: start }, isLabel: false, fact })),
    );
    items.sort((a, b) => a.node.start - b.node.start);
  }
  return underConditions(ctx, items, ctx.conditions(node.start).length);
}

const NOTHING: SyntaxNode = { type: 'include', field: '', start: 0, end: 0, missing: false, children: [] };

/** One statement as a list: a block gives its statements. */
function lowerBody(ctx: LowerContext, node: SyntaxNode | undefined): Stmt[] {
  if (node === undefined) return [];
  if (node.type === 'compound_statement') return lowerBlock(ctx, node);
  return underConditions(ctx, flatten([node], []), ctx.conditions(node.start).length);
}

/** A statement or a label: of a `case_statement` and of a `labeled_statement` what stands before the colon. */
interface Item {
  readonly node: SyntaxNode;
  readonly isLabel: boolean;
  /** Of an `#include`. */
  readonly fact?: Included;
}

/**
 * The grammar puts what follows a label inside its node, but an `#if` may begin or end between the two: labels become
 * items of their own.
 */
function flatten(nodes: readonly SyntaxNode[], items: Item[]): Item[] {
  for (const node of nodes) {
    if (node.type === 'case_statement' || node.type === 'labeled_statement') {
      const head = child(node, node.type === 'case_statement' ? 'value' : 'label');
      items.push({ node, isLabel: true });
      flatten(
        node.children.filter((each) => each !== head),
        items,
      );
    } else if (node.type !== 'comment') items.push({ node, isLabel: false });
  }
  return items;
}

/** `depth`: how many conditions lie around the list. */
function underConditions(ctx: LowerContext, items: readonly Item[], depth: number): Stmt[] {
  const list: Stmt[] = [];
  for (let i = 0; i < items.length;) {
    const item = items[i];
    if (item === undefined) break;
    const condition = ctx.conditions(item.node.start)[depth];
    if (condition === undefined) {
      if (item.fact !== undefined) list.push(item.fact);
      else list.push(...(item.isLabel ? lowerLabel(ctx, item.node) : lowerStmt(ctx, item.node)));
      i += 1;
      continue;
    }
    let end = i + 1;
    while (end < items.length && ctx.conditions(items[end]?.node.start ?? 0)[depth] === condition) end += 1;
    const body = underConditions(ctx, items.slice(i, end), depth + 1);
    list.push({ k: 'when', at: ctx.at(item.node.start), when: condition, body });
    i = end;
  }
  return list;
}

function lowerStmt(ctx: LowerContext, node: SyntaxNode): Stmt[] {
  const at = ctx.at(node.start);
  switch (node.type) {
    case 'compound_statement':
      return [{ k: 'block', at, body: lowerBlock(ctx, node) }];
    case 'expression_statement':
      return lowerExpressionStatement(ctx, node);
    case 'declaration':
      return lowerDeclaration(ctx, node);
    case 'if_statement': {
      const alternative = child(node, 'alternative');
      const otherwise = alternative?.type === 'else_clause' ? alternative.children.at(-1) : alternative;
      const then = lowerBody(ctx, child(node, 'consequence'));
      const rest = otherwise === undefined ? {} : { else: lowerBody(ctx, otherwise) };
      return [{ k: 'if', at, ...condition(ctx, node), then, ...rest }];
    }
    case 'switch_statement': {
      const { c, text } = condition(ctx, node);
      return [{ k: 'switch', at, x: c, text, body: lowerBody(ctx, child(node, 'body')) }];
    }
    case 'while_statement':
      return [lowerWhile(ctx, node)];
    case 'do_statement':
      return [{ k: 'loop', at, form: 'do', ...condition(ctx, node), body: lowerBody(ctx, child(node, 'body')) }];
    case 'for_statement':
      return [lowerFor(ctx, node)];
    case 'return_statement': {
      const x = node.children.find((each) => each.type !== 'comment' && each.type !== 'ERROR');
      if (x === undefined) return [{ k: 'return', at, text: '' }];
      return [{ k: 'return', at, x: lowerExpr(ctx, x), text: ctx.written(x.start, x.end) }];
    }
    case 'goto_statement': {
      const label = child(node, 'label');
      return [{ k: 'goto', at, label: label === undefined ? '' : ctx.text(label) }];
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
    // `;` alone, where the grammar makes it a node
    case 'empty_statement':
      return [];
    default: {
      const text = ctx.written(node.start, node.end);
      // An error is among the problems already.
      if (node.type !== 'ERROR') ctx.problem(node.start, `a statement was not understood: ${text.slice(0, 60)}`);
      return [{ k: 'opaque', at, text }];
    }
  }
}

/** The controlling expression, and its text without the parentheses around. */
function condition(ctx: LowerContext, node: SyntaxNode): { c: Expr; text: string } {
  const c = child(node, 'condition');
  if (c === undefined) return { c: { k: 'opaque', at: ctx.at(node.start), text: '' }, text: '' };
  const written = ctx.written(c.start, c.end);
  return { c: lowerExpr(ctx, c), text: /^\(.*\)$/.test(written) ? written.slice(1, -1).trim() : written };
}

function lowerDeclaration(ctx: LowerContext, node: SyntaxNode): Stmt[] {
  const isStatic = node.children.some((each) => each.type === 'storage_class_specifier' && ctx.text(each) === 'static');
  const base = variablesType(ctx, node);
  const cleanup = ctx
    .rewritesIn(node.start, node.end)
    .map((rewrite) => /\b(?:__free|(?:__)?cleanup(?:__)?)\s*\(\s*(\w+)\s*\)/.exec(rewrite.original)?.[1])
    .find((name) => name !== undefined);
  const stmts: Stmt[] = [];
  for (const each of node.children) {
    if (each.field !== 'declarator') continue;
    const isInit = each.type === 'init_declarator';
    const value = isInit ? child(each, 'value') : undefined;
    const { name, nameStart, type } = readDeclarator(ctx, base, isInit ? child(each, 'declarator') : each);
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

function lowerLabel(ctx: LowerContext, node: SyntaxNode): Stmt[] {
  const at = ctx.at(node.start);
  if (node.type === 'labeled_statement') {
    const label = child(node, 'label');
    return [{ k: 'label', at, name: label === undefined ? '' : ctx.text(label) }];
  }
  const value = child(node, 'value');
  return [value === undefined ? { k: 'case', at } : { k: 'case', at, ...caseRange(ctx, node, value) }];
}

function caseRange(ctx: LowerContext, node: SyntaxNode, value: SyntaxNode): { lo: Expr; hi?: Expr } {
  const macro = ctx.rewriteAt(node.start, 'label-macro');
  if (macro !== undefined) {
    return { lo: lowerLabelMacro(ctx.at(node.start), macro.original) };
  }
  const operator = value.type === 'binary_expression' ? child(value, 'operator') : undefined;
  if (operator !== undefined && ctx.rewriteAt(operator.start, 'case-range') !== undefined) {
    const [lo, hi] = [child(value, 'left'), child(value, 'right')];
    if (lo !== undefined && hi !== undefined) return { lo: lowerExpr(ctx, lo), hi: lowerExpr(ctx, hi) };
  }
  return { lo: lowerExpr(ctx, value) };
}

/** `GROUP(a, 1):`, a macro of case labels: as a call. */
function lowerLabelMacro(at: Pos, original: string): Expr {
  const call = readMacroCall(original);
  const args = (call?.args ?? []).map((text): Expr => {
    if (/^[A-Za-z_]\w*$/.test(text)) return { k: 'id', at, name: text };
    return /^\w+$/.test(text) ? { k: 'num', at, text } : { k: 'opaque', at, text };
  });
  return { k: 'call', at, fn: { k: 'id', at, name: call?.name ?? '' }, args };
}

/** A `while`, or a loop macro that masking made one. */
function lowerWhile(ctx: LowerContext, node: SyntaxNode): Stmt {
  const at = ctx.at(node.start);
  const body = lowerBody(ctx, child(node, 'body'));
  const macro = ctx.rewriteAt(node.start, 'loop')?.original;
  const { c, text } = condition(ctx, node);
  if (macro === undefined) return { k: 'loop', at, form: 'while', c, text, body };
  const args = child(node, 'condition')?.children.flatMap(commaList) ?? [];
  // `scoped_cond_guard(x, return -EINTR, y)`: a statement as an argument is no expression.
  const lowered = args
    .filter((each) => each.type !== 'ERROR')
    .map((each) => (/^(?:return|goto)\b/.test(ctx.text(each)) ? opaque(ctx, each) : lowerExpr(ctx, each)));
  if (macro === 'scoped_guard' || macro === 'scoped_cond_guard') {
    const [guard, ...rest] = lowered;
    return { k: 'guard', at, macro, name: guard?.k === 'id' ? guard.name : '', args: rest, body };
  }
  return { k: 'each', at, macro, args: lowered, text: `${macro}(${text})`, body };
}

function lowerFor(ctx: LowerContext, node: SyntaxNode): Stmt {
  const [init, c, step, body] = ['initializer', 'condition', 'update', 'body'].map((field) => child(node, field));
  const written = ctx.written(node.start, body?.start ?? node.end);
  return {
    k: 'loop',
    at: ctx.at(node.start),
    form: 'for',
    text: written.replace(/^for\s*\(\s*/, '').replace(/\s*\)$/, ''),
    ...(init === undefined ? {} : { init: lowerForInit(ctx, init) }),
    ...(c === undefined ? {} : { c: lowerExpr(ctx, c) }),
    ...(step === undefined ? {} : { step: lowerExpr(ctx, step) }),
    body: lowerBody(ctx, body),
  };
}

function lowerForInit(ctx: LowerContext, init: SyntaxNode): Stmt[] {
  if (init.type === 'declaration') return lowerDeclaration(ctx, init);
  return [{ k: 'expr', at: ctx.at(init.start), x: lowerExpr(ctx, init) }];
}
