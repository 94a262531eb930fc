import { compareSites, siteAt } from '../program/ids';
import type { Edge, FunctionId, FunctionNode, Program, Site } from '../program/program';
import type { Expr, Pos } from '../syntax/facts';
import { exprText } from '../syntax/expr-text';
import type { Call } from './call';
import { changesIn } from './changes';
import { callAt } from './device-operations';
import { keysWithin } from './exposed';
import type { Possible, Ways } from './possible';
import type { VendorGraph } from './vendor-graph';
import type { Fact } from './verdict';
import { type Writes, writesTo } from './writes';
import { hasHiddenStores } from './zero-facts';

/** How far a stored parameter is followed to the calls that give it. */
const MOST_CALLS = 4;

/** What has more lines takes long to execute, and most of its calls can be made. */
const LONGEST = 120;

export interface StoredInput {
  readonly program: Program;
  readonly graph: VendorGraph;
  readonly writes: Writes;
  readonly live: ReadonlySet<FunctionId>;
  readonly possibleOf: (targets: readonly FunctionId[], ways: Ways) => Possible;
}

/** Where a function is named that ends up in a field. */
interface Maker {
  readonly fn: FunctionNode;
  readonly site: Site;
  readonly text: string;
  /** The functions that it may be; absent: any. */
  readonly stores?: readonly FunctionId[];
}

/**
 * What fields that are called through can hold: `vcpu->arch.complete_userspace_io`, `mmu->page_fault`. The call graph
 * leads to every function that is stored there anywhere; for this VM a call goes only to those that code which it can
 * run has stored. A function that is called through the field may store the next one: what is stored is found from the
 * first store on. Only of fields in `struct kvm` and `struct kvm_vcpu`: what lies elsewhere other VMs may share.
 */
export class StoredFunctions {
  private readonly fields = new Map<string, readonly Maker[] | undefined>();
  private ways: Possible | undefined;
  /** Functions that may be in their field, those that are not, and those that were met and are not decided. */
  private readonly held = new Set<string>();
  private readonly notHeld = new Map<string, Edge>();
  private readonly undecided = new Map<string, Edge>();

  constructor(private readonly input: StoredInput) {}

  /** The id of the fact that keeps a call through a field from a function; `undefined`: it may be what the field holds. */
  cut(edge: Edge): string | undefined {
    return !this.isStored(edge) || this.mayHold(edge) ? undefined : keyOf(edge);
  }

  proof(id: string): Fact | undefined {
    const edge = this.notHeld.get(id);
    return edge === undefined ? undefined : this.proofOf(edge);
  }

  /** A call through a field of a VM or of a vCPU, in which functions are stored at run time. */
  private isStored({ via, slot }: Edge): boolean {
    if (via !== 'field' || slot === undefined) return false;
    const { symbols } = this.input.program;
    this.ofVm ??= new Set(['kvm', 'kvm_vcpu'].flatMap((tag) => [...keysWithin(symbols, tag)]));
    return this.ofVm.has(slot);
  }
  private ofVm: ReadonlySet<string> | undefined;

  private mayHold(edge: Edge): boolean {
    const key = keyOf(edge);
    if (!this.held.has(key) && !this.notHeld.has(key)) {
      this.undecided.set(key, edge);
      this.decide();
    }
    return this.held.has(key);
  }

  /**
   * Finds what of the undecided may be held: round by round, until none is added. A round takes no way through a
   * function that is not known to be held yet, and adds those that it meets to the undecided.
   */
  private decide(): void {
    let before = -1;
    while (before !== this.undecided.size) {
      before = this.undecided.size;
      for (const [key, edge] of this.undecided) {
        if (!this.isMade(edge)) continue;
        this.held.add(key);
        this.undecided.delete(key);
        before = -1;
      }
    }
    for (const [key, edge] of this.undecided) this.notHeld.set(key, edge);
    this.undecided.clear();
  }

  /** Whether a way leads to a place that stores the function, by what is known to be held. */
  private isMade(edge: Edge): boolean {
    const makers = this.makersFor(edge);
    if (makers === undefined || makers.length === 0) return true;
    return makers.some(({ fn }) => this.isLive(fn.id) && this.possible().canGetTo(fn.id));
  }

  private makersFor({ slot, calleeId }: Edge): readonly Maker[] | undefined {
    return this.makers(slot ?? '')?.filter(({ stores }) => stores === undefined || stores.includes(calleeId));
  }

  private passes(edge: Edge): boolean {
    if (!this.isStored(edge)) return true;
    const key = keyOf(edge);
    if (this.held.has(key)) return true;
    if (!this.notHeld.has(key)) this.undecided.set(key, edge);
    return false;
  }

  private isLive(id: FunctionId): boolean {
    return this.input.graph.has(id) && this.input.live.has(id);
  }

  private proofOf(edge: Edge): Fact {
    const makers = this.makersFor(edge) ?? [];
    return {
      id: keyOf(edge),
      text: `nothing that this VM can run stores ${edge.callee}() in ${edge.slot ?? ''}`,
      value: 'true',
      from: 'exists',
      reason: 'no way leads to a place that does',
      writes: makers
        .map(({ site, text }) => ({ site, text, effect: 'not for this VM' as const }))
        .sort((a, b) => compareSites(a.site, b.site)),
    };
  }

  /** Ways to all makers of all fields: what is executed for one serves the others. */
  private possible(): Possible {
    if (this.ways === undefined) {
      const slots = new Set<string>();
      for (const edges of this.input.program.callees.values())
        for (const edge of edges) if (edge.slot !== undefined && this.isStored(edge)) slots.add(edge.slot);
      const targets = [...slots].flatMap((slot) => this.makers(slot) ?? []).map(({ fn }) => fn.id);
      this.ways = this.input.possibleOf(targets, { passes: (edge) => this.passes(edge), longest: LONGEST });
    }
    return this.ways;
  }

  private makers(slot: string): readonly Maker[] | undefined {
    if (!this.fields.has(slot)) this.fields.set(slot, this.makersOf(slot));
    return this.fields.get(slot);
  }

  /** `undefined`: there may be others. */
  private makersOf(slot: string): readonly Maker[] | undefined {
    const { program, writes } = this.input;
    if (hasHiddenStores(program, writes, slot)) return undefined;
    return writesTo(writes, slot).flatMap(({ fn, at, op, value }) =>
      op === '=' && value !== undefined ? this.makersIn(fn, value, value.at, MOST_CALLS) : [anything(fn, at, op)],
    );
  }

  /** Where the functions are named that an expression in the body of `fn` can be. */
  private makersIn(fn: FunctionNode, x: Expr, at: Pos, calls: number): Maker[] {
    if (x.k === 'cast') return this.makersIn(fn, x.x, at, calls);
    if (x.k === 'cond' && x.a !== undefined)
      return [...this.makersIn(fn, x.a, at, calls), ...this.makersIn(fn, x.b, at, calls)];
    if (x.k === 'unary' && x.op === '&') return this.makersIn(fn, x.x, at, calls);
    if (x.k === 'num' || (x.k === 'id' && x.name === 'NULL')) return [];
    if (x.k !== 'id' || !('body' in fn.fact)) return [anything(fn, at, exprText(x))];
    const index = fn.fact.params.findIndex(({ name }) => name === x.name);
    if (index >= 0) return this.makersOfArgument(fn, index, at, calls);
    const named = this.input.program.symbols.functionsNamed(x.name, fn.file);
    if (named.length === 0) return [anything(fn, at, x.name)];
    return [{ fn, site: siteAt(fn.file, at, fn.name), text: x.name, stores: named.map(({ id }) => id) }];
  }

  /** What callers give for a parameter that is stored. */
  private makersOfArgument(fn: FunctionNode, index: number, at: Pos, calls: number): Maker[] {
    const { program } = this.input;
    const makers: Maker[] = [];
    for (const edge of program.callers.get(fn.id) ?? []) {
      const caller = program.functions.get(edge.callerId);
      // Macros are nodes and contracted: who uses one is a caller, too.
      if (caller?.kind === 'macro') continue;
      const call = caller === undefined ? undefined : callAt(caller, edge);
      const given =
        caller === undefined || call === undefined ? undefined : this.argumentsOf(caller, call, edge, index);
      if (caller === undefined || call === undefined || given === undefined || calls === 0)
        return [anything(fn, at, 'a parameter')];
      makers.push(...given.flatMap((arg) => this.makersIn(caller, arg, call.at, calls - 1)));
    }
    return makers;
  }

  /** What a call gives for a parameter, also through a macro whose body makes the call; `undefined`: not known. */
  private argumentsOf(caller: FunctionNode, call: Call, edge: Edge, index: number): readonly Expr[] | undefined {
    if (edge.via === 'call') return call.args[index] === undefined ? undefined : [call.args[index]];
    const macro = call.fn.k === 'id' ? this.input.program.symbols.macro(call.fn.name, caller.file) : undefined;
    const code = macro?.expr ?? macro?.stmts;
    if (edge.via !== 'macro' || macro?.params === undefined || code === undefined) return undefined;
    const given = new Map(macro.params.map((param, i) => [param, call.args[i]]));
    const args: Expr[] = [];
    for (const inner of changesIn(code).calls) {
      if (inner.fn.k !== 'id' || inner.fn.name !== edge.callee) continue;
      const arg = inner.args[index];
      const own = arg?.k === 'id' ? given.get(arg.name) : undefined;
      if (own === undefined) return undefined;
      args.push(own);
    }
    return args.length === 0 ? undefined : args;
  }
}

function keyOf({ slot, calleeId }: Edge): string {
  return `${slot ?? ''} ${calleeId}`;
}

function anything(fn: FunctionNode, at: Pos, text: string): Maker {
  return { fn, site: siteAt(fn.file, at, fn.name), text };
}
