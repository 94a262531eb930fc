import type { Expr, Pos, Stmt } from '../syntax/facts';
import { walkExpr, walkExprs, walkStmts } from '../syntax/walk';
import type { Program } from '../program/program';
import type { Frame } from './machine';
import { onlyReads } from './macro-stores';

/**
 * Whether a call of something that is not in the tree may assign to a variable that it is given by its name alone:
 * only a macro can, and a function's prototype says that it is none.
 */
export function assignedByName({ files }: Program, name: string): boolean {
  return name !== '' && !onlyReads(name) && !prototypes(files).has(name);
}

const known = new WeakMap<object, ReadonlySet<string>>();

function prototypes(files: Program['files']): ReadonlySet<string> {
  let names = known.get(files);
  if (names === undefined) {
    names = new Set([...files.values()].flatMap((file) => file.prototypes.map((one) => one.name)));
    known.set(files, names);
  }
  return names;
}

const labels = new WeakMap<object, ReadonlyMap<string, Pos>>();

/** A function's labels and where they stand: a macro that is given one may jump there. */
export function labelsOf(frame: Frame): ReadonlyMap<string, Pos> {
  const { fact } = frame.node;
  let found = labels.get(fact);
  if (found === undefined) {
    const all = new Map<string, Pos>();
    if ('body' in fact) {
      walkStmts(fact.body, (stmt) => {
        if (stmt.k === 'label') all.set(stmt.name, stmt.at);
      });
    }
    found = all;
    labels.set(fact, found);
  }
  return found;
}

const jumps = new WeakMap<object, ReadonlyMap<string, number>>();

/** By label the last place that control may jump there from: a `goto`, an `asm goto`, a macro that is given or names the label. */
export function lastJumps(frame: Frame): ReadonlyMap<string, number> {
  const { node } = frame;
  let last = jumps.get(node);
  if (last === undefined) {
    last = 'body' in node.fact && labelsOf(frame).size > 0 ? jumpsIn(frame, node.fact.body) : new Map<string, number>();
    jumps.set(node, last);
  }
  return last;
}

function jumpsIn(frame: Frame, body: readonly Stmt[]): ReadonlyMap<string, number> {
  const last = new Map<string, number>();
  const found = (label: string, at: number): void => {
    if (at > (last.get(label) ?? 0)) last.set(label, at);
  };
  walkStmts(body, (stmt) => {
    for (const label of targetsOf(stmt)) found(label, stmt.at);
  });
  walkExprs(body, (x) => {
    if (x.k === 'id' && labelsOf(frame).has(x.name)) found(x.name, x.at);
    for (const label of jumpsOfMacro(frame, x)) found(label, x.at);
  });
  return last;
}

function targetsOf(stmt: Stmt): readonly string[] {
  if (stmt.k === 'goto') return [stmt.label];
  return stmt.k === 'asm' ? (stmt.labels ?? []) : [];
}

/** The labels that the body of a macro jumps to by their names. */
function jumpsOfMacro(frame: Frame, x: Expr): readonly string[] {
  if (x.k !== 'call' || x.fn.k !== 'id') return [];
  const macro = frame.machine.program.symbols.macro(x.fn.name, frame.node.file);
  const labels: string[] = [];
  const note = (stmt: Stmt): void => void labels.push(...targetsOf(stmt));
  if (macro?.stmts !== undefined) walkStmts(macro.stmts, note);
  if (macro?.expr !== undefined)
    walkExpr(macro.expr, (inner) => {
      if (inner.k === 'block') walkStmts(inner.body, note);
    });
  return labels;
}
