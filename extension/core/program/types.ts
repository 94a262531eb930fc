import type { Expr, MacroFact, TypeText } from '../syntax/facts';
import type { Local } from './collect';
import type { Constants } from './constants';
import { definitionOf, type FunctionTable } from './functions';
import type { Definitions, Located } from './located';
import type { StructFact, VariableFact } from '../syntax/facts';

/** Where an expression stands: what its names mean. */
export interface Scope {
  readonly file: string;
  readonly locals?: ReadonlyMap<string, readonly Local[]>;
  /** In a macro's body: its parameters, as the expressions that the use gives. */
  readonly bound?: ReadonlyMap<string, { readonly x: Expr; readonly scope: Scope }>;
}

const DEEPEST = 24;

/** Calls whose type is that of an argument, by position: accessors that wrap a pointer or a value. */
const SAME_TYPE: Readonly<Record<string, number>> = {
  READ_ONCE: 0,
  rcu_dereference: 0,
  rcu_dereference_check: 0,
  rcu_dereference_protected: 0,
  rcu_dereference_raw: 0,
  srcu_dereference: 0,
  srcu_dereference_check: 0,
  smp_load_acquire: 0,
  this_cpu_ptr: 0,
  raw_cpu_ptr: 0,
  per_cpu_ptr: 0,
  per_cpu: 0,
  this_cpu_read: 0,
  array_index_nospec: 0,
  xchg: 0,
  likely: 0,
  unlikely: 0,
};
/** Calls whose value is a pointer to the type given as argument. */
const TYPE_ARGUMENT: Readonly<Record<string, number>> = {
  container_of: 1,
  container_of_const: 1,
  list_entry: 1,
  list_first_entry: 1,
  list_last_entry: 1,
  list_first_entry_or_null: 1,
  hlist_entry: 1,
  hlist_entry_safe: 1,
  rb_entry: 1,
  rb_entry_safe: 1,
};

/** Declared types: enough of C's type system to know which struct a member is taken of. */
export class Types {
  private readonly resolved = new Map<string, string>();
  private readonly pointers = new Map<string, boolean>();
  private readonly tags = new Map<string, string>();
  private depth = 0;

  constructor(
    private readonly definitions: Definitions,
    private readonly functions: FunctionTable,
    private readonly constants: () => Constants,
  ) {}

  /** Follows typedefs; stars and array bounds stay. */
  resolveType(type: TypeText): string {
    const cached = this.resolved.get(type);
    if (cached !== undefined) return cached;
    let text = type;
    for (let hops = 0; hops < 16; hops++) {
      const parts = /^(\w+)((?:\s*\*|\s*\[[^\]]*\])*)$/.exec(text);
      const base = parts?.[1];
      if (base === undefined) break;
      const typedef = this.definitions.typedefs.get(base)?.[0]?.fact.type;
      if (typedef === undefined || typedef === base) break;
      text = `${typedef}${parts?.[2] ?? ''}`;
    }
    this.resolved.set(type, text);
    return text;
  }

  /** The tag of a struct's type, or of a pointer to or an array of such. */
  tag(type: TypeText): string | undefined {
    let known = this.tags.get(type);
    if (known === undefined) {
      known = tagOf(this.resolveType(type)) ?? '';
      this.tags.set(type, known);
    }
    return known === '' ? undefined : known;
  }

  isFunctionPointer(type: TypeText): boolean {
    let known = this.pointers.get(type);
    if (known === undefined) {
      const text = this.resolveType(type);
      known = text.includes('(') && !/\b__?typeof|\btypeof/.test(text);
      this.pointers.set(type, known);
    }
    return known;
  }

  /** Of a place that holds pointers to functions: `fn_t *`, `fn_t []`, `int (**)(int)`, `int (*[])(int)`. */
  pointsToFunctionPointer(type: TypeText): boolean {
    const base = /^(\w+)\s*(?:\*|\[)/.exec(type)?.[1];
    return base === undefined ? /\(\*\s*(?:\*|\[)/.test(type) : this.isFunctionPointer(base);
  }

  structs(type: TypeText): readonly Located<StructFact>[] {
    const tag = this.tag(type);
    return tag === undefined ? [] : (this.definitions.structs.get(tag) ?? []);
  }

  fieldType(type: TypeText, field: string): TypeText | undefined {
    for (const { fact } of this.structs(type)) {
      const found = fact.fields.find((one) => one.name === field);
      if (found !== undefined) return found.type;
    }
    return undefined;
  }

  /** The variable that `name` means in `file`: its own static, else the definition, else a declaration. */
  variable(name: string, file: string | undefined): Located<VariableFact> | undefined {
    const all = this.definitions.variables.get(name);
    if (all === undefined) return undefined;
    if (all.length === 1) return all[0];
    const own = file === undefined ? [] : all.filter((one) => one.file === file);
    return (
      own.find((one) => one.fact.init !== undefined) ??
      own.find((one) => one.fact.linkage !== 'extern') ??
      all.find((one) => one.fact.linkage === 'global' && one.fact.init !== undefined) ??
      all.find((one) => one.fact.linkage === 'global') ??
      this.definitions.visible(all, file)[0]
    );
  }

  /** The declared type of an expression, `undefined` if it takes more than declarations to tell. */
  typeOf(x: Expr, scope: Scope): TypeText | undefined {
    if (this.depth > DEEPEST) return undefined;
    this.depth++;
    const type = this.typeOfInner(x, scope);
    this.depth--;
    return type;
  }

  private typeOfInner(x: Expr, scope: Scope): TypeText | undefined {
    switch (x.k) {
      case 'id':
        return this.typeOfName(x.name, x.at, scope);
      case 'member': {
        const outer = this.typeOf(x.x, scope);
        return outer === undefined ? undefined : this.fieldType(outer, x.field);
      }
      case 'unary':
        return this.typeOfUnary(x.op, x.x, scope);
      case 'index': {
        const array = this.typeOf(x.x, scope);
        return array === undefined ? undefined : elementType(this.resolveType(array));
      }
      case 'cast':
      case 'type':
        return this.written(x.type, x.at, scope);
      case 'init':
        return x.type;
      case 'assign':
        return this.typeOf(x.l, scope);
      case 'cond':
        return (x.a === undefined ? undefined : this.typeOf(x.a, scope)) ?? this.typeOf(x.b, scope);
      case 'binary':
        if (x.op === ',') return this.typeOf(x.r, scope);
        return x.op === '+' || x.op === '-' ? this.typeOf(x.l, scope) : undefined;
      case 'block': {
        const last = x.body.at(-1);
        return last?.k === 'expr' ? this.typeOf(last.x, scope) : undefined;
      }
      case 'call':
        return x.fn.k === 'id' ? this.typeOfCall(x.fn.name, x.args, scope) : undefined;
      default:
        return undefined;
    }
  }

  private typeOfUnary(op: string, x: Expr, scope: Scope): TypeText | undefined {
    const inner = this.typeOf(x, scope);
    if (inner === undefined) return undefined;
    if (op === '&') return this.isFunctionPointer(inner) ? inner : pointerTo(inner);
    if (op === '*')
      return this.isFunctionPointer(inner) && inner.includes('(') ? inner : elementType(this.resolveType(inner));
    return inner;
  }

  private typeOfName(name: string, at: number, scope: Scope): TypeText | undefined {
    const bound = scope.bound?.get(name);
    if (bound !== undefined) return this.typeOf(bound.x, bound.scope);
    const local = localAt(scope.locals?.get(name), at);
    if (local !== undefined)
      return local.from === undefined ? this.written(local.type, at, scope) : this.typeOf(local.from, scope);
    const variable = this.variable(name, scope.file);
    if (variable !== undefined) return variable.fact.type;
    const macro = this.constants().macro(name, scope.file);
    if (macro?.params === undefined && macro?.expr !== undefined) return this.typeOf(macro.expr, { file: scope.file });
    return undefined;
  }

  /** A type as written at a place: `typeof(p->ops) *` is that of the expression, where it is a name or a row of fields. */
  private written(type: TypeText, at: number, scope: Scope): TypeText {
    if (!type.includes('typeof')) return type;
    const parts = /^(?:__)?typeof(?:__)?\s*\(\s*(\**)\s*(\w+)((?:\s*(?:->|\.)\s*\w+)*)\s*\)\s*(\**)$/.exec(type);
    if (parts === null) return type;
    const [, stars = '', name = '', fields = '', pointers = ''] = parts;
    let x: Expr = { k: 'id', at, name };
    for (const [field] of fields.matchAll(/\w+/g)) x = { k: 'member', at, x, field, arrow: true };
    for (let i = 0; i < stars.length; i++) x = { k: 'unary', at, op: '*', x };
    let found = this.typeOf(x, scope) ?? (stars === '' && fields === '' ? name : undefined);
    for (let i = 0; i < pointers.length && found !== undefined; i++) found = pointerTo(found);
    return found ?? type;
  }

  private typeOfCall(name: string, args: readonly Expr[], scope: Scope): TypeText | undefined {
    const same = Object.hasOwn(SAME_TYPE, name) ? SAME_TYPE[name] : undefined;
    if (same !== undefined) {
      const arg = args[same];
      return arg === undefined ? undefined : this.typeOf(arg, scope);
    }
    const typeAt = Object.hasOwn(TYPE_ARGUMENT, name) ? TYPE_ARGUMENT[name] : undefined;
    const typeArg = typeAt === undefined ? undefined : args[typeAt];
    if (typeArg !== undefined) {
      if (typeArg.k === 'type') return pointerTo(this.written(typeArg.type, typeArg.at, scope));
      return typeArg.k === 'id' ? `${typeArg.name} *` : undefined;
    }
    const fn = definitionOf(this.functions.named(name, scope.file)[0]);
    if (fn !== undefined) return fn.returns;
    const macro = this.constants().macro(name, scope.file);
    if (macro?.params !== undefined) return this.typeOfMacro(macro, args, scope);
    return this.definitions.prototypes.get(name)?.[0]?.fact.returns;
  }

  private typeOfMacro(macro: MacroFact, args: readonly Expr[], scope: Scope): TypeText | undefined {
    if (macro.expr === undefined) return undefined;
    const bound = new Map<string, { x: Expr; scope: Scope }>();
    macro.params?.forEach((param, i) => {
      const x = args[i];
      if (x !== undefined) bound.set(param, { x, scope });
    });
    return this.typeOf(macro.expr, { file: scope.file, bound });
  }
}

/** The local that a name means at a position: the last one declared before it whose scope has not ended. */
export function localAt(locals: readonly Local[] | undefined, at: number): Local | undefined {
  if (locals === undefined) return undefined;
  if (locals.length === 1 && locals[0]?.end === undefined) return locals[0];
  let found: Local | undefined;
  for (const local of locals) if (local.at <= at && (local.end === undefined || at <= local.end)) found = local;
  return found;
}

function pointerTo(type: TypeText): TypeText {
  return `${type}${type.endsWith('*') ? '' : ' '}*`;
}

/** `kvm_vcpu` of `struct kvm_vcpu *`; `opcode.u` of `union opcode.u`. */
export function tagOf(type: TypeText): string | undefined {
  return /^(?:const |volatile )*(?:struct|union) ([\w.@]+)/.exec(type)?.[1];
}

export function elementType(type: TypeText): TypeText | undefined {
  if (type.includes('(')) return type.replace(/(\(\*+)\s*\[[^\]]*\]/, '$1');
  const array = /^([^[]*?)\s*\[[^\]]*\](.*)$/.exec(type);
  if (array !== null) return `${array[1] ?? ''}${array[2] === '' ? '' : ` ${array[2] ?? ''}`}`.trim();
  return type.endsWith('*') ? type.slice(0, -1).trim() : undefined;
}

const NO_FUNCTION =
  /^(?:const |volatile )*(?:(?:struct|union) [\w.@]+|(?:enum \w+|_?[Bb]ool|char|signed|short|int|unsigned int|unsigned short|unsigned char|[us](?:8|16|32)|__[us](?:8|16|32))(?= ?\*|$))[ *]*$/;

/** Whether a declared type may be that of a function's address: no struct's pointer, no number. A typedef's name may be. */
export function mayHoldFunction(type: TypeText): boolean {
  return !NO_FUNCTION.test(type);
}
