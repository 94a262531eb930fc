import type { Site } from '../program/program';
import type { SeamCall } from './external-leaf';
import type { MmuState } from './mmu-state';

/**
 * A value of the sink's code: a boolean, a number, one of the state's roots by its index, a vCPU by its id (also its
 * `arch` and its `apic`), a memslot by its index, an SPTE by what it maps, or unknown.
 */
export type Value =
  | boolean
  | bigint
  | { readonly root: number }
  | { readonly vcpu: number }
  | { readonly slot: number }
  | { readonly spte: 'leaf' | 'table' | 'none' }
  | undefined;

/**
 * How a list of statements was left, if not at its end. `halt`: the task goes no further. `given-up`: the model
 * follows the run no further, and `unmodelled` says why.
 */
export type End =
  | { readonly kind: 'return'; readonly value: Value }
  | { readonly kind: 'break' | 'continue' | 'halt' | 'given-up' }
  | { readonly kind: 'goto'; readonly label: string };

/**
 * Something that happened; `choice`: an undecided condition was taken to be so here; `seamcall`: the call of the TDX
 * module that was made.
 */
export interface Event {
  readonly text: string;
  readonly site?: Site;
  /** The state after it. */
  readonly state: MmuState;
  readonly choice?: string;
  readonly seamcall?: Pick<SeamCall, 'name' | 'error'>;
  /** The action of a scenario that it is of, where that is not the sink. */
  readonly by?: string;
}

/**
 * One run of the sink's code so far. Immutable: where an undecided condition splits the run, each side goes on from
 * the same past.
 */
export interface Branch {
  readonly state: MmuState;
  /** Locals of the current function. */
  readonly env: ReadonlyMap<string, Value>;
  /** Undecided conditions that this run has taken to be true or false, by `conditionKey()`. */
  readonly assumed: ReadonlyMap<string, boolean>;
  readonly trace: readonly Event[];
  readonly unmodelled: readonly (Site & { readonly text: string })[];
  readonly returnsEarly: boolean;
  readonly end?: End;
}

export function say(branch: Branch, text: string, site?: Site): Branch {
  const { state } = branch;
  return { ...branch, trace: [...branch.trace, site === undefined ? { text, state } : { text, site, state }] };
}

/** Notes what the model does not know, once per place. */
export function noteUnmodelled(branch: Branch, text: string, site: Site): Branch {
  const known = branch.unmodelled.some(
    (note) => note.file === site.file && note.line === site.line && note.column === site.column && note.text === text,
  );
  return known ? branch : { ...branch, unmodelled: [...branch.unmodelled, { ...site, text }] };
}

export function withEnv(branch: Branch, name: string, value: Value): Branch {
  const word = new RegExp(`\\b${name}\\b`);
  return forget({ ...branch, env: new Map(branch.env).set(name, value) }, (key) => word.test(key));
}

/** What a parameter points to, kept beside it under a name of its own: see `pointers.ts`. */
export function pointeeKey(name: string): string {
  return `*${name}`;
}

/** A store through a parameter, if it is known what it points to. */
export function withPointee(branch: Branch, name: string, value: Value): Branch {
  const key = pointeeKey(name);
  return branch.env.has(key) ? { ...branch, env: new Map(branch.env).set(key, value) } : branch;
}

/** Drops what was assumed of conditions that may have changed. */
export function forget(branch: Branch, changed: (key: string) => boolean): Branch {
  if (![...branch.assumed.keys()].some(changed)) return branch;
  return { ...branch, assumed: new Map([...branch.assumed].filter(([key]) => !changed(key))) };
}

/** The run goes nowhere from here. */
export function isFinal(branch: Branch): boolean {
  return branch.end?.kind === 'halt' || branch.end?.kind === 'given-up';
}

/** The run goes on where a statement list ended early: a loop after `break`, a caller after `return`. */
export function resumed(branch: Branch): Branch {
  if (branch.end === undefined) return branch;
  return {
    state: branch.state,
    env: branch.env,
    assumed: branch.assumed,
    trace: branch.trace,
    unmodelled: branch.unmodelled,
    returnsEarly: branch.returnsEarly,
  };
}

/** The most runs that are followed side by side. */
export const MAX_BRANCHES = 64;

/**
 * Joins runs that an undecided condition made and that came to the same: it did not matter. What is left of more than
 * `MAX_BRANCHES` runs says that some were not followed.
 */
export function joined(branches: readonly Branch[], site: Site): readonly Branch[] {
  if (branches.length < 2) return branches;
  const left: Branch[] = [];
  for (const branch of branches) {
    const index = left.findIndex((one) => same(one, branch));
    const twin = left[index];
    if (twin === undefined) left.push(branch);
    else left[index] = join(twin, branch);
  }
  if (left.length <= MAX_BRANCHES) return left;
  return left
    .slice(0, MAX_BRANCHES)
    .map((branch) =>
      noteUnmodelled(branch, `more than ${MAX_BRANCHES} runs through undecided conditions: not all are followed`, site),
    );
}

function same(a: Branch, b: Branch): boolean {
  return (
    a.state === b.state &&
    a.unmodelled === b.unmodelled &&
    a.returnsEarly === b.returnsEarly &&
    sameEnd(a.end, b.end) &&
    sameEnv(a.env, b.env) &&
    sameEvents(a.trace, b.trace)
  );
}

function sameEnd(a: End | undefined, b: End | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.kind === 'return' && b.kind === 'return') return a.value === b.value;
  if (a.kind === 'goto' && b.kind === 'goto') return a.label === b.label;
  return a.kind === b.kind;
}

function sameEnv(a: Branch['env'], b: Branch['env']): boolean {
  if (a === b) return true;
  return a.size === b.size && [...a].every(([name, value]) => b.has(name) && b.get(name) === value);
}

function sameEvents(a: readonly Event[], b: readonly Event[]): boolean {
  if (a === b) return true;
  const left = a.filter((event) => event.choice === undefined);
  const right = b.filter((event) => event.choice === undefined);
  return left.length === right.length && left.every((event, i) => event === right[i]);
}

/** Of choices, only what both runs took stays. */
function join(a: Branch, b: Branch): Branch {
  const assumed = new Map([...a.assumed].filter(([key, value]) => b.assumed.get(key) === value));
  return {
    ...a,
    assumed,
    trace: a.trace.filter((event) => event.choice === undefined || b.trace.includes(event)),
  };
}
