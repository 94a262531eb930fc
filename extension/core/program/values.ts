import type { Expr } from '../syntax/facts';
import type { BodyUses } from './collect';
import { exprText } from '../syntax/expr-text';
import { substituted } from '../syntax/substitute';
import { expand } from './expand';
import { type Cell, cells } from './flow';
import { joinWhen } from './ids';
import type { FunctionId, FunctionNode } from './program';
import { localAt, type Scope } from './types';
import { functionLikeMacros, functionsMeant, macrosNamed, type World } from './world';

/** The body that an expression stands in, if any: its locals are cells of their own. */
export interface Frame extends Scope {
  readonly fn?: FunctionNode;
  readonly uses?: BodyUses;
}

/** The frame of a function's body. */
export interface BodyFrame extends Frame {
  readonly fn: FunctionNode;
}

/** What an expression can evaluate to, as far as function pointers go. */
export type Source = { readonly node: FunctionNode; readonly when?: string } | { readonly cell: Cell };

const DEEPEST = 12;
/** Macros whose value is their argument, which they neither call nor keep. */
const PASS_THROUGH =
  /^(?:READ_ONCE|WRITE_ONCE|rcu_dereference\w*|srcu_dereference\w*|smp_load_acquire|likely|unlikely|__?force|symbol_get|static_call_query)$/;

/** Builtins, assertions and tests. */
const TESTS =
  /^(?:__builtin_\w+|typeof|sizeof|__typeof__|container_of\w*|IS_ERR\w*|_*(?:KVM_)?(?:BUG|WARN)\w*|BUILD_BUG\w*|__branch_check__|ARRAY_SIZE|__must_be_array|__same_type|__is_array|_*static_assert|__compiletime\w*)$/;

/** Whether what has this name only looks at a pointer to a function: it neither calls nor keeps it. */
export function looksOnly(name: string): boolean {
  return PASS_THROUGH.test(name) || TESTS.test(name);
}

export function sourcesOf(world: World, x: Expr, frame: Frame, depth = 0): Source[] {
  if (depth > DEEPEST) return [];
  const more = (inner: Expr): Source[] => sourcesOf(world, inner, frame, depth + 1);
  switch (x.k) {
    case 'id':
      return sourcesOfName(world, x.name, x.at, frame, depth);
    case 'unary':
      return x.op === '&' || x.op === '*' ? more(x.x) : [];
    case 'cast':
      return more(x.x);
    case 'cond':
      return [...(x.a === undefined ? more(x.c) : more(x.a)), ...more(x.b)];
    case 'assign':
      return more(x.r);
    case 'binary':
      return x.op === ',' ? more(x.r) : [];
    case 'index':
      return more(x.x);
    case 'member':
      return [{ cell: fieldCell(world, x.x, x.field, frame) }];
    case 'block': {
      const last = x.body.at(-1);
      return last?.k === 'expr' ? more(last.x) : [];
    }
    case 'call':
      return sourcesOfCall(world, x, frame, depth);
    default:
      return [];
  }
}

function sourcesOfName(world: World, name: string, at: number, frame: Frame, depth: number): Source[] {
  const local = localCell(name, at, frame);
  if (local !== undefined) return [{ cell: local }];
  const nodes = functionsMeant(world, name, frame.file);
  if (nodes.length > 0) return preferActive(nodes).map((node) => ({ node }));
  const variable = world.types.variable(name, frame.file);
  if (variable !== undefined) return [{ cell: cells.variable(variable.file, name) }];
  const macro = macrosNamed(world, name, frame.file)[0];
  return macro?.fact.params === undefined && macro?.fact.expr !== undefined
    ? sourcesOf(world, macro.fact.expr, { file: frame.file }, depth + 1)
    : [];
}

function sourcesOfCall(world: World, x: Expr & { readonly k: 'call' }, frame: Frame, depth: number): Source[] {
  if (x.fn.k !== 'id') return [];
  const name = x.fn.name;
  const first = x.args[0];
  if (PASS_THROUGH.test(name)) return first === undefined ? [] : sourcesOf(world, first, frame, depth + 1);
  const nodes = world.functions.named(name, frame.file);
  if (nodes.length > 0) return preferActive(nodes).map((node) => ({ cell: cells.result(node.id) }));
  for (const { fact } of functionLikeMacros(world, name, frame.file)) {
    const { expr } = substituted(fact, x.args);
    const found = expr === undefined ? [] : sourcesOf(world, expr, frame, depth + 1);
    if (found.length > 0) return found;
  }
  return pastedFunctions(world, name, x.args.map(exprText), frame.file);
}

/** The functions that a macro pastes together, through every `#define` of it: `vt_op(x)` is `vt_x` or `vmx_x`. */
function pastedFunctions(world: World, name: string, args: readonly string[], from: string): Source[] {
  const found: Source[] = [];
  const all = world.definitions.macros.get(name)?.filter((one) => one.file === from || one.file.endsWith('.h')) ?? [];
  const own = all.some((one) => one.file === from) ? all.filter((one) => one.file === from) : all;
  for (const { fact } of own) {
    const pasted = /^\(?\s*&?\s*(\w+)\s*\)?$/.exec(expand(fact, args)?.trim() ?? '')?.[1];
    if (pasted === undefined || pasted === 'NULL') continue;
    const when = joinWhen(fact.when);
    for (const node of preferActive(functionsMeant(world, pasted, from)))
      found.push({ node, ...(when === undefined ? {} : { when }) });
  }
  return found;
}

/** The cell of a local or parameter, `undefined` if `name` is neither. */
export function localCell(name: string, at: number, frame: Frame): Cell | undefined {
  const fn = frame.fn;
  const local = localAt(frame.uses?.locals.get(name), at);
  if (fn === undefined || local === undefined) return undefined;
  return cellOfLocal(fn.id, name, local.at);
}

export function cellOfLocal(fn: FunctionId, name: string, declared: number): Cell {
  return declared === 0 ? cells.param(fn, name) : cells.local(fn, name);
}

export function fieldCell(world: World, receiver: Expr, field: string, frame: Frame): Cell {
  const type = world.types.typeOf(receiver, frame);
  const tag = type === undefined ? undefined : world.types.tag(type);
  return tag === undefined ? cells.anyField(field) : cells.field(tag, field);
}

export function preferActive(nodes: readonly FunctionNode[]): readonly FunctionNode[] {
  const active = nodes.filter((node) => node.active);
  return active.length > 0 ? active : nodes;
}

/** An expression without the stars, ampersands and casts around it. */
export function strip(x: Expr): Expr {
  let inner = x;
  while ((inner.k === 'unary' && (inner.op === '*' || inner.op === '&')) || inner.k === 'cast') inner = inner.x;
  return inner;
}
