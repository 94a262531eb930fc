import { exprText } from '../syntax/expr-text';
import type { Expr, Stmt } from '../syntax/facts';
import { type Branch, noteUnmodelled, resumed, say, type Value, withEnv } from './branch';
import { evaluate } from './evaluate';
import { execute } from './execute';
import { type Frame, type Machine, siteOf } from './machine';
import { hasMirrorRoots, iteratedRoots } from './root-iterator';
import { matches, type RootTypes } from './roots';
import { knownValue, truth } from './values';

/** A loop whose number of turns is not known: its body once, as what one turn does is what more of them do. */
export function once(machine: Machine, frame: Frame, body: readonly Stmt[], branch: Branch): readonly Branch[] {
  return execute(machine, frame, body, [branch]).map((after) =>
    after.end?.kind === 'break' || after.end?.kind === 'continue' ? resumed(after) : after,
  );
}

export function loop(
  machine: Machine,
  frame: Frame,
  stmt: Extract<Stmt, { k: 'loop' }>,
  branch: Branch,
): readonly Branch[] {
  const { c } = stmt;
  return execute(machine, frame, stmt.init ?? [], [branch]).flatMap((start) => {
    if (start.end !== undefined) return [start];
    const runs: readonly (readonly [Branch, Value])[] =
      c === undefined || stmt.form === 'do' ? [[start, true]] : evaluate(machine, frame, c, start);
    return runs.flatMap(([before, value]) =>
      truth(value) === false ? [before] : once(machine, frame, stmt.body, before).map((after) => settled(after, stmt)),
    );
  });
}

/** After a loop its counters are not known. */
function settled(branch: Branch, stmt: Extract<Stmt, { k: 'loop' }>): Branch {
  const counters = [stmt.step, stmt.c].flatMap((x) => (x === undefined ? [] : countersOf(x)));
  return counters.reduce((after, name) => withEnv(after, name, undefined), branch);
}

function countersOf(x: Expr): readonly string[] {
  if (x.k === 'unary' && x.x.k === 'id' && /\+\+|--/.test(x.op)) return [x.x.name];
  if (x.k === 'assign' && x.l.k === 'id') return [x.l.name];
  return x.k === 'binary' ? [...countersOf(x.l), ...countersOf(x.r)] : [];
}

/** `for_each_*tdp_mmu_root*(kvm, root, ...)`: the body once per root of the state that the iterator visits. */
export function eachRoot(
  machine: Machine,
  frame: Frame,
  stmt: Extract<Stmt, { k: 'each' }>,
  branch: Branch,
): readonly Branch[] {
  const text = `${stmt.macro}(${stmt.args.map(exprText).join(', ')})`;
  const site = siteOf(frame, stmt.at);
  const named = iteratedRoots(machine.program, frame.node.file, text);
  const [, variable] = stmt.args.flatMap(listed);
  const types = named ?? { direct: true, mirror: true, invalid: true };
  const before =
    named === undefined
      ? noteUnmodelled(branch, `${stmt.macro}(): which roots it walks: all are assumed`, site)
      : branch;
  const first = say(before, `${stmt.macro}(): walks ${rootWords(types, hasMirrorRoots(machine.program))} roots`, site);
  const roots = first.state.roots.flatMap((root, index): Value[] => (matches(root, types) ? [{ root: index }] : []));
  return eachValue(machine, frame, stmt, first, variable, roots);
}

/** `kvm_for_each_memslot(slot, bucket, slots)`, `kvm_for_each_memslot_in_gfn_range(&iter, slots, start, end)`. */
export function isSlotIterator(macro: string): boolean {
  return /^kvm_for_each_memslot/.test(macro);
}

/** The body once per memslot of the state that lies in the range, if there is one. */
export function eachSlot(
  machine: Machine,
  frame: Frame,
  stmt: Extract<Stmt, { k: 'each' }>,
  branch: Branch,
): readonly Branch[] {
  const args = stmt.args.flatMap(listed);
  const [first] = args;
  const variable = first?.k === 'unary' && first.op === '&' ? first.x : first;
  const [start, end] = args.slice(2).map((arg) => knownValue(machine, frame, arg, branch));
  const bounded = typeof start === 'bigint' && typeof end === 'bigint';
  const values = branch.state.memory.slots.flatMap(({ base, pages }, slot): Value[] =>
    bounded && (base >= end || base + pages <= start) ? [] : [{ slot }],
  );
  return eachValue(machine, frame, stmt, branch, variable, values);
}

/** The body once per value of the loop's variable. */
function eachValue(
  machine: Machine,
  frame: Frame,
  stmt: Extract<Stmt, { k: 'each' }>,
  branch: Branch,
  variable: Expr | undefined,
  values: readonly Value[],
): readonly Branch[] {
  let running: readonly Branch[] = [branch];
  const left: Branch[] = [];
  for (const value of values) {
    running = running.flatMap((each) => {
      const bound = variable?.k === 'id' ? withEnv(each, variable.name, value) : each;
      return execute(machine, frame, stmt.body, [bound]).flatMap((after) => {
        if (after.end === undefined || after.end.kind === 'continue') return [resumed(after)];
        left.push(after.end.kind === 'break' ? resumed(after) : after);
        return [];
      });
    });
  }
  return [...running, ...left];
}

/** `kvm_for_each_vcpu(i, vcpu, kvm)`: the body once per vCPU of the state. */
export function eachVcpu(
  machine: Machine,
  frame: Frame,
  stmt: Extract<Stmt, { k: 'each' }>,
  branch: Branch,
): readonly Branch[] {
  const [, variable] = stmt.args.flatMap(listed);
  const values = branch.state.vcpus.map(({ id }): Value => ({ vcpu: id }));
  return eachValue(machine, frame, stmt, branch, variable, values);
}

/** The arguments of a loop macro may come as one comma expression. */
function listed(x: Expr): readonly Expr[] {
  return x.k === 'binary' && x.op === ',' ? [...listed(x.l), ...listed(x.r)] : [x];
}

function rootWords(types: RootTypes, mirrors: boolean): string {
  if (!mirrors) return types.invalid ? 'all' : 'all valid';
  const kinds = [types.direct ? 'direct' : '', types.mirror ? 'mirror' : ''].filter((kind) => kind !== '');
  const which = kinds.length === 0 ? 'no' : kinds.join(' and ');
  return types.invalid ? `${which}, also invalid,` : `valid ${which}`;
}
