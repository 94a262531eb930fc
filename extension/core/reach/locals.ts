import type { Expr, FunctionFact, MacroFact, Stmt } from '../syntax/facts';
import { partOf } from './cell-names';
import type { Frame } from './machine';

interface Declared {
  readonly names: ReadonlySet<string>;
  /** Names that an inner block declares again: one cell would stand for two variables, so they have none. */
  readonly shadowed: ReadonlySet<string>;
}

const declared = new WeakMap<object, Declared>();

/** The cell of a local variable. */
export function cellOf(frame: Frame, name: string): string {
  return frame.own?.names.has(name) === true ? partOf(frame.own.prefix, name) : partOf(frame.name, name);
}

export function isLocal(frame: Frame, x: Extract<Expr, { k: 'id' }>): boolean {
  if (frame.own?.names.has(x.name) === true) return true;
  return 'body' in frame.node.fact && declaredIn(frame.node.fact).names.has(x.name);
}

export function isShadowed(frame: Frame, name: string): boolean {
  if (frame.own?.names.has(name) === true) return false;
  return 'body' in frame.node.fact && declaredIn(frame.node.fact).shadowed.has(name);
}

/** The names that a macro's body declares. */
export function declaredByMacro(macro: MacroFact): ReadonlySet<string> {
  let known = declared.get(macro);
  if (known === undefined) {
    const names = new Set<string>();
    collect(macro.expr ?? macro.stmts, new Set(), names, new Set());
    known = { names, shadowed: new Set() };
    declared.set(macro, known);
  }
  return known.names;
}

function declaredIn(fact: FunctionFact): Declared {
  let known = declared.get(fact);
  if (known === undefined) {
    const names = new Set(fact.params.map((param) => param.name));
    const shadowed = new Set<string>();
    collectBody(fact.body, new Set(names), names, shadowed);
    known = { names, shadowed };
    declared.set(fact, known);
  }
  return known;
}

/** `scope`: what the enclosing blocks declare so far. */
function collectBody(body: readonly Stmt[], scope: Set<string>, names: Set<string>, shadowed: Set<string>): void {
  const own = new Set(scope);
  for (const stmt of body) {
    collect(stmt, own, names, shadowed);
    const name = stmt.k === 'decl' ? stmt.name : stmt.k === 'guard' ? stmt.variable : undefined;
    if (name === undefined) continue;
    if (own.has(name)) shadowed.add(name);
    own.add(name);
    names.add(name);
  }
}

function collect(value: unknown, scope: Set<string>, names: Set<string>, shadowed: Set<string>): void {
  if (Array.isArray(value)) {
    if (value.some((each) => typeof each === 'object' && each !== null && 'k' in each && isStatement(each as Stmt)))
      collectBody(value as Stmt[], scope, names, shadowed);
    else for (const each of value) collect(each, scope, names, shadowed);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const each of Object.values(value)) if (typeof each === 'object') collect(each, scope, names, shadowed);
}

function isStatement(x: Stmt): boolean {
  return x.k === 'decl' || x.k === 'guard' || x.k === 'if' || x.k === 'block' || x.k === 'when' || x.k === 'expr';
}
