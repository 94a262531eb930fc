import type { FieldFact, TypeText } from './facts';
import { lineOf } from './facts';
import type { LowerContext } from './lower-context';
import { lowerExpr } from './lower-expr';
import { baseType, readDeclarator } from './lower-types';
import { readMacroCall } from './macro-text';
import { oneSpelling } from './one-spelling';
import { child, type SyntaxNode } from './syntax-node';

/** The type that a `struct` or `union` specifier names; its definition, if it is one, becomes a fact. */
export function structType(ctx: LowerContext, node: SyntaxNode, nameHint: string): TypeText {
  const kind = node.type === 'union_specifier' ? 'union' : 'struct';
  const [tag, body] = [child(node, 'name'), child(node, 'body')];
  const name = tag === undefined ? nameHint : ctx.name(tag);
  if (body !== undefined) {
    const fields = readFields(ctx, body, name, body.start, kind === 'union');
    ctx.structs.push({ kind, name, at: ctx.at(tag?.start ?? node.start), fields, ...ctx.when(node.start) });
  }
  return oneSpelling(`${kind} ${name}`.trim());
}

/** `from`: where the outermost braces open; conditions of fields are those within them. */
function readFields(ctx: LowerContext, body: SyntaxNode, outer: string, from: number, isUnion: boolean): FieldFact[] {
  const fields = madeFields(ctx, body, from);
  const over = (node: SyntaxNode, field: FieldFact): FieldFact => {
    if (!isUnion) return field;
    return { ...field, overlays: [[ctx.at(body.start), ctx.at(node.start)], ...(field.overlays ?? [])] };
  };
  for (const node of body.children) {
    if (node.type !== 'field_declaration') continue;
    const type = child(node, 'type');
    const inner = type === undefined ? undefined : child(type, 'body');
    const first = child(node, 'declarator');
    if (first === undefined && type !== undefined && inner !== undefined && child(type, 'name') === undefined) {
      // An anonymous struct or union: its members are the outer one's. An anonymous enum has constants only.
      if (type.type === 'enum_specifier') enumType(ctx, type);
      else {
        const members = readFields(ctx, inner, outer, from, type.type === 'union_specifier');
        fields.push(...members.map((field) => over(node, field)));
      }
      continue;
    }
    const hint = first === undefined ? '' : `${outer}.${readDeclarator(ctx, '', first).name}`;
    const base = baseType(ctx, node, hint);
    for (const [index, declarator] of node.children.entries()) {
      if (declarator.field !== 'declarator' || declarator.missing) continue;
      const read = readDeclarator(ctx, base, declarator);
      const next = node.children[index + 1];
      const width = next?.type === 'bitfield_clause' ? next.children[0] : undefined;
      const field: FieldFact = {
        name: read.name,
        at: ctx.at(read.nameStart),
        type: read.type,
        ...(width === undefined ? {} : { bits: ctx.written(width.start, width.end) }),
        ...ctx.when(node.start, from),
      };
      fields.push(over(node, field));
    }
  }
  return fields.sort((a, b) => a.at - b.at);
}

/** The fields of macros directly in these braces (masking blanked them): `DECLARE_BITMAP(map, 64);` and its kin. */
function madeFields(ctx: LowerContext, body: SyntaxNode, from: number): FieldFact[] {
  const fields: FieldFact[] = [];
  const isInside = (offset: number): boolean =>
    body.children.some((each) => each.start <= offset && offset < each.end && child(each, 'type') !== undefined);
  for (const rewrite of ctx.rewritesIn(body.start, body.end)) {
    if (rewrite.kind !== 'other' || isInside(rewrite.start)) continue;
    const call = readMacroCall(rewrite.original);
    const [name, type] = call === undefined ? [] : (fieldOf(call.name, call.args) ?? []);
    if (name === undefined || type === undefined) continue;
    const nameAt = rewrite.start + Math.max(0, rewrite.original.lastIndexOf(name));
    fields.push({ name, at: ctx.at(nameAt), type, ...ctx.when(rewrite.start, from) });
  }
  return fields;
}

/** Name and type of what `<linux/types.h>`, `<linux/stddef.h>` and `<linux/hashtable.h>` declare by macro. */
function fieldOf(macro: string, args: readonly string[]): [name: string, type: TypeText] | undefined {
  const [first = '', second = ''] = args;
  switch (macro) {
    case 'DECLARE_BITMAP':
      return [first, `unsigned long [BITS_TO_LONGS(${second})]`];
    case 'DECLARE_FLEX_ARRAY':
      return [second, `${first} []`];
    case 'DECLARE_HASHTABLE':
      return [first, `struct hlist_head [1 << (${second})]`];
    default:
      return undefined;
  }
}

/** The type that an `enum` specifier names; its constants become facts. */
export function enumType(ctx: LowerContext, node: SyntaxNode): TypeText {
  const [tag, body] = [child(node, 'name'), child(node, 'body')];
  const name = tag === undefined ? `@${lineOf(ctx.at(node.start))}` : ctx.name(tag);
  for (const each of body?.children ?? []) {
    const nameNode = child(each, 'name');
    if (each.type !== 'enumerator' || nameNode === undefined) continue;
    const value = child(each, 'value');
    ctx.enumerators.push({
      name: ctx.name(nameNode),
      at: ctx.at(nameNode.start),
      of: name,
      ...(value === undefined ? {} : { value: lowerExpr(ctx, value) }),
      ...ctx.when(each.start),
    });
  }
  return tag === undefined ? 'enum' : oneSpelling(`enum ${name}`);
}
