import type { FunctionId, FunctionNode, Program, Site } from '../program/program';
import type { VmType } from '../reach/verdict';
import type { Expr, Stmt } from '../syntax/facts';
import { columnOf, lineOf } from '../syntax/facts';
import { perform } from './perform';
import { changesNothing } from './purity';
import type { Run, Value } from './run';
import { operationOf } from './operations';

export type Decide = (fn: FunctionId, condition: Expr) => true | false | 'unknown';

/** What a run is made of: constant for all its branches. */
export interface Machine {
  readonly program: Program;
  readonly vm: VmType;
  readonly decide: Decide;
  /** Statements and calls left; the run says so when they are used up. */
  budget: number;
}

/** The function being executed. */
export interface Frame {
  readonly node: FunctionNode;
  /** 0: the sink itself. */
  readonly depth: number;
}

/** One branch of the execution: what happened, the frame's locals, and how the current list of statements ended. */
export interface State {
  run: Run;
  env: Map<string, Value>;
  /** Locks that `guard()` took in this frame, released at its end. */
  guards: string[];
  done: 'return' | 'break' | 'continue' | undefined;
  value: Value;
}

/** How many branches an execution may have: past this the first ones stay, and the trace says so. */
const MAX_STATES = 64;
const MAX_DEPTH = 6;

export function siteOf(frame: Frame, at: number): Site {
  return { file: frame.node.file, line: lineOf(at), column: columnOf(at), function: frame.node.name };
}

/** Runs a list of statements for each state that has not ended. */
export function execute(machine: Machine, frame: Frame, body: readonly Stmt[], states: State[]): State[] {
  let current = states;
  for (const [index, stmt] of body.entries()) {
    const next: State[] = [];
    for (const state of current) {
      if (state.done !== undefined) next.push(state);
      else if (machine.budget-- <= 0) {
        state.run.undecided.push('the rest of the body: the step budget is used up');
        next.push({ ...state, done: 'return' });
      } else next.push(...step(machine, frame, stmt, state, index === body.length - 1));
    }
    current = next.length > MAX_STATES ? next.slice(0, MAX_STATES) : next;
  }
  return current;
}

function fork(state: State): State {
  return { ...state, run: state.run.copy(), env: new Map(state.env), guards: [...state.guards] };
}

function step(machine: Machine, frame: Frame, stmt: Stmt, state: State, isLast: boolean): State[] {
  switch (stmt.k) {
    case 'expr':
      return evaluate(machine, frame, stmt.x, state).map(([after]) => after);
    case 'decl':
      if (stmt.init === undefined) return [state];
      return evaluate(machine, frame, stmt.init, state).map(([after, value]) => {
        after.env.set(stmt.name, value);
        return after;
      });
    case 'if':
      return truths(machine, frame, stmt.c, stmt.text, state).flatMap(([after, taken]) =>
        execute(machine, frame, taken ? stmt.then : (stmt.else ?? []), [after]),
      );
    case 'return':
      return (stmt.x === undefined ? [[state, undefined] as const] : evaluate(machine, frame, stmt.x, state)).map(
        ([after, value]) => {
          if (frame.depth === 0 && !isLast && !after.run.effect) after.run.returnsEarly = true;
          if (frame.depth === 0 && !isLast)
            after.run.event(`returns from ${frame.node.name}()`, siteOf(frame, stmt.at));
          return { ...after, done: 'return' as const, value };
        },
      );
    case 'block':
      return execute(machine, frame, stmt.body, [state]);
    case 'when':
      if (machine.program.symbols.isActive([stmt.when], frame.node.file) === false) return [state];
      return execute(machine, frame, stmt.body, [state]);
    case 'loop':
    case 'each':
      return loop(machine, frame, stmt, state);
    case 'guard':
      return guard(machine, frame, stmt, state);
    case 'switch':
      return branchOfSwitch(machine, frame, stmt, state);
    case 'break':
    case 'continue':
      return [{ ...state, done: stmt.k }];
    case 'case':
    case 'label':
      return [state];
    case 'goto':
      state.run.unmodelled.push({ ...siteOf(frame, stmt.at), text: `goto ${stmt.label}` });
      return [{ ...state, done: 'return' }];
    case 'asm':
    case 'opaque':
      state.run.unmodelled.push({ ...siteOf(frame, stmt.at), text: stmt.k === 'asm' ? 'inline assembler' : stmt.text });
      return [state];
  }
}

/** A loop's body runs once: what it does in one turn is what it does, more than once or not at all. */
function loop(machine: Machine, frame: Frame, stmt: Extract<Stmt, { k: 'loop' | 'each' }>, state: State): State[] {
  const start = stmt.k === 'loop' && stmt.init !== undefined ? execute(machine, frame, stmt.init, [state]) : [state];
  return execute(machine, frame, stmt.body, start).map((after) =>
    after.done === 'break' || after.done === 'continue' ? { ...after, done: undefined } : after,
  );
}

/** All arms of an undecided `switch` are followed from their labels to the next `break`. */
function branchOfSwitch(machine: Machine, frame: Frame, stmt: Extract<Stmt, { k: 'switch' }>, state: State): State[] {
  const starts = stmt.body.flatMap((each, index) => (each.k === 'case' ? [index] : []));
  state.run.undecided.push(`switch (${stmt.text})`);
  return starts.flatMap((from) =>
    execute(machine, frame, stmt.body.slice(from), [fork(state)]).map((after) =>
      after.done === 'break' ? { ...after, done: undefined } : after,
    ),
  );
}

function guard(machine: Machine, frame: Frame, stmt: Extract<Stmt, { k: 'guard' }>, state: State): State[] {
  const lock = stmt.args.map((arg) => lockName(arg)).find((name) => name !== '') ?? stmt.name;
  state.run.locks.push(lock);
  state.run.event(`takes ${lock} (${stmt.macro})`, siteOf(frame, stmt.at));
  if (stmt.body === undefined) {
    state.guards.push(lock);
    return [state];
  }
  return execute(machine, frame, stmt.body, [state]).map((after) => {
    release(after.run, lock);
    return after;
  });
}

export function lockName(arg: Expr): string {
  if (arg.k === 'unary' && arg.op === '&') return lockName(arg.x);
  if (arg.k === 'member') return `${lockName(arg.x)}${arg.arrow ? '->' : '.'}${arg.field}`;
  return arg.k === 'id' ? arg.name : '';
}

export function release(run: Run, lock: string): boolean {
  const index = run.locks.lastIndexOf(lock);
  if (index >= 0) run.locks.splice(index, 1);
  return index >= 0;
}

/** The truth of a condition, both sides where it cannot be decided. */
function truths(machine: Machine, frame: Frame, c: Expr, text: string, state: State): [State, boolean][] {
  return evaluate(machine, frame, c, state).flatMap(([after, value]): [State, boolean][] => {
    if (value !== undefined) return [[after, truth(value)]];
    const other = fork(after);
    after.run.undecided.push(text);
    other.run.undecided.push(text);
    return [
      [after, true],
      [other, false],
    ];
  });
}

function truth(value: boolean | bigint): boolean {
  return typeof value === 'boolean' ? value : value !== 0n;
}

/** Evaluates an expression for its effects and its value. */
export function evaluate(machine: Machine, frame: Frame, x: Expr, state: State): [State, Value][] {
  switch (x.k) {
    case 'num':
      return [[state, machine.program.symbols.fold(x, frame.node.file)]];
    case 'id':
      return [[state, state.env.has(x.name) ? state.env.get(x.name) : decided(machine, frame, x)]];
    case 'cast':
      return evaluate(machine, frame, x.x, state);
    case 'unary': {
      if (x.op === '!') {
        return evaluate(machine, frame, x.x, state).map(([after, v]) => [
          after,
          v === undefined ? undefined : !truth(v),
        ]);
      }
      if (/^(?:post)?(?:\+\+|--)$/.test(x.op) && x.x.k === 'id') state.env.set(x.x.name, undefined);
      return [[state, undefined]];
    }
    case 'binary':
      return binary(machine, frame, x, state);
    case 'assign':
      return evaluate(machine, frame, x.r, state).map(([after, value]) => {
        if (x.l.k === 'id') after.env.set(x.l.name, assigned(x.op, after.env.get(x.l.name), value));
        return [after, value];
      });
    case 'cond': {
      const cond = x;
      return truths(machine, frame, x.c, 'a ?: condition', state).flatMap(([after, taken]) => {
        const arm = taken ? cond.a : cond.b;
        return arm === undefined ? [[after, true] as [State, Value]] : evaluate(machine, frame, arm, after);
      });
    }
    case 'call':
      return call(machine, frame, x, state);
    case 'block': {
      const last = x.body.at(-1);
      const before = last?.k === 'expr' ? x.body.slice(0, -1) : x.body;
      const states = execute(machine, frame, before, [state]);
      return last?.k === 'expr'
        ? states.flatMap((after) => evaluate(machine, frame, last.x, after))
        : states.map((after) => [after, undefined]);
    }
    default:
      return [[state, decided(machine, frame, x)]];
  }
}

function assigned(op: string, before: Value, value: Value): Value {
  if (op === '=') return value;
  if (op === '|=')
    return value !== undefined && truth(value) ? true : before === undefined ? undefined : truth(before) ? true : value;
  return undefined;
}

function decided(machine: Machine, frame: Frame, x: Expr): Value {
  const answer = machine.decide(frame.node.id, x);
  return answer === 'unknown' ? undefined : answer;
}

function binary(machine: Machine, frame: Frame, x: Extract<Expr, { k: 'binary' }>, state: State): [State, Value][] {
  if (x.op === ',')
    return evaluate(machine, frame, x.l, state).flatMap(([after]) => evaluate(machine, frame, x.r, after));
  if (x.op === '&&' || x.op === '||') {
    const stop = x.op === '||';
    return evaluate(machine, frame, x.l, state).flatMap(([after, left]): [State, Value][] => {
      if (left !== undefined && truth(left) === stop) return [[after, stop]];
      return evaluate(machine, frame, x.r, after).map(([end, right]) => {
        if (right !== undefined && truth(right) === stop) return [end, stop];
        return [end, left === undefined || right === undefined ? undefined : !stop];
      });
    });
  }
  return evaluate(machine, frame, x.l, state).flatMap(([after, l]) =>
    evaluate(machine, frame, x.r, after).map(([end, r]): [State, Value] => {
      if (typeof l === 'bigint' && typeof r === 'bigint') {
        if (x.op === '<') return [end, l < r];
        if (x.op === '<=') return [end, l <= r];
        if (x.op === '>') return [end, l > r];
        if (x.op === '>=') return [end, l >= r];
        if (x.op === '==') return [end, l === r];
        if (x.op === '!=') return [end, l !== r];
        if (x.op === '+') return [end, l + r];
        if (x.op === '-') return [end, l - r];
      }
      return [end, decided(machine, frame, x)];
    }),
  );
}

/** A call: a known operation, a helper that is entered, or something that the model does not know. */
function call(machine: Machine, frame: Frame, x: Extract<Expr, { k: 'call' }>, state: State): [State, Value][] {
  if (x.fn.k !== 'id') {
    state.run.unmodelled.push({ ...siteOf(frame, x.at), text: 'an indirect call' });
    return [[state, undefined]];
  }
  const name = x.fn.name;
  const operation = operationOf(name);
  if (operation !== undefined) {
    const first = x.args[0];
    const needsValue = operation.kind === 'bug-on' || operation.kind === 'warn-on' || operation.kind === 'value';
    const before: [State, Value][] =
      needsValue && first !== undefined ? evaluate(machine, frame, first, state) : [[state, undefined]];
    return before.flatMap(([after, value]) => perform(machine, frame, operation, name, x, after, value));
  }
  if (machine.program.symbols.fold(x, frame.node.file) !== undefined) {
    return [[state, machine.program.symbols.fold(x, frame.node.file)]];
  }
  const targets = machine.program.symbols.functionsNamed(name, frame.node.file).filter((node) => node.active);
  const target = targets[0] ?? machine.program.symbols.functionsNamed(name, frame.node.file)[0];
  const value = decided(machine, frame, x);
  if (changesNothing(machine.program, name, frame.node.file)) return [[state, value]];
  if (target === undefined || !('body' in target.fact) || frame.depth >= MAX_DEPTH) {
    state.run.unmodelled.push({ ...siteOf(frame, x.at), text: name });
    state.run.event(`calls ${name}(), which the model does not know`, siteOf(frame, x.at));
    return [[state, value]];
  }
  return enter(machine, frame, target, x, state);
}

function enter(
  machine: Machine,
  frame: Frame,
  target: FunctionNode,
  x: Extract<Expr, { k: 'call' }>,
  state: State,
): [State, Value][] {
  if (!('body' in target.fact)) return [[state, undefined]];
  const params = target.fact.params;
  const body = target.fact.body;
  let arrived: [State, Value[]][] = [[state, []]];
  for (const arg of x.args) {
    arrived = arrived.flatMap(([each, values]) =>
      evaluate(machine, frame, arg, each).map(([after, value]): [State, Value[]] => [after, [...values, value]]),
    );
  }
  return arrived.flatMap(([each, values]) => {
    const env = new Map(
      params.map((param, index) => [param.name, values[index]] as const).filter(([, value]) => value !== undefined),
    );
    const inner: Frame = { node: target, depth: frame.depth + 1 };
    const ends = execute(machine, inner, body, [{ ...each, env, guards: [], done: undefined, value: undefined }]);
    return ends.map((end): [State, Value] => {
      for (const lock of end.guards) release(end.run, lock);
      return [
        { ...end, env: new Map(each.env), guards: [...each.guards], done: undefined, value: undefined },
        end.value,
      ];
    });
  });
}
