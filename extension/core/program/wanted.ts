import type { Expr, FileFacts, Stmt } from '../syntax/facts';
import { walkExpr, walkExprs, walkStmts } from '../syntax/walk';

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
  const names = new Set<string>();
  /** What is called in an expression whose value decides, by any name. */
  const decides = (x: Expr | undefined): void => {
    if (!calls || x === undefined) return;
    walkExpr(x, (each) => {
      if (each.k === 'call' && each.fn.k === 'id') names.add(each.fn.name);
    });
  };
  const found = (x: Expr): void => {
    if (x.k === 'id' && isConstantName(x.name)) names.add(x.name);
    if (x.k === 'cond') decides(x.c);
  };
  const inBody = (body: readonly Stmt[]): void => {
    walkExprs(body, found);
    walkStmts(body, (stmt) => {
      if (stmt.k === 'if' || stmt.k === 'loop') decides(stmt.c);
      else if (stmt.k === 'switch' || stmt.k === 'return') decides(stmt.x);
    });
  };
  const inExpr = (x: Expr | undefined): void => {
    if (x !== undefined) inBody([{ k: 'expr', at: x.at, x }]);
  };
  for (const fn of facts.functions) inBody(fn.body);
  for (const variable of facts.variables) inExpr(variable.init);
  for (const one of facts.enumerators) inExpr(one.value);
  for (const macro of facts.macros) {
    if (macro.stmts !== undefined) inBody(macro.stmts);
    else inExpr(macro.expr);
  }
  return names;
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
