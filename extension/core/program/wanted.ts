import type { Expr, FileFacts, Stmt } from '../syntax/facts';
import { partsOfExpr, partsOfStmt } from '../syntax/walk';

/** Vocabulary of the kernel whose meaning is known, or without meaning for the analysis: the definitions only blur it. */
const NOT_WANTED =
  /^(?:_*WARN|_*BUG|BUILD_BUG|READ_ONCE|WRITE_ONCE|MODULE_|EXPORT_|DEFINE_|DECLARE_|INIT_|IS_ENABLED|LIST_|STATIC_|RCU_|SRCU_|SPIN|MUTEX|TRACE_|KBUILD_|CONFIG_|NULL$|__[a-z])/;

/**
 * Names that the files of an analysis use, do not define, and whose definitions say something: what to look for in
 * headers. Grows as the facts of headers come in.
 */
export class WantedNames {
  readonly names = new Set<string>();
  private readonly defined = new Set<string>();

  /** `own`: of KVM itself, whose predicates are wanted too. */
  add(files: readonly FileFacts[], own: boolean): void {
    for (const facts of files) addDefined(facts, this.defined);
    for (const facts of files)
      for (const name of namesUsed(facts, own))
        if (!this.defined.has(name) && !NOT_WANTED.test(name)) this.names.add(name);
  }
}

function addDefined(facts: FileFacts, names: Set<string>): void {
  for (const list of [facts.functions, facts.macros, facts.enumerators, facts.variables])
    for (const { name } of list) names.add(name);
}

/**
 * Names that a file uses and whose definition in a header can decide something: constants anywhere, and with `calls`
 * the predicates that conditions and returned values call.
 */
function namesUsed(facts: FileFacts, calls: boolean): ReadonlySet<string> {
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
  const finder = new NameFinder(calls);
  for (const fn of facts.functions) finder.body(fn.body, false);
  for (const { init } of facts.variables) if (init !== undefined) finder.expr(init, false);
  for (const { value } of facts.enumerators) if (value !== undefined) finder.expr(value, false);
  for (const { expr, stmts } of facts.macros) {
    if (stmts !== undefined) finder.body(stmts, false);
    else if (expr !== undefined) finder.expr(expr, false);
  }
  return finder.names;
}

/** All code is walked: what expressions are made of most is looked at in place, not through `partsOfExpr()`. */
class NameFinder {
  readonly names = new Set<string>();

  constructor(private readonly calls: boolean) {}

  /** `decides`: somebody looks at the value of `x`, or of what it is a part of. */
  expr(x: Expr, decides: boolean): void {
    switch (x.k) {
      case 'id':
        if (isConstantName(x.name)) this.names.add(x.name);
        return;
      case 'unary':
      case 'member':
      case 'cast':
        this.expr(x.x, decides);
        return;
      case 'binary':
      case 'assign':
        this.expr(x.l, decides);
        this.expr(x.r, decides);
        return;
      case 'call':
        if (decides && x.fn.k === 'id') this.names.add(x.fn.name);
        this.expr(x.fn, decides);
        for (const arg of x.args) this.expr(arg, decides);
        return;
      default: {
        const { exprs, stmts } = partsOfExpr(x);
        for (const each of exprs) this.expr(each, decides || (this.calls && x.k === 'cond' && each === x.c));
        this.body(stmts, decides);
      }
    }
  }

  body(body: readonly Stmt[], decides: boolean): void {
    for (const stmt of body) {
      const decided = this.calls ? decidedBy(stmt) : undefined;
      const { exprs, stmts } = partsOfStmt(stmt);
      for (const each of exprs) this.expr(each, decides || each === decided);
      this.body(stmts, decides);
    }
  }
}

/** The expression on whose value it depends how the execution goes on. */
function decidedBy(stmt: Stmt): Expr | undefined {
  if (stmt.k === 'if' || stmt.k === 'loop') return stmt.c;
  return stmt.k === 'switch' || stmt.k === 'return' ? stmt.x : undefined;
}

/** Constants begin in upper case by the kernel's custom: `BIT`, `_IOC_NONE`, `MSR_MTRRcap`. */
function isConstantName(name: string): boolean {
  const first = name.charCodeAt(0);
  return (first < LOWER_A || first > LOWER_Z) && /^_*[A-Z]\w*$/.test(name);
}

const LOWER_A = 97;
const LOWER_Z = 122;
