import type { Dangling } from './dangling';
import type { Problem } from '../source/tree';
import type { Expr, FileFacts, FunctionFact, MacroFact, StructFact, VariableFact, When } from '../syntax/facts';

/**
 * The linked program: what all files say together. A pure function of facts and of the reference configuration.
 * Everything here is immutable; an edit makes a new program from old and new facts.
 */
export interface Program {
  /** `6.12.117` from the top Makefile, or `''`. */
  readonly version: string;
  readonly files: ReadonlyMap<string, FileFacts>;
  /** By id, in the order of files and source. Functions, then the macros that lie on a call chain. */
  readonly functions: ReadonlyMap<FunctionId, FunctionNode>;
  /** Sorted by place, then caller and callee. Those that the reference configuration switches off are among them, with `when`. */
  readonly edges: readonly Edge[];
  /**
   * By caller's and by callee's id: the edges between functions that exist in the reference configuration. A call
   * through macros is in them once, contracted (`via: 'macro'`): a macro's node would join the callers of all its uses.
   */
  readonly callees: ReadonlyMap<FunctionId, readonly Edge[]>;
  readonly callers: ReadonlyMap<FunctionId, readonly Edge[]>;
  readonly entries: readonly EntryPoint[];
  readonly unresolved: readonly Unresolved[];
  readonly dangling: readonly Dangling[];
  readonly problems: readonly Problem[];
  readonly symbols: Symbols;
}

/** `FILE:NAME`; a second definition under another `#if` in the same file has `#2`; an instance of a template function `FILE:INSTANCE_NAME`. */
export type FunctionId = string;

export interface FunctionNode {
  readonly id: FunctionId;
  readonly name: string;
  readonly kind: 'function' | 'macro';
  readonly file: string;
  readonly line: number;
  readonly lastLine: number;
  readonly static: boolean;
  /** The function's `#if` conditions joined by ` && `, if any. */
  readonly when?: string;
  /** False if the reference configuration (every KVM option on, 64 bit, SMP) switches this definition off. */
  readonly active: boolean;
  /** The vendor module the function's file is linked into, if only one: by folder (`vmx/`, `svm/`), read from the Makefile's rule of KVM. */
  readonly vendor?: Vendor;
  readonly fact: FunctionFact | MacroFact;
  /** In a template instance: what its `FNAME` prefix is (`paging64_`), and the values of the template's macros follow the instance. */
  readonly instance?: string;
}

export type Vendor = 'intel' | 'amd';

/** A place in the tree. 1-based. Of a call: the callee's name. Of a guard: the first line of its condition. */
export interface Site {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The function that the place lies in. */
  readonly function: string;
}

export type Via = 'call' | 'macro' | 'ops' | 'table' | 'argument' | 'field';

/** For an indirect edge, caller and site are the dispatching function and expression. */
export interface Edge {
  readonly caller: string;
  readonly callee: string;
  readonly callerId: FunctionId;
  readonly calleeId: FunctionId;
  readonly site: Site;
  readonly via: Via;
  /** `kvm_x86_ops.set_msr`, `kvm_vmx_exit_handlers[EXIT_REASON_X]`, `kvm_device_ops.set_attr`, ... */
  readonly slot?: string;
  readonly vendor?: Vendor;
  readonly when?: string;
}

/**
 * A way in from outside KVM. `ioctl` roots are the file operations; which ioctl number is meant is decided by the
 * `case` labels of `selector` (a parameter of `function`) that a path passes, so one root stands for many entries.
 */
export interface EntryPoint {
  readonly kind: EntryKind;
  /** A file operation's name (`kvm_vm_fops.unlocked_ioctl`), or the final name (`kvm-vfio/set_attr`, `EXIT_REASON_X`, `module_init`). */
  readonly name: string;
  readonly functionId: FunctionId;
  readonly function: string;
  readonly selector?: string;
  /** Where the registration stands: the table's entry, the `module_init()` line, ... */
  readonly site: Site;
  /**
   * KVM itself dispatches to the function: edges lead to it, and this entry only names what lies behind them (an exit
   * handler, a device operation). Otherwise control comes from outside KVM straight to the function.
   */
  readonly inside: boolean;
  readonly vendor?: Vendor;
}

export type EntryKind = 'ioctl' | 'exit' | 'device' | 'release' | 'notifier' | 'work' | 'module' | 'export' | 'other';

export interface Unresolved {
  readonly site: Site;
  readonly text: string;
  readonly why: string;
}

/** Look-ups across files. `from` is the file in which the name is used: its own statics and macros win. */
export interface Symbols {
  /** Definitions that `name` means in `from`: its static, else the external ones (several under different `#if`s; active ones first). */
  functionsNamed(name: string, from?: string): readonly FunctionNode[];
  macro(name: string, from?: string): MacroFact | undefined;
  /** Value of an enumerator or of an object-like macro that folds to an integer; `undefined`: not a known constant. */
  constant(name: string, from?: string): bigint | undefined;
  /** Folds an expression of constants (`BIT(X) | Y`, `1ul << 3`, casts, sizeof of integer types); `undefined` if anything in it is not constant. */
  fold(expr: Expr, from?: string): bigint | undefined;
  struct(name: string): StructFact | undefined;
  variable(name: string, from?: string): VariableFact | undefined;
  /** Follows typedefs: `gfn_t` -> `unsigned long long`. */
  resolveType(type: string): string;
  /** The field's declared type, following anonymous members; `type` may be a pointer or a struct. */
  fieldType(type: string, field: string): string | undefined;
  /** The declared type of an expression in a function's body; `undefined` if it takes more than declarations to tell. */
  typeOf(expr: Expr, fn: FunctionNode): string | undefined;
  /** What the reference configuration says of a preprocessor condition: `undefined` if it cannot be told. */
  isActive(when: When | undefined, from?: string): boolean | undefined;
  /** Whether what `isActive()` says of a condition holds for every host that runs KVM, not only for the reference configuration. */
  isSettled(when: string): boolean;
  /** The targets of a table slot, per vendor: `kvm_x86_ops.set_msr` -> `vt_set_msr` (intel), `svm_set_msr` (amd). Null entries are left out. */
  slot(name: string): readonly SlotTarget[];
  /** A non-function entry of a table per vendor: `kvm_x86_ops.required_apicv_inhibits`. */
  slotValue(name: string, vendor: Vendor): { readonly value: Expr; readonly file: string } | undefined;
}

export interface SlotTarget {
  readonly functionId: FunctionId;
  readonly vendor?: Vendor;
  readonly when?: string;
  /** Where the slot is filled: the initialiser's entry or the assignment at run time. */
  readonly site: Site;
  /** The condition under which a run-time assignment happens is evaluated by its own function; here only that it is one. */
  readonly assigned: boolean;
}
