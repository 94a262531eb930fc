import { columnOf, lineOf, type Stmt } from '../syntax/facts';
import { labelsOf } from './assigned';
import { few, split } from './conditions';
import { evaluate } from './evaluate';
import { hasLabel, runStatements } from './execute';
import * as bits from './known-bits';
import type { Decision, Frame, Rule } from './machine';
import { choiceOf, chosen, excluded } from './selectors';
import { bitsOf, joinAll, refine, START, type State, type Value } from './state';

type Case = Extract<Stmt, { k: 'case' }>;

export function runIf(frame: Frame, stmt: Extract<Stmt, { k: 'if' }>, state: State): State | undefined {
  const before = frame.read.now();
  const { yes, no } = split(frame, stmt.c, state);
  const facts = frame.read.since(before) ?? [];
  const enterThen = joinAll(yes);
  const enterElse = joinAll(no);
  const then = within(frame, enterElse === undefined ? Infinity : stretch(stmt.then)?.to, () =>
    runArm(frame, stmt.then, enterThen),
  );
  const otherwise = within(frame, enterThen === undefined ? Infinity : stretch(stmt.else ?? [])?.to, () =>
    runArm(frame, stmt.else ?? [], enterElse),
  );
  if (frame.goals !== undefined) {
    const value = enterThen === undefined ? false : enterElse === undefined ? true : 'unknown';
    frame.goals.decisions.push(
      decision(frame, stmt, value, facts, { then: then !== undefined, otherwise: otherwise !== undefined }),
    );
  }
  return joinAll([...(then === undefined ? [] : [then]), ...(otherwise === undefined ? [] : [otherwise])]);
}

/** Runs what other ways go around: behind `end`, its last position, they join. */
export function within<Result>(frame: Frame, end: number | undefined, run: () => Result): Result {
  const { goals } = frame;
  if (goals === undefined || end === undefined || end >= goals.until) return run();
  const outer = goals.until;
  goals.until = end;
  const result = run();
  goals.until = outer;
  return result;
}

/** An arm that the condition does not enter may still be entered at a label. */
function runArm(frame: Frame, body: readonly Stmt[], start: State | undefined): State | undefined {
  return start === undefined && !body.some(hasLabel) ? undefined : runStatements(frame, body, start);
}

function decision(
  frame: Frame,
  stmt: Extract<Stmt, { k: 'if' }>,
  value: true | false | 'unknown',
  facts: readonly string[],
  goesOn: { then: boolean; otherwise: boolean },
): Decision {
  const rules: Rule[] = [];
  const then = stretch(stmt.then);
  const otherwise = stretch(stmt.else ?? []);
  if (then !== undefined) rules.push({ needs: true, ...then });
  if (otherwise !== undefined) rules.push({ needs: false, ...otherwise });
  const end = Math.max(then?.to ?? stmt.at, otherwise?.to ?? stmt.at);
  const ends = (body: readonly Stmt[]): boolean => /^(?:return|goto|break|continue)$/.test(body.at(-1)?.k ?? '');
  const until = (body: readonly Stmt[]): number => Math.min(frame.goals?.until ?? Infinity, labelBehind(frame, body));
  if (value === true ? !goesOn.then : value === 'unknown' && !goesOn.then && ends(stmt.then))
    rules.push({ needs: false, from: end + 1, to: until(stmt.then), behind: true });
  if (value === false ? !goesOn.otherwise : value === 'unknown' && !goesOn.otherwise && ends(stmt.else ?? [])) {
    rules.push({ needs: true, from: end + 1, to: until(stmt.else ?? []), behind: true });
  }
  const site = {
    file: frame.node.file,
    line: lineOf(stmt.c.at),
    column: columnOf(stmt.c.at),
    function: frame.node.name,
  };
  return { guard: { site, text: stmt.text, value, facts }, rules };
}

/** The position of the label that an arm jumps to, if it ends with a jump ahead: from there on all ways are one. */
function labelBehind(frame: Frame, body: readonly Stmt[]): number {
  const last = body.at(-1);
  if (last?.k !== 'goto') return Infinity;
  const at = labelsOf(frame).get(last.label) ?? 0;
  return at > last.at ? at : Infinity;
}

const stretches = new WeakMap<readonly Stmt[], { from: number; to: number } | undefined>();

/** From the first to the last position that a list of statements mentions. */
export function stretch(body: readonly Stmt[]): { from: number; to: number } | undefined {
  if (!stretches.has(body)) stretches.set(body, findStretch(body));
  return stretches.get(body);
}

function findStretch(body: readonly Stmt[]): { from: number; to: number } | undefined {
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

export function runSwitch(frame: Frame, stmt: Extract<Stmt, { k: 'switch' }>, state: State): State | undefined {
  const before = frame.read.now();
  const [after, value] = evaluate(frame, stmt.x, state);
  const facts = frame.read.since(before) ?? [];
  const isDecided = bits.single(bitsOf(after, value)) !== undefined;
  const outerBreaks = frame.flow.breaks;
  frame.flow.breaks = [];
  const body = flattenCases(frame, stmt.body);
  const rest = remaining(frame, body, after, value);
  const goals = frame.goals;
  let current: State | undefined;
  let sawDefault = false;
  for (let i = 0; i < body.length;) {
    const labels: Case[] = [];
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
    current = within(frame, isDecided ? Infinity : stretch(arm)?.to, () => runStatements(frame, arm, start));
    i = Math.max(end, i + 1);
  }
  const ends = [...frame.flow.breaks];
  frame.flow.breaks = outerBreaks;
  if (current !== undefined) ends.push(current);
  if (!sawDefault && rest !== undefined) ends.push(rest);
  return joinAll(ends);
}

/** Cases under an active `#if` stand among the others. */
export function flattenCases(frame: Frame, body: readonly Stmt[]): Stmt[] {
  return body.flatMap((stmt) => {
    if (stmt.k === 'when' && stmt.body.some((each) => each.k === 'case')) {
      return frame.machine.program.symbols.isActive([stmt.when], frame.node.file) === false
        ? []
        : flattenCases(frame, stmt.body);
    }
    return [stmt];
  });
}

function enterCase(frame: Frame, label: Case, state: State, value: Value): State[] {
  const known = caseBits(frame, label);
  const inside = known === undefined ? state : refine(state, value, known);
  if (inside === undefined) return [];
  const choice = label.lo === undefined ? undefined : choiceOf(value, label.lo);
  return [choice === undefined ? inside : chosen(frame.machine.program.symbols, inside, choice)];
}

/** What a label says of the scrutinee: of a number that holds the size of a struct, the other bits. */
function caseBits(frame: Frame, label: Case): bits.Bits | undefined {
  const range = caseRange(frame, label);
  if (range !== undefined)
    return range[0] === range[1] ? bits.constant(range[0]) : bits.between(bits.TOP, range[0], range[1]);
  if (label.lo === undefined || label.hi !== undefined) return undefined;
  const [after, value] = evaluate(frame, label.lo, START);
  return bitsOf(after, value);
}

function caseRange(frame: Frame, label: Case): readonly [bigint, bigint] | undefined {
  const { symbols } = frame.machine.program;
  const lo = label.lo === undefined ? undefined : symbols.fold(label.lo, frame.node.file);
  const hi = label.hi === undefined ? lo : symbols.fold(label.hi, frame.node.file);
  if (lo === undefined || hi === undefined) return undefined;
  return [BigInt.asUintN(64, lo), BigInt.asUintN(64, hi)];
}

/** What the scrutinee is where no `case` matches. */
function remaining(frame: Frame, body: readonly Stmt[], state: State, value: Value): State | undefined {
  let known = bitsOf(state, value);
  let named = state;
  for (const stmt of body) {
    if (stmt.k !== 'case' || stmt.lo === undefined) continue;
    const choice = choiceOf(value, stmt.lo);
    if (choice !== undefined) named = excluded(frame.machine.program.symbols, named, choice);
    const range = caseRange(frame, stmt);
    if (range === undefined) continue;
    const others: (readonly [bigint, bigint])[] = [];
    if (range[0] > 0n) others.push([0n, range[0] - 1n]);
    if (range[1] < bits.ALL) others.push([range[1] + 1n, bits.ALL]);
    known = bits.meet(known, bits.fromRanges(others));
  }
  return refine(named, value, known);
}
