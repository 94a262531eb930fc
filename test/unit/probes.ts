import { expect } from 'vitest';
import type { Program } from '../../extension/core/program/program';
import { analyseReach } from '../../extension/core/reach/reach';
import { DEFAULT_SINK } from '../../extension/core/reach/verdict';
import { link } from './linking';

/** One construct in a few lines of C shaped like KVM, and what the linker must make of it: no more, no less. */
export interface Probe {
  /** A plain text is `arch/x86/kvm/x86.c`. */
  readonly c: string | Readonly<Record<string, string>>;
  /**
   * By caller: the names of all that it calls in the reference configuration, sorted; `b.c:f` where the name has
   * several definitions, and `f#2` for the second of a file.
   */
  readonly calls?: Readonly<Record<string, string>>;
  /** By caller: `CALLEE VIA SLOT` of the same edges. */
  readonly edges?: Readonly<Record<string, readonly string[]>>;
  /** `KIND NAME FUNCTION` of all entry points. */
  readonly entries?: readonly string[];
  /** `KIND NAME` of the entries from which those that call the sink themselves are reached. */
  readonly ways?: readonly string[];
  /** For an open probe: what is wrong today. */
  readonly why?: string;
}

export type Probes = Readonly<Record<string, Probe>>;

export async function check(probe: Probe): Promise<void> {
  const program = await link(typeof probe.c === 'string' ? { 'arch/x86/kvm/x86.c': probe.c } : probe.c);
  if (probe.calls !== undefined) expect(map(probe.calls, (caller) => calls(program, caller))).toEqual(probe.calls);
  if (probe.edges !== undefined) expect(map(probe.edges, (caller) => edges(program, caller))).toEqual(probe.edges);
  if (probe.entries !== undefined)
    expect(program.entries.map((entry) => `${entry.kind} ${entry.name} ${entry.function}`)).toEqual(probe.entries);
  if (probe.ways !== undefined) expect(ways(program)).toEqual(probe.ways);
}

function map<T>(expected: Readonly<Record<string, T>>, actual: (key: string) => T): Record<string, T> {
  return Object.fromEntries(Object.keys(expected).map((key) => [key, actual(key)]));
}

function calls(program: Program, caller: string): string {
  return distinct(live(program, caller).map(({ calleeId }) => shortName(program, calleeId))).join(' ');
}

function edges(program: Program, caller: string): string[] {
  return distinct(live(program, caller).map(({ callee, via, slot }) => `${callee} ${via} ${slot ?? '-'}`));
}

function live(program: Program, caller: string) {
  return [...program.callees.values()].flat().filter((edge) => shortName(program, edge.callerId) === caller);
}

function shortName(program: Program, id: string): string {
  const name = program.functions.get(id)?.name ?? '';
  const isOnly = [...program.functions.values()].filter((node) => node.name === name).length === 1;
  return isOnly ? name : id.slice(id.lastIndexOf('/') + 1);
}

function ways(program: Program): string[] {
  const reach = analyseReach(program, { vm: 'default', sinks: [DEFAULT_SINK], host: {}, assumptions: true });
  const direct = reach.callers().filter((caller) => caller.direct);
  return distinct(direct.flatMap((caller) => caller.entries.map(({ kind, name }) => `${kind} ${name}`)));
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
