import type { FunctionId, FunctionNode, Program, Vendor } from '../program/program';
import { siteAt } from '../program/ids';
import { CellMap } from './cell-map';
import { runFunction } from './execute';
import { GLOBAL, type HostGlobal, hostGlobals, lastName } from './globals';
import * as bits from './known-bits';
import {
  armKey,
  type FactsLookup,
  type Frame,
  holding,
  type KnownFact,
  type Machine,
  outermost,
  type SetUp,
} from './machine';
import { candidates, gatesOf } from './refusals';
import { bitsOf, bitsValue, joinAll, refine, START, type State, type Value } from './state';
import type { Fact, Question } from './verdict';
import { forwards, type VendorGraph } from './vendor-graph';
import type { Writes } from './writes';

type Place = Exclude<Fact['from'], string>;

/** What is known of a global when the modules are loaded and the VM exists, and where it was set. */
export interface HostValue {
  readonly global: HostGlobal;
  readonly bits: bits.Bits;
  readonly from: Place;
  /** The VM's existence was needed to tell, not the reference host alone. */
  readonly byExistence: boolean;
}

export interface SetUpInput {
  readonly program: Program;
  readonly question: Question;
  readonly vendor: Vendor;
  readonly graph: VendorGraph;
  readonly writes: Writes;
  readonly machine: Omit<Machine, 'facts'>;
  readonly axioms: FactsLookup;
  /** The globals that nothing but set-up stores to, by cell. */
  readonly globals: ReadonlyMap<string, HostGlobal>;
  /** What the VM's creation demands of globals, by cell: it would have been refused otherwise. */
  readonly demands: ReadonlyMap<string, bits.Bits>;
  /** Globals whose value the user gave. */
  readonly given: ReadonlyMap<string, bits.Bits>;
}

/** One execution of all set-up: the states in which it may have succeeded, and the last store to each global. */
interface Run {
  readonly end: State | undefined;
  /** What is known of globals that no set-up stores to. */
  readonly kept: ReadonlyMap<string, KnownFact>;
  readonly places: ReadonlyMap<string, Place>;
  /** The arms of `if`s that control may enter. */
  readonly entered: ReadonlySet<string>;
}

/** Calls are followed this deep: from `module_init` through the vendor's table to what sets one group of globals. */
const SET_UP_DEPTH = 10;
const SET_UP_BUDGET = 400_000;

/**
 * Executes the set-up of KVM's modules: the common one's `module_init`, then the vendor's. On the reference host the
 * CPU has every feature and parameters have their defaults. That the VM exists says more: whatever would have kept its
 * creation from succeeding did not happen.
 */
export function setUpValues(input: SetUpInput): ReadonlyMap<string, HostValue> {
  const roots = setUpRoots(input.program, input.graph);
  const values = new Map<string, HostValue>();
  if (roots.length === 0) return values;
  const stores = storedBySetUp(input, roots);
  const existence = provenByExistence(input, roots, stores);
  const names = new Set([...input.globals.keys()].map((cell) => lastName(cell)));
  const scope = { names, follows: followed(input, names), stores };
  const last = execute(input, roots, scope, existence.free, existence.closed);
  if (last.end === undefined) return values;
  for (const [cell, global] of input.globals) {
    const held = last.end.cells.get(cell);
    const known = held === undefined ? (last.kept.get(cell)?.bits ?? bits.TOP) : bitsOf(last.end, held);
    if (bits.isNone(known) || bits.within(bits.TOP, known)) continue;
    const from = last.places.get(cell) ?? global.from;
    values.set(cell, { global, bits: known, from, byExistence: existence.isNeeded });
  }
  return values;
}

interface Existence {
  /** The VM exists on a host that differs from the reference host, or not on every way through the set-up. */
  readonly isNeeded: boolean;
  /** Globals that do not have their defaults. */
  readonly free: ReadonlySet<string>;
  /** Arms that were not taken. */
  readonly closed: ReadonlySet<string>;
}

/** What it says of the set-up that the VM exists: only what creation demands is looked at. */
function provenByExistence(
  input: SetUpInput,
  roots: readonly FunctionNode[],
  stores: (name: string) => boolean,
): Existence {
  const gates = gatesOf(input, [...input.demands]);
  const names = new Set([...input.demands.keys(), ...gates.globals].map((cell) => lastName(cell)));
  const scope = { names, follows: followed(input, names), stores };
  const run = (given: ReadonlySet<string>, not: ReadonlySet<string>): Run => execute(input, roots, scope, given, not);
  const atDefaults = run(new Set(), new Set());
  const open = [...input.demands].filter(([cell, needs]) => !isMet(atDefaults, cell, needs));
  if (open.length === 0) return { isNeeded: false, free: new Set(), closed: new Set() };
  // If the VM does not exist on a host with these parameters at their defaults they were given.
  const free = isPossible(atDefaults, open) ? new Set<string>() : gates.globals;
  const last = free.size === 0 ? atDefaults : run(free, new Set());
  const closed = new Set<string>();
  for (const { fn, at, taken } of candidates(input, roots, gates, names)) {
    const [arm, other] = [armKey(fn, at, taken), armKey(fn, at, !taken)];
    if (!last.entered.has(arm) || !last.entered.has(other)) continue;
    if (!isPossible(run(free, new Set([...closed, other])), open)) closed.add(arm);
  }
  return { isNeeded: true, free, closed };
}

/** The common module's set-up comes first, the vendor's needs it. */
export function setUpRoots(program: Program, graph: VendorGraph): FunctionNode[] {
  const roots = program.entries
    .filter((entry) => entry.kind === 'module' && entry.name === 'module_init' && graph.has(entry.functionId))
    .flatMap((entry) => program.functions.get(entry.functionId) ?? []);
  return [...roots.filter((node) => node.vendor === undefined), ...roots.filter((node) => node.vendor !== undefined)];
}

/** Whether some function that set-up may run stores to a global or field of that name. */
function storedBySetUp(input: SetUpInput, roots: readonly FunctionNode[]): (name: string) => boolean {
  const names = new Set<string>();
  for (const id of forwards(
    input.graph,
    roots.map((node) => node.id),
  ))
    for (const name of input.writes.ownFields(id)) names.add(name);
  return (name) => names.has(name);
}

/** Functions whose execution bears on a global of these names: others are not gone into, but for their value. */
function followed({ writes }: SetUpInput, names: ReadonlySet<string>): (id: FunctionId) => boolean {
  const known = new Map<FunctionId, boolean>();
  return (id) => {
    let is = known.get(id);
    if (is === undefined) {
      const written = writes.writtenBy(id);
      is = !written.isEmpty && [...names].some((name) => written.has(name));
      known.set(id, is);
    }
    return is;
  };
}

/** What one execution looks at. */
interface Scope {
  /** The globals, by their last name, of which something is to be known. */
  readonly names: ReadonlySet<string>;
  readonly follows: SetUp['follows'];
  /** Whether set-up may store to a global of that name. */
  readonly stores: (name: string) => boolean;
}

function execute(
  input: SetUpInput,
  roots: readonly FunctionNode[],
  { names, follows, stores }: Scope,
  free: ReadonlySet<string>,
  closed: ReadonlySet<string>,
): Run {
  const { assumptions } = input.question;
  // Globals that set-up stores to are in the state, of the others it is known what they hold all the time.
  const cells: [string, Value][] = [];
  const kept = new Map<string, KnownFact>();
  for (const [cell, global] of input.globals) {
    const isFree = free.has(cell) || (global.isParameter && !assumptions);
    const value = input.given.get(cell) ?? (isFree ? bits.TOP : global.initial);
    if (bits.within(bits.TOP, value)) continue;
    const name = lastName(cell);
    if (!stores(name)) kept.set(cell, { id: cell, bits: value });
    else if (names.has(name)) cells.push([cell, bitsValue(value)]);
  }
  const places = new Map<string, Place>();
  const machine = holding(
    { ...input.machine, budget: SET_UP_BUDGET, inline: SET_UP_DEPTH },
    (key) => input.axioms(key) ?? kept.get(key),
  );
  const entered = new Set<string>();
  const { ofVendor } = hostGlobals(input.program, input.vendor);
  const setUp: SetUp = {
    ...(assumptions ? { hasFeatures: { structs: ofVendor } } : {}),
    given: input.given,
    closed,
    entered,
    follows,
  };
  let state: State | undefined = { ...START, cells: CellMap.of(cells) };
  for (const node of roots) {
    if (!('body' in node.fact) || state === undefined) continue;
    const frame: Frame = {
      ...outermost(machine, node),
      follow: true,
      setUp,
      onStore: (_key, _value, _state, at, fn, cell) => {
        if (cell?.startsWith(GLOBAL) === true) places.set(cell, siteAt(fn.file, at, fn.name));
      },
    };
    const ends: State[] = runFunction(frame, node.fact.body, state).flatMap(
      (end) => refine(end.state, end.value, bits.constant(0n)) ?? [],
    );
    state = machine.budget <= 0 ? START : joinAll(ends);
  }
  return { end: state, kept, places, entered };
}

/** In every state in which the set-up may have ended there is what is needed of the global. */
function isMet({ end }: Run, cell: string, needs: bits.Bits): boolean {
  const held = end?.cells.get(cell);
  return end !== undefined && held !== undefined && bits.within(bitsOf(end, held), needs);
}

function isPossible({ end }: Run, demands: readonly (readonly [string, bits.Bits])[]): boolean {
  if (end === undefined) return false;
  return demands.every(([cell, needs]) => {
    const held = end.cells.get(cell);
    return held === undefined || !bits.isNone(bits.meet(bitsOf(end, held), needs));
  });
}
