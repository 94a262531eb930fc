import type { Edge, FunctionId, FunctionNode, Program, Vendor } from '../program/program';
import type { Expr, MacroFact, Pos } from '../syntax/facts';
import type { BackPointers } from './back-pointers';
import type { Devices } from './devices';
import { FactLog } from './fact-log';
import type { Bits } from './known-bits';
import type { State, Value } from './state';
import type { StoredFunctions } from './stored-functions';
import type { Guard, VmType } from './verdict';
import type { FieldNames } from './written-fields';

/** A fact about the VM that the evaluation may rest on: a field's or a global's known bits. */
export interface KnownFact {
  readonly id: string;
  readonly bits: Bits;
}

/** Looks up what is known of `struct.field` (`kvm_arch.vm_type`) or of a global (`tdp_mmu_enabled`) for the VM. */
export type FactsLookup = (key: string) => KnownFact | undefined;

/** A condition that one execution met, and what depends on it. */
export interface Decision {
  readonly guard: Omit<Guard, 'needs'>;
  readonly rules: readonly Rule[];
}

/** A stretch of source, in positions, that runs only if a condition is `needs`. */
export interface Rule {
  readonly needs: boolean;
  readonly from: number;
  readonly to: number;
  /** The stretch stands behind the condition, whose other arm is left for good. */
  readonly behind?: true;
  /** Of a call through a pointer: the function that it is about. */
  readonly callee?: FunctionId;
}

/** A call on the way to a goal, seen in a state that can be. */
export interface Seen {
  readonly edge: Edge;
  readonly args: readonly Value[];
  readonly state: State;
}

/** The names that an ioctl number, a capability or sub-command, or an exit reason can have where a call is made. */
export interface Label {
  readonly kind: 'ioctl' | 'sub' | 'exit';
  readonly names: readonly string[];
}

/** Calls in the body of the function that an execution starts with, of which someone wants to know in what states they are met. */
export interface Watch {
  readonly at: ReadonlySet<Pos>;
  readonly met: (frame: Frame, call: Extract<Expr, { k: 'call' }>, state: State) => void;
}

/** Constant for one question. */
export interface Machine {
  readonly program: Program;
  readonly vm: VmType;
  readonly vendor: Vendor;
  readonly facts: FactsLookup;
  /** Steps left over all executions: statements and calls. */
  budget: number;
  /** How deep calls are followed for their value. */
  readonly inline: number;
  /** Counts fresh symbols. */
  fresh: number;
  /** The call edges out of a function by position of the callee's name, those of this vendor. */
  readonly edgesOf: (id: FunctionId) => ReadonlyMap<number, readonly Edge[]>;
  /** What is known of the devices on I/O buses. */
  readonly devices?: Devices;
  /** What fields that are called through can hold. */
  readonly stored?: StoredFunctions;
  /** Fields that lead back to an object that is known. */
  readonly backPointers?: BackPointers;
  /** Names of fields that a call of a function may write, itself or through what it calls. */
  readonly writtenBy: (id: FunctionId) => FieldNames;
  /** Names of fields whose address is taken somewhere: what a store through an unknown pointer may change. */
  readonly addressed: () => ReadonlySet<string>;
}

/** One function being executed. */
export interface Frame {
  readonly machine: Machine;
  readonly node: FunctionNode;
  /** Prefix of its locals' cells. */
  readonly name: string;
  /** 0: the function of a context; deeper ones are inlined for their value. */
  readonly depth: number;
  readonly flow: Flow;
  /** What the execution of a context looks for; absent in inlined calls. */
  readonly goals?: Goals;
  /** Statements behind this position bear on nothing that is looked for, and are not run. */
  readonly horizon?: Pos;
  /** Facts that were read; inlined calls share it. */
  readonly read: FactLog;
  /** Calls are followed for what they store, too, not only for their value. */
  readonly follow?: true;
  /** Absent: what is executed is no set-up. */
  readonly setUp?: SetUp;
  /** Stores to fields of objects, for whoever derives facts. */
  readonly onStore?: (
    key: string,
    value: Value,
    state: State,
    at: number,
    fn: FunctionNode,
    cell: string | undefined,
  ) => void;
  readonly watch?: Watch;
  /** Macro parameters and what they stand for. */
  readonly bound?: ReadonlyMap<string, { readonly x: Expr; readonly frame: Frame }>;
  /** The macros whose bodies this is in: within its own body a macro's name is no macro. */
  readonly expanding?: ReadonlySet<MacroFact>;
  /** The calls of the macro's use that lead on, by name of the callee; those that were met are taken out. */
  readonly uses?: { readonly edges: readonly Edge[]; readonly met: Set<Edge>; readonly goals: Goals };
  /** In a macro's body: the names that it declares, and the prefix of their cells. */
  readonly own?: { readonly names: ReadonlySet<string>; readonly prefix: string };
}

/** How vendor code tests for features. */
export interface Features {
  /** Structs of the vendor module that what the CPU can do was read into, by name. */
  readonly structs: ReadonlySet<string>;
}

/** What an execution of the modules' set-up goes by. */
export interface SetUp {
  /** Tests of CPU features in vendor code find them: the reference host has all that it tests. */
  readonly hasFeatures?: Features;
  /** Globals whose value the user gave, by cell: no store changes it. */
  readonly given: ReadonlyMap<string, Bits>;
  /** Arms of `if`s that are not taken, see `armKey()`. */
  readonly closed: ReadonlySet<string>;
  /** Arms that control may enter: filled. */
  readonly entered: Set<string>;
  /** Whether a call of a function is gone into for what it stores. */
  readonly follows: (id: FunctionId) => boolean;
}

export function armKey(fn: FunctionId, at: Pos, taken: boolean): string {
  return `${fn}@${at}:${taken}`;
}

/** Where control goes from the statements of one function. */
export interface Flow {
  readonly returns: { state: State; value: Value }[];
  breaks: State[];
  continues: State[];
  readonly parked: Map<string, State[]>;
  /** Labels that a later jump leads back to, with the states of such jumps that an earlier pass met. */
  readonly back: Map<string, number>;
}

export function newFlow(): Flow {
  return { returns: [], breaks: [], continues: [], parked: new Map(), back: new Map() };
}

export interface Goals {
  /** The call edges out of this function that lead on, by position of the callee's name. */
  readonly edges: ReadonlyMap<number, readonly Edge[]>;
  readonly seen: Seen[];
  readonly decisions: Decision[];
  /** Where ways join that did not all pass what runs now: behind it a `return` here proves nothing. */
  until: number;
  /** Statements that were run, with the state before the last run. */
  readonly ran: Map<object, State>;
  /** A reason why the execution is incomplete. */
  gaveUp: string | undefined;
}

/**
 * Settings under which less is known. They exist for tests: whatever is left out, no more may be cut.
 */
export interface Weaker {
  /** Calls are followed only this deep for their value. */
  readonly inline?: number;
  /** Axioms alone: no fact is derived from the source. */
  readonly facts?: 'axioms';
  /** Nothing is known of the arguments of a call. */
  readonly context?: 'none';
}

export const MAX_INLINE = 6;

/** The machine with the facts that hold for what is executed next. One machine serves all: its budget and its count of symbols go on. */
export function holding(machine: Omit<Machine, 'facts'>, facts: FactsLookup): Machine {
  return Object.assign(machine, { facts });
}

/** Prefix of the cells of the function that an execution starts with. */
export const OUTERMOST = 'f';

/** The frame in which the execution of a function starts. */
export function outermost(machine: Machine, node: FunctionNode): Frame {
  return { machine, node, name: OUTERMOST, depth: 0, read: new FactLog(), flow: newFlow() };
}
