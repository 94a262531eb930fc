import type { Expr, Stmt } from '../syntax/facts';
import { columnOf, lineOf } from '../syntax/facts';
import { callValue, groupReturns, type Returned } from './call';
import { assign, evaluate, few, freshSymbol, isLocal, type Split, split } from './evaluate';
import * as bits from './known-bits';
import { type Decision, type Frame, type Label, newFlow } from './machine';
import { bitsOf, joinAll, refine, replaced, type State, UNKNOWN, type Value, withCell } from './state';

/** Runs a function's body; the ways in which it returns, those with a like value joined. */
export function runFunction(frame: Frame, body: readonly Stmt[], state: State): readonly Returned[] {
  const end = runStatements(frame, body, state);
  const returns: Returned[] = [...frame.flow.returns];
  if (end !== undefined) returns.push({ state: end, value: UNKNOWN });
  return groupReturns(returns);
}

/** Runs statements one after the other; the state behind the last one, `undefined` if control never gets there. */
export function runStatements(frame: Frame, body: readonly Stmt[], start: State): State | undefined {
  let state: State | undefined = start;
  for (const stmt of body) {
    if (stmt.k === 'label') {
      const parked = frame.flow.parked.get(stmt.name) ?? [];
      state = joinAll([...(state === undefined ? [] : [state]), ...parked]);
      // A later jump back to this label finds what may have changed since: nothing is known of locals from here on.
      if (state !== undefined && jumpsBack(frame, stmt.name, stmt.at)) state = forgetLocals(frame, state);
      continue;
    }
    if (state === undefined) {
      // Labels inside a block that control does not enter from above.
      if (hasLabel(stmt)) state = runNested(frame, stmt);
      continue;
    }
    if (frame.machine.budget-- <= 0) {
      if (frame.goals !== undefined) frame.goals.gaveUp ??= 'the step budget is used up';
      return state;
    }
    state = step(frame, stmt, state);
  }
  return state;
}

function runNested(frame: Frame, stmt: Stmt): State | undefined {
  const bodies =
    stmt.k === 'if'
      ? [stmt.then, stmt.else ?? []]
      : stmt.k === 'block' || stmt.k === 'when' || stmt.k === 'loop' || stmt.k === 'each' || stmt.k === 'switch'
        ? [stmt.body]
        : [];
  const ends: State[] = [];
  for (const body of bodies) {
    const from = body.findIndex((each) => each.k === 'label' || hasLabel(each));
    if (from < 0) continue;
    const first = body[from];
    const parked = first?.k === 'label' ? (frame.flow.parked.get(first.name) ?? []) : [];
    const start = joinAll(parked);
    if (start === undefined) continue;
    const end = runStatements(frame, body.slice(from + 1), start);
    if (end !== undefined) ends.push(end);
  }
  return joinAll(ends);
}

function hasLabel(stmt: Stmt): boolean {
  if (stmt.k === 'label') return true;
  if (stmt.k === 'if') return stmt.then.some(hasLabel) || (stmt.else ?? []).some(hasLabel);
  if (stmt.k === 'block' || stmt.k === 'when' || stmt.k === 'loop' || stmt.k === 'each' || stmt.k === 'switch')
    return stmt.body.some(hasLabel);
  return stmt.k === 'guard' && (stmt.body ?? []).some(hasLabel);
}

function jumpsBack(frame: Frame, label: string, at: number): boolean {
  return 'body' in frame.node.fact && gotos(frame.node.fact.body).some((jump) => jump.label === label && jump.at > at);
}

function gotos(body: readonly Stmt[]): { label: string; at: number }[] {
  return body.flatMap((stmt) => {
    if (stmt.k === 'goto') return [{ label: stmt.label, at: stmt.at }];
    if (stmt.k === 'if') return [...gotos(stmt.then), ...gotos(stmt.else ?? [])];
    return 'body' in stmt ? gotos(stmt.body) : [];
  });
}

function forgetLocals(frame: Frame, state: State): State {
  return replaced(state, (cell) =>
    cell.startsWith(`${frame.name}.`) || cell.includes('*') ? freshSymbol(frame) : undefined,
  );
}

function step(frame: Frame, stmt: Stmt, state: State): State | undefined {
  switch (stmt.k) {
    case 'expr':
      if (stmt.x.k === 'call') return joinAll(callValue(frame, stmt.x, state, true).map((each) => each.state));
      return alive(evaluate(frame, stmt.x, state));
    case 'decl':
      return declare(frame, stmt, state);
    case 'if':
      return runIf(frame, stmt, state);
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
      frame.flow.parked.set(stmt.label, [...(frame.flow.parked.get(stmt.label) ?? []), state]);
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
      if (frame.machine.program.symbols.isActive([stmt.when], frame.node.file) === false) return state;
      return runStatements(frame, stmt.body, state);
    case 'guard': {
      const after = stmt.args.reduce((each, arg) => evaluate(frame, arg, each)[0], state);
      return stmt.body === undefined ? after : runStatements(frame, stmt.body, after);
    }
    case 'asm':
      return stmt.outputs.reduce((each, output) => assign(frame, output, UNKNOWN, each, stmt.at), state);
    case 'case':
    case 'label':
      return state;
    case 'opaque':
      if (frame.goals !== undefined) frame.goals.gaveUp ??= `not understood: ${stmt.text.slice(0, 60)}`;
      return forgetLocals(frame, state);
  }
}

function alive([state, value]: readonly [State, Value]): State | undefined {
  return value.k === 'bits' && bits.isNone(value.bits) ? undefined : state;
}

function returned(frame: Frame, x: Expr, state: State): Returned[] {
  // The two outcomes of a predicate stay apart: that is what makes a helper narrow its caller's state.
  if ((x.k === 'binary' && /^(?:==|!=|<|<=|>|>=|&&|\|\|)$/.test(x.op)) || (x.k === 'unary' && x.op === '!')) {
    const { yes, no } = split(frame, x, state);
    return [
      ...yes.map((each) => ({ state: each, value: { k: 'bits', bits: bits.constant(1n) } as const })),
      ...no.map((each) => ({ state: each, value: { k: 'bits', bits: bits.constant(0n) } as const })),
    ];
  }
  if (x.k === 'call') {
    return [...callValue(frame, x, state)];
  }
  const [after, value] = evaluate(frame, x, state);
  return value.k === 'bits' && bits.isNone(value.bits) ? [] : [{ state: after, value }];
}

function declare(frame: Frame, stmt: Extract<Stmt, { k: 'decl' }>, state: State): State | undefined {
  const cell = `${frame.name}.${stmt.name}`;
  if (stmt.static) return withCell(state, cell, freshSymbol(frame));
  if (stmt.init === undefined) return withCell(state, cell, freshSymbol(frame));
  if (stmt.init.k !== 'init' || stmt.type.includes('*') || stmt.type.includes('[')) {
    const [after, value] = evaluate(frame, stmt.init, state);
    if (value.k === 'bits' && bits.isNone(value.bits)) return undefined;
    return withCell(after, cell, value);
  }
  // `struct msr_data msr = { .index = i }`: the named fields, the others zero.
  let after = state;
  const named = new Set<string>();
  for (const item of stmt.init.items) {
    const [next, value] = evaluate(frame, item.value, after);
    const field = item.fields?.length === 1 ? item.fields[0] : undefined;
    after = field === undefined ? next : withCell(next, `${cell}.${field}`, value);
    if (field !== undefined) named.add(field);
  }
  const fields = frame.machine.program.symbols.struct(stmt.type)?.fields ?? [];
  const allNamed = stmt.init.items.every((item) => item.fields?.length === 1);
  for (const field of fields) {
    if (!named.has(field.name) && allNamed && !/^(?:struct|union)\b(?!.*\*)/.test(field.type)) {
      after = withCell(after, `${cell}.${field.name}`, { k: 'bits', bits: bits.constant(0n) });
    }
  }
  return after;
}

function runIf(frame: Frame, stmt: Extract<Stmt, { k: 'if' }>, state: State): State | undefined {
  frame.read.clear();
  const { yes, no } = split(frame, stmt.c, state);
  const facts = [...frame.read].sort();
  const enterThen = joinAll(yes);
  const enterElse = joinAll(no);
  const outerLabels = frame.goals?.labels ?? [];
  const label = frame.goals === undefined ? undefined : comparedSelector(frame, stmt.c, state);
  if (frame.goals !== undefined && label !== undefined) frame.goals.labels = [...outerLabels, label];
  const then = enterThen === undefined ? undefined : runStatements(frame, stmt.then, enterThen);
  if (frame.goals !== undefined) frame.goals.labels = outerLabels;
  const otherwise = enterElse === undefined ? undefined : runStatements(frame, stmt.else ?? [], enterElse);
  if (frame.goals !== undefined) {
    const value = enterThen === undefined ? false : enterElse === undefined ? true : 'unknown';
    frame.goals.decisions.push(
      decision(frame, stmt, value, facts, { then: then !== undefined, otherwise: otherwise !== undefined }),
    );
  }
  return joinAll([...(then === undefined ? [] : [then]), ...(otherwise === undefined ? [] : [otherwise])]);
}

/** `if (ioctl == KVM_X && ...)` names the way in as a `case` of a switch over the number does. */
function comparedSelector(frame: Frame, c: Expr, state: State): Label | undefined {
  if (c.k !== 'binary') return undefined;
  if (c.op === '&&') return comparedSelector(frame, c.l, state) ?? comparedSelector(frame, c.r, state);
  if (c.op !== '==' || c.l.k !== 'id' || c.r.k !== 'id') return undefined;
  const value = state.cells.get(`${frame.name}.${c.l.name}`);
  return value?.k === 'symbol' && value.id.startsWith('ioctl:') ? { kind: 'ioctl', names: [c.r.name] } : undefined;
}

function decision(
  frame: Frame,
  stmt: Extract<Stmt, { k: 'if' }>,
  value: true | false | 'unknown',
  facts: readonly string[],
  goesOn: { then: boolean; otherwise: boolean },
): Decision {
  const rules: { needs: boolean; from: number; to: number }[] = [];
  const then = stretch(stmt.then);
  const otherwise = stretch(stmt.else ?? []);
  if (then !== undefined) rules.push({ needs: true, ...then });
  if (otherwise !== undefined) rules.push({ needs: false, ...otherwise });
  const end = Math.max(then?.to ?? stmt.at, otherwise?.to ?? stmt.at);
  const ends = (body: readonly Stmt[]): boolean => /^(?:return|goto|break|continue)$/.test(body.at(-1)?.k ?? '');
  if (value === true ? !goesOn.then : value === 'unknown' && !goesOn.then && ends(stmt.then))
    rules.push({ needs: false, from: end + 1, to: Infinity });
  if (value === false ? !goesOn.otherwise : value === 'unknown' && !goesOn.otherwise && ends(stmt.else ?? [])) {
    rules.push({ needs: true, from: end + 1, to: Infinity });
  }
  const site = {
    file: frame.node.file,
    line: lineOf(stmt.c.at),
    column: columnOf(stmt.c.at),
    function: frame.node.name,
  };
  return { guard: { site, text: stmt.text, value, facts }, rules };
}

/** From the first to the last position that a list of statements mentions. */
export function stretch(body: readonly Stmt[]): { from: number; to: number } | undefined {
  let from = Infinity;
  let to = -Infinity;
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) visit(each);
    else if (typeof value === 'object' && value !== null) {
      const { at } = value as { at?: unknown };
      if (typeof at === 'number') {
        if (at < from) from = at;
        if (at > to) to = at;
      }
      for (const each of Object.values(value)) if (typeof each === 'object') visit(each);
    }
  };
  visit(body);
  return from === Infinity ? undefined : { from, to };
}

function runSwitch(frame: Frame, stmt: Extract<Stmt, { k: 'switch' }>, state: State): State | undefined {
  frame.read.clear();
  const [after, value] = evaluate(frame, stmt.x, state);
  const facts = [...frame.read].sort();
  const outerBreaks = frame.flow.breaks;
  frame.flow.breaks = [];
  const body = flattenCases(frame, stmt.body);
  const rest = remaining(frame, body, after, value);
  const goals = frame.goals;
  const outerLabels = goals?.labels ?? [];
  let current: State | undefined;
  let sawDefault = false;
  for (let i = 0; i < body.length;) {
    const labels: Extract<Stmt, { k: 'case' }>[] = [];
    let next = i;
    for (let each = body[next]; each?.k === 'case'; each = body[++next]) labels.push(each);
    let end = next;
    while (end < body.length && body[end]?.k !== 'case') end += 1;
    const arm = body.slice(next, end);
    const entering = labels.flatMap((label) =>
      label.lo === undefined ? (rest === undefined ? [] : [rest]) : enterCase(frame, label, after, value),
    );
    if (labels.some((label) => label.lo === undefined)) sawDefault = true;
    const start = joinAll([...(current === undefined ? [] : [current]), ...few(entering)]);
    if (goals !== undefined) {
      const label = selectorLabel(labels, value);
      goals.labels = label === undefined ? outerLabels : [...outerLabels, label];
      const place = stretch(arm);
      if (place !== undefined) {
        const site = {
          file: frame.node.file,
          line: lineOf(stmt.x.at),
          column: columnOf(stmt.x.at),
          function: frame.node.name,
        };
        goals.decisions.push({
          guard: { site, text: `switch (${stmt.text})`, value: start === undefined ? false : 'unknown', facts },
          rules: [{ needs: true, ...place }],
        });
      }
    }
    current =
      start === undefined && !arm.some(hasLabel)
        ? undefined
        : start === undefined
          ? undefined
          : runStatements(frame, arm, start);
    i = Math.max(end, i + 1);
  }
  if (goals !== undefined) goals.labels = outerLabels;
  const ends = [...frame.flow.breaks];
  frame.flow.breaks = outerBreaks;
  if (current !== undefined) ends.push(current);
  if (!sawDefault && rest !== undefined) ends.push(rest);
  return joinAll(ends);
}

/** Cases under an active `#if` stand among the others. */
function flattenCases(frame: Frame, body: readonly Stmt[]): Stmt[] {
  return body.flatMap((stmt) => {
    if (stmt.k === 'when' && stmt.body.some((each) => each.k === 'case')) {
      return frame.machine.program.symbols.isActive([stmt.when], frame.node.file) === false
        ? []
        : flattenCases(frame, stmt.body);
    }
    return [stmt];
  });
}

function enterCase(frame: Frame, label: Extract<Stmt, { k: 'case' }>, state: State, value: Value): State[] {
  const range = caseRange(frame, label);
  if (range === undefined) return [state];
  const inside = refine(
    state,
    value,
    range[0] === range[1] ? bits.constant(range[0]) : bits.between(bits.TOP, range[0], range[1]),
  );
  return inside === undefined ? [] : [inside];
}

function caseRange(frame: Frame, label: Extract<Stmt, { k: 'case' }>): readonly [bigint, bigint] | undefined {
  const { symbols } = frame.machine.program;
  const lo = label.lo === undefined ? undefined : symbols.fold(label.lo, frame.node.file);
  const hi = label.hi === undefined ? lo : symbols.fold(label.hi, frame.node.file);
  if (lo === undefined || hi === undefined) return undefined;
  return [BigInt.asUintN(64, lo), BigInt.asUintN(64, hi)];
}

/** What the scrutinee is where no `case` matches. */
function remaining(frame: Frame, body: readonly Stmt[], state: State, value: Value): State | undefined {
  let known = bitsOf(state, value);
  for (const stmt of body) {
    if (stmt.k !== 'case' || stmt.lo === undefined) continue;
    const range = caseRange(frame, stmt);
    if (range === undefined) continue;
    const others: (readonly [bigint, bigint])[] = [];
    if (range[0] > 0n) others.push([0n, range[0] - 1n]);
    if (range[1] < bits.ALL) others.push([range[1] + 1n, bits.ALL]);
    known = bits.meet(known, bits.fromRanges(others));
  }
  return refine(state, value, known);
}

/** Whether the labels name ways in: ioctls of a selector, capabilities and sub-commands, exit reasons. */
function selectorLabel(labels: readonly Extract<Stmt, { k: 'case' }>[], value: Value): Label | undefined {
  const names = labels.flatMap((label) => (label.lo?.k === 'id' ? [label.lo.name] : []));
  const first = names[0];
  if (first === undefined) return undefined;
  if (value.k === 'symbol' && value.id.startsWith('ioctl:')) return { kind: 'ioctl', names };
  if (/^KVM_(?:CAP|SEV|TDX)_/.test(first)) return { kind: 'sub', names };
  return /^(?:EXIT_REASON|SVM_EXIT|SVM_VMGEXIT|TDVMCALL)_/.test(first) ? { kind: 'exit', names } : undefined;
}

/**
 * A loop: run once without looking for anything to see what it changes, forget that, and run it again. What holds
 * then holds in every turn.
 */
function runLoop(frame: Frame, stmt: Extract<Stmt, { k: 'loop' | 'each' }>, start: State): State | undefined {
  let state: State | undefined = start;
  if (stmt.k === 'loop' && stmt.init !== undefined) state = runStatements(frame, stmt.init, start);
  if (state === undefined) return undefined;
  if (stmt.k === 'each') state = loopVariables(frame, stmt.args, state);
  const { goals: _goals, onStore: _onStore, ...quiet } = frame;
  const probe: Frame = { ...quiet, read: new Set(), flow: { ...newFlow(), parked: new Map(frame.flow.parked) } };
  const once = turn(probe, stmt, state);
  const changed = joinAll([state, ...(once.next === undefined ? [] : [once.next])]) ?? state;
  const widened = widen(frame, state, changed);
  const real = turn(frame, stmt, widened);
  const ends = [...real.left, ...(stmt.k === 'each' ? [widened] : []), ...(real.next === undefined ? [] : [real.next])];
  if (stmt.k === 'loop' && stmt.c !== undefined && stmt.form !== 'do') {
    // After a turn the condition is asked again: only its no leaves the loop.
    return joinAll(real.left);
  }
  if (stmt.k === 'loop' && stmt.c === undefined) return joinAll(real.left);
  return joinAll(ends);
}

function loopVariables(frame: Frame, args: readonly Expr[], state: State): State {
  const fact = frame.node.fact;
  const params = 'body' in fact ? new Set(fact.params.map((param) => param.name)) : new Set<string>();
  return args.reduce((each, arg) => {
    if (arg.k !== 'id' || params.has(arg.name) || !isLocal(frame, arg)) return evaluate(frame, arg, each)[0];
    return withCell(each, `${frame.name}.${arg.name}`, freshSymbol(frame));
  }, state);
}

/** One turn: the state at its end, and those in which the loop is left. */
function turn(
  frame: Frame,
  stmt: Extract<Stmt, { k: 'loop' | 'each' }>,
  state: State,
): { next: State | undefined; left: State[] } {
  const outer = { breaks: frame.flow.breaks, continues: frame.flow.continues };
  frame.flow.breaks = [];
  frame.flow.continues = [];
  const left: State[] = [];
  let enter: State | undefined = state;
  if (stmt.k === 'loop' && stmt.c !== undefined && stmt.form !== 'do') {
    const { yes, no }: Split = split(frame, stmt.c, state);
    enter = joinAll(yes);
    left.push(...no);
  }
  let end = enter === undefined ? undefined : runStatements(frame, stmt.body, enter);
  end = joinAll([...(end === undefined ? [] : [end]), ...frame.flow.continues]);
  left.push(...frame.flow.breaks);
  frame.flow.breaks = outer.breaks;
  frame.flow.continues = outer.continues;
  if (end !== undefined && stmt.k === 'loop' && stmt.step !== undefined) end = evaluate(frame, stmt.step, end)[0];
  if (end !== undefined && stmt.k === 'loop' && stmt.form === 'do' && stmt.c !== undefined) {
    const { yes, no } = split(frame, stmt.c, end);
    left.push(...no);
    end = joinAll(yes);
  }
  return { next: end, left };
}

/** `before` without what differs in `after`: values that a turn changes become unknown. */
function widen(frame: Frame, before: State, after: State): State {
  let { cells, known } = after;
  after.cells.differences(before.cells, (cell, now, old) => {
    const untouched = old === undefined && now?.k === 'symbol' && now.id === cell;
    if (!untouched) cells = cells.set(cell, freshSymbol(frame));
  });
  after.known.differences(before.known, (id) => {
    known = known.delete(id);
  });
  return { cells, known, conditions: before.conditions };
}
