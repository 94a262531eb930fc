import { exprText } from '../syntax/expr-text';
import type { Expr, Stmt } from '../syntax/facts';
import { type Branch, pointeeKey, type Value } from './branch';
import { dispatchOf } from './dispatch';
import type { FunctionNode } from '../program/program';
import { expansion, type Frame, type Machine, MAX_DEPTH } from './machine';
import { operationOf } from './operations';
import { isOwnedCall, ownedCall, ownedValue, tdStateValue, vmTypeValue } from './owned-values';
import { changesNothing } from './purity';
import { vmTypeConstant } from './vm-type';

/** Where an expression is evaluated without running anything: locals, and whether `vm_type` is asked of the state. */
interface Scope {
  readonly machine: Machine;
  readonly frame: Frame;
  readonly branch: Branch;
  readonly env: ReadonlyMap<string, Value>;
  readonly vmType: boolean;
  /** The macros whose bodies this is in, the innermost one last. */
  readonly expanding: readonly string[];
}

/**
 * The value of an expression from what the run itself knows: locals, constants, the model's state, and the bodies of
 * functions that only read. It changes nothing; `undefined`: the run does not know.
 */
export function knownValue(machine: Machine, frame: Frame, x: Expr, branch: Branch, vmType = false): Value {
  return valueOf({ machine, frame, branch, env: branch.env, vmType, expanding: [] }, x);
}

export function truth(value: Value): boolean | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'object' ? true : typeof value === 'boolean' ? value : value !== 0n;
}

/** A condition's identity within one call of a function: its text there. `undefined`: not one to remember. */
export function conditionKey(frame: Frame, x: Expr): string | undefined {
  const text = exprText(x);
  return text === '' ? undefined : `${frame.depth}:${frame.node.id}:${text}`;
}

function valueOf(scope: Scope, x: Expr): Value {
  const { machine, frame, branch } = scope;
  if (machine.reads-- <= 0) return undefined;
  switch (x.k) {
    case 'num':
      return machine.program.symbols.fold(x, frame.node.file);
    case 'id':
      if (scope.env.has(x.name)) return scope.env.get(x.name);
      return ownedValue(branch.state, x.name, undefined) ?? constantNamed(scope, x);
    case 'cast':
      return valueOf(scope, x.x);
    case 'member':
      return (
        ownedValue(branch.state, x.field, valueOf(scope, x.x)) ??
        (x.field === 'state' && isTdx(scope, x.x) ? tdStateValue(machine.program, branch.state) : undefined) ??
        (scope.vmType ? vmTypeValue(machine.program, branch.state, x.field) : undefined)
      );
    case 'unary':
      return unary(scope, x);
    case 'binary':
      return binary(scope, x);
    case 'cond': {
      const c = truth(valueOf(scope, x.c));
      if (c === undefined) return undefined;
      if (c) return x.a === undefined ? valueOf(scope, x.c) : valueOf(scope, x.a);
      return valueOf(scope, x.b);
    }
    case 'call':
      return callValue(scope, x);
    default:
      return undefined;
  }
}

/** Whether an expression is a `struct kvm_tdx`, or a pointer to one. */
function isTdx({ machine, frame }: Scope, x: Expr): boolean {
  return /^struct kvm_tdx\b/.test(machine.program.symbols.typeOf(x, frame.node) ?? '');
}

/** Numbers that come with x86 and with user space's headers, which a tree of KVM's files does not hold. */
const PLATFORM: ReadonlyMap<string, bigint> = new Map([
  ['PAGE_SHIFT', 12n],
  ['PAGE_SIZE', 4096n],
  ['EIO', 5n],
  ['EAGAIN', 11n],
  ['ENOMEM', 12n],
  ['EBUSY', 16n],
  ['EINVAL', 22n],
]);

function constantNamed(scope: Scope, x: Extract<Expr, { k: 'id' }>): Value {
  const { symbols } = scope.machine.program;
  const { file } = scope.frame.node;
  if (x.name === 'true' || x.name === 'false') return x.name === 'true';
  const constant = symbols.constant(x.name, file) ?? vmTypeConstant(x.name);
  if (constant !== undefined) return constant;
  const macro = symbols.macro(x.name, file);
  const value =
    macro?.params === undefined && macro?.expr !== undefined && macro.expr.k !== 'id' && mayExpand(scope, x.name, 1)
      ? valueOf({ ...scope, env: new Map(), expanding: [...scope.expanding, x.name] }, macro.expr)
      : undefined;
  return value ?? PLATFORM.get(x.name);
}

/** `F(F(x))` is so deep at most: the inner one is an argument, which C expands before the body is looked at. */
const MAX_NESTED = 4;

/**
 * As in C a macro is not expanded within its own body, where it stays a name of which nothing is known. What came with
 * an argument of a macro cannot be told from its body: there `most` expansions of the same name are made.
 */
function mayExpand({ expanding }: Scope, name: string, most: number): boolean {
  return expanding.filter((one) => one === name).length < most;
}

function unary(scope: Scope, x: Extract<Expr, { k: 'unary' }>): Value {
  if (x.op === '*' && x.x.k === 'id' && scope.env.has(pointeeKey(x.x.name))) return scope.env.get(pointeeKey(x.x.name));
  const value = valueOf(scope, x.x);
  if (x.op === '!') {
    const known = truth(value);
    return known === undefined ? undefined : !known;
  }
  if (x.op === '-' && typeof value === 'bigint') return -value;
  if (x.op === '~' && typeof value === 'bigint') return BigInt.asUintN(64, ~value);
  if (x.op === '+') return value;
  // `&kvm->arch.field`, handed to READ_ONCE() and the like, which read it.
  return x.op === '&' || x.op === '*' ? value : undefined;
}

function binary(scope: Scope, x: Extract<Expr, { k: 'binary' }>): Value {
  const l = valueOf(scope, x.l);
  if (x.op === '&&' || x.op === '||') {
    const stop = x.op === '||';
    const left = truth(l);
    if (left === stop) return stop;
    const right = truth(valueOf(scope, x.r));
    if (right === stop) return stop;
    return left === undefined || right === undefined ? undefined : !stop;
  }
  const r = valueOf(scope, x.r);
  return x.op === ',' ? r : computed(x.op, l, r);
}

/** Comparison and arithmetic of gfns and flags: no wrap, as none of them comes near 2^64. */
export function computed(op: string, l: Value, r: Value): Value {
  if (typeof l === 'object' || typeof r === 'object') return undefined;
  if (l === undefined || r === undefined) {
    const known = l ?? r;
    return op === '&' && known !== undefined && truth(known) === false ? 0n : undefined;
  }
  const [a, b] = [BigInt(l), BigInt(r)];
  switch (op) {
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '&':
      return a & b;
    case '^':
      return a ^ b;
    case '|':
      return typeof l === 'boolean' && typeof r === 'boolean' ? l || r : a | b;
    case '<<':
      return b >= 0n && b < 64n ? a << b : undefined;
    case '>>':
      return b >= 0n && b < 64n ? a >> b : undefined;
    default:
      return undefined;
  }
}

function callValue(scope: Scope, x: Extract<Expr, { k: 'call' }>): Value {
  const { machine, frame, branch } = scope;
  if (x.fn.k !== 'id') {
    const dispatch = dispatchOf(machine, frame.node, x);
    if (dispatch?.kind !== 'function') return dispatch === undefined ? undefined : 0n;
    return changesNothing(machine, dispatch.node.name, dispatch.node.file)
      ? bodyValue(scope, dispatch.node, x.args)
      : undefined;
  }
  const { name } = x.fn;
  const [first] = x.args;
  if (operationOf(name)?.kind === 'value') return first === undefined ? undefined : valueOf(scope, first);
  const { symbols } = machine.program;
  if (isOwnedCall(name)) {
    const args = x.args.map((arg) => valueOf(scope, arg));
    const owned = ownedCall(machine.program, branch.state, name, args);
    if (owned !== undefined) return owned;
  }
  const folded = symbols.fold(x, frame.node.file);
  if (folded !== undefined) return folded;
  if (/^(?:min|max)(?:_t)?$/.test(name)) return extreme(scope, name, x.args);
  if (/^BIT(?:_ULL)?$/.test(name) && first !== undefined) return computed('<<', 1n, valueOf(scope, first));
  return insideOf(scope, name, x) ?? (scope.vmType ? vmTypeValue(machine.program, branch.state, name) : undefined);
}

/** What the body of a function or a macro gives that only reads. */
function insideOf(scope: Scope, name: string, x: Extract<Expr, { k: 'call' }>): Value {
  const { machine, frame } = scope;
  const { symbols } = machine.program;
  if (!changesNothing(machine, name, frame.node.file)) return undefined;
  const node = symbols.functionsNamed(name, frame.node.file).find((one) => one.active && 'body' in one.fact);
  if (node !== undefined) return bodyValue(scope, node, x.args);
  const macro = symbols.macro(name, frame.node.file);
  if (macro?.params === undefined || macro.expr === undefined) return undefined;
  if (!mayExpand(scope, name, MAX_NESTED)) return undefined;
  const { expr } = expansion(machine, macro, x);
  return expr === undefined ? undefined : valueOf({ ...scope, expanding: [...scope.expanding, name] }, expr);
}

/** What a function that only reads returns. */
function bodyValue(scope: Scope, node: FunctionNode, args: readonly Expr[]): Value {
  if (scope.frame.depth >= MAX_DEPTH || !('body' in node.fact)) return undefined;
  const env = new Map<string, Value>();
  node.fact.params.forEach((param, i) => {
    const arg = args[i];
    env.set(param.name, arg === undefined ? undefined : valueOf(scope, arg));
  });
  // The function's text is no part of a macro's body that calls it.
  const inner: Scope = { ...scope, frame: { node, depth: scope.frame.depth + 1 }, env, expanding: [] };
  return returned(inner, node.fact.body)?.value;
}

function extreme(scope: Scope, name: string, args: readonly Expr[]): Value {
  const [a, b] = args.slice(-2).map((arg) => valueOf(scope, arg));
  if (typeof a !== 'bigint' || typeof b !== 'bigint') return undefined;
  return a < b === name.startsWith('min') ? a : b;
}

/** What a body of declarations, ifs and returns returns; `undefined` where it does more or a condition is not known. */
function returned(scope: Scope, body: readonly Stmt[]): { readonly value: Value; readonly fell?: Scope } | undefined {
  let now = scope;
  for (const stmt of body) {
    switch (stmt.k) {
      case 'decl':
        now = local(now, stmt.name, stmt.init === undefined ? undefined : valueOf(now, stmt.init));
        break;
      case 'expr':
        if (stmt.x.k === 'assign' && stmt.x.l.k === 'id')
          now = local(now, stmt.x.l.name, stmt.x.op === '=' ? valueOf(now, stmt.x.r) : undefined);
        else if (stmt.x.k !== 'call') return undefined;
        break;
      case 'return':
        return { value: stmt.x === undefined ? undefined : valueOf(now, stmt.x) };
      case 'if': {
        const c = truth(valueOf(now, stmt.c));
        if (c === undefined) return undefined;
        const arm = returned(now, c ? stmt.then : (stmt.else ?? []));
        if (arm?.fell === undefined) return arm;
        now = arm.fell;
        break;
      }
      case 'block': {
        const inner = returned(now, stmt.body);
        if (inner?.fell === undefined) return inner;
        now = inner.fell;
        break;
      }
      case 'when': {
        const active = scope.machine.program.symbols.isActive([stmt.when], scope.frame.node.file);
        if (active === undefined) return undefined;
        const inner = active ? returned(now, stmt.body) : { value: undefined, fell: now };
        if (inner?.fell === undefined) return inner;
        now = inner.fell;
        break;
      }
      default:
        return undefined;
    }
  }
  return { value: undefined, fell: now };
}

function local(scope: Scope, name: string, value: Value): Scope {
  return { ...scope, env: new Map(scope.env).set(name, value) };
}
