import type { Expr, Stmt } from '../syntax/facts';
import { walkExpr } from '../syntax/walk';
import { lastJumps } from './assigned';
import { flattenCases, runIf, runSwitch } from './branches';
import { callValue, groupReturns, type Returned } from './call';
import { forgetChanges } from './changes';
import { isTruth, split } from './conditions';
import { declare } from './declare';
import { convertedTo, evaluate } from './evaluate';
import * as bits from './known-bits';
import { runLoop, turn } from './loops';
import { armKey, type Frame, type SetUp } from './machine';
import { assign } from './places';
import { leavingScope, runGuard } from './scopes';
import { joinAll, type State, UNKNOWN, type Value } from './state';

/** Runs a function's body; the ways in which it returns, those with a like value joined. */
export function runFunction(frame: Frame, body: readonly Stmt[], state: State): readonly Returned[] {
  const end = runBody(frame, body, state);
  const type = 'body' in frame.node.fact ? frame.node.fact.returns : '';
  const returns: Returned[] = frame.flow.returns.map((each) => ({
    state: each.state,
    value: convertedTo(frame, type, each.state, each.value),
  }));
  if (end !== undefined) returns.push({ state: end, value: UNKNOWN });
  return groupReturns(returns);
}

/** Runs a function's body: the state at its end, `undefined` if control never gets there. */
export function runBody(frame: Frame, body: readonly Stmt[], state: State): State | undefined {
  let end = runStatements(frame, body, state);
  // Where a jump led back, the code behind its label is run again with what the jump brings.
  for (let pass = 0; pass < frame.flow.back.size && pass < MOST_PASSES && jumpedBack(frame); pass++) {
    const again = runStatements(frame, body, state);
    end = joinAll([...(end === undefined ? [] : [end]), ...(again === undefined ? [] : [again])]);
  }
  return end;
}

/**
 * Runs statements one after the other; the state behind the last one, `undefined` if control never gets there.
 * `start` absent: control does not enter from above, only at labels.
 */
export function runStatements(frame: Frame, body: readonly Stmt[], start: State | undefined): State | undefined {
  const scope = leavingScope(frame, body, () => runInOrder(frame, body, start));
  return scope === undefined ? runInOrder(frame, body, start) : scope.end;
}

function runInOrder(frame: Frame, body: readonly Stmt[], start: State | undefined): State | undefined {
  let state = start;
  const horizon = frame.horizon ?? Infinity;
  for (const [i, stmt] of body.entries()) {
    if (stmt.at > horizon) return undefined;
    if (isChecked(frame, body[i - 1], stmt)) continue;
    if (stmt.k === 'label') {
      state = atLabel(frame, stmt, state);
      continue;
    }
    if (state === undefined) {
      if (hasLabel(stmt)) state = enterSideways(frame, stmt);
      continue;
    }
    if (frame.machine.budget-- <= 0) {
      if (frame.goals !== undefined) frame.goals.gaveUp ??= 'the step budget is used up';
      return state;
    }
    frame.goals?.ran.set(stmt, state);
    const check = body[i + 1];
    state = isChecked(frame, stmt, check) ? runChecked(frame, stmt, check, state) : step(frame, stmt, state);
  }
  return state;
}

type Checked = Extract<Stmt, { k: 'expr' }> & { readonly x: Extract<Expr, { k: 'assign' }> };

/** In a set-up, `r = f(); if (r) return r;`: what `f()` did when it failed is not mixed with what it did otherwise. */
function isChecked(frame: Frame, stmt: Stmt | undefined, check: Stmt | undefined): stmt is Checked {
  if (frame.setUp === undefined || stmt?.k !== 'expr' || stmt.x.k !== 'assign' || check?.k !== 'if') return false;
  const { l, r, op } = stmt.x;
  if (op !== '=' || l.k !== 'id' || r.k !== 'call') return false;
  let isAsked = false;
  walkExpr(check.c, (x) => {
    if (x.k === 'id' && x.name === l.name) isAsked = true;
  });
  return isAsked;
}

/** Each way in which the call returns goes through the check on its own. */
function runChecked(frame: Frame, { x }: Checked, check: Stmt | undefined, state: State): State | undefined {
  if (x.r.k !== 'call' || check === undefined) return state;
  const ends = callValue(frame, x.r, state).flatMap(
    ({ state: after, value }) => step(frame, check, assign(frame, x.l, value, after, x.at)) ?? [],
  );
  return joinAll(ends);
}

const MOST_PASSES = 3;

function atLabel(frame: Frame, label: Extract<Stmt, { k: 'label' }>, above: State | undefined): State | undefined {
  const parked = frame.flow.parked.get(label.name) ?? [];
  const state = joinAll([...(above === undefined ? [] : [above]), ...parked]);
  if (!('body' in frame.node.fact) || !jumpsBack(frame, label.name, label.at)) return state;
  frame.flow.back.set(label.name, parked.length);
  // A later jump back to this label finds what may have changed since.
  return state === undefined ? undefined : forgetChanges(frame, state, frame.node.fact.body);
}

/** Whether some jump led back since its label was passed. */
function jumpedBack(frame: Frame): boolean {
  return [...frame.flow.back].some(([label, before]) => (frame.flow.parked.get(label)?.length ?? 0) > before);
}

/** A statement that control enters only at a label inside. */
function enterSideways(frame: Frame, stmt: Stmt): State | undefined {
  switch (stmt.k) {
    case 'if': {
      const ends = [stmt.then, stmt.else ?? []].flatMap((arm) => runStatements(frame, arm, undefined) ?? []);
      return joinAll(ends);
    }
    case 'block':
    case 'when':
    case 'guard':
      return runStatements(frame, stmt.body ?? [], undefined);
    case 'switch': {
      const outer = frame.flow.breaks;
      frame.flow.breaks = [];
      const end = runStatements(frame, flattenCases(frame, stmt.body), undefined);
      const ends = [...frame.flow.breaks, ...(end === undefined ? [] : [end])];
      frame.flow.breaks = outer;
      return joinAll(ends);
    }
    case 'loop':
    case 'each': {
      const first = turn(frame, stmt, undefined);
      // The turns after the first one begin like those of a loop that was entered from above.
      const later = first.next === undefined ? undefined : runLoop(frame, { ...stmt }, first.next, stmt);
      return joinAll([...first.left, ...(later === undefined ? [] : [later])]);
    }
    default:
      return undefined;
  }
}

export function hasLabel(stmt: Stmt): boolean {
  if (stmt.k === 'label') return true;
  if (stmt.k === 'if') return stmt.then.some(hasLabel) || (stmt.else ?? []).some(hasLabel);
  if (stmt.k === 'block' || stmt.k === 'when' || stmt.k === 'loop' || stmt.k === 'each' || stmt.k === 'switch')
    return stmt.body.some(hasLabel);
  return stmt.k === 'guard' && (stmt.body ?? []).some(hasLabel);
}

function jumpsBack(frame: Frame, label: string, at: number): boolean {
  return (lastJumps(frame).get(label) ?? 0) > at;
}

function step(frame: Frame, stmt: Stmt, state: State): State | undefined {
  switch (stmt.k) {
    case 'expr':
      if (stmt.x.k === 'call') return joinAll(callValue(frame, stmt.x, state, true).map((each) => each.state));
      return alive(evaluate(frame, stmt.x, state));
    case 'decl':
      return declare(frame, stmt, state);
    case 'if':
      return frame.setUp === undefined ? runIf(frame, stmt, state) : runOpenArms(frame, stmt, state, frame.setUp);
    case 'switch':
      return runSwitch(frame, stmt, state);
    case 'loop':
    case 'each':
      return runLoop(frame, stmt, state);
    case 'return': {
      if (stmt.x === undefined) frame.flow.returns.push({ state, value: UNKNOWN });
      else frame.flow.returns.push(...returned(frame, stmt.x, state));
      return undefined;
    }
    case 'goto': {
      park(frame, labelGiven(frame, stmt.label), state);
      return undefined;
    }
    case 'break':
      frame.flow.breaks.push(state);
      return undefined;
    case 'continue':
      frame.flow.continues.push(state);
      return undefined;
    case 'block':
      return runStatements(frame, stmt.body, state);
    case 'when':
      return runConditional(frame, stmt, state);
    case 'guard':
      return runGuard(frame, stmt, state);
    case 'asm': {
      const after = stmt.inputs.reduce((each, input) => evaluate(frame, input, each)[0], state);
      const end = stmt.outputs.reduce((each, output) => assign(frame, output, UNKNOWN, each, stmt.at), after);
      for (const label of stmt.labels ?? []) park(frame, label, end);
      return end;
    }
    case 'case':
    case 'label':
      return state;
    case 'opaque':
      if (frame.goals !== undefined) frame.goals.gaveUp ??= `not understood: ${stmt.text.slice(0, 60)}`;
      return forgetChanges(frame, state, 'body' in frame.node.fact ? frame.node.fact.body : []);
  }
}

/** The label that a `goto` names; in a macro's body a parameter may stand for it. */
function labelGiven(frame: Frame, label: string): string {
  const given = frame.bound?.get(label);
  return given?.x.k === 'id' ? labelGiven(given.frame, given.x.name) : label;
}

/** An `if` of which arms may be known not to be taken; control may still enter those at a label. */
function runOpenArms(
  frame: Frame,
  stmt: Extract<Stmt, { k: 'if' }>,
  state: State,
  { closed, entered }: SetUp,
): State | undefined {
  if (frame.bound !== undefined) return runIf(frame, stmt, state);
  const { yes, no } = split(frame, stmt.c, state);
  const ends = [true, false].map((taken) => {
    const key = armKey(frame.node.id, stmt.at, taken);
    const start = closed.has(key) ? undefined : joinAll(taken ? yes : no);
    if (start !== undefined) entered.add(key);
    const arm = taken ? stmt.then : (stmt.else ?? []);
    return start === undefined && !arm.some(hasLabel) ? undefined : runStatements(frame, arm, start);
  });
  return joinAll(ends.flatMap((end) => end ?? []));
}

export function park(frame: Frame, label: string, state: State): void {
  frame.flow.parked.set(label, [...(frame.flow.parked.get(label) ?? []), state]);
}

/** Statements under `#if`: run, not run, or either. What a kernel may be built without cuts nothing. */
function runConditional(frame: Frame, stmt: Extract<Stmt, { k: 'when' }>, state: State): State | undefined {
  const { symbols } = frame.machine.program;
  const isActive = symbols.isActive([stmt.when], frame.node.file);
  if (isActive === false) return state;
  const end = runStatements(frame, stmt.body, state);
  const isCertain = isActive === true && symbols.isSettled(stmt.when);
  return isCertain ? end : joinAll([state, ...(end === undefined ? [] : [end])]);
}

export function alive([state, value]: readonly [State, Value]): State | undefined {
  return value.k === 'bits' && bits.isNone(value.bits) ? undefined : state;
}

function returned(frame: Frame, x: Expr, state: State): Returned[] {
  // The two outcomes of a predicate stay apart: that is what makes a helper narrow its caller's state.
  if (isTruth(x)) {
    const { yes, no } = split(frame, x, state);
    return [
      ...yes.map((each) => ({ state: each, value: { k: 'bits', bits: bits.constant(1n) } as const })),
      ...no.map((each) => ({ state: each, value: { k: 'bits', bits: bits.constant(0n) } as const })),
    ];
  }
  if (x.k === 'call') {
    return [...callValue(frame, x, state)];
  }
  if (frame.setUp !== undefined && x.k === 'cond' && x.a !== undefined) {
    const { a, b } = x;
    const { yes, no } = split(frame, x.c, state);
    return [...yes.flatMap((each) => returned(frame, a, each)), ...no.flatMap((each) => returned(frame, b, each))];
  }
  const [after, value] = evaluate(frame, x, state);
  return value.k === 'bits' && bits.isNone(value.bits) ? [] : [{ state: after, value }];
}
