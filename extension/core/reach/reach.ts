import { compareSites } from '../program/ids';
import type { Edge, FunctionId, FunctionNode, Program } from '../program/program';
import type { Expr } from '../syntax/facts';
import { BackPointers } from './back-pointers';
import { BitFacts } from './bit-facts';
import { isBitKey } from './bit-operations';
import { type CallersInput, callersOf } from './callers';
import { split } from './conditions';
import { ContextGraph } from './context-graph';
import { type Phase, walk, type WalkInput } from './contexts';
import { Devices } from './devices';
import { dispatchedIn } from './entries';
import { type FactsLookup, holding, type Machine, MAX_INLINE, outermost, type Weaker } from './machine';
import { type PathOptions, type Paths, pathsBetween } from './paths';
import { type Early, Possible, runningEarly, type Ways } from './possible';
import { START } from './state';
import { StoredFunctions } from './stored-functions';
import { type VendorGraph, backwards, doubtful, forwards, vendorGraph } from './vendor-graph';
import { type Caller, type Fact, type Question, vendorOf, type Why } from './verdict';
import { CREATION, creationDemands, creatorsOf } from './creation';
import { HostFacts } from './host-facts';
import { axioms, deriveFacts, givenGlobals, tableFact, type VmFact } from './vm-facts';
import { whyPasses } from './why';
import { Writes } from './writes';
import { zeroFact } from './zero-facts';

/** A place that a path has to pass: a call, or a function by its definitions. `text` as the user wrote it. */
export type ResolvedSite =
  | { readonly kind: 'call'; readonly edges: readonly Edge[]; readonly text: string }
  | { readonly kind: 'function'; readonly ids: readonly FunctionId[]; readonly text: string };

/** The answers to one question about one program. */
export interface Reach {
  callers(): Caller[];
  /** The facts that any guard of `callers()` rests on. */
  facts(): Fact[];
  why(sites: ResolvedSite[]): Why;
  /** From one of the functions to one of the others. */
  paths(from: readonly FunctionId[], to: readonly FunctionId[], options?: PathOptions): Paths;
  /** Whether a condition in a function's body holds for the VM, at any time after its creation. */
  decide(fn: FunctionId, condition: Expr): true | false | 'unknown';
}

/** Statements and calls that one question may execute. Counted, never timed: the answer does not depend on load. */
const BUDGET = 6_000_000;
const DECIDE_BUDGET = 200_000;
const FACT_BUDGET = 4_000_000;

/** Facts depend on the program alone; two questions share them. */
const writesOf = new WeakMap<Program, Writes>();

/**
 * The reach of one question. Everything but the facts is worked out when it is first asked for.
 * `weaker` is for tests: settings under which less is known.
 */
export function analyseReach(
  program: Program,
  question: Question,
  cancelled?: () => boolean,
  weaker: Weaker = {},
): Reach {
  const vendor = vendorOf(question.vm, question.host);
  const graph = vendorGraph(program, vendor);
  const writes = writesOf.get(program) ?? new Writes(program);
  writesOf.set(program, writes);
  const sinks = new Set(
    [...program.functions.values()].filter((node) => isSink(node, question)).map((node) => node.id),
  );
  const entries = program.entries.filter(
    // What KVM itself dispatches to (exit handlers, device operations) is a name on a path, not a way in.
    (entry) => !entry.inside && (entry.vendor === undefined || entry.vendor === vendor) && graph.has(entry.functionId),
  );
  // What may run without a known call may write, too.
  const begins = [...entries, ...program.dangling].map((one) => one.functionId).filter((id) => graph.has(id));
  const live = forwards(graph, begins);
  const isBare = weaker.facts === 'axioms';
  const backPointers = new BackPointers(program, writes);
  const machine: Omit<Machine, 'facts'> = {
    program,
    vm: question.vm,
    vendor,
    budget: FACT_BUDGET,
    inline: weaker.inline ?? MAX_INLINE,
    fresh: 0,
    edgesOf: graph.edgesAt,
    writtenBy: writes.writtenBy,
    addressed: () => writes.addressed(),
    ...(isBare ? {} : { backPointers }),
  };
  const targets = (slot: string): FunctionId[] => program.symbols.slot(slot).map((target) => target.functionId);
  const around = creatorsOf(program).map((node) => node.id);
  const creators = new Set([...targets(CREATION.vm), ...targets(CREATION.vcpu), ...around]);
  const liveLater = forwards(graph, begins, creators);
  const given = axioms(program, question);
  const host = new HostFacts({
    program,
    question,
    vendor,
    graph,
    writes,
    machine,
    axioms: (key) => given.get(key),
    demands: () => creationDemands(program, { ...machine }, given),
    given: givenGlobals(program, given),
  });
  const ofHost = (key: string): VmFact | undefined => host.fact(key);
  const facts = isBare
    ? given
    : deriveFacts({ program, question, vendor, writes, machine, live, liveLater, given, ofHost });
  const creating = { vm: backwards(graph, targets(CREATION.vm)), vcpu: backwards(graph, targets(CREATION.vcpu)) };
  const entered = new Set(begins);
  let early: Early | undefined;
  const possibleOf = (wanted: readonly FunctionId[], ways?: Ways): Possible => {
    early ??= runningEarly(graph, creating);
    const input = { machine, facts: known, graph, begins: entered, creating, early, targets: wanted };
    return new Possible(ways === undefined ? input : { ...input, ways });
  };
  const bitFacts = new BitFacts({ program, machine, graph, writes, live, begins: entered }, possibleOf);
  const devices = new Devices({ program, graph, writes, live, possibleOf });
  const stored = new StoredFunctions({ program, graph, writes, live, possibleOf });
  const found = (key: string): VmFact | undefined => {
    if (isBare) return undefined;
    return ofHost(key) ?? tableFact(program, vendor, writes, key) ?? zeroFact({ program, vendor, writes, live }, key);
  };
  const known: Readonly<Record<Phase, FactsLookup>> = phases(facts, found, (key) =>
    isBare ? undefined : bitFacts.fact(key),
  );
  const input: WalkInput = {
    machine: Object.assign(machine, { budget: BUDGET, ...(isBare ? {} : { devices, stored }) }),
    facts: known,
    entries,
    creating,
    closure: backwards(graph, sinks),
    sinks,
    dispatched: dispatchedIn(program.entries, vendor),
    ...(cancelled === undefined ? {} : { cancelled }),
    ...(weaker.context === undefined ? {} : { forgetful: true as const }),
  };
  return new Answers(
    program,
    graph,
    input,
    {
      vm: (id) => facts.get(id) ?? bitFacts.proved(id),
      pointer: (id) => devices.proof(id) ?? stored.proof(id) ?? backPointers.proof(id),
    },
    live,
  );
}

function isSink(node: FunctionNode, question: Question): boolean {
  return (
    node.kind === 'function' && node.active && question.sinks.some((sink) => sink === node.name || sink === node.id)
  );
}

/** Which facts hold when: axioms and bits that nothing sets always, what creation sets from then on. */
function phases(
  facts: Map<string, VmFact>,
  ofTable: (key: string) => VmFact | undefined,
  ofBit: FactsLookup,
): Readonly<Record<Phase, FactsLookup>> {
  const asked = new Set<string>();
  const fact = (key: string): VmFact | undefined => {
    const known = facts.get(key);
    if (known !== undefined || asked.has(key)) return known;
    asked.add(key);
    const found = ofTable(key);
    if (found !== undefined) facts.set(key, found);
    return found;
  };
  const isGiven = ({ from, key, ofHost }: VmFact): boolean =>
    typeof from === 'string' || ofHost === true || key.includes('ops.');
  const where =
    (holds: (fact: VmFact) => boolean): FactsLookup =>
    (key) => {
      if (isBitKey(key)) return ofBit(key);
      const known = fact(key);
      return known === undefined || !holds(known) ? undefined : known;
    };
  return { created: where(() => true), 'before-vcpu': where((known) => !known.ofVcpu), 'before-vm': where(isGiven) };
}

class Answers implements Reach {
  private walked: Pick<CallersInput, 'walk' | 'contexts' | 'doubtful'> | undefined;
  private found: Caller[] | undefined;

  constructor(
    private readonly program: Program,
    private readonly graph: VendorGraph,
    private readonly input: WalkInput,
    private readonly known: {
      readonly vm: (id: string) => VmFact | undefined;
      readonly pointer: (id: string) => Fact | undefined;
    },
    private readonly live: ReadonlySet<FunctionId>,
  ) {}

  callers(): Caller[] {
    this.found ??= callersOf(this.parts());
    return this.found;
  }

  facts(): Fact[] {
    const ids = new Set<string>();
    for (const caller of this.callers()) {
      for (const guard of [...(caller.cutBy ?? []), ...(caller.witness?.guards ?? [])])
        for (const id of guard.facts) ids.add(id);
    }
    return this.proofs(ids);
  }

  why(sites: ResolvedSite[]): Why {
    const answer = whyPasses(this.parts(), sites);
    const ids = new Set([...(answer.path?.guards ?? []), ...(answer.cuts ?? [])].flatMap((guard) => guard.facts));
    return { ...answer, facts: this.proofs(ids) };
  }

  paths(from: readonly FunctionId[], to: readonly FunctionId[], options: PathOptions = {}): Paths {
    Object.assign(this.input.machine, { budget: BUDGET });
    return pathsBetween(this.input, from, to, options);
  }

  decide(fn: FunctionId, condition: Expr): true | false | 'unknown' {
    const node = this.program.functions.get(fn);
    if (node === undefined) return 'unknown';
    const machine = holding(this.input.machine, this.input.facts.created);
    machine.budget = DECIDE_BUDGET;
    const frame = outermost(machine, node);
    const { yes, no } = split(frame, condition, START);
    if (yes.length > 0 && no.length > 0) return 'unknown';
    return yes.length > 0 ? true : no.length > 0 ? false : 'unknown';
  }

  /** The walk is made for the first question that needs it: the MMU model asks for conditions alone. */
  private parts(): CallersInput {
    Object.assign(this.input.machine, { budget: BUDGET });
    if (this.walked === undefined) {
      const walked = walk(this.input);
      this.walked = {
        walk: walked,
        contexts: new ContextGraph(walked, this.input.sinks),
        doubtful: doubtful(this.program, this.graph),
      };
    }
    return {
      program: this.program,
      graph: this.graph,
      ...this.walked,
      input: this.input,
      live: this.live,
    };
  }

  private proofs(ids: ReadonlySet<string>): Fact[] {
    return [...ids].sort().flatMap((id) => {
      const fact = this.known.vm(id);
      if (fact === undefined) return this.known.pointer(id) ?? [];
      return [
        {
          id: fact.id,
          text: fact.text,
          value: valueWords(fact),
          from: fact.from,
          ...(fact.reason === undefined ? {} : { reason: fact.reason }),
          ...(fact.since === undefined ? {} : { since: fact.since }),
          writes: [...fact.writes].sort((a, b) => compareSites(a.site, b.site)),
        },
      ];
    });
  }
}

function valueWords(fact: VmFact): string {
  const { value, mask } = fact.bits;
  if (mask === 0n) return value < 10n ? value.toString() : `0x${value.toString(16)}`;
  const known = ~mask & ((1n << 64n) - 1n);
  if (known === 0n) return 'not 0';
  return `0x${value.toString(16)} in the bits 0x${known.toString(16)}`;
}
