import { exprText } from '../syntax/expr-text';
import type { Expr } from '../syntax/facts';
import { type Branch, noteUnmodelled, type Value } from './branch';
import { call } from './call';
import { execute } from './execute';
import { type Frame, type Machine, siteOf } from './machine';
import { store } from './owned-stores';
import { isQuiet } from './purity';
import { computed, conditionKey, knownValue, truth } from './values';

/** A run and the value that an expression has in it. */
export type Evaluated = readonly [branch: Branch, value: Value];

/**
 * The truth of a condition: from what the run itself knows, else from `decide`, else of its parts. A part that nobody
 * can decide splits the run, and each side remembers what it took it to be.
 */
export function truths(machine: Machine, frame: Frame, c: Expr, branch: Branch): (readonly [Branch, boolean])[] {
  const quiet = isQuiet(machine, c, frame.node);
  if (quiet) {
    const known = truth(knownValue(machine, frame, c, branch)) ?? decided(machine, frame, c);
    if (known !== undefined) return [[branch, known]];
  }
  if (c.k === 'cast') return truths(machine, frame, c.x, branch);
  if (c.k === 'unary' && c.op === '!')
    return truths(machine, frame, c.x, branch).map(([after, taken]) => [after, !taken]);
  if (c.k === 'binary' && (c.op === '&&' || c.op === '||')) {
    const stop = c.op === '||';
    return truths(machine, frame, c.l, branch).flatMap(([after, left]) =>
      left === stop ? [[after, stop] as const] : truths(machine, frame, c.r, after),
    );
  }
  if (c.k === 'call' && c.fn.k === 'id' && /^(?:un)?likely$/.test(c.fn.name) && c.args[0] !== undefined)
    return truths(machine, frame, c.args[0], branch);
  if (!quiet)
    return evaluate(machine, frame, c, branch).flatMap(([after, value]) => {
      const known = truth(value);
      return known === undefined ? undecided(frame, c, after) : [[after, known] as const];
    });
  const last = truth(knownValue(machine, frame, c, branch, true));
  return last === undefined ? undecided(frame, c, branch) : [[branch, last]];
}

function undecided(frame: Frame, c: Expr, branch: Branch): (readonly [Branch, boolean])[] {
  const key = conditionKey(frame, c);
  const before = key === undefined ? undefined : branch.assumed.get(key);
  if (before !== undefined) return [[branch, before]];
  return [true, false].map((taken) => {
    const text = exprText(c) === '' ? 'a condition' : exprText(c);
    const event = {
      text: `not decided: ${text}; taken to be ${taken}`,
      site: siteOf(frame, c.at),
      state: branch.state,
      choice: text,
    };
    const assumed = key === undefined ? branch.assumed : new Map(branch.assumed).set(key, taken);
    return [{ ...branch, assumed, trace: [...branch.trace, event] }, taken] as const;
  });
}

export function decided(machine: Machine, frame: Frame, x: Expr): boolean | undefined {
  const answer = machine.decide(frame.node.id, x);
  return answer === 'unknown' ? undefined : answer;
}

/** Evaluates an expression for its effects and its value. */
export function evaluate(machine: Machine, frame: Frame, x: Expr, branch: Branch): Evaluated[] {
  switch (x.k) {
    case 'cast':
      return evaluate(machine, frame, x.x, branch);
    case 'assign':
      return evaluate(machine, frame, x.r, branch).map(([after, value]) => [
        store(machine, frame, x.l, assigned(x.op, held(machine, frame, x, after), value), after),
        value,
      ]);
    case 'unary':
      if (/\+\+|--/.test(x.op)) {
        const was = knownValue(machine, frame, x.x, branch);
        const by = x.op.includes('+') ? '+' : '-';
        return [[store(machine, frame, x.x, computed(by, was, 1n), branch), x.op.startsWith('post') ? was : undefined]];
      }
      return evaluate(machine, frame, x.x, branch).map(([after, value]) => {
        const known = truth(value);
        return [after, x.op === '!' && known !== undefined ? !known : knownValue(machine, frame, x, after)];
      });
    case 'binary':
      return binary(machine, frame, x, branch);
    case 'cond':
      return truths(machine, frame, x.c, branch).flatMap(([after, taken]): Evaluated[] => {
        const arm = taken ? x.a : x.b;
        return arm === undefined ? [[after, true]] : evaluate(machine, frame, arm, after);
      });
    case 'call':
      return call(machine, frame, x, branch);
    case 'block': {
      const last = x.body.at(-1);
      if (last?.k !== 'expr') return execute(machine, frame, x.body, [branch]).map((after) => [after, undefined]);
      return execute(machine, frame, x.body.slice(0, -1), [branch]).flatMap((after): Evaluated[] =>
        after.end === undefined ? evaluate(machine, frame, last.x, after) : [[after, undefined]],
      );
    }
    case 'member':
      return evaluate(machine, frame, x.x, branch).map(([after]) => [after, valueHere(machine, frame, x, after)]);
    case 'index':
      return evaluate(machine, frame, x.x, branch).flatMap(([after]) =>
        evaluate(machine, frame, x.i, after).map(([end]): Evaluated => [end, undefined]),
      );
    case 'init':
      return x.items.reduce<Evaluated[]>(
        (all, item) => all.flatMap(([after]) => evaluate(machine, frame, item.value, after)),
        [[branch, undefined]],
      );
    case 'opaque':
      return [[noteUnmodelled(branch, x.text, siteOf(frame, x.at)), undefined]];
    case 'id':
    case 'num':
    case 'str':
    case 'sizeof':
    case 'type':
      return [[branch, valueHere(machine, frame, x, branch)]];
  }
}

/** What the run knows, else what `decide` says of it as a condition where it is one. */
function valueHere(machine: Machine, frame: Frame, x: Expr, branch: Branch): Value {
  return knownValue(machine, frame, x, branch);
}

/** What an assignment that computes starts from. */
function held(machine: Machine, frame: Frame, x: Extract<Expr, { k: 'assign' }>, branch: Branch): Value {
  return x.op === '=' ? undefined : knownValue(machine, frame, x.l, branch);
}

function assigned(op: string, before: Value, value: Value): Value {
  if (op === '=') return value;
  if (op !== '|=') return computed(op.slice(0, -1), before, value);
  if (typeof before === 'bigint' || typeof value === 'bigint') return computed('|', before, value);
  const [was, is] = [truth(before), truth(value)];
  if (was === true || is === true) return true;
  return was === undefined || is === undefined ? undefined : false;
}

function binary(machine: Machine, frame: Frame, x: Extract<Expr, { k: 'binary' }>, branch: Branch): Evaluated[] {
  if (isQuiet(machine, x, frame.node)) {
    const known = knownValue(machine, frame, x, branch);
    if (known !== undefined || !/^(?:&&|\|\||[<>!=]=?)$/.test(x.op)) return [[branch, known]];
    return [[branch, decided(machine, frame, x)]];
  }
  if (x.op === '&&' || x.op === '||') return truths(machine, frame, x, branch).map(([after, taken]) => [after, taken]);
  return evaluate(machine, frame, x.l, branch).flatMap(([after, l]) =>
    evaluate(machine, frame, x.r, after).map(([end, r]): Evaluated => [end, x.op === ',' ? r : computed(x.op, l, r)]),
  );
}
