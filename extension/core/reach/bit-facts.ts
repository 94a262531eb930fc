import { siteAt } from '../program/ids';
import type { Edge, FunctionId, FunctionNode, Program } from '../program/program';
import { exprText } from '../syntax/expr-text';
import { type Expr, lineOf, pos, type Pos } from '../syntax/facts';
import { calleeState, stateKey } from './callee-state';
import { evaluateAll } from './call';
import { sameEdge } from './callers';
import { changesIn } from './changes';
import { evaluate } from './evaluate';
import * as bits from './known-bits';
import { holding, type KnownFact, type Machine, outermost } from './machine';
import type { Possible } from './possible';
import { bitsOf, START, type State } from './state';
import type { VendorGraph } from './vendor-graph';
import type { FactWrite } from './verdict';
import type { VmFact } from './vm-facts';
import type { Writes, WriteSite } from './writes';
import { hasHiddenStores, isZeroedNumber } from './zero-facts';

/** How far a bit's number is followed through the parameters of functions that hand it on. */
const MOST_HELPERS = 6;
/** Where more ways than this hand a number on, it is not known. */
const MOST_WAYS = 2000;

export interface BitInput {
  readonly program: Program;
  readonly machine: Omit<Machine, 'facts'>;
  readonly graph: VendorGraph;
  readonly writes: Writes;
  readonly live: ReadonlySet<FunctionId>;
  readonly begins: ReadonlySet<FunctionId>;
}

/** A place that sets a bit: the operation itself, or the call in which the bit's number is given to whoever does it. */
interface Maker {
  readonly bit: bigint;
  readonly fn: FunctionNode;
  readonly at: Pos;
  readonly text: string;
  /** The call, or absent the operation itself. */
  readonly edge?: Edge;
}

/** All that may set bits of a field; `undefined`: any bit may be set. */
type Makers = readonly Maker[] | undefined;

/**
 * Facts about single bits of a number that is zero when the VM or the vCPU is made, as `vcpu->requests` is: a bit that
 * nothing which this VM can run sets is not set. Bits are set by `set_bit(nr, &x->f)`, whose number is followed through
 * the functions that hand it on (`kvm_make_request()`, `kvm_make_all_cpus_request()`) to where it is a constant.
 */
export class BitFacts {
  private readonly makers = new Map<string, Makers>();
  private readonly known = new Map<string, VmFact | undefined>();
  /** The bit that is being looked at: it is not set until something sets it for the first time. */
  private assumed: KnownFact | undefined;
  private readonly byStart = new Map<string, readonly (bigint | undefined)[]>();
  private readonly possibles = new Map<string, Possible>();
  private current: Possible | undefined;
  private isBusy = false;
  private ways = 0;

  constructor(
    private readonly input: BitInput,
    private readonly possibleOf: (targets: readonly FunctionId[]) => Possible,
  ) {}

  /** The fact about a bit, by a key of `bitKey()`. */
  fact(key: string): KnownFact | undefined {
    if (this.known.has(key)) return this.known.get(key);
    if (this.isBusy) {
      // One bit at a time: another one is known if it was proved before.
      this.current?.asked.add(key);
      return this.assumed?.id === key ? this.assumed : undefined;
    }
    this.isBusy = true;
    const match = /^(\w+\.\w+)\[(\d+)\]$/.exec(key);
    const found = match?.[1] === undefined ? undefined : this.prove(key, match[1], BigInt(match[2] ?? 0));
    this.isBusy = false;
    this.known.set(key, found);
    return found;
  }

  /** What was proved of bits. */
  proved(key: string): VmFact | undefined {
    return this.known.get(key);
  }

  private prove(key: string, field: string, bit: bigint): VmFact | undefined {
    const makers = this.makersOf(field)?.filter((maker) => maker.bit === bit);
    if (makers === undefined) return undefined;
    this.assumed = { id: key, bits: bits.constant(0n) };
    const possible = this.possible(field);
    const isSet = possible.assuming(key, () => shortest(makers).some((maker) => this.canRun(maker, possible)));
    this.assumed = undefined;
    return isSet ? undefined : this.zero(key, field, bit, makers);
  }

  private canRun({ fn, at, edge }: Maker, possible: Possible): boolean {
    if (!this.input.graph.has(fn.id) || !this.input.live.has(fn.id)) return false;
    return edge === undefined || isUnconditional(fn, at) || possible.canCall(edge);
  }

  private zero(key: string, field: string, bit: bigint, makers: readonly Maker[]): VmFact {
    const writes: FactWrite[] = makers.map(({ fn, at, text }) => {
      const site = siteAt(fn.file, at, fn.name);
      return { site, text, effect: 'not for this VM' };
    });
    const name = field
      .replace(/^kvm_vcpu_arch\./, 'vcpu->arch.')
      .replace(/^kvm_arch\./, 'kvm->arch.')
      .replace(/^kvm_(\w+)\./, '$1->');
    const request = this.requestNamed(field, bit);
    return {
      id: key,
      key,
      text: `bit ${bit} of ${name}${request === undefined ? '' : ` (${request})`} == 0`,
      bits: bits.constant(0n),
      from: 'exists',
      reason: 'allocated as zero, and nothing that this VM can run sets the bit',
      writes,
      ofVcpu: false,
    };
  }

  /** The name of a vCPU's request (`KVM_REQ_*`) by its bit in `vcpu->requests`: the number without its flags. */
  private requestNamed(field: string, bit: bigint): string | undefined {
    const { program, machine, writes } = this.input;
    const node = writes.byKey.get(field)?.find((write) => write.bit?.does === 'set')?.fn;
    if (field !== 'kvm_vcpu.requests' || node === undefined) return undefined;
    const frame = outermost(
      holding({ ...machine }, () => undefined),
      node,
    );
    const mask = program.symbols.constant('KVM_REQUEST_MASK') ?? 0xffn;
    const names = new Set([...program.files.values()].flatMap((file) => file.macros.map((macro) => macro.name)));
    return [...names].find((name) => {
      if (!name.startsWith('KVM_REQ_')) return false;
      const value = bits.single(bitsOf(START, evaluate(frame, { k: 'id', at: 0, name }, START)[1]));
      return value !== undefined && (value & mask) === bit;
    });
  }

  private possible(field: string): Possible {
    let possible = this.possibles.get(field);
    if (possible === undefined) {
      const setting = (this.input.writes.byKey.get(field) ?? []).filter((write) => write.bit?.does === 'set');
      possible = this.possibleOf(setting.map((write) => write.fn.id));
      this.possibles.set(field, possible);
    }
    this.current = possible;
    return possible;
  }

  private makersOf(field: string): Makers {
    if (!this.makers.has(field)) this.makers.set(field, this.collect(field));
    return this.makers.get(field);
  }

  private collect(field: string): Makers {
    const { program, writes } = this.input;
    if (!isZeroedNumber(program, field) || hasHiddenStores(program, writes, field)) return undefined;
    this.ways = 0;
    const makers: Maker[] = [];
    for (const write of writes.byKey.get(field) ?? []) {
      const found = this.makersIn(write);
      if (found === undefined) return undefined;
      makers.push(...found);
    }
    return makers;
  }

  private makersIn(write: WriteSite): Makers {
    const { fn, bit } = write;
    const isLive = this.isLive(fn.id);
    if (bit !== undefined) return bit.does === 'set' ? this.follow(fn.id, [], write) : [];
    if (!isLive || write.op === '&=') return [];
    const value = write.value === undefined ? undefined : this.input.program.symbols.fold(write.value, fn.file);
    if (value === undefined || !(write.op === '=' || write.op === '|=')) return undefined;
    const set: Maker[] = [];
    for (let n = 0n; n < 64n; n++)
      if (((value >> n) & 1n) !== 0n)
        set.push({ bit: n, fn, at: write.at, text: `${write.key.replace(/^.*\./, '')} ${write.op} ${value}` });
    return set;
  }

  private isLive(id: FunctionId): boolean {
    return this.input.graph.has(id) && this.input.live.has(id);
  }

  /** The makers at the head of a chain of calls that ends with the operation `last`. */
  private follow(head: FunctionId, chain: readonly Edge[], last: WriteSite): Makers {
    const { program, begins } = this.input;
    const node = program.functions.get(head);
    const call = last.bit?.call;
    if (node === undefined || call === undefined) return undefined;
    if (!this.isLive(head)) return chain.length >= MOST_HELPERS ? [] : (this.handedOn(head, chain, last) ?? []);
    const own = this.numbers(head, START, chain, last);
    const [first] = chain;
    const at = first === undefined ? last.at : pos(first.site.line, first.site.column);
    const made = madeBy(own, node, at, first, callIn(node, at) ?? call);
    if (made !== undefined) return made;
    if (begins.has(head) || chain.length >= MOST_HELPERS) return undefined;
    return this.handedOn(head, chain, last);
  }

  private handedOn(head: FunctionId, chain: readonly Edge[], last: WriteSite): Makers {
    const makers: Maker[] = [];
    for (const edge of this.input.program.callers.get(head) ?? []) {
      if (this.ways++ > MOST_WAYS) return undefined;
      const found = this.byArguments(edge, chain, last) ?? this.follow(edge.callerId, [edge, ...chain], last);
      // What does not run for this VM is followed to be named in proofs alone.
      if (found === undefined && !this.isLive(edge.callerId)) continue;
      if (found === undefined) return undefined;
      makers.push(...found);
    }
    return makers;
  }

  /** The maker if the call's arguments are constants as they stand: its function need not be executed. */
  private byArguments(edge: Edge, chain: readonly Edge[], last: WriteSite): Makers {
    const { program, machine } = this.input;
    const caller = program.functions.get(edge.callerId);
    const callee = program.functions.get(edge.calleeId);
    if (caller === undefined || callee === undefined || edge.via !== 'call') return undefined;
    const at = pos(edge.site.line, edge.site.column);
    const call = callIn(caller, at);
    if (call === undefined) return undefined;
    const frame = outermost(
      holding({ ...machine }, () => undefined),
      caller,
    );
    const [state, args] = evaluateAll(frame, call.args, START);
    const start = calleeState(program.symbols, callee, { edge, args, state });
    const key = [stateKey(start), ...[edge, ...chain].map((each) => each.calleeId), last.at].join();
    const known = this.byStart.get(key) ?? this.numbers(edge.calleeId, start, chain, last);
    this.byStart.set(key, known);
    return madeBy(known, caller, at, edge, call);
  }

  /** The numbers that reach the operation from a start of the chain's first function; `undefined` among them: not known. */
  private numbers(
    id: FunctionId,
    start: State,
    chain: readonly Edge[],
    last: WriteSite,
  ): readonly (bigint | undefined)[] {
    const { symbols, functions } = this.input.program;
    const found = new Set<bigint | undefined>();
    const [edge, ...rest] = chain;
    if (edge === undefined) {
      const nr = last.bit?.nr;
      if (nr === undefined) return [undefined];
      const run = this.possible(last.key).runFrom(id, start, {
        at: new Set([last.at]),
        met: (frame, _call, state) => {
          const [after, value] = evaluate(frame, nr, state);
          found.add(bits.single(bitsOf(after, value)));
        },
      });
      if (run === undefined || run.gaveUp !== undefined) found.add(undefined);
      return [...found];
    }
    const run = start === START ? this.possible(last.key).run(id) : this.possible(last.key).runFrom(id, start);
    if (run === undefined || run.gaveUp !== undefined) return [undefined];
    const callee = functions.get(edge.calleeId);
    for (const seen of run.seen) {
      if (!sameEdge(seen.edge, edge)) continue;
      const next = callee === undefined ? START : calleeState(symbols, callee, seen);
      for (const n of this.numbers(edge.calleeId, next, rest, last)) found.add(n);
    }
    return [...found];
  }
}

function madeBy(
  numbers: readonly (bigint | undefined)[],
  fn: FunctionNode,
  at: Pos,
  edge: Edge | undefined,
  call: Expr,
): Makers {
  const makers: Maker[] = [];
  for (const bit of numbers) {
    if (bit === undefined) return undefined;
    makers.push({ bit, fn, at, text: exprText(call), ...(edge === undefined ? {} : { edge }) });
  }
  return makers;
}

/** Whether a function that runs makes a call for certain: nothing but declarations and calls stands in front of it. */
function isUnconditional({ fact }: FunctionNode, at: Pos): boolean {
  if (!('body' in fact)) return false;
  const first = fact.body.find((stmt) => (stmt.k !== 'decl' && stmt.k !== 'expr') || lineOf(stmt.at) === lineOf(at));
  return first?.k === 'expr' && first.x.k === 'call' && first.x.at === at;
}

/** Those in short functions first: they are the cheapest to execute. */
function shortest(makers: readonly Maker[]): readonly Maker[] {
  return [...makers].sort((a, b) => a.fn.lastLine - a.fn.line - (b.fn.lastLine - b.fn.line));
}

function callIn({ fact }: FunctionNode, at: Pos): Extract<Expr, { k: 'call' }> | undefined {
  return 'body' in fact ? changesIn(fact.body).calls.find((call) => call.at === at) : undefined;
}
