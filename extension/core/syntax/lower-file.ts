import type { FileScopeCall, FunctionFact, PrototypeFact, TypedefFact, VariableFact } from './facts';
import { lineOf } from './facts';
import { foldSpace, type LowerContext } from './lower-context';
import { lowerExpr } from './lower-expr';
import { lowerBlock } from './lower-stmt';
import { baseType, type Declarator, readDeclarator, variablesType } from './lower-types';
import { readMacroCall } from './macro-text';
import { child, type SyntaxNode } from './syntax-node';

export interface FileItems {
  readonly functions: FunctionFact[];
  readonly prototypes: PrototypeFact[];
  readonly variables: VariableFact[];
  readonly typedefs: TypedefFact[];
  /** Those that masking blanked are not among them, see `fileScopeCalls()`. */
  readonly fileScopeCalls: FileScopeCall[];
}

/** What stands at file scope; structs, enumerators and problems go to the context. */
export function lowerFile(ctx: LowerContext, root: SyntaxNode): FileItems {
  const items: FileItems = { functions: [], prototypes: [], variables: [], typedefs: [], fileScopeCalls: [] };
  for (const node of root.children) lowerItem(ctx, node, items, false);
  return items;
}

function lowerItem(ctx: LowerContext, node: SyntaxNode, items: FileItems, inError: boolean): void {
  switch (node.type) {
    case 'function_definition':
      lowerFunction(ctx, node, items);
      return;
    case 'declaration':
      lowerDeclarations(ctx, node, items);
      return;
    case 'type_definition':
      lowerTypedef(ctx, node, items);
      return;
    case 'struct_specifier':
    case 'union_specifier':
    case 'enum_specifier':
      baseType(ctx, { ...node, children: [{ ...node, field: 'type' }] });
      return;
    case 'linkage_specification':
    case 'declaration_list':
      for (const each of node.children) lowerItem(ctx, each, items, inError);
      return;
    // What the parser could still make out is taken; the error itself is a problem.
    case 'ERROR':
      for (const each of node.children) lowerItem(ctx, each, items, true);
      return;
    case 'comment':
    case 'TOO_DEEP':
      return;
    default:
      lowerOther(ctx, node, items, inError);
  }
}

/** What no C item is. */
function lowerOther(ctx: LowerContext, node: SyntaxNode, items: FileItems, inError: boolean): void {
  const [only] = node.children;
  // `END_OF_TABLE;`: nothing but a macro can stand so.
  if (node.type === 'expression_statement' && only?.type === 'identifier')
    items.fileScopeCalls.push({ name: ctx.name(only), at: ctx.at(only.start), args: [], ...ctx.when(node.start) });
  // A lone `;` is nothing.
  else if (!inError && only !== undefined)
    ctx.problem(node.start, `not understood at file scope: ${ctx.written(node.start, node.end).slice(0, 60)}`);
}

interface Specifiers {
  readonly linkage: 'extern' | 'static' | 'weak';
  readonly inline: boolean;
}

function specifiers(ctx: LowerContext, node: SyntaxNode): Specifiers {
  const words = node.children
    .filter((each) => each.type === 'storage_class_specifier' || each.type === 'type_qualifier')
    .map((each) => ctx.text(each));
  const body = child(node, 'body')?.start ?? node.end;
  const weak = ctx
    .rewritesIn(node.start - 200, body)
    .some(
      (rewrite) =>
        /^__weak$|^__attribute__\b.*\bweak\b/.test(rewrite.original) && isOfItem(ctx, rewrite.end, node.start, body),
    );
  const linkage = words.includes('static') ? 'static' : weak ? 'weak' : 'extern';
  return { linkage, inline: words.includes('inline') };
}

/** Whether an attribute at `end` belongs to the item that begins at `start`: it is blanked, so it may stand before. */
function isOfItem(ctx: LowerContext, end: number, start: number, body: number): boolean {
  return end > start ? end <= body : ctx.masked.text.slice(end, start).trim() === '';
}

function lowerFunction(ctx: LowerContext, node: SyntaxNode, items: FileItems): void {
  const body = child(node, 'body');
  const read = readDeclarator(ctx, baseType(ctx, node), child(node, 'declarator'));
  if (body === undefined || read.name === '' || read.params === undefined) {
    ctx.problem(node.start, `a function's head was not understood: ${ctx.written(node.start, node.end).slice(0, 60)}`);
    return;
  }
  items.functions.push({
    ...prototype(ctx, node, read),
    firstLine: lineOf(ctx.at(node.start)),
    lastLine: lineOf(ctx.at(node.end - 1)),
    body: lowerBlock(ctx, body),
  });
}

function prototype(ctx: LowerContext, node: SyntaxNode, read: Declarator): PrototypeFact {
  return {
    name: read.name,
    at: ctx.at(read.nameStart),
    returns: read.returns,
    params: read.params ?? [],
    ...specifiers(ctx, node),
    ...ctx.when(node.start),
  };
}

function lowerDeclarations(ctx: LowerContext, node: SyntaxNode, items: FileItems): void {
  const base = variablesType(ctx, node);
  const isExtern = node.children.some((each) => each.type === 'storage_class_specifier' && ctx.text(each) === 'extern');
  for (const each of node.children) {
    if (each.field !== 'declarator') continue;
    const declarator = each.type === 'init_declarator' ? child(each, 'declarator') : each;
    const value = each.type === 'init_declarator' ? child(each, 'value') : undefined;
    const read = readDeclarator(ctx, base, declarator);
    if (read.name === '') continue;
    if (read.params !== undefined && value === undefined) {
      items.prototypes.push(prototype(ctx, node, read));
      continue;
    }
    const { linkage } = specifiers(ctx, node);
    items.variables.push({
      name: read.name,
      at: ctx.at(read.nameStart),
      type: read.type,
      linkage: linkage === 'static' ? 'static' : isExtern ? 'extern' : 'global',
      ...(value === undefined ? {} : { init: lowerExpr(ctx, value) }),
      ...ctx.when(node.start),
    });
  }
}

function lowerTypedef(ctx: LowerContext, node: SyntaxNode, items: FileItems): void {
  const declarators = node.children.filter((each) => each.field === 'declarator');
  const first = declarators[0];
  const hint = first === undefined ? '' : readDeclarator(ctx, '', first).name;
  const base = baseType(ctx, node, hint);
  for (const each of declarators) {
    const read = readDeclarator(ctx, base, each);
    items.typedefs.push({ name: read.name, type: read.type, at: ctx.at(read.nameStart) });
  }
}

/**
 * The macro calls at file scope in source order, as written: `module_init(f)` and its like, which masking blanked, and
 * `others` that lowering found.
 */
export function fileScopeCalls(ctx: LowerContext, others: readonly FileScopeCall[]): FileScopeCall[] {
  const calls = [...others];
  for (const rewrite of ctx.masked.rewrites) {
    if (rewrite.kind !== 'file-scope-call') continue;
    const call = readMacroCall(rewrite.original);
    if (call === undefined) {
      ctx.problem(rewrite.start, `a macro call was not understood: ${foldSpace(rewrite.original).slice(0, 60)}`);
      continue;
    }
    const at = ctx.at(rewrite.start + call.nameStart);
    calls.push({ name: call.name, at, args: call.args, ...ctx.when(rewrite.start) });
  }
  return calls.sort((a, b) => a.at - b.at);
}

/** Every error of the tree, once: what lies within one is part of it. */
export function reportErrors(ctx: LowerContext, node: SyntaxNode): void {
  if (node.type === 'TOO_DEEP') {
    ctx.problem(node.start, 'nested too deeply');
    return;
  }
  if (node.type === 'ERROR') {
    ctx.problem(
      node.start,
      `not understood: ${ctx.written(node.start, Math.min(node.end, node.start + 200)).slice(0, 60)}`,
    );
    return;
  }
  for (let index = 0; index < node.children.length; index++) {
    const each = node.children[index];
    if (each === undefined) break;
    // `unsigned : 3;`, padding that has no name
    const isPadding = each.missing && node.children[index + 1]?.type === 'bitfield_clause';
    if (each.missing && !isPadding) ctx.problem(each.start, `'${each.type}' is missing`);
    reportErrors(ctx, each);
  }
}
