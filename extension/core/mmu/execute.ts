import type { Stmt } from '../syntax/facts';
import { type Branch, isFinal, joined, noteUnmodelled, resumed, say, type Value, withEnv } from './branch';
import { evaluate, truths } from './evaluate';
import { dropNamed, lockName, takeNamed } from './lock-operations';
import { eachRoot, eachSlot, eachVcpu, isSlotIterator, loop, once } from './loops';
import { type Frame, type Machine, siteOf } from './machine';
import { guardMode } from './operations';
import { isRootIterator } from './root-iterator';
import { branchOfSwitch } from './switch';

/** How often a run may go back to a label that it has passed. */
const MAX_JUMPS = 4;

/**
 * Runs a list of statements for each run, in source order, following `goto` to labels of the list. Locks that
 * `guard()` took in the list are released at its end, however it is left.
 */
export function execute(
  machine: Machine,
  frame: Frame,
  body: readonly Stmt[],
  starts: readonly Branch[],
): readonly Branch[] {
  const ends: Branch[] = [];
  const waiting = new Map<number, readonly Branch[]>([[0, starts]]);
  const jumps = new Map<number, number>();
  const wait = (index: number, branch: Branch): void => {
    waiting.set(index, [...(waiting.get(index) ?? []), branch]);
  };
  while (waiting.size > 0) {
    const index = Math.min(...waiting.keys());
    const stmt = body[index];
    const here = waiting.get(index) ?? [];
    waiting.delete(index);
    if (stmt === undefined) {
      ends.push(...here);
      continue;
    }
    for (const branch of joined(here, siteOf(frame, stmt.at))) {
      for (const after of branch.end === undefined ? step(machine, frame, stmt, branch) : [branch]) {
        const target = after.end?.kind === 'goto' ? labelled(body, after.end.label) : undefined;
        if (after.end === undefined) wait(index + 1, after);
        else if (target === undefined) ends.push(after);
        else if (target > index) wait(target, resumed(after));
        else if ((jumps.get(target) ?? 0) < MAX_JUMPS) {
          jumps.set(target, (jumps.get(target) ?? 0) + 1);
          wait(target, resumed(after));
        } else ends.push(halted(frame, stmt, after, 'a backward goto, followed no further'));
      }
    }
  }
  return releaseGuards(frame, body, ends);
}

function labelled(body: readonly Stmt[], label: string): number | undefined {
  const index = body.findIndex((stmt) => stmt.k === 'label' && stmt.name === label);
  return index < 0 ? undefined : index;
}

/** Runs a function's body. A `goto` that found no label leaves a run that goes no further. */
export function runBody(machine: Machine, frame: Frame, body: readonly Stmt[], start: Branch): readonly Branch[] {
  return execute(machine, frame, body, [start]).map((after) => {
    if (after.end?.kind !== 'goto') return after;
    const at = 'body' in frame.node.fact ? frame.node.fact.at : 0;
    const noted = noteUnmodelled(after, `goto ${after.end.label}, into a nested block`, siteOf(frame, at));
    return { ...noted, end: { kind: 'given-up' } };
  });
}

/** A run that goes no further, and says why. */
function halted(frame: Frame, stmt: Stmt, branch: Branch, why: string): Branch {
  return { ...noteUnmodelled(branch, why, siteOf(frame, stmt.at)), end: { kind: 'given-up' } };
}

/** The locks of the list's `guard()`s, the last one first, where the run has taken them. */
function releaseGuards(frame: Frame, body: readonly Stmt[], ends: readonly Branch[]): readonly Branch[] {
  const guards = body.filter((stmt) => stmt.k === 'guard' && stmt.body === undefined && stmt.macro !== 'CLASS');
  if (guards.length === 0) return ends;
  return ends.map((branch) => {
    if (isFinal(branch)) return branch;
    let after = branch;
    for (const stmt of guards.toReversed()) {
      if (stmt.k !== 'guard') continue;
      const name = guardedLock(stmt);
      if (after.state.locks.some((lock) => lock.name === name))
        after = dropNamed(after, name, siteOf(frame, stmt.at), `the end of ${stmt.macro}(${stmt.name})`);
    }
    return after;
  });
}

function step(machine: Machine, frame: Frame, stmt: Stmt, branch: Branch): readonly Branch[] {
  if (machine.budget-- <= 0) return [halted(frame, stmt, branch, 'the step budget of the model is used up')];
  switch (stmt.k) {
    case 'expr':
      return evaluate(machine, frame, stmt.x, branch).map(([after]) => after);
    case 'decl':
      if (stmt.init === undefined) return [withEnv(branch, stmt.name, undefined)];
      return evaluate(machine, frame, stmt.init, branch).map(([after, value]) => withEnv(after, stmt.name, value));
    case 'if':
      return truths(machine, frame, stmt.c, branch).flatMap(([after, taken]) =>
        after.end === undefined ? execute(machine, frame, taken ? stmt.then : (stmt.else ?? []), [after]) : [after],
      );
    case 'return':
      return leave(machine, frame, stmt, branch);
    case 'block':
      return execute(machine, frame, stmt.body, [branch]);
    case 'when':
      if (machine.program.symbols.isActive([stmt.when], frame.node.file) === false) return [branch];
      return execute(machine, frame, stmt.body, [branch]);
    case 'loop':
      return loop(machine, frame, stmt, branch);
    case 'each':
      if (isRootIterator(stmt.macro)) return eachRoot(machine, frame, stmt, branch);
      if (isSlotIterator(stmt.macro)) return eachSlot(machine, frame, stmt, branch);
      if (stmt.macro === 'kvm_for_each_vcpu') return eachVcpu(machine, frame, stmt, branch);
      return once(machine, frame, stmt.body, branch);
    case 'guard':
      return guard(machine, frame, stmt, branch);
    case 'switch':
      return branchOfSwitch(machine, frame, stmt, branch);
    case 'break':
    case 'continue':
      return [{ ...branch, end: { kind: stmt.k } }];
    case 'case':
    case 'label':
      return [branch];
    case 'goto':
      return [{ ...branch, end: { kind: 'goto', label: stmt.label } }];
    case 'asm':
      return [noteUnmodelled(branch, 'inline assembler', siteOf(frame, stmt.at))];
    case 'opaque':
      return [noteUnmodelled(branch, stmt.text, siteOf(frame, stmt.at))];
  }
}

function leave(
  machine: Machine,
  frame: Frame,
  stmt: Extract<Stmt, { k: 'return' }>,
  branch: Branch,
): readonly Branch[] {
  const values: (readonly [Branch, Value])[] =
    stmt.x === undefined ? [[branch, undefined]] : evaluate(machine, frame, stmt.x, branch);
  return values.map(([after, value]) => {
    const end = { kind: 'return', value } as const;
    const isLast = 'body' in frame.node.fact && frame.node.fact.body.at(-1) === stmt;
    if (frame.depth > 0 || isLast) return { ...after, end };
    const { start } = machine;
    const zapped = after.state.roots !== start.roots || after.state.rmaps !== start.rmaps;
    return {
      ...say(after, `returns from ${frame.node.name}()`, siteOf(frame, stmt.at)),
      returnsEarly: after.returnsEarly || !zapped,
      end,
    };
  });
}

function guardedLock(stmt: Extract<Stmt, { k: 'guard' }>): string {
  return stmt.args.map(lockName).find((name) => name !== '') ?? stmt.name;
}

function guard(machine: Machine, frame: Frame, stmt: Extract<Stmt, { k: 'guard' }>, branch: Branch): readonly Branch[] {
  const site = siteOf(frame, stmt.at);
  if (stmt.macro === 'CLASS') {
    const noted = noteUnmodelled(branch, `CLASS(${stmt.name})`, site);
    return [stmt.variable === undefined ? noted : withEnv(noted, stmt.variable, undefined)];
  }
  const lock = guardedLock(stmt);
  const mode = guardMode(stmt.name);
  const before = mode === undefined ? noteUnmodelled(branch, `${stmt.macro}(${stmt.name})`, site) : branch;
  const inside = takeNamed(before, lock, mode ?? 'write', site, `${stmt.macro}(${stmt.name})`);
  if (stmt.body === undefined || inside.end !== undefined) return [inside];
  return execute(machine, frame, stmt.body, [inside]).map((after) => {
    if (isFinal(after)) return after;
    const released = dropNamed(after, lock, site, `the end of ${stmt.macro}(${stmt.name})`);
    // scoped_guard() is a loop of one turn.
    return after.end?.kind === 'break' || after.end?.kind === 'continue' ? resumed(released) : released;
  });
}
