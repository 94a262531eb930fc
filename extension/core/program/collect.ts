import type { Expr, FunctionFact, Pos, Stmt, TypeText } from '../syntax/facts';

/**
 * What the linker needs of one body, gathered in one walk: calls, stores, local names and initialisers. It depends on
 * the body alone, so that it is computed once per fact and kept as long as the fact lives.
 */
export interface BodyUses {
  readonly calls: readonly CallUse[];
  readonly stores: readonly StoreUse[];
  readonly returns: readonly Expr[];
  /** Declarations by name in source order; a parameter has position 0. */
  readonly locals: ReadonlyMap<string, readonly Local[]>;
  readonly inits: readonly InitUse[];
  /** Names of guard classes and cleanup handlers, whose functions run here: `srcu`, `kvfree`. */
  readonly classes: readonly ClassUse[];
  /** Names that stand where a value is used: macros that call something, functions whose address is taken. */
  readonly names: readonly NameUse[];
}

export interface NameUse {
  readonly x: Expr & { readonly k: 'id' };
  readonly when: string | undefined;
}

export interface CallUse {
  readonly fn: Expr;
  readonly args: readonly Expr[];
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
  readonly type: TypeText;
  readonly static: boolean;
}

export interface ClassUse {
  readonly kind: 'guard' | 'cleanup';
  readonly name: string;
  readonly at: Pos;
  readonly when: string | undefined;
}

const remembered = new WeakMap<FunctionFact, BodyUses>();

export function usesOf(fact: FunctionFact): BodyUses {
  let uses = remembered.get(fact);
  if (uses === undefined) {
    const collector = new Collector();
    for (const param of fact.params) if (param.name !== '') collector.declare(param.name, 0, param.type, false);
    collector.stmts(fact.body);
    uses = collector;
    remembered.set(fact, uses);
  }
  return uses;
}

class Collector implements BodyUses {
  readonly calls: CallUse[] = [];
  readonly stores: StoreUse[] = [];
  readonly returns: Expr[] = [];
  readonly locals = new Map<string, Local[]>();
  readonly inits: InitUse[] = [];
  readonly classes: ClassUse[] = [];
  readonly names: NameUse[] = [];
  private when: string | undefined;

  declare(name: string, at: Pos, type: TypeText, isStatic: boolean): void {
    const local = { at, type, static: isStatic };
    const known = this.locals.get(name);
    if (known === undefined) this.locals.set(name, [local]);
    else known.push(local);
  }

  stmts(list: readonly Stmt[]): void {
    for (const stmt of list) this.stmt(stmt);
  }

  private stmt(s: Stmt): void {
    switch (s.k) {
      case 'expr':
        this.expr(s.x);
        return;
      case 'decl':
        this.decl(s);
        return;
      case 'if':
        this.expr(s.c);
        this.stmts(s.then);
        if (s.else !== undefined) this.stmts(s.else);
        return;
      case 'switch':
        this.expr(s.x);
        this.stmts(s.body);
        return;
      case 'case':
        if (s.lo !== undefined) this.expr(s.lo);
        if (s.hi !== undefined) this.expr(s.hi);
        return;
      case 'loop':
        if (s.init !== undefined) this.stmts(s.init);
        if (s.c !== undefined) this.expr(s.c);
        if (s.step !== undefined) this.expr(s.step);
        this.stmts(s.body);
        return;
      case 'each':
        this.calls.push({ fn: { k: 'id', at: s.at, name: s.macro }, args: s.args, at: s.at, when: this.when });
        for (const arg of s.args) this.expr(arg);
        this.stmts(s.body);
        return;
      case 'guard':
        this.classes.push({ kind: 'guard', name: s.name, at: s.at, when: this.when });
        for (const arg of s.args) this.expr(arg);
        if (s.body !== undefined) this.stmts(s.body);
        return;
      case 'return':
        if (s.x !== undefined) {
          this.returns.push(s.x);
          this.expr(s.x);
        }
        return;
      case 'block':
        this.stmts(s.body);
        return;
      case 'when':
        this.conditional(s.when, s.body);
        return;
      case 'asm':
        for (const x of s.outputs) this.expr(x);
        for (const x of s.inputs) this.expr(x);
        return;
      default:
        return;
    }
  }

  private decl(s: Stmt & { readonly k: 'decl' }): void {
    this.declare(s.name, s.at, s.type, s.static);
    if (s.cleanup !== undefined) this.classes.push({ kind: 'cleanup', name: s.cleanup, at: s.at, when: this.when });
    if (s.init === undefined) return;
    if (s.init.k === 'init') {
      this.inits.push({ type: s.init.type ?? s.type, variable: s.name, init: s.init, when: this.when });
      this.items(s.init);
      return;
    }
    this.stores.push({ l: { k: 'id', at: s.at, name: s.name }, r: s.init, at: s.at, when: this.when });
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
    switch (x.k) {
      case 'id':
        if (!this.locals.has(x.name)) this.names.push({ x, when: this.when });
        return;
      case 'call':
        this.calls.push({ fn: x.fn, args: x.args, at: x.at, when: this.when });
        if (x.fn.k !== 'id') this.expr(x.fn);
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
        if (x.op === '=') this.stores.push({ l: x.l, r: x.r, at: x.at, when: this.when });
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
        this.stmts(x.body);
        return;
      case 'init':
        if (x.type !== undefined) this.inits.push({ type: x.type, init: x, when: this.when });
        this.items(x);
        return;
      default:
        return;
    }
  }
}
