import type { FunctionId, FunctionNode, Program, Vendor } from '../program/program';
import type { FunctionFact } from '../syntax/facts';
import type { Branch, Value } from './branch';
import { runBody } from './execute';
import type { Decide, Frame, Machine } from './machine';
import type { MmuState } from './mmu-state';
import { perProgram } from './per-program';
import type { Rules } from './rules';

/** A tree, what is asked about it, and the rules that hold: what all runs of its code share. */
export interface World {
  readonly program: Program;
  readonly decide: Decide;
  readonly vendor: Vendor;
  readonly rules: Rules;
  /** The sink of the question. */
  readonly sink?: FunctionId;
  /** What was found out about functions of the tree: see `Machine`. */
  readonly found: Found;
  /** Calls that no run knew, by place: they never vanish. */
  readonly unmodelled: Map<string, Unmodelled>;
}

export type Unmodelled = Branch['unmodelled'][number];

/** What a run leaves. One that the model gave up still holds what it would have released. */
export function leftBy(before: MmuState, { state, end }: Branch): MmuState {
  if (end?.kind !== 'given-up') return state;
  return { ...state, locks: before.locks, invalidation: before.invalidation };
}

/** Keeps what runs did not know. */
export function noted({ unmodelled }: World, ends: readonly Branch[]): readonly Branch[] {
  for (const end of ends)
    for (const note of end.unmodelled) unmodelled.set(`${note.file}:${note.line}:${note.column}:${note.text}`, note);
  return ends;
}

export type Found = Pick<Machine, 'effects' | 'quiet' | 'dispatches' | 'expansions'>;

const foundByVendor = perProgram(() => new Map<Vendor, Found>());

/** What runs find out about a program's functions; it follows from the program and the vendor alone. */
export function foundOf(program: Program, vendor: Vendor): Found {
  const all = foundByVendor(program);
  const found = all.get(vendor) ?? {
    effects: new Map(),
    quiet: new Map(),
    dispatches: new Map(),
    expansions: new WeakMap(),
  };
  all.set(vendor, found);
  return found;
}

/** Statements and calls of all runs together, and expressions that are looked at on the way. */
const BUDGET = 5_000;
const READS = 200_000;

export function machineOf(world: World, start: MmuState): Machine {
  const { program, decide, vendor, rules, sink, found } = world;
  const at = sink === undefined ? {} : { sink };
  return { program, decide, vendor, rules, ...at, start, budget: BUDGET, reads: READS, ...found };
}

/** The state before any code ran. */
export function begun(state: MmuState, env: ReadonlyMap<string, Value>, trace: Branch['trace'] = []): Branch {
  return { state, env, assumed: new Map(), trace, unmodelled: [], returnsEarly: false };
}

/**
 * Code of KVM that is no sink stands this far above one: helpers down to the sink are entered in any case, and an
 * assertion in the sink is run both ways if it cannot be decided.
 */
const ABOVE = -2;

/** The ways in which a function of the tree may end, from any state; parameters that `args` does not name are unknown. */
export function runFunction(
  world: World,
  id: FunctionId,
  state: MmuState,
  args: ReadonlyMap<string, Value>,
): readonly Branch[] {
  const node = world.program.functions.get(id);
  if (node === undefined || !('body' in node.fact)) return [];
  const { body, params } = node.fact;
  const env = new Map(params.map((param): [string, Value] => [param.name, args.get(param.name)]));
  return noted(world, runBody(machineOf(world, state), frameOf(node), body, begun(state, env)));
}

export function frameOf(node: FunctionNode): Frame {
  return { node, depth: ABOVE, away: true };
}

/** A function's definition, if the tree has its body. */
export function factOf({ program }: World, id: FunctionId): FunctionFact | undefined {
  const fact = program.functions.get(id)?.fact;
  return fact !== undefined && 'body' in fact ? fact : undefined;
}

/** What a run returned. */
export function returnedBy(branch: Branch): Value {
  return branch.end?.kind === 'return' ? branch.end.value : undefined;
}
