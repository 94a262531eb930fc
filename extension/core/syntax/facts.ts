import type { Problem } from '../source/tree';

/**
 * What one C file says, as plain data: the only thing that later layers see of a source file. Facts depend on the
 * file's text alone (never on other files), survive JSON, and are keyed by the text's hash.
 *
 * Macros are *not* expanded here: a macro's use is a `call` or an `id` like any other, and its definition is a
 * `MacroFact`. Both branches of a balanced `#if` are kept, under their condition.
 */
export interface FileFacts {
  readonly path: string;
  /** Hash of the text that these facts were read from, see `textHash()`. */
  readonly hash: string;
  /** Lines that were read: of a header of which only some definitions are needed, the lines of those. */
  readonly lines: number;
  readonly functions: readonly FunctionFact[];
  /** Declarations without a body: what a call of a function defined elsewhere takes and returns. */
  readonly prototypes: readonly PrototypeFact[];
  readonly variables: readonly VariableFact[];
  readonly structs: readonly StructFact[];
  readonly typedefs: readonly TypedefFact[];
  readonly enumerators: readonly EnumeratorFact[];
  readonly macros: readonly MacroFact[];
  readonly undefs: readonly UndefFact[];
  readonly includes: readonly IncludeFact[];
  /** Macro calls at file scope: `module_init(f)`, `EXPORT_SYMBOL_GPL(f)`, `KVM_X86_OP(x)`, `DEFINE_GUARD(...)`, ... */
  readonly fileScopeCalls: readonly FileScopeCall[];
  readonly problems: readonly Problem[];
}

/** A position packed into one number: `line * 65536 + column`, both 1-based, columns in UTF-16 units. */
export type Pos = number;

export function pos(line: number, column: number): Pos {
  return line * 65536 + Math.min(column, 65535);
}

export function lineOf(at: Pos): number {
  return Math.floor(at / 65536);
}

export function columnOf(at: Pos): number {
  return at % 65536;
}

/**
 * The `#if` conditions around a thing, outermost first, each as a preprocessor expression with positive sense:
 * `#ifdef X` gives `defined(X)`, its `#else` gives `!(defined(X))`. Absent: no condition. Include guards are left out.
 */
export type When = readonly string[];

/**
 * A C type as text in one spelling: qualifiers and attributes dropped, single spaces, stars at the end:
 * `struct kvm_vcpu *`, `u64`, `enum kvm_reg`, `int (*)(struct kvm_vcpu *, u32)`, `struct kvm_lpage_info *[3]`.
 */
export type TypeText = string;

export interface Parameter {
  /** Empty for `void f(int)` and for `...` (whose type is `...`). */
  readonly name: string;
  readonly type: TypeText;
}

export interface PrototypeFact {
  readonly name: string;
  /** Of the name. */
  readonly at: Pos;
  readonly returns: TypeText;
  readonly params: readonly Parameter[];
  readonly linkage: 'extern' | 'static' | 'weak';
  readonly inline: boolean;
  readonly when?: When;
}

/**
 * A function definition. In a template header the name is the template's (`FNAME(walk_addr)`), for the linker to
 * instantiate. `from` names the file-scope macro call that generated the function (`BUILD_X(a, b)`), if one did;
 * its positions are then those of that call.
 */
export interface FunctionFact extends PrototypeFact {
  /** First line of the definition (of its specifiers) and last line (of the closing brace), 1-based. */
  readonly firstLine: number;
  readonly lastLine: number;
  readonly body: readonly Stmt[];
  readonly from?: string;
}

/** A file-scope variable. Tables of functions are variables whose `init` names functions. */
export interface VariableFact {
  readonly name: string;
  readonly at: Pos;
  readonly type: TypeText;
  readonly linkage: 'extern' | 'static' | 'global';
  readonly init?: Expr;
  readonly when?: When;
}

export interface StructFact {
  readonly kind: 'struct' | 'union';
  /** The tag, or for want of one the name of its typedef, or `FILE.VARIABLE` for that of a variable, or `''`. An anonymous struct's members live in the enclosing struct's `fields`. */
  readonly name: string;
  readonly at: Pos;
  /** Members of anonymous structs and unions inside are listed here flat; a named nested struct gives a field of type `struct OUTER.FIELD` and a fact of its own under that name. */
  readonly fields: readonly FieldFact[];
  readonly when?: When;
}

export interface FieldFact {
  readonly name: string;
  readonly at: Pos;
  readonly type: TypeText;
  /** Width of a bit-field, as written. */
  readonly bits?: string;
  /** The unions that it lies in within its struct, outermost first, and in which member of each: others lie over it. */
  readonly overlays?: readonly (readonly [union: Pos, member: Pos])[];
  /** What lies within the struct's braces. */
  readonly when?: When;
}

export interface TypedefFact {
  readonly name: string;
  readonly type: TypeText;
  readonly at: Pos;
}

/** `value` absent: one more than the enumerator before it in `of` (0 for the first). */
export interface EnumeratorFact {
  readonly name: string;
  readonly at: Pos;
  /** The enum's tag and its place in the file: `kvm_apicv_inhibit`, or `@LINE` for an anonymous one. */
  readonly of: string;
  readonly value?: Expr;
  readonly when?: When;
}

/**
 * A `#define`. `params` absent: object-like. The body is kept as text and, where it parses, as an expression or as
 * statements (`do { ... } while (0)` and fragments such as loop heads); both absent: it is neither, and opaque.
 */
export interface MacroFact {
  readonly name: string;
  readonly at: Pos;
  /** Names; a variadic last one is written `...` or `args...`. */
  readonly params?: readonly string[];
  readonly text: string;
  readonly expr?: Expr;
  readonly stmts?: readonly Stmt[];
  readonly when?: When;
}

/** An `#undef`. */
export interface UndefFact {
  readonly name: string;
  readonly at: Pos;
}

export interface IncludeFact {
  readonly target: string;
  readonly system: boolean;
  readonly at: Pos;
  readonly when?: When;
}

export interface FileScopeCall {
  readonly name: string;
  readonly at: Pos;
  /** Arguments as written, white space folded; `[]` also where a macro stands without parentheses. */
  readonly args: readonly string[];
  readonly when?: When;
}

/** Operators are spelled as in C. `at` is the first character, but for a call: that of the callee's name. */
export type Expr =
  | { readonly k: 'id'; readonly at: Pos; readonly name: string }
  | { readonly k: 'num'; readonly at: Pos; readonly text: string }
  | { readonly k: 'str'; readonly at: Pos; readonly text: string }
  | { readonly k: 'call'; readonly at: Pos; readonly fn: Expr; readonly args: readonly Expr[] }
  | { readonly k: 'unary'; readonly at: Pos; readonly op: UnaryOp; readonly x: Expr }
  | { readonly k: 'binary'; readonly at: Pos; readonly op: BinaryOp; readonly l: Expr; readonly r: Expr }
  | { readonly k: 'assign'; readonly at: Pos; readonly op: AssignOp; readonly l: Expr; readonly r: Expr }
  /** `a` absent: GNU `c ?: b`. */
  | { readonly k: 'cond'; readonly at: Pos; readonly c: Expr; readonly a?: Expr; readonly b: Expr }
  | { readonly k: 'member'; readonly at: Pos; readonly x: Expr; readonly field: string; readonly arrow: boolean }
  | { readonly k: 'index'; readonly at: Pos; readonly x: Expr; readonly i: Expr }
  | { readonly k: 'cast'; readonly at: Pos; readonly type: TypeText; readonly x: Expr }
  | { readonly k: 'sizeof'; readonly at: Pos; readonly type?: TypeText; readonly x?: Expr }
  /** A type where an expression is expected: an argument of `container_of()`, `min_t()`, `offsetof()`, ... */
  | { readonly k: 'type'; readonly at: Pos; readonly type: TypeText }
  /** `({ ... })`: its value is that of its last statement. */
  | { readonly k: 'block'; readonly at: Pos; readonly body: readonly Stmt[] }
  /** `{ .f = x, [i] = y, z }`; with `type` a compound literal. */
  | { readonly k: 'init'; readonly at: Pos; readonly items: readonly InitItem[]; readonly type?: TypeText }
  /** Anything else, as written: an evaluator treats it as an unknown value. */
  | { readonly k: 'opaque'; readonly at: Pos; readonly text: string };

/** `!x ~x -x +x *x &x`, `++x --x`, and the postfix forms `x++ x--`; `&&label` is opaque. */
export type UnaryOp = '!' | '~' | '-' | '+' | '*' | '&' | '++' | '--' | 'post++' | 'post--';
export type BinaryOp =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '<<'
  | '>>'
  | '&'
  | '|'
  | '^'
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | '&&'
  | '||'
  | ',';
export type AssignOp = '=' | '+=' | '-=' | '*=' | '/=' | '%=' | '<<=' | '>>=' | '&=' | '|=' | '^=';

export interface InitItem {
  /** `.a.b = x` gives `['a', 'b']`. */
  readonly fields?: readonly string[];
  /** `[i] = x`; `[i ... j] = x` has `last` too. */
  readonly index?: Expr;
  readonly last?: Expr;
  readonly value: Expr;
  /** What lies within the braces of the initialiser. */
  readonly when?: When;
}

/**
 * Statements, in source order. `text` is the controlling expression as written (macros unexpanded, white space
 * folded). Case and goto labels stand flat in the list of their block, as in C.
 */
export type Stmt =
  | { readonly k: 'expr'; readonly at: Pos; readonly x: Expr }
  /** One declarator of a local declaration; a local array's type ends in `[]` or `[n]`. */
  | {
      readonly k: 'decl';
      readonly at: Pos;
      readonly name: string;
      readonly type: TypeText;
      readonly static: boolean;
      readonly init?: Expr;
      readonly cleanup?: string;
    }
  | {
      readonly k: 'if';
      readonly at: Pos;
      readonly c: Expr;
      readonly text: string;
      readonly then: readonly Stmt[];
      readonly else?: readonly Stmt[];
    }
  | { readonly k: 'switch'; readonly at: Pos; readonly x: Expr; readonly text: string; readonly body: readonly Stmt[] }
  /** `case lo:`, `case lo ... hi:`; without `lo`: `default:`. */
  | { readonly k: 'case'; readonly at: Pos; readonly lo?: Expr; readonly hi?: Expr }
  | { readonly k: 'label'; readonly at: Pos; readonly name: string }
  | {
      readonly k: 'loop';
      readonly at: Pos;
      readonly form: 'while' | 'do' | 'for';
      readonly text: string;
      readonly init?: readonly Stmt[];
      readonly c?: Expr;
      readonly step?: Expr;
      readonly body: readonly Stmt[];
    }
  /** A loop through a macro: `list_for_each_entry(p, head, list) { ... }`, `kvm_for_each_vcpu(i, vcpu, kvm) ...`. */
  | {
      readonly k: 'each';
      readonly at: Pos;
      readonly macro: string;
      readonly args: readonly Expr[];
      readonly text: string;
      readonly body: readonly Stmt[];
    }
  /** `guard(srcu)(&x);` (`name` is `srcu`, to the end of the block), `scoped_guard(mutex, &m) { ... }` (with `body`), `CLASS(fd, f)(n);` (declares `variable`). */
  | {
      readonly k: 'guard';
      readonly at: Pos;
      readonly macro: 'guard' | 'scoped_guard' | 'scoped_cond_guard' | 'CLASS';
      readonly name: string;
      readonly variable?: string;
      readonly args: readonly Expr[];
      readonly body?: readonly Stmt[];
    }
  | { readonly k: 'return'; readonly at: Pos; readonly x?: Expr; readonly text: string }
  | { readonly k: 'goto'; readonly at: Pos; readonly label: string }
  | { readonly k: 'break'; readonly at: Pos }
  | { readonly k: 'continue'; readonly at: Pos }
  | { readonly k: 'block'; readonly at: Pos; readonly body: readonly Stmt[] }
  /** Statements of one `#if` branch: its condition alone, the outer ones lie outside. */
  | { readonly k: 'when'; readonly at: Pos; readonly when: string; readonly body: readonly Stmt[] }
  /** Inline assembler: `outputs` are assigned unknown values, `inputs` are read (names that its text calls are among them). `labels`: asm goto. */
  | {
      readonly k: 'asm';
      readonly at: Pos;
      readonly outputs: readonly Expr[];
      readonly inputs: readonly Expr[];
      readonly labels?: readonly string[];
    }
  /** A statement that could not be lowered; accompanied by a `Problem` of the file, unless it is an `#include` (see `included.ts`). */
  | { readonly k: 'opaque'; readonly at: Pos; readonly text: string };
