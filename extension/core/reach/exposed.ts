import type { FunctionNode, Symbols } from '../program/program';
import type { Expr } from '../syntax/facts';

/** Code outside the tree that fills what its first argument points to. */
const FILLS =
  /^(?:__|_)*(?:builtin_)?(?:mem(?:set\w*|cpy\w*|move|zero_explicit)|copy_from_user\w*|strscpy\w*|get_random_bytes)$/;

/** Types of a pointer that says nothing of what it points to. */
const TYPELESS = /^(?:void|char|unsigned char|signed char|u8|__u8|uint8_t) \*$/;

export function fillsFirst(name: string): boolean {
  return FILLS.test(name);
}

export function isTypeless(symbols: Symbols, type: string): boolean {
  return TYPELESS.test(type) || TYPELESS.test(symbols.resolveType(type));
}

/** The tag of a struct or union that an object of this type is, or is an array of. */
export function structOf(symbols: Symbols, type: string | undefined): string | undefined {
  if (type === undefined) return undefined;
  const resolved = symbols.resolveType(type);
  return resolved.includes('*') ? undefined : /^(?:struct|union) ([\w.@]+)/.exec(resolved)?.[1];
}

/** The tag of the struct or union that a type is, is an array of, or points to. */
export function tagBehind(symbols: Symbols, type: string | undefined): string | undefined {
  return type === undefined ? undefined : /(?:struct|union) ([\w.@]+)/.exec(symbols.resolveType(type))?.[1];
}

/** Keys (`struct.field`) of everything that lies in a struct, in structs in it too. */
export function keysWithin(
  symbols: Symbols,
  tag: string,
  found = new Set<string>(),
  seen = new Set<string>(),
): Set<string> {
  if (seen.has(tag)) return found;
  seen.add(tag);
  for (const field of symbols.struct(tag)?.fields ?? []) {
    found.add(`${tag}.${field.name}`);
    const inner = structOf(symbols, field.type);
    if (inner !== undefined) keysWithin(symbols, inner, found, seen);
  }
  return found;
}

/** The lvalue whose address an expression is, casts left out. */
export function addressedBy(x: Expr): Expr | undefined {
  if (x.k === 'cast') return addressedBy(x.x);
  return x.k === 'unary' && x.op === '&' ? x.x : undefined;
}

/** A local variable itself, or a part of one: nobody else's. */
export function isOwn(l: Expr, node: FunctionNode, symbols: Symbols): boolean {
  if (l.k === 'member' && !l.arrow) return isOwn(l.x, node, symbols);
  if (l.k === 'index') return isOwn(l.x, node, symbols) && symbols.typeOf(l.x, node)?.includes('[') === true;
  return l.k === 'id' && symbols.variable(l.name, node.file) === undefined;
}

/** The object around a field: what a copy of unknown length that begins at the field may run into. */
export function around(l: Expr): Expr | undefined {
  if (l.k === 'index') return around(l.x);
  return l.k === 'member' ? l.x : undefined;
}

/** A length that is that of the object itself: `sizeof(x->field)`, or a small constant. */
export function isOwnLength(length: Expr | undefined, target: Expr, symbols: Symbols, node: FunctionNode): boolean {
  if (length === undefined) return false;
  if (length.k === 'sizeof' && length.x !== undefined) {
    const inner = length.x.k === 'unary' && length.x.op === '*' ? length.x.x : length.x;
    return JSON.stringify(withoutPlaces(inner)) === JSON.stringify(withoutPlaces(target)) || inner !== length.x;
  }
  if (length.k === 'sizeof' && length.type !== undefined)
    return (
      symbols.typeOf(target, node) !== undefined &&
      structOf(symbols, length.type) === structOf(symbols, symbols.typeOf(target, node))
    );
  return false;
}

function withoutPlaces(x: Expr): unknown {
  return JSON.parse(JSON.stringify(x, (key, value: unknown) => (key === 'at' ? undefined : value)));
}
