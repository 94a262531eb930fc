import type { Expr, FunctionFact, Pos, Stmt, TypeText } from '../syntax/facts';
import type { Mutable } from './mutable';
import { localAt, mayHoldFunction } from './types';
import { strip } from './values';

/**
 * What the linker needs of one body, gathered in one walk: calls, stores, local names and initialisers. It depends on
 * the body alone, so that it is computed once per fact and kept as long as the fact lives.
 */
export interface BodyUses {
  readonly calls: readonly CallUse[];
  readonly stores: readonly StoreUse[];
  /** What is returned, if it may be a function's address. */
  readonly returns: readonly Expr[];
  /** Declarations by name in source order; a parameter has position 0. */
  readonly locals: ReadonlyMap<string, readonly Local[]>;
  readonly inits: readonly InitUse[];
  /** Names of guard classes and cleanup handlers, whose functions run here: `srcu`, `kvfree`. */
  readonly classes: readonly ClassUse[];
  /** Names that stand where a value is used: macros that call something, functions whose address is taken. */
  readonly names: readonly NameUse[];
  /** Names given to inline assembler. */
  readonly operands: readonly NameUse[];
}

export interface NameUse {
  readonly name: string;
  readonly at: Pos;
  readonly when: string | undefined;
}

export interface CallUse {
  readonly fn: Expr;
  /** What `fn` is, if it is a name, stars and casts left off; and the local variable of that name. */
  readonly name: string | undefined;
  readonly local: Local | undefined;
  readonly args: readonly Expr[];
  /** Positions of the arguments that could be a function's address, as far as the body alone tells. */
  readonly pointers: readonly number[];
  readonly at: Pos;
  readonly when: string | undefined;
}

/** `l = r`, with `l` possibly a local declared in place. */
export interface StoreUse {
  readonly l: Expr;
  readonly r: Expr;
  readonly at: Pos;
  readonly when: string | undefined;
}

/** `variable` absent: a compound literal. */
export interface InitUse {
  readonly type: TypeText;
  readonly variable?: string;
  readonly init: Expr & { readonly k: 'init' };
  readonly when: string | undefined;
}

export interface Local {
  readonly at: Pos;
  /** Where the last thing in its scope stands; absent: the scope is the whole body. */
  readonly end?: Pos;
  readonly type: TypeText;
  /** Whether the type may be that of a function's address. */
  readonly mayHold: boolean;
  readonly static: boolean;
  /** What an `__auto_type` takes its type of. */
  readonly from?: Expr;
}

export interface ClassUse {
  readonly kind: 'guard' | 'cleanup';
  readonly name: string;
  readonly at: Pos;
  readonly when: string | undefined;
}

const remembered = new WeakMap<FunctionFact, BodyUses>();

/** What a macro's body does, once its parameters are replaced. */
export function usesOfMacro(body: { readonly expr?: Expr; readonly stmts?: readonly Stmt[] }): BodyUses {
  const collector = new Collector();
  if (body.expr !== undefined) collector.expr(body.expr);
  if (body.stmts !== undefined) collector.stmts(body.stmts);
  return collector.uses();
}

export function usesOf(fact: FunctionFact): BodyUses {
  let uses = remembered.get(fact);
  if (uses === undefined) {
    const collector = new Collector(mayHold(fact.returns));
    for (const { name, type } of fact.params)
      if (name !== '') collector.declare(name, { at: 0, type, mayHold: mayHold(type), static: false });
    collector.stmts(fact.body);
    uses = collector.uses();
    remembered.set(fact, uses);
  }
  return uses;
}

/** `mayHoldFunction()`, asked once per type: the same ones are declared again and again. */
function mayHold(type: TypeText): boolean {
  let known = holding.get(type);
  if (known === undefined) holding.set(type, (known = mayHoldFunction(type)));
  return known;
}

const holding = new Map<TypeText, boolean>();

class Collector {
  private readonly calls: CallUse[] = [];
  private readonly stores: StoreUse[] = [];
  private readonly returns: Expr[] = [];
  private readonly locals = new Map<string, Mutable<Local>[]>();
  private readonly inits: InitUse[] = [];
  private readonly classes: ClassUse[] = [];
  private readonly names: NameUse[] = [];
  private readonly operands: NameUse[] = [];
  private when: string | undefined;
  /** Declared in the block that is read. */
  private open: Mutable<Local>[] = [];
  private last: Pos = 0;

  /** @param returnsFunctions what is returned may be a function's address */
  constructor(private readonly returnsFunctions = false) {}

  /** What was found. Most bodies lack most kinds: they share one empty list, which the linker then has at hand. */
  uses(): BodyUses {
    return {
      calls: orNone(this.calls),
      stores: orNone(this.stores),
      returns: orNone(this.returns),
      locals: this.locals,
      inits: orNone(this.inits),
      classes: orNone(this.classes),
      names: orNone(this.names),
      operands: orNone(this.operands),
    };
  }

  declare(name: string, local: Local): void {
    this.open.push(local);
    const known = this.locals.get(name);
    if (known === undefined) this.locals.set(name, [local]);
    else known.push(local);
  }

  stmts(list: readonly Stmt[]): void {
    for (const stmt of list) this.stmt(stmt);
  }

  /** A block of its own: what it declares is not known behind it. */
  private scope(list: readonly Stmt[]): void {
    this.within(() => {
      this.stmts(list);
    });
  }

  private within(read: () => void): void {
    const outer = this.open;
    this.open = [];
    read();
    for (const local of this.open) local.end = this.last;
    this.open = outer;
  }

  private stmt(s: Stmt): void {
    if (s.at > this.last) this.last = s.at;
    switch (s.k) {
      case 'expr':
        this.expr(s.x);
        return;
      case 'decl':
        this.decl(s);
        return;
      case 'if':
        this.expr(s.c);
        this.scope(s.then);
        if (s.else !== undefined) this.scope(s.else);
        return;
      case 'switch':
        this.expr(s.x);
        this.scope(s.body);
        return;
      case 'case':
        if (s.lo !== undefined) this.expr(s.lo);
        if (s.hi !== undefined) this.expr(s.hi);
        return;
      case 'loop':
        this.loop(s);
        return;
      case 'each':
        this.call({ k: 'id', at: s.at, name: s.macro }, s.args, s.at);
        for (const arg of s.args) this.expr(arg);
        this.scope(s.body);
        return;
      case 'guard':
        this.classes.push({ kind: 'guard', name: s.name, at: s.at, when: this.when });
        for (const arg of s.args) this.expr(arg);
        if (s.body !== undefined) this.scope(s.body);
        return;
      case 'return':
        if (s.x !== undefined) {
          if (this.returnsFunctions) this.returns.push(s.x);
          this.expr(s.x);
        }
        return;
      case 'block':
        this.scope(s.body);
        return;
      case 'when':
        this.conditional(s.when, s.body);
        return;
      case 'asm':
        for (const x of s.outputs) this.expr(x);
        for (const x of s.inputs) this.asmInput(x);
        return;
      default:
        return;
    }
  }

  /** What the head of a `for` declares is known in its body only. */
  private loop(s: Stmt & { readonly k: 'loop' }): void {
    this.within(() => {
      if (s.init !== undefined) this.stmts(s.init);
      if (s.c !== undefined) this.expr(s.c);
      if (s.step !== undefined) this.expr(s.step);
      this.scope(s.body);
    });
  }

  /** A function given to the assembler is called there: `asm("call *%0" : : "r" (fn))`. */
  private asmInput(x: Expr): void {
    if (x.k === 'id' && !this.locals.has(x.name)) this.operands.push({ name: x.name, at: x.at, when: this.when });
    this.expr(x);
  }

  private decl(s: Stmt & { readonly k: 'decl' }): void {
    const holds = mayHold(s.type);
    const local: Mutable<Local> = { at: s.at, type: s.type, mayHold: holds, static: s.static };
    if (s.init !== undefined && (s.type === '__auto_type' || s.type === 'auto')) local.from = s.init;
    this.declare(s.name, local);
    if (s.cleanup !== undefined) this.classes.push({ kind: 'cleanup', name: s.cleanup, at: s.at, when: this.when });
    if (s.init === undefined) return;
    if (s.init.k === 'init') {
      this.inits.push({ type: s.init.type ?? s.type, variable: s.name, init: s.init, when: this.when });
      this.items(s.init);
      return;
    }
    if (holds) this.store({ k: 'id', at: s.at, name: s.name }, s.init, s.at);
    this.expr(s.init);
  }

  private conditional(condition: string, body: readonly Stmt[]): void {
    const outer = this.when;
    this.when = outer === undefined ? condition : `${outer} && ${condition}`;
    this.stmts(body);
    this.when = outer;
  }

  private items(x: Expr & { readonly k: 'init' }): void {
    for (const item of x.items) {
      if (item.index !== undefined) this.expr(item.index);
      this.expr(item.value);
    }
  }

  expr(x: Expr): void {
    if (x.at > this.last) this.last = x.at;
    switch (x.k) {
      case 'id':
        if (!this.locals.has(x.name)) this.names.push({ name: x.name, at: x.at, when: this.when });
        return;
      case 'call':
        this.call(x.fn, x.args, x.at);
        if (x.fn.k !== 'id') this.expr(x.fn);
        else this.storeCall(x.fn.name, x.args, x.at);
        for (const arg of x.args) this.expr(arg);
        return;
      case 'unary':
      case 'cast':
      case 'member':
        this.expr(x.x);
        return;
      case 'binary':
        this.expr(x.l);
        this.expr(x.r);
        return;
      case 'assign':
        if (x.op === '=') this.store(x.l, x.r, x.at);
        this.expr(x.l);
        this.expr(x.r);
        return;
      case 'cond':
        this.expr(x.c);
        if (x.a !== undefined) this.expr(x.a);
        this.expr(x.b);
        return;
      case 'index':
        this.expr(x.x);
        this.expr(x.i);
        return;
      case 'block':
        this.scope(x.body);
        return;
      case 'init':
        if (x.type !== undefined) this.inits.push({ type: x.type, init: x, when: this.when });
        this.items(x);
        return;
      default:
        return;
    }
  }

  private call(fn: Expr, args: readonly Expr[], at: Pos): void {
    let pointers = NO_POSITIONS;
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (arg !== undefined && this.mayPoint(arg)) pointers = [...pointers, i];
    }
    const callee = fn.k === 'id' ? fn : strip(fn);
    const name = callee.k === 'id' ? callee.name : undefined;
    const local = name === undefined ? undefined : localAt(this.locals.get(name), at);
    this.calls.push({ fn, name, local, args, pointers, at, when: this.when });
  }

  /** Numbers, sums and locals that hold no function are none; of all else only the linker can tell. */
  private mayPoint(x: Expr): boolean {
    switch (x.k) {
      case 'id': {
        const local = localAt(this.locals.get(x.name), x.at);
        return local === undefined || local.mayHold;
      }
      case 'unary':
        return (x.op === '&' || x.op === '*') && this.mayPoint(x.x);
      case 'cast':
        return this.mayPoint(x.x);
      default:
        return !NO_POINTER.has(x.k) && x.k !== 'binary';
    }
  }

  /** Macros that store: `WRITE_ONCE(x, y)`, `rcu_assign_pointer(x, y)`, `cmpxchg(&x, old, y)`. */
  private storeCall(name: string, args: readonly Expr[], at: Pos): void {
    if (args.length < 2 || !STORES.test(name)) return;
    const [l, r] = [args[0], args.at(-1)];
    if (l !== undefined && r !== undefined && l !== r) this.store(l, r, at);
  }

  /** Only what can be a pointer to a function is kept. */
  private store(l: Expr, r: Expr, at: Pos): void {
    if (NO_POINTER.has(r.k) || (r.k === 'binary' && r.op !== ',')) return;
    if (l.k === 'id') {
      const local = this.locals.get(l.name);
      if (local?.every((one) => !one.mayHold) === true) return;
    }
    this.stores.push({ l, r, at, when: this.when });
  }
}

function orNone<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NONE : list;
}

const NONE: readonly never[] = [];
const NO_POSITIONS: readonly number[] = [];

const NO_POINTER = new Set<Expr['k']>(['num', 'str', 'init', 'type', 'opaque']);

const STORES =
  /^(?:WRITE_ONCE|rcu_assign_pointer|RCU_INIT_POINTER|smp_store_release|smp_store_mb|xchg\w*|(?:try_)?cmpxchg\w*)$/;
