/**
 * Kernel C made readable for a C grammar, character for character: `text` has the length and the line breaks of the
 * source, so that every offset in the syntax tree is an offset in the file. What was blanked or rewritten is noted
 * with its original; whoever reads the tree must consult the notes, or reads nonsense. Offsets are UTF-16 units.
 */
export interface MaskedSource {
  readonly text: string;
  /** `#if` branches, sorted by start; an inner one lies within its outer one. Include guards are left out. */
  readonly branches: readonly Branch[];
  readonly defines: readonly Define[];
  readonly includes: readonly Include[];
  /** `#undef`s. */
  readonly undefs: readonly Undef[];
  /** Sorted by start, never overlapping. */
  readonly rewrites: readonly Rewrite[];
  /** What could not be understood (an unbalanced `#if`, an unterminated comment): `at` is an offset. */
  readonly faults: readonly { readonly at: number; readonly message: string }[];
}

/** The lines between two directives of one `#if`. All directives are blanked; the branch's own text stays, unless it splits a statement. */
export interface Branch {
  readonly start: number;
  readonly end: number;
  /** This branch's own condition in positive sense: `defined(CONFIG_X)`, `!(defined(CONFIG_X))`, `!(A) && (B)` for an `#elif`. */
  readonly when: string;
  /** The branch splits a statement, another branch was kept in its place, and this one's text is blanked. */
  readonly dropped: boolean;
  /**
   * The branches split a statement, and this one was kept for all of them: what it holds is read as if no `#if` stood
   * around it (its text goes on behind the `#endif`). Set by the mask, read by the lowering.
   */
  readonly chosen?: true;
}

/** A `#define`, blanked. `body` has line continuations folded to blanks, character for character from `bodyStart`, comments blanked. */
export interface Define {
  readonly name: string;
  readonly nameStart: number;
  readonly params?: readonly string[];
  readonly body: string;
  readonly bodyStart: number;
}

export interface Undef {
  readonly name: string;
  readonly start: number;
}

export interface Include {
  readonly target: string;
  readonly system: boolean;
  readonly start: number;
}

/**
 * One rewritten stretch `[start, end)` of the source.
 *
 * | kind | in the source | in `text` |
 * |---|---|---|
 * | `attribute` | `__must_hold(x)`, `__init`, `noinline`, `__always_unused`, `_Pragma(..)` | blanks |
 * | `file-scope-call` | `module_init(f)`, `TRACE_EVENT(...)`, `KVM_X86_OP(x)`, with or without `;` | blanks |
 * | `loop` | the name in `for_each_x(a, b)`, also `scoped_guard` and its kin | `while`, padded |
 * | `type-argument` | `struct foo *` or `unsigned long` as argument of a call | an identifier of that length |
 * | `template-name` | `FNAME(walk)` | an identifier of that length |
 * | `case-range` | the `...` of `case A ... B:` | `|| ` |
 * | `label-macro` | `MACRO(x):` used as case label(s) | `case` label of an identifier, as well as fits |
 * | `bare-call` | the name in `EACH(f)` before a `}`, a macro's call without `;` | the name; the parentheses are `,` and `;` |
 * | `asm` | a whole asm statement without its `;` | a call `__asm__(outputs..., inputs...)`, blanks between; `outputs` counts the outputs |
 * | `other` | attribute-like or expression-level rewrites that leave the meaning alone, see below | anything |
 *
 * `other` stands for: `__always_inline` (`inline`), `__volatile__`, a macro that makes a field (`DECLARE_BITMAP(map, 64);`,
 * blank), the macro around a field's name (`u8 HINT(name);`), `static` before a declaration by macro in a function,
 * `offsetof` and `__alignof__` (a plain name of the same length, for what they take is no expression), a string before
 * `(`, a number that is no number, a trailing comma, operators without an operand where they come in hundreds,
 * `}` in a statement's indentation where a function leaves a brace open.
 *
 * What masking leaves to the reader of the tree, for want of types: `(u32)(x)` is parsed as a call of `(u32)` or, before
 * an operator, `(x) - y` as a cast; an identifier alone in an argument may be a type (`min_t(u32, a, b)`); a macro call
 * in a declaration's place within a function (`DECLARE_BITMAP(map, 64);`) is a call; `MACRO(x);` may hold `case` labels.
 */
export interface Rewrite {
  readonly kind:
    | 'attribute'
    | 'file-scope-call'
    | 'loop'
    | 'type-argument'
    | 'template-name'
    | 'case-range'
    | 'label-macro'
    | 'bare-call'
    | 'asm'
    | 'other';
  readonly start: number;
  readonly end: number;
  readonly original: string;
  readonly outputs?: number;
}
