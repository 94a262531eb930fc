import type { Edge, EntryKind, Site, Vendor } from '../program/program';

/** Worst first: a caller has the verdict of its worst path. */
export const VERDICTS = ['reachable', 'conditional', 'unknown', 'blocked', 'unreachable'] as const;
export type Verdict = (typeof VERDICTS)[number];

export const VM_TYPES = ['tdx', 'default', 'sw-protected', 'sev', 'sev-es', 'snp'] as const;
export type VmType = (typeof VM_TYPES)[number];

/** What is asked about a program. The same question on the same program has one answer. */
export interface Question {
  readonly vm: VmType;
  /** Names of the sinks, at least one. */
  readonly sinks: readonly string[];
  /** Departures from the reference host: `vendor`, or the C name of a module parameter or global. */
  readonly host: Readonly<Record<string, string>>;
  /** False: `--no-assumptions`. */
  readonly assumptions: boolean;
}

export const DEFAULT_SINK = 'kvm_zap_gfn_range';

export interface Guard {
  readonly site: Site;
  /** The condition as written. */
  readonly text: string;
  readonly value: true | false | 'unknown';
  /** The value that lets the path pass. */
  readonly needs: boolean;
  /** Ids of facts. */
  readonly facts: readonly string[];
}

export interface Fact {
  readonly id: string;
  readonly text: string;
  readonly value: string;
  readonly from: Site | 'axiom' | 'assumption' | 'exists';
  readonly reason?: string;
  readonly since?: string;
  readonly writes: readonly FactWrite[];
}

export interface FactWrite {
  readonly site: Site;
  readonly text: string;
  readonly effect: 'sets' | 'before' | 'keeps' | 'breaks' | 'unknown' | 'not for this VM';
}

export interface Entry {
  readonly kind: EntryKind;
  readonly name: string;
  readonly function: string;
}

export interface Path {
  readonly verdict: Verdict;
  readonly entry: Entry;
  readonly edges: readonly Edge[];
  readonly guards: readonly Guard[];
  readonly cutBy?: Guard;
  readonly cuts?: readonly Guard[];
  readonly conditions: readonly string[];
  /** Of a path that ends at a sink: what the sink is given. */
  readonly passes?: readonly Passed[];
  /** What the function that calls the sink is given, unless the path begins there. */
  readonly given?: readonly Passed[];
}

/** An argument: the parameter's name, the argument as written (absent: a macro makes the call), its value if it is one number. */
export interface Passed {
  readonly name: string;
  readonly text?: string;
  readonly value?: string;
}

/** A function that can call a sink, directly or through others. `outcome` is filled by whoever runs the model. */
export interface Caller<Outcome = never> {
  readonly function: string;
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly direct: boolean;
  readonly verdict: Verdict;
  readonly sites: readonly (Edge & { readonly verdict: Verdict })[];
  readonly entries: readonly (Entry & { readonly verdict: Verdict })[];
  readonly witness?: Path;
  readonly cutBy?: readonly Guard[];
  readonly conditions: readonly string[];
  readonly outcome?: Outcome;
}

export interface Why {
  readonly verdict: Verdict;
  readonly path?: Path;
  readonly cutBy?: Guard;
  readonly cuts?: readonly Guard[];
  readonly facts: readonly Fact[];
  readonly conditions: readonly string[];
}

export function worst(verdicts: Iterable<Verdict>): Verdict {
  let rank = VERDICTS.length - 1;
  for (const verdict of verdicts) rank = Math.min(rank, VERDICTS.indexOf(verdict));
  return VERDICTS[rank] ?? 'unreachable';
}

/** The vendor module that a VM type needs; for the types that run on both, the host says which. */
export function vendorOf(vm: VmType, host: Readonly<Record<string, string>>): Vendor {
  if (vm === 'tdx') return 'intel';
  if (vm === 'sev' || vm === 'sev-es' || vm === 'snp') return 'amd';
  return host['vendor'] === 'amd' ? 'amd' : 'intel';
}
