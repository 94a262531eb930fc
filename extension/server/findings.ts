import type { Outcome } from '../core/mmu/outcome';
import type { Edge, Site } from '../core/program/program';
import { type Caller, type Fact, type Guard, type Path, type Verdict, worst } from '../core/reach/verdict';
import type { CheckReport } from '../core/report/contract';
import { callKey, passes } from './call-answers';
import type { Analysed } from './job';

export type Finding = Caller<Outcome>;

/** A call on the way to a sink: one place in the source, which an indirect call shares with several callees. */
export interface CallPlace {
  readonly caller: Finding;
  readonly site: Site;
  /** Those that have the place's verdict: what a dispatch could call for other VMs says nothing about this one. */
  readonly edges: readonly (Edge & { readonly verdict: Verdict })[];
  readonly verdict: Verdict;
}

/** A guard, and the callers whose witness passes it or whose paths it cuts. */
export interface GuardPlace {
  readonly guard: Guard;
  readonly passedBy: readonly Finding[];
  readonly cuts: readonly Finding[];
}

/** A report by place: what the editor asks about a file, a line or a name. Lines are 1-based, as in the report. */
export class Findings {
  readonly report: CheckReport;
  private readonly calls = new Map<string, CallPlace[]>();
  private readonly guards = new Map<string, GuardPlace[]>();
  private readonly byName = new Map<string, Finding[]>();
  private readonly byId = new Map<string, Finding>();
  private readonly facts: ReadonlyMap<string, Fact>;

  constructor(readonly analysed: Analysed) {
    this.report = analysed.report;
    const facts = [this.report, ...analysed.calls.values()].flatMap((answer) => answer.facts);
    this.facts = new Map(facts.map((fact) => [fact.id, fact]));
    for (const caller of this.report.callers) {
      this.byId.set(caller.id, caller);
      push(this.byName, caller.function, caller);
      for (const place of callPlaces(caller)) push(this.calls, place.site.file, place);
    }
    for (const place of guardPlaces(this.report.callers)) push(this.guards, lineKey(place.guard.site), place);
  }

  files(): string[] {
    return [...this.calls.keys()];
  }

  callsIn(file: string): readonly CallPlace[] {
    return this.calls.get(file) ?? [];
  }

  /** The shortest known path from an entry point that takes this call. */
  pathThrough({ caller, site }: CallPlace): Path | undefined {
    const { witness } = caller;
    if (witness !== undefined && passes(witness, site)) return witness;
    return this.analysed.calls.get(callKey(caller.id, site))?.path;
  }

  /** The guards that cut all paths through this call. */
  cutsOf({ caller, site, verdict }: CallPlace): readonly Guard[] {
    if (caller.verdict === verdict && caller.cutBy !== undefined) return caller.cutBy;
    const answer = this.analysed.calls.get(callKey(caller.id, site));
    return answer?.cuts ?? (answer?.cutBy === undefined ? [] : [answer.cutBy]);
  }

  /** As `callsIn()`, but one for each place: that of the worst verdict where template instances share their source. */
  placesIn(file: string): CallPlace[] {
    const places = new Map<string, CallPlace>();
    for (const call of this.callsIn(file)) {
      const key = `${call.site.line}:${call.site.column}`;
      const known = places.get(key);
      if (known === undefined || worst([known.verdict, call.verdict]) !== known.verdict) places.set(key, call);
    }
    return [...places.values()];
  }

  callersIn(file: string): Finding[] {
    return this.report.callers.filter((caller) => caller.file === file);
  }

  caller(id: string): Finding | undefined {
    return this.byId.get(id);
  }

  /** Functions of that name; those of `file` alone if it defines one. */
  callersNamed(name: string, file: string): readonly Finding[] {
    const named = this.byName.get(name) ?? [];
    const own = named.filter((caller) => caller.file === file);
    return own.length > 0 ? own : named;
  }

  guardsAt(file: string, line: number): readonly GuardPlace[] {
    return this.guards.get(lineKey({ file, line })) ?? [];
  }

  factsOf(guard: Guard): Fact[] {
    return guard.facts.flatMap((id) => this.facts.get(id) ?? []);
  }

  /** Outcomes that a KVM_BUG_ON() on this line takes part in: it fires, or the model evaluated it. */
  bugsAt(file: string, line: number): Outcome[] {
    const isHere = (site: Site | undefined): boolean => site?.file === file && site.line === line;
    const outcomes = new Map([this.report.outcome, ...this.outcomesOfCallers()].map((each) => [each.sink, each]));
    return [...outcomes.values()].filter(
      ({ bugSite, trace }) =>
        isHere(bugSite) || trace.some(({ text, site }) => isHere(site) && /KVM_BUG_ON|VM_BUG|WARN/.test(text)),
    );
  }

  private outcomesOfCallers(): Outcome[] {
    return this.report.callers.flatMap((caller) => caller.outcome ?? []);
  }

  sinkNamed(name: string): CheckReport['sinks'][number] | undefined {
    return this.report.sinks.find((sink) => sink.name === name);
  }

  /** 0-based columns of the name, or of the dispatching expression, at a place; one column if the line is not known. */
  columnsAt(site: Pick<Site, 'file' | 'line' | 'column'>): { readonly start: number; readonly end: number } {
    const start = site.column - 1;
    const text = this.analysed.lines.get(lineKey(site))?.slice(start) ?? '';
    const name = /^[A-Za-z_]\w*(?:\((?=\w+\)\())?/.exec(text)?.[0] ?? '';
    // A dispatch macro names the slot in its first pair of brackets: `kvm_x86_call(set_msr)(vcpu, msr)`.
    const slot = name.endsWith('(') ? (/^\w+\)/.exec(text.slice(name.length))?.[0] ?? '') : '';
    return { start, end: start + Math.max(1, name.length + slot.length) };
  }
}

function callPlaces(caller: Finding): CallPlace[] {
  const edges = new Map<string, Finding['sites'][number][]>();
  for (const edge of caller.sites) push(edges, `${lineKey(edge.site)}:${edge.site.column}`, edge);
  return [...edges.values()].flatMap((group) => {
    const first = group[0];
    if (first === undefined) return [];
    const verdict = worst(group.map((edge) => edge.verdict));
    return { caller, site: first.site, edges: group.filter((edge) => edge.verdict === verdict), verdict };
  });
}

function guardPlaces(callers: readonly Finding[]): GuardPlace[] {
  const places = new Map<string, { guard: Guard; passedBy: Finding[]; cuts: Finding[] }>();
  const at = (guard: Guard): { passedBy: Finding[]; cuts: Finding[] } => {
    const key = `${lineKey(guard.site)}:${guard.site.column}:${guard.value}:${guard.needs}`;
    const place = places.get(key) ?? { guard, passedBy: [], cuts: [] };
    places.set(key, place);
    return place;
  };
  for (const caller of callers) {
    const cuts = new Set([...(caller.cutBy ?? []), ...(caller.witness?.cuts ?? [])].map(at));
    for (const cut of cuts) cut.cuts.push(caller);
    const passed = new Set(caller.witness?.guards.map(at));
    for (const place of passed) if (!cuts.has(place)) place.passedBy.push(caller);
  }
  return [...places.values()];
}

function lineKey(place: { readonly file: string; readonly line: number }): string {
  return `${place.file}:${place.line}`;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
