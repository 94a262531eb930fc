import { InputError } from './input-error';
import { kernelVersion } from './kernel-version';
import { exploreSink } from './mmu/explore-sink';
import type { Decide } from './mmu/machine';
import { callerScenario } from './mmu/caller-scenario';
import type { Outcome } from './mmu/outcome';
import { DEFAULT_SCENARIO, type Scenario } from './mmu/scenario';
import { sinkOutcome } from './mmu/sink';
import { linkProgram } from './program/link';
import { FactsStore, loadFacts } from './program/load';
import type { FunctionId, Program } from './program/program';
import { analyseReach, type Reach, type ResolvedSite } from './reach/reach';
import { DEFAULT_SINK, type Path, type Question, VM_TYPES, type VmType } from './reach/verdict';
import { isHypotheticalTd } from './reach/vm-facts';
import { checkReport } from './report/check';
import type { CheckReport, GraphReport, OutcomeReport, PathsReport, Timings, WhyReport } from './report/contract';
import { SCHEMA_VERSION } from './report/contract';
import { drawing } from './report/dot';
import { graphReport } from './report/graph';
import type { Bounds } from './report/neighbourhood';
import { checkHost, functionIds, functionsInGraph, resolveSite } from './find-places';
import { kvmFiles } from './source/kvm-files';
import type { Problem, SourceTree } from './source/tree';
import type { CParser } from './syntax/parser';

export interface OpenOptions {
  /** Facts that were read before: the other side of a patch, or the last version of an edited tree. */
  readonly store?: FactsStore;
  readonly cancelled?: () => boolean;
  readonly progress?: (done: number, total: number) => void;
  /** Milliseconds of any origin. Without one there are no timings. */
  readonly clock?: () => number;
}

/** What `Analysis.outcome()` may be asked for. */
export interface OutcomeOptions {
  /** Default: the contract's. */
  readonly scenario?: Scenario;
  readonly explore?: boolean;
}

/** The analysis was cancelled by its caller. Neither a fault of the input nor a defect. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

/**
 * A tree that is open: facts and program are made once, the reach of each question on demand. Nothing here changes
 * after `open()`; an edited tree is opened again with the same store, and only what changed is read again.
 */
export class Analysis {
  private readonly reaches = new Map<string, Reach>();
  private readonly outcomes = new Map<string, Outcome>();

  private constructor(
    readonly program: Program,
    /** Files of KVM that are there and could not be read: what they define is missing from the program. */
    readonly unreadable: readonly Problem[],
    private readonly options: OpenOptions,
    private readonly opening: Timings,
  ) {}

  /**
   * Reads and links KVM's sources in `tree`.
   * @throws InputError if the tree holds no `arch/x86/kvm` with C sources.
   * @throws Cancelled
   */
  static async open(tree: SourceTree, parser: CParser, options: OpenOptions = {}): Promise<Analysis> {
    const timer = stopwatch(options.clock);
    const unreadable: Problem[] = [];
    const files = await kvmFiles(tree);
    const watched = noteUnreadable(tree, new Set(files), unreadable);
    if (!files.some((file) => file.startsWith('arch/x86/kvm/') && file.endsWith('.c'))) {
      throw new InputError(`${tree.label}: no C files in arch/x86/kvm; give the top of a Linux kernel tree`);
    }
    const store = options.store ?? new FactsStore();
    const facts = await loadFacts(watched, parser, store, options);
    if (options.cancelled?.() === true) throw new Cancelled('cancelled');
    timer.lap('read');
    const program = linkProgram(facts, await kernelVersion(watched));
    timer.lap('link');
    return new Analysis(program, unreadable, options, timer.laps);
  }

  /** The tree has no TDX host support, so that a TDX VM in it is a hypothetical one. */
  get hypotheticalTd(): boolean {
    return isHypotheticalTd(this.program);
  }

  /** The contract's `check`. @throws InputError for a sink that does not exist. */
  check(question: Question): CheckReport {
    const timer = stopwatch(this.options.clock);
    const reach = this.reach(question);
    const callers = reach.callers();
    const facts = reach.facts();
    timer.lap('reach');
    const report = checkReport(this.program, question, { callers, facts }, (sink, witness) =>
      witness === undefined ? this.sinkOutcome(question, sink) : this.callerOutcome(question, sink, witness),
    );
    timer.lap('outcome');
    return this.options.clock === undefined ? report : { ...report, timings: { ...this.opening, ...timer.laps } };
  }

  /** The verdict for the paths that pass `sites` in this order and end at a sink. */
  why(question: Question, sites: readonly ResolvedSite[]): WhyReport {
    return { schemaVersion: SCHEMA_VERSION, vm: question.vm, ...this.reach(question).why([...sites]) };
  }

  /** Call paths between two functions by name. @throws InputError for a name that no function of the call graph has. */
  paths(question: Question, from: string, to: string, options: { cut?: boolean; most?: number } = {}): PathsReport {
    const starts = functionsInGraph(this.program, from);
    const ends = functionsInGraph(this.program, to);
    return { schemaVersion: SCHEMA_VERSION, vm: question.vm, ...this.reach(question).paths(starts, ends, options) };
  }

  graph(): GraphReport {
    return graphReport(this.program);
  }

  /**
   * A drawing of what lies around functions by name (none: the sinks), for Graphviz.
   * @throws InputError for a name that no function of the call graph has.
   */
  drawing(around: readonly string[], sinks: readonly string[], bounds: Bounds): string {
    const middle = (around.length > 0 ? around : sinks).flatMap((name) => functionsInGraph(this.program, name));
    return drawing(this.program, middle, sinks, bounds);
  }

  /**
   * The model on each sink's body in a scenario, for one VM type or for all that the contract names; with `explore`
   * also what holds whatever happens before and after.
   */
  outcome(
    question: Question,
    vms: readonly VmType[] = VM_TYPES,
    { scenario = DEFAULT_SCENARIO, explore = false }: OutcomeOptions = {},
  ): OutcomeReport {
    const outcomes = vms.flatMap((vm) =>
      this.sinkIds(question.sinks).map((sink) => {
        const asked = { ...question, vm };
        const outcome = this.sinkOutcome(asked, sink, scenario);
        if (!explore) return outcome;
        const reach = this.reach(asked);
        const exploration = exploreSink(this.program, sink, asked, (fn, condition) => reach.decide(fn, condition));
        return { ...outcome, exploration };
      }),
    );
    return { schemaVersion: SCHEMA_VERSION, outcomes };
  }

  /**
   * `FILE:LINE` of the callee's name in a call, or a function's name.
   * @throws InputError if nothing in the tree is meant by one of them.
   */
  resolveSites(sites: readonly string[]): ResolvedSite[] {
    return sites.map((site) => resolveSite(this.program, site));
  }

  /** The sinks by name. @throws InputError that names the functions with names near an unknown one. */
  sinkIds(names: readonly string[] = [DEFAULT_SINK]): FunctionId[] {
    return names.flatMap((name) => functionIds(this.program, name));
  }

  /** The reach of a question, made once. @throws InputError for a sink or a host's key that the tree does not have. */
  reach(question: Question): Reach {
    this.sinkIds(question.sinks);
    checkHost(this.program, question.host);
    const key = JSON.stringify([questionKey(question), question.sinks]);
    let reach = this.reaches.get(key);
    if (reach === undefined) {
      reach = analyseReach(this.program, question, this.options.cancelled);
      if (this.options.cancelled?.() === true) throw new Cancelled('cancelled');
      this.reaches.set(key, reach);
    }
    return reach;
  }

  /** The outcome for the call that a caller's witness ends in: callers that pass the same share one. */
  private callerOutcome(question: Question, sink: FunctionId, witness: Path): Outcome {
    const { passes, given } = witness;
    const key = JSON.stringify([questionKey(question), sink, witness.edges.at(-1)?.callerId, passes, given]);
    let outcome = this.outcomes.get(key);
    if (outcome === undefined) {
      outcome = this.sinkOutcome(question, sink, callerScenario(this.program, witness));
      this.outcomes.set(key, outcome);
    }
    return outcome;
  }

  private sinkOutcome(question: Question, sink: FunctionId, scenario = DEFAULT_SCENARIO): Outcome {
    const reach = this.reach(question);
    const decide: Decide = (fn, condition) => reach.decide(fn, condition);
    // Only the scenario that everything but `outcome` is about is asked for again and again.
    if (scenario !== DEFAULT_SCENARIO) return sinkOutcome(this.program, sink, question, decide, scenario);
    const key = JSON.stringify([questionKey(question), sink]);
    let outcome = this.outcomes.get(key);
    if (outcome === undefined) {
      outcome = sinkOutcome(this.program, sink, question, decide);
      this.outcomes.set(key, outcome);
    }
    return outcome;
  }
}

/** What of a question, beside its sinks, tells one answer from another. */
function questionKey({ vm, host, assumptions }: Question): string {
  return JSON.stringify([vm, Object.entries(host).sort(), assumptions]);
}

/** `tree`, with those of `files` that cannot be read noted in `problems`. */
function noteUnreadable(tree: SourceTree, files: Set<string>, problems: Problem[]): SourceTree {
  return {
    label: tree.label,
    list: (folder) => tree.list(folder),
    async read(path) {
      const result = await tree.read(path);
      if (result.kind === 'unreadable' && files.delete(path)) problems.push({ file: path, message: result.why });
      return result;
    },
  };
}

function stopwatch(clock: (() => number) | undefined): { lap(name: string): void; laps: Record<string, number> } {
  const laps: Record<string, number> = {};
  let last = clock?.() ?? 0;
  return {
    laps,
    lap(name) {
      if (clock === undefined) return;
      const now = clock();
      laps[name] = Math.round(now - last);
      last = now;
    },
  };
}
