import type { Expr, FileFacts, Stmt } from '../syntax/facts';

/**
 * Names that a file uses and whose definition in a header can decide something: constants anywhere, and with `calls`
 * the predicates that conditions and returned values call.
 */
export function namesUsed(facts: FileFacts, calls: boolean): ReadonlySet<string> {
  const remembered = calls ? usedWithCalls : usedWithout;
  let names = remembered.get(facts);
  if (names === undefined) {
    names = findNames(facts, calls);
    remembered.set(facts, names);
  }
  return names;
}

const usedWithCalls = new WeakMap<FileFacts, ReadonlySet<string>>();
const usedWithout = new WeakMap<FileFacts, ReadonlySet<string>>();

function findNames(facts: FileFacts, calls: boolean): ReadonlySet<string> {
  const walker = new NameWalker(calls);
  for (const fn of facts.functions) walker.stmts(fn.body);
  for (const variable of facts.variables) if (variable.init !== undefined) walker.expr(variable.init);
  for (const one of facts.enumerators) if (one.value !== undefined) walker.expr(one.value);
  for (const macro of facts.macros) {
    if (macro.expr !== undefined) walker.expr(macro.expr);
    else if (macro.stmts !== undefined) walker.stmts(macro.stmts);
  }
  return walker.names;
}

export function namesDefined(facts: FileFacts): Set<string> {
  const names = new Set<string>();
  for (const list of [facts.functions, facts.macros, facts.enumerators, facts.variables])
    for (const { name } of list) names.add(name);
  return names;
}

/** Constants begin in upper case by the kernel's custom: `BIT`, `_IOC_NONE`, `MSR_MTRRcap`. */
function isConstantName(name: string): boolean {
  return /^_*[A-Z]\w*$/.test(name);
}

class NameWalker {
  readonly names = new Set<string>();
  /** Within an expression whose value decides. */
  private deciding = false;

  constructor(private readonly calls: boolean) {}

  private decide(x: Expr): void {
    const outer = this.deciding;
    this.deciding = this.calls;
    this.expr(x);
    this.deciding = outer;
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
        if (s.init !== undefined) this.expr(s.init);
        return;
      case 'if':
        this.decide(s.c);
        this.stmts(s.then);
        if (s.else !== undefined) this.stmts(s.else);
        return;
      case 'switch':
        this.decide(s.x);
        this.stmts(s.body);
        return;
      case 'case':
        if (s.lo !== undefined) this.expr(s.lo);
        if (s.hi !== undefined) this.expr(s.hi);
        return;
      case 'loop':
        if (s.init !== undefined) this.stmts(s.init);
        if (s.c !== undefined) this.decide(s.c);
        if (s.step !== undefined) this.expr(s.step);
        this.stmts(s.body);
        return;
      case 'each':
      case 'guard':
        for (const arg of s.args) this.expr(arg);
        if (s.body !== undefined) this.stmts(s.body);
        return;
      case 'return':
        if (s.x !== undefined) this.decide(s.x);
        return;
      case 'block':
      case 'when':
        this.stmts(s.body);
        return;
      default:
        return;
    }
  }

  expr(x: Expr): void {
    switch (x.k) {
      case 'id':
        if (isConstantName(x.name)) this.names.add(x.name);
        return;
      case 'call':
        if (x.fn.k !== 'id') this.expr(x.fn);
        else if (this.deciding || isConstantName(x.fn.name)) this.names.add(x.fn.name);
        for (const arg of x.args) this.expr(arg);
        return;
      case 'unary':
      case 'cast':
      case 'member':
        this.expr(x.x);
        return;
      case 'binary':
      case 'assign':
        this.expr(x.l);
        this.expr(x.r);
        return;
      case 'cond':
        this.decide(x.c);
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
        for (const item of x.items) {
          if (item.index !== undefined) this.expr(item.index);
          this.expr(item.value);
        }
        return;
      default:
        return;
    }
  }
}
