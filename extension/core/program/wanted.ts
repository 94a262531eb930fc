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
  const names = new Set<string>();
  /** `decides`: somebody looks at the value of `x`, or of what it is a part of. */
  const inExpr = (x: Expr, decides: boolean): void => {
    if (x.k === 'id' && isConstantName(x.name)) names.add(x.name);
    else if (x.k === 'call' && decides && x.fn.k === 'id') names.add(x.fn.name);
    const { exprs, stmts } = partsOfExpr(x);
    for (const each of exprs) inExpr(each, decides || (calls && x.k === 'cond' && each === x.c));
    inBody(stmts, decides);
  };
  const inBody = (body: readonly Stmt[], decides: boolean): void => {
    for (const stmt of body) {
      const decided = calls ? decidedBy(stmt) : undefined;
      const { exprs, stmts } = partsOfStmt(stmt);
      for (const each of exprs) inExpr(each, decides || each === decided);
      inBody(stmts, decides);
    }
  };
  for (const fn of facts.functions) inBody(fn.body, false);
  for (const { init } of facts.variables) if (init !== undefined) inExpr(init, false);
  for (const { value } of facts.enumerators) if (value !== undefined) inExpr(value, false);
  for (const { expr, stmts } of facts.macros) {
    if (stmts !== undefined) inBody(stmts, false);
    else if (expr !== undefined) inExpr(expr, false);
  }
  return names;
}

/** The expression on whose value it depends how the execution goes on. */
function decidedBy(stmt: Stmt): Expr | undefined {
  if (stmt.k === 'if' || stmt.k === 'loop') return stmt.c;
  return stmt.k === 'switch' || stmt.k === 'return' ? stmt.x : undefined;
}

/** Constants begin in upper case by the kernel's custom: `BIT`, `_IOC_NONE`, `MSR_MTRRcap`. */
function isConstantName(name: string): boolean {
  return /^_*[A-Z]\w*$/.test(name);
}
