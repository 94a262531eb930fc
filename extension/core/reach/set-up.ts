import { type Edge, type FunctionId, type FunctionNode, type Program, type Vendor } from '../program/program';
import { columnOf, type Expr, lineOf, type Pos, type Stmt } from '../syntax/facts';
import { walkExpr, walkStmts } from '../syntax/walk';
import { CellMap } from './cell-map';
import { runFunction } from './execute';
import { GLOBAL, type HostGlobal, hostGlobals } from './globals';
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
 * creation from succeeding did not happen (see `provenRefusals()`).
 */
export function setUpValues(input: SetUpInput): ReadonlyMap<string, HostValue> {
  const roots = setUpRoots(input.program, input.graph);
  const globals = hostGlobals(input.program, input.vendor);
  if (roots.length === 0) return new Map();
  const follows = followed(input, globals);
  const stores = storedBySetUp(input, roots);
  const run = (free: ReadonlySet<string>, closed: ReadonlySet<string>): Run =>
    execute(input, globals, roots, { follows, stores }, free, closed);
  let free: ReadonlySet<string> = new Set();
  let last = run(free, new Set());
  let byExistence = false;
  const open = [...input.demands].filter(([cell, needs]) => !isMet(last, cell, needs));
  if (open.length > 0) {
    byExistence = true;
    const gates = gatesOf(input, open);
    if (!isPossible(last, open)) {
      // The VM does not exist on a host with these parameters at their defaults: they were given.
      free = gates.globals;
      last = run(free, new Set());
    }
    const closed = new Set<string>();
    for (const arm of candidates(input, roots, gates)) {
      if (!last.entered.has(armKey(arm.fn, arm.at, arm.taken))) continue;
      const other = armKey(arm.fn, arm.at, !arm.taken);
      if (!isPossible(run(free, new Set([...closed, other])), open)) closed.add(armKey(arm.fn, arm.at, arm.taken));
    }
    if (closed.size > 0) last = run(free, closed);
  }
  const values = new Map<string, HostValue>();
  if (last.end === undefined) return values;
  for (const [cell, global] of globals) {
    const held = last.end.cells.get(cell);
    const known = held === undefined ? (last.kept.get(cell)?.bits ?? bits.TOP) : bitsOf(last.end, held);
    if (bits.isNone(known) || bits.within(bits.TOP, known)) continue;
    values.set(cell, { global, bits: known, from: last.places.get(cell) ?? global.from, byExistence });
  }
  return values;
}

/** The common module's set-up comes first, the vendor's needs it. */
export function setUpRoots(program: Program, graph: VendorGraph): FunctionNode[] {
  const roots = program.entries
    .filter((entry) => entry.kind === 'module' && entry.name === 'module_init' && graph.has(entry.functionId))
    .flatMap((entry) => program.functions.get(entry.functionId) ?? []);
  return [...roots.filter((node) => node.vendor === undefined), ...roots.filter((node) => node.vendor !== undefined)];
}

function lastName(cell: string): string {
  return cell.slice(cell.lastIndexOf('.') + 1);
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

/** Functions whose execution bears on a global: others are not gone into, but for their value. */
function followed(input: SetUpInput, globals: ReadonlyMap<string, HostGlobal>): (id: FunctionId) => boolean {
  const names = [...new Set([...globals.keys()].map((cell) => lastName(cell)))];
  const known = new Map<FunctionId, boolean>();
  return (id) => {
    let is = known.get(id);
    if (is === undefined) {
      const written = input.writes.writtenBy(id);
      is = !written.isEmpty && names.some((name) => written.has(name));
      known.set(id, is);
    }
    return is;
  };
}

function execute(
  input: SetUpInput,
  globals: ReadonlyMap<string, HostGlobal>,
  roots: readonly FunctionNode[],
  { follows, stores }: { readonly follows: SetUp['follows']; readonly stores: (name: string) => boolean },
  free: ReadonlySet<string>,
  closed: ReadonlySet<string>,
): Run {
  const { assumptions } = input.question;
  // Globals that set-up stores to are in the state, of the others it is known what they hold all the time.
  const cells: [string, Value][] = [];
  const kept = new Map<string, KnownFact>();
  for (const [cell, global] of globals) {
    const isFree = free.has(cell) || (global.isParameter && !assumptions);
    const value = input.given.get(cell) ?? (isFree ? bits.TOP : global.initial);
    if (bits.within(bits.TOP, value)) continue;
    if (stores(lastName(cell))) cells.push([cell, bitsValue(value)]);
    else kept.set(cell, { id: cell, bits: value });
  }
  const places = new Map<string, Place>();
  const machine = holding(
    { ...input.machine, budget: SET_UP_BUDGET, inline: SET_UP_DEPTH },
    (key) => input.axioms(key) ?? kept.get(key),
  );
  const entered = new Set<string>();
  const setUp: SetUp = { hasFeatures: assumptions, given: input.given, closed, entered, follows };
  let state: State | undefined = { ...START, cells: CellMap.of(cells) };
  for (const node of roots) {
    if (!('body' in node.fact) || state === undefined) continue;
    const frame: Frame = {
      ...outermost(machine, node),
      follow: true,
      setUp,
      onStore: (_key, _value, _state, at, fn, cell) => {
        if (cell?.startsWith(GLOBAL) === true)
          places.set(cell, { file: fn.file, line: lineOf(at), column: columnOf(at), function: fn.name });
      },
    };
    const ends: State[] = runFunction(frame, node.fact.body, state).flatMap(
      (end) => refine(end.state, end.value, bits.constant(0n)) ?? [],
    );
    state = machine.budget <= 0 ? START : joinAll(ends);
  }
  return { end: state, kept, places, entered };
}

/** Every state in which the set-up ended has what is needed of the global. */
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

type If = Extract<Stmt, { k: 'if' }>;

interface Gates {
  /** Conditions that stand around a store which meets a demand. */
  readonly ifs: readonly { readonly fn: FunctionNode; readonly stmt: If }[];
  /** The globals that these conditions read, by cell. */
  readonly globals: ReadonlySet<string>;
}

/** Where what creation demands is granted. */
function gatesOf(input: SetUpInput, demands: readonly (readonly [string, bits.Bits])[]): Gates {
  const ifs: { fn: FunctionNode; stmt: If }[] = [];
  const globals = new Set<string>();
  for (const [cell, needs] of demands) {
    for (const { fn, stmt } of storesTo(input, cell, needs)) {
      ifs.push({ fn, stmt });
      for (const name of namesIn(stmt.c)) globals.add(`${GLOBAL}${name}`);
    }
  }
  return { ifs, globals };
}

/** The `if`s around those stores to a global that may give it what is needed. */
function storesTo(input: SetUpInput, cell: string, needs: bits.Bits): { fn: FunctionNode; stmt: If }[] {
  const field = lastName(cell);
  const found: { fn: FunctionNode; stmt: If }[] = [];
  for (const node of input.program.functions.values()) {
    if (!node.active || !('body' in node.fact) || !input.graph.has(node.id)) continue;
    if (!input.writes.ownFields(node.id).has(field)) continue;
    walkStmts(node.fact.body, (stmt, around) => {
      if (stmt.k !== 'expr' || stmt.x.k !== 'assign') return;
      const { l, r } = stmt.x;
      if ((l.k === 'member' ? l.field : l.k === 'id' ? l.name : '') !== field) return;
      const value = input.program.symbols.fold(r, node.file);
      if (value !== undefined && (value & needs.value) !== needs.value) return;
      for (const outer of around) if (outer.k === 'if') found.push({ fn: node, stmt: outer });
    });
  }
  return found;
}

function namesIn(x: Expr): Set<string> {
  const names = new Set<string>();
  walkExpr(x, (each) => {
    if (each.k === 'id') names.add(each.name);
  });
  return names;
}

interface Arm {
  readonly fn: FunctionId;
  readonly at: Pos;
  readonly taken: boolean;
}

/**
 * Arms of conditions on globals that may be refusals: those that leave their place in a function which stores to what
 * a gate reads or demands, and those that pass by a gate. If the set-up with such an arm taken cannot end with the
 * demands met, the arm was not taken. Only conditions that one set-up meets at most once can be told so.
 */
function candidates(input: SetUpInput, roots: readonly FunctionNode[], gates: Gates): Arm[] {
  const arms: Arm[] = [];
  const once = meetsOnce(input.graph, new Set(roots.map((node) => node.id)), input.program);
  const stored = new Set([...input.demands.keys(), ...gates.globals].map((cell) => lastName(cell)));
  for (const node of input.program.functions.values()) {
    if (!node.active || !('body' in node.fact) || !input.graph.has(node.id)) continue;
    const own = input.writes.ownFields(node.id);
    if (![...stored].some((name) => own.has(name)) || !once(node.id)) continue;
    const { body } = node.fact;
    walkStmts(body, (stmt, around) => {
      if (stmt.k !== 'if' || around.some((outer) => outer.k === 'loop' || outer.k === 'each')) return;
      const isOnGlobal = [...namesIn(stmt.c)].some(
        (name) => input.program.symbols.variable(name, node.file) !== undefined,
      );
      if (!isOnGlobal || hasJumpBack(body)) return;
      if (/^(?:return|goto)$/.test(stmt.then.at(-1)?.k ?? '')) arms.push({ fn: node.id, at: stmt.at, taken: true });
      else if (gates.ifs.some((gate) => gate.stmt === stmt)) arms.push({ fn: node.id, at: stmt.at, taken: false });
    });
  }
  return arms;
}

/** Whether a function runs at most once in one set-up: it is called from one place, once, on the whole way from a root. */
function meetsOnce(graph: VendorGraph, roots: ReadonlySet<FunctionId>, program: Program): (id: FunctionId) => boolean {
  const isSingle = (id: FunctionId, seen: ReadonlySet<FunctionId>): boolean => {
    if (roots.has(id)) return graph.callers(id).length === 0;
    const [edge, ...others] = graph.callers(id);
    if (edge === undefined || others.length > 0 || seen.has(id) || edge.via === 'argument') return false;
    const caller = program.functions.get(edge.callerId);
    if (caller === undefined || !('body' in caller.fact) || isRepeated(caller.fact.body, edge)) return false;
    return isSingle(edge.callerId, new Set([...seen, id]));
  };
  return (id) => isSingle(id, new Set());
}

function isRepeated(body: readonly Stmt[], edge: Edge): boolean {
  if (hasJumpBack(body)) return true;
  let is = false;
  walkStmts(body, (stmt) => {
    if (stmt.k !== 'loop' && stmt.k !== 'each') return;
    walkStmts([stmt], (inner) => {
      if (lineOf(inner.at) === edge.site.line) is = true;
    });
    if (lineOf(stmt.at) <= edge.site.line && edge.site.line <= lastLine(stmt)) is = true;
  });
  return is;
}

function lastLine(stmt: Stmt): number {
  let last = lineOf(stmt.at);
  walkStmts([stmt], (inner) => {
    last = Math.max(last, lineOf(inner.at));
  });
  return last;
}

function hasJumpBack(body: readonly Stmt[]): boolean {
  const labels = new Map<string, Pos>();
  walkStmts(body, (stmt) => {
    if (stmt.k === 'label') labels.set(stmt.name, stmt.at);
  });
  let is = false;
  walkStmts(body, (stmt) => {
    if (stmt.k === 'goto' && (labels.get(stmt.label) ?? Infinity) < stmt.at) is = true;
  });
  return is;
}
