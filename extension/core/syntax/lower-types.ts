import type { Parameter, TypeText } from './facts';
import type { LowerContext } from './lower-context';
import { enumType, structType } from './lower-struct';
import { oneSpelling } from './one-spelling';
import { child, type SyntaxNode } from './syntax-node';

export interface Declarator {
  readonly name: string;
  /** Of the name; of the declarator's start if it has none. */
  readonly nameStart: number;
  readonly type: TypeText;
  /** The parameters if the name is declared as a function (not as a pointer to one). */
  readonly params?: readonly Parameter[];
  /** For a function: what it returns. */
  readonly returns: TypeText;
}

/** The type before the declarators of a declaration, a parameter, a field or a type descriptor. */
export function baseType(ctx: LowerContext, node: SyntaxNode, nameHint = ''): TypeText {
  const type = child(node, 'type');
  return type === undefined ? 'int' : specifierText(ctx, type, nameHint);
}

/** The same for a declaration of variables: a struct type without a tag is named after the first of them, `FILE.VARIABLE`. */
export function variablesType(ctx: LowerContext, node: SyntaxNode): TypeText {
  const type = child(node, 'type');
  const isNameless = type !== undefined && /^(?:struct|union)_specifier$/.test(type.type) && !child(type, 'name');
  const first = node.children.find((each) => each.field === 'declarator');
  if (!isNameless || first === undefined) return baseType(ctx, node);
  const { name } = readDeclarator(ctx, '', first.type === 'init_declarator' ? child(first, 'declarator') : first);
  return baseType(ctx, node, ctx.freeTag(name));
}

function specifierText(ctx: LowerContext, type: SyntaxNode, nameHint: string): TypeText {
  switch (type.type) {
    case 'struct_specifier':
    case 'union_specifier':
      return structType(ctx, type, nameHint);
    case 'enum_specifier':
      return enumType(ctx, type);
    case 'type_identifier':
    case 'identifier': {
      const argument = ctx.rewriteAt(type.start, 'type-argument');
      return argument === undefined ? ctx.name(type) : typeText(argument.original);
    }
    default:
      return typeText(ctx.text(type));
  }
}

const QUALIFIER = /\b(?:const|volatile|__user|__rcu|__iomem|__percpu|__force|restrict)\b/;
const QUALIFIERS = new RegExp(QUALIFIER, 'g');

/** One spelling: no qualifiers, single spaces, stars together at the end. */
export function typeText(written: string): TypeText {
  if (/^\w+$/.test(written) && !QUALIFIER.test(written)) return written;
  return written
    .replace(/\/\*[\s\S]*?\*\//g, ' ')
    .replace(QUALIFIERS, ' ')
    .replace(/\s+/g, ' ')
    .replace(/\s*\*\s*(?=\*)/g, '*')
    .replace(/(\w)\s*(\*+)\s*/g, '$1 $2')
    .trim();
}

/** Reads one declarator. The type is written as C would without the name: `base *`, `base [3]`, `base (*)(int)`. */
export function readDeclarator(ctx: LowerContext, base: TypeText, node: SyntaxNode | undefined): Declarator {
  if (node === undefined) return { name: '', nameStart: 0, type: base, returns: base };
  const found: { name?: SyntaxNode; params?: SyntaxNode } = {};
  const shape = declaratorShape(ctx, node, found);
  const type = shape === '' ? base : oneSpelling(`${base} ${shape}`);
  const nameStart = found.name?.start ?? node.start;
  const name = found.name === undefined ? '' : ctx.name(found.name);
  const functionNode = functionOf(node);
  if (functionNode === undefined) return { name, nameStart, type, returns: type };
  const returnsShape = declaratorShape(ctx, node, {}, functionNode);
  const returns = returnsShape === '' ? base : oneSpelling(`${base} ${returnsShape}`);
  return { name, nameStart, type, params: readParameters(ctx, functionNode), returns };
}

/** The function declarator whose own declarator is the name itself: of `*f(int)`, `(f)(int)`, `(*f(int))(u8)`, not of `(*f)(int)`. */
function functionOf(node: SyntaxNode): SyntaxNode | undefined {
  const inner = innerDeclarator(node);
  if (inner === undefined) return undefined;
  return node.type === 'function_declarator' && isName(inner) ? node : functionOf(inner);
}

/** A name, perhaps in parentheses. */
function isName(node: SyntaxNode): boolean {
  if (node.type !== 'parenthesized_declarator') return /identifier$/.test(node.type);
  const inner = innerDeclarator(node);
  return inner !== undefined && isName(inner);
}

function innerDeclarator(node: SyntaxNode): SyntaxNode | undefined {
  return child(node, 'declarator') ?? node.children.find((each) => /declarator$|identifier$/.test(each.type));
}

/** `without`: a function declarator that is left out, for the type that its function returns. */
function declaratorShape(
  ctx: LowerContext,
  node: SyntaxNode,
  found: { name?: SyntaxNode },
  without?: SyntaxNode,
): string {
  const inner = innerDeclarator(node);
  const rest = inner === undefined ? '' : declaratorShape(ctx, inner, found, without);
  if (node === without) return rest;
  switch (node.type) {
    case 'pointer_declarator':
    case 'abstract_pointer_declarator':
      return `*${rest}`;
    case 'function_declarator':
    case 'abstract_function_declarator':
      return `${rest}${parametersText(ctx, node)}`;
    case 'array_declarator':
    case 'abstract_array_declarator': {
      const size = child(node, 'size');
      return `${rest}[${size === undefined ? '' : ctx.written(size.start, size.end)}]`;
    }
    case 'parenthesized_declarator':
    case 'abstract_parenthesized_declarator':
      return rest === '' ? '' : `(${rest})`;
    case 'identifier':
    case 'field_identifier':
    case 'type_identifier':
      found.name = node;
      return '';
    default:
      return rest;
  }
}

function parametersText(ctx: LowerContext, node: SyntaxNode): string {
  return `(${readParameters(ctx, node)
    .map((param) => param.type)
    .join(', ')})`;
}

function readParameters(ctx: LowerContext, node: SyntaxNode): Parameter[] {
  const list = child(node, 'parameters');
  const params: Parameter[] = [];
  for (const each of list?.children ?? []) {
    if (each.type === 'variadic_parameter') params.push({ name: '', type: '...' });
    if (each.type === 'identifier') params.push({ name: ctx.name(each), type: 'int' });
    if (each.type !== 'parameter_declaration') continue;
    const base = baseType(ctx, each);
    const { name, type } = readDeclarator(ctx, base, child(each, 'declarator'));
    if (name === '' && type === 'void') continue;
    params.push({ name, type: adjusted(type) });
  }
  return params;
}

/** A parameter of array type is a pointer to its element: `u8 [16]` is `u8 *`, `int [3][4]` is `int (*)[4]`. */
function adjusted(type: TypeText): TypeText {
  const array = /^([^[(]*?) ?\[[^\]]*\]((?:\[[^\]]*\])*)$/.exec(type);
  if (array === null) return type;
  const [, element = '', rest = ''] = array;
  if (rest !== '') return `${element} (*)${rest}`;
  return element.endsWith('*') ? `${element}*` : `${element} *`;
}

/** The type of a cast, of `sizeof`, of a compound literal. */
export function descriptorText(ctx: LowerContext, node: SyntaxNode): TypeText {
  const base = baseType(ctx, node);
  return readDeclarator(ctx, base, child(node, 'declarator')).type;
}
