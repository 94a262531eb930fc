import type { SinkExploration } from '../mmu/explore-sink';
import type { Outcome } from '../mmu/outcome';
import type { AppliedFile } from '../patch/apply';
import type { Change, Summary } from '../patch/changes';
import type { Edge, Site, Unresolved } from '../program/program';
import type { NoPath } from '../reach/paths';
import type { Caller, Fact, Guard, Path, Verdict, VmType } from '../reach/verdict';
import type { Problem } from '../source/tree';

/**
 * The JSON that other programs read, as `report/schema/*.json` describes it. Every list is sorted, every file is
 * relative to the tree's top, and there is no clock but under `timings`.
 */
export const SCHEMA_VERSION = 1;

/** Kept equal to package.json by a test: core cannot read that file. */
export const TOOL = { name: 'kvm-lens', version: '0.1.0' } as const;

export interface TreeReport {
  /** `6.12.117`, or `''` if the top Makefile does not say. */
  readonly version: string;
  readonly files: number;
  readonly lines: number;
  readonly functions: number;
  readonly edges: number;
  readonly indirectEdges: number;
  readonly entryPoints: number;
  /** The tree has no TDX host support: what is said of a TDX VM is said of one that KVM cannot create yet. */
  readonly hypotheticalTd: boolean;
}

/** Milliseconds per step, only on request. */
export type Timings = Readonly<Record<string, number>>;

export interface CheckReport {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly tool: typeof TOOL;
  readonly tree: TreeReport;
  readonly vm: VmType;
  readonly host: Readonly<Record<string, string>>;
  readonly sinks: readonly (Site & { readonly name: string })[];
  /** Worst verdict first, then direct callers, then by place. */
  readonly callers: readonly Caller<Outcome>[];
  readonly facts: readonly Fact[];
  readonly outcome: Outcome;
  readonly problems: readonly Problem[];
  readonly timings?: Timings;
}

export interface WhyReport {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly vm: VmType;
  readonly verdict: Verdict;
  readonly path?: Path;
  readonly cutBy?: Guard;
  readonly cuts?: readonly Guard[];
  readonly facts: readonly Fact[];
  readonly conditions: readonly string[];
}

export interface PathsReport {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly vm: VmType;
  readonly paths: readonly Path[];
  readonly truncated: boolean;
  /** Why there is no path; there if `paths` is empty. */
  readonly none?: NoPath;
}

export interface GraphFunction {
  readonly id: string;
  readonly name: string;
  readonly kind: 'function' | 'macro';
  readonly file: string;
  readonly line: number;
  readonly static: boolean;
  readonly when?: string;
}

export interface GraphReport {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly tree: TreeReport;
  readonly functions: readonly GraphFunction[];
  readonly edges: readonly Edge[];
  readonly unresolved: readonly Unresolved[];
}

export interface OutcomeReport {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly outcomes: readonly ExploredOutcome[];
}

export interface ExploredOutcome extends Outcome {
  /** What holds whatever happens before and after, on request. */
  readonly exploration?: SinkExploration;
}

export interface PatchReport {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly vm: VmType;
  readonly files: readonly AppliedFile[];
  readonly before: Summary;
  readonly after: Summary;
  readonly outcome: { readonly before: Outcome; readonly after: Outcome };
  readonly changes: readonly Change[];
}

/** What `--vm all` yields. */
export interface Reports<Report> {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly reports: readonly Report[];
}
