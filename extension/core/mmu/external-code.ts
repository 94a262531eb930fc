import type { FunctionId, Site } from '../program/program';
import { columnOf, lineOf } from '../syntax/facts';
import type { Branch, Value } from './branch';
import { stateKey } from './canonical';
import type { SeamCall } from './external-leaf';
import type { Rules } from './rules';
import type { MmuState } from './mmu-state';
import { entryKey, type Gfn, type Level, septEntry, type Td } from './sept';
import { truth } from './values';
import { factOf, returnedBy, runFunction, type World } from './world';

/**
 * The rule of a tree whose vendor table says how a present leaf leaves the S-EPT: its code is run, with an SPTE that was
 * a leaf and becomes non-present.
 */
export function removalRule(world: World, id: FunctionId | undefined): Partial<Rules> {
  if (id === undefined || factOf(world, id) === undefined) return {};
  const change = changeBy(world, id, { old: { spte: 'leaf' }, next: { spte: 'none' } });
  return {
    removeExternal: (rules, state, gfn, level) => {
      const run = change(rules, state, gfn, level);
      const failed = run.refused ?? (run.failed ? 'the removal failed' : undefined);
      return {
        state: run.state,
        calls: run.calls,
        ...(failed === undefined ? {} : { refused: failed }),
        site: run.site,
        unmodelled: run.unmodelled,
      };
    },
  };
}

/** The rule of a tree whose vendor table says how a leaf enters the S-EPT. */
export function additionRule(world: World, id: FunctionId | undefined): Partial<Rules> {
  if (id === undefined || factOf(world, id) === undefined) return {};
  const change = changeBy(world, id, { old: { spte: 'none' }, next: { spte: 'leaf' } });
  return {
    addExternal: (rules, state, gfn, level) => {
      const run = change(rules, state, gfn, level);
      return {
        state: run.state,
        calls: run.calls.map(({ name }) => name),
        again: run.failed || run.refused !== undefined,
      };
    },
  };
}

/** What one change of an external SPTE came to, and the state that it left. */
interface Change {
  readonly state: MmuState;
  readonly calls: readonly SeamCall[];
  readonly refused?: string;
  readonly failed: boolean;
  readonly site: Site;
  readonly unmodelled: Branch['unmodelled'];
}

type Changes = (rules: Rules, state: MmuState, gfn: Gfn, level: Level) => Change;

/**
 * The code sees the TD, the one entry, and nothing of what else is mapped; runs that start alike end alike, and are
 * made once.
 */
function changeBy(world: World, id: FunctionId, sptes: { readonly old: Value; readonly next: Value }): Changes {
  const known = new Map<string, Change>();
  return (rules, state, gfn, level) => {
    const { td } = state;
    if (td === undefined) return { state, calls: [], failed: false, site: siteOfFunction(world, id), unmodelled: [] };
    const entry = td.entries.get(entryKey(gfn, level));
    const alone: Td = { ...td, entries: new Map(entry === undefined ? [] : [[entryKey(gfn, level), entry]]) };
    const seen: MmuState = {
      ...state,
      td: alone,
      roots: [],
      rmaps: new Set(),
      memory: { slots: [], privateGfns: new Set() },
      faults: new Map(),
    };
    const key = `${td.epoch} ${gfn} ${level} ${stateKey(seen)}`;
    const change = known.get(key) ?? run({ ...world, rules }, id, seen, gfn, level, sptes);
    known.set(key, change);
    const whole = (after: MmuState): MmuState => merged(state, after, td, gfn, level);
    return {
      ...change,
      state: whole(change.state),
      calls: change.calls.map((call) => ({ ...call, state: whole(call.state) })),
    };
  };
}

function run(
  world: World,
  id: FunctionId,
  state: MmuState,
  gfn: Gfn,
  level: Level,
  sptes: { readonly old: Value; readonly next: Value },
): Change {
  const args = new Map<string, Value>();
  for (const { name, type } of factOf(world, id)?.params ?? []) {
    if (type === 'gfn_t') args.set(name, gfn);
    else if (type === 'enum pg_level' || (type === 'int' && name === 'level')) args.set(name, BigInt(level));
    else if (type === 'u64')
      args.set(name, /^new/.test(name) ? sptes.next : /^old|^mirror/.test(name) ? sptes.old : undefined);
  }
  const ends = runFunction(world, id, { ...state, vm: { ...state.vm, warns: 0 } }, args);
  // Of runs through undecided conditions the one that bugs the VM counts.
  const end = ends.find((one) => one.state.vm.bugged) ?? ends[0];
  if (end === undefined) return { state, calls: [], failed: true, site: siteOfFunction(world, id), unmodelled: [] };
  const bugs = end.state.vm.bugged && !state.vm.bugged;
  const calls = callsOf(end, bugs);
  const refused = bugs ? (calls.at(-1)?.error ?? whyBugged(end)) : undefined;
  return {
    state: end.state,
    calls,
    ...(refused === undefined ? {} : { refused }),
    failed: truth(returnedBy(end)) ?? bugs,
    site: (bugs ? end.state.vm.bugSite : undefined) ?? siteOfFunction(world, id),
    unmodelled: ends.flatMap((one) => one.unmodelled),
  };
}

/** Each SEAMCALL of a run, with what the code did before the next one: after TDH.MEM.TRACK it kicks the vCPUs. */
function callsOf({ trace, state }: Branch, bugs: boolean): readonly SeamCall[] {
  const made = [...trace.entries()].filter(([, event]) => event.seamcall !== undefined);
  return made.flatMap(([, event], i): SeamCall[] => {
    if (event.seamcall === undefined) return [];
    const next = made[i + 1]?.[0];
    const after = next === undefined ? (bugs ? event.state : state) : (trace[next - 1] ?? event).state;
    return [{ ...event.seamcall, state: after, ...(event.site === undefined ? {} : { site: event.site }) }];
  });
}

/** The event that bugged the VM. */
function whyBugged({ trace }: Branch): string {
  return trace.findLast(({ text }) => text.includes('bugged'))?.text ?? 'KVM_BUG_ON';
}

/** The whole state again, with what the code did to the TD's entry, to the vCPUs and to the VM's life. */
function merged(before: MmuState, after: MmuState, td: Td, gfn: Gfn, level: Level): MmuState {
  if (after.td === undefined) return before;
  const entries = new Map(td.entries);
  const entry = septEntry(after.td, gfn, level);
  if (entry.state === 'FREE') entries.delete(entryKey(gfn, level));
  else entries.set(entryKey(gfn, level), entry);
  const { bugged, dead, bugSite, warns } = after.vm;
  return {
    ...before,
    vm: {
      ...before.vm,
      bugged,
      dead,
      warns: before.vm.warns + warns,
      ...(bugSite === undefined ? {} : { bugSite }),
    },
    vcpus: after.vcpus,
    td: { ...after.td, entries },
  };
}

function siteOfFunction({ program }: World, id: FunctionId): Site {
  const node = program.functions.get(id);
  const at = node !== undefined && 'at' in node.fact ? node.fact.at : 0;
  return { file: node?.file ?? '', line: lineOf(at), column: columnOf(at), function: node?.name ?? '' };
}
