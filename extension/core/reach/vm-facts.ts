import { siteAt } from '../program/ids';
import type { FunctionId, FunctionNode, Program, Site, Vendor } from '../program/program';
import { lineOf, type Pos } from '../syntax/facts';
import { exprText } from '../syntax/expr-text';
import { partOf } from './cell-names';
import { runBody, runFunction } from './execute';
import { isOtherVendor } from './globals';
import { horizon } from './horizon';
import * as bits from './known-bits';
import { type Frame, holding, type KnownFact, type Machine, outermost } from './machine';
import { globalNamed } from './module-parameters';
import { CREATION, creatorsOf, ofType, successes } from './creation';
import { bitsOf, type State, START } from './state';
import type { Fact, FactWrite, Question, VmType } from './verdict';
import { siteOf, type Writes, type WriteSite, writesTo } from './writes';

/** A fact with its proof. */
export interface VmFact extends KnownFact {
  readonly key: string;
  readonly text: string;
  readonly from: Fact['from'];
  readonly reason?: string;
  readonly since?: string;
  readonly writes: readonly FactWrite[];
  /** The struct belongs to a vCPU: holds from the vCPU's creation on. */
  readonly ofVcpu: boolean;
  /** It is one of the host, and holds before any VM is created. */
  readonly ofHost?: true;
}

const TYPE_CONSTANT: Readonly<Record<VmType, string>> = {
  tdx: 'KVM_X86_TDX_VM',
  default: 'KVM_X86_DEFAULT_VM',
  'sw-protected': 'KVM_X86_SW_PROTECTED_VM',
  sev: 'KVM_X86_SEV_VM',
  'sev-es': 'KVM_X86_SEV_ES_VM',
  snp: 'KVM_X86_SNP_VM',
};

/** Values of the uapi enum, for trees in which the constant is missing: no other type has them. */
const TYPE_VALUE: Readonly<Record<VmType, bigint>> = {
  default: 0n,
  'sw-protected': 1n,
  sev: 2n,
  'sev-es': 3n,
  snp: 4n,
  tdx: 5n,
};

/** What a hypothetical TD has: the TDP MMU, which needs two-dimensional paging. */
const HYPOTHETICAL_TD_NEEDS = ['tdp_mmu_enabled', 'tdp_enabled'];
const TREE_NEEDS_TDX = 'tdx_vm_init';

/** The tree has no TDX host support: what is said of a TD is said of one that KVM cannot create yet. */
export function isHypotheticalTd(program: Program): boolean {
  return program.symbols.functionsNamed(TREE_NEEDS_TDX).length === 0;
}

const ONE = bits.constant(1n);
const NONZERO = bits.without(bits.TOP, 0n);

/**
 * A number in the vendor's table of operations (`kvm_x86_ops.required_apicv_inhibits`): the table is filled when the
 * vendor module is loaded, before any VM exists.
 */
export function tableFact(program: Program, vendor: Vendor, writes: Writes, key: string): VmFact | undefined {
  if (!/^kvm_\w*ops\./.test(key)) return undefined;
  // The table is copied as a whole when the module is loaded; a number in it that is set on its own is no constant.
  const set = (writes.byKey.get(key) ?? []).filter(
    (write) => write.op !== 'whole' && (write.fn.vendor === undefined || write.fn.vendor === vendor),
  );
  if (set.length > 0) return undefined;
  const entry = program.symbols.slotValue(key, vendor);
  const value = entry === undefined ? undefined : program.symbols.fold(entry.value, entry.file);
  if (entry === undefined || value === undefined) return undefined;
  const from = siteAt(entry.file, entry.value.at, '');
  const fact = { id: key, key, bits: bits.constant(value), from, writes: [], ofVcpu: false };
  return { ...fact, text: factText(key, fact.bits) };
}

/** What no source line states: the VM's type, and for a hypothetical TD the state that TDX would give it. */
export function axioms(program: Program, question: Question): Map<string, VmFact> {
  const facts = new Map<string, VmFact>();
  const { vm } = question;
  const put = (key: string, text: string, value: bits.Bits, from: Fact['from'], reason?: string): void => {
    facts.set(key, {
      id: key,
      key,
      text,
      bits: value,
      from,
      writes: [],
      ofVcpu: false,
      ...(reason === undefined ? {} : { reason }),
    });
  };
  const declared = program.symbols.constant(TYPE_CONSTANT[vm]);
  const type = declared ?? TYPE_VALUE[vm];
  put('kvm_arch.vm_type', `kvm->arch.vm_type == ${TYPE_CONSTANT[vm]}`, bits.constant(type), 'axiom');
  if (vm === 'tdx' && isHypotheticalTd(program)) {
    const reason = 'a hypothetical TD: this tree has no TDX host support';
    const field = (tag: string, name: string, value: bits.Bits): void => {
      if (program.symbols.fieldType(`struct ${tag}`, name) !== undefined)
        put(`${tag}.${name}`, `${name} of a TD`, value, 'axiom', reason);
    };
    for (const name of HYPOTHETICAL_TD_NEEDS)
      if (program.symbols.variable(name) !== undefined) put(name, name, ONE, 'axiom', reason);
    field('kvm_vcpu_arch', 'guest_state_protected', ONE);
    field('kvm_arch', 'has_protected_state', ONE);
    field('kvm_arch', 'has_private_mem', ONE);
    field('kvm_arch', 'gfn_direct_bits', NONZERO);
    field('kvm_arch', 'gfn_shared_mask', NONZERO);
    const split = program.symbols.constant('KVM_IRQCHIP_SPLIT');
    if (split !== undefined) field('kvm_arch', 'irqchip_mode', bits.constant(split));
  }
  for (const [name, value] of Object.entries(question.host)) {
    const key = globalNamed(program, name);
    if (key !== 'vendor') put(key, `${key} == ${value}`, bits.constant(hostNumber(value)), 'axiom', 'given by --host');
  }
  return facts;
}

/** Globals whose value no set-up changes, by cell: what the user gave, and what a hypothetical TD has. */
export function givenGlobals(program: Program, given: ReadonlyMap<string, VmFact>): Map<string, bits.Bits> {
  return new Map(
    [...given.values()].flatMap(({ key, bits: value }) => {
      const isGlobal = program.symbols.variable(/^\w+/.exec(key)?.[0] ?? '') !== undefined;
      return isGlobal ? [[partOf('global', key), value] as const] : [];
    }),
  );
}

function hostNumber(value: string): bigint {
  if (/^(?:y|yes|on|true)$/i.test(value)) return 1n;
  if (/^(?:n|no|off|false)$/i.test(value)) return 0n;
  return BigInt(value);
}

export interface Derivation {
  readonly given: ReadonlyMap<string, VmFact>;
  /** Facts about globals. */
  readonly ofHost: (key: string) => VmFact | undefined;
  readonly program: Program;
  readonly question: Question;
  readonly vendor: Vendor;
  readonly writes: Writes;
  readonly machine: Omit<Machine, 'facts'>;
  /** Functions that some entry point reaches in the call graph of this vendor. */
  readonly live: ReadonlySet<FunctionId>;
  /** Those that are reached without the vendor's creation of a VM or a vCPU, so that they run later, too. */
  readonly liveLater: ReadonlySet<FunctionId>;
}

/** Structs that live as long as the VM or a vCPU, and begin as zero. */
const VCPU_STRUCT = /^(?:kvm_vcpu|kvm_vcpu_arch|kvm_lapic|vcpu_\w+)$/;

/**
 * The facts that the creation path gives: the vendor's `vm_init` and `vcpu_create` are run for the VM's type, and a
 * field that they leave with known bits is a fact as far as every other write that this VM can reach keeps it.
 */
export function deriveFacts(input: Derivation): Map<string, VmFact> {
  const facts = new Map(input.given);
  const stored = new Map<string, Stored>();
  assume(input, facts);
  for (const [slot, ofVcpu] of [
    [CREATION.vm, false],
    [CREATION.vcpu, true],
  ] as const) {
    for (const target of input.program.symbols.slot(slot)) {
      if (target.vendor !== undefined && target.vendor !== input.vendor) continue;
      const node = input.program.functions.get(target.functionId);
      if (node?.active === true) create(input, facts, node, START, ofVcpu, stored);
    }
  }
  // What the vendor's part does not set may be set around it.
  const around = new Map<string, Stored>();
  for (const node of creatorsOf(input.program)) create(input, facts, node, ofType(input, node), false, around);
  for (const [key, each] of around) if (!stored.has(key)) stored.set(key, each);
  let candidates = new Map<string, VmFact>();
  for (const [key, { value, site, text, ofVcpu }] of stored) {
    if (facts.has(key) || bits.within(bits.TOP, value)) continue;
    candidates.set(key, { id: key, key, text, bits: value, from: site, writes: [], ofVcpu });
  }
  const places = new Map<FunctionId, Set<Pos>>();
  for (const key of candidates.keys())
    for (const { fn, at } of writesTo(input.writes, key)) places.set(fn.id, (places.get(fn.id) ?? new Set()).add(at));
  // The greatest set of facts that keep each other: a fact that was used for another falls with it.
  for (let rounds = 0; rounds < 12; rounds++) {
    const assumed = lookup(input, new Map([...facts, ...candidates]));
    const next = new Map<string, VmFact>();
    const ran = new Map<FunctionId, Stores>();
    const run = (node: FunctionNode): Stores => {
      if (!ran.has(node.id)) ran.set(node.id, storesOf(input, assumed, node, places.get(node.id) ?? new Set()));
      return ran.get(node.id);
    };
    for (const [key, fact] of candidates) {
      const kept = keep(input, fact, stored.get(key)?.fns ?? new Set(), run);
      if (!bits.within(bits.TOP, kept.bits)) next.set(key, kept);
    }
    const stable = [...candidates].every(([key, fact]) => {
      const now = next.get(key);
      return now !== undefined && bits.within(now.bits, fact.bits) && bits.within(fact.bits, now.bits);
    });
    candidates = next;
    if (stable) return new Map([...facts, ...candidates]);
  }
  // What has not settled proves nothing.
  return facts;
}

/** KVM's mask of TD attributes, by the names that it has had. */
const SUPPORTED_ATTRIBUTES = ['KVM_SUPPORTED_TDX_TD_ATTRS', 'KVM_SUPPORTED_TD_ATTRS'];

/**
 * Assumptions about a VM's state that rest on data flow which the evaluation does not follow: shown as assumed, and
 * dropped when the lines that they rest on are gone.
 */
function assume(input: Derivation, facts: Map<string, VmFact>): void {
  if (!input.question.assumptions || input.question.vm !== 'tdx') return;
  const { symbols } = input.program;
  const supported = SUPPORTED_ATTRIBUTES.map((name) => symbols.constant(name)).find((value) => value !== undefined);
  const debug = symbols.constant('TDX_TD_ATTR_DEBUG');
  if (supported === undefined || debug === undefined || (supported & debug) !== 0n) return;
  if (symbols.fieldType('struct kvm_tdx', 'attributes') === undefined) return;
  facts.set('kvm_tdx.attributes', {
    id: 'kvm_tdx.attributes',
    key: 'kvm_tdx.attributes',
    text: '!(kvm_tdx->attributes & TDX_TD_ATTR_DEBUG)',
    bits: { value: 0n, mask: bits.ALL & ~debug, ranges: bits.TOP.ranges },
    from: 'assumption',
    reason: "KVM_TDX_INIT_VM refuses attributes outside KVM's mask, which does not hold TDX_TD_ATTR_DEBUG",
    since: 'KVM_TDX_INIT_VM',
    writes: [],
    ofVcpu: false,
  });
}

function lookup(input: Derivation, facts: ReadonlyMap<string, VmFact>): Machine['facts'] {
  return (key) => facts.get(key) ?? input.ofHost(key);
}

/** What a run of the creation leaves in a field. */
interface Stored {
  readonly value: bits.Bits;
  readonly site: Site;
  readonly text: string;
  readonly fns: ReadonlySet<FunctionId>;
  readonly ofVcpu: boolean;
}

function create(
  input: Derivation,
  facts: ReadonlyMap<string, VmFact>,
  node: FunctionNode,
  start: State,
  ofVcpu: boolean,
  stored: Map<string, Stored>,
): void {
  if (!('body' in node.fact)) return;
  const machine = holding(input.machine, lookup(input, facts));
  const last = new Map<string, { at: number; fn: FunctionNode }>();
  const fns = new Set<FunctionId>();
  const keyOfCell = new Map<string, string>();
  const frame: Frame = {
    ...outermost(machine, node),
    follow: true,
    onStore: (key, _value, _state, at, fn, cell) => {
      last.set(key, { at, fn });
      fns.add(fn.id);
      if (cell !== undefined) keyOfCell.set(cell, key);
    },
  };
  // A refusal returns an error: the VM exists, so the ways that count are those that may return 0.
  const ends = successes(runFunction(frame, node.fact.body, start));
  for (const [cell, key] of keyOfCell) {
    const tag = key.slice(0, key.indexOf('.'));
    if (!key.includes('.') || /^[?]/.test(key) || cell.startsWith('global.')) continue;
    const values = ends.map(({ state }) => {
      const held = state.cells.get(cell);
      return held === undefined ? bits.TOP : bitsOf(state, held);
    });
    const value = values.reduce((a, b) => bits.join(a, b), bits.NONE);
    const place = last.get(key);
    if (bits.isNone(value) || place === undefined) continue;
    const site = siteAt(place.fn.file, place.at, place.fn.name);
    const before = stored.get(key);
    stored.set(key, {
      value: before === undefined ? value : bits.join(value, before.value),
      site,
      text: factText(key, value),
      fns: new Set([...fns, ...(before?.fns ?? [])]),
      ofVcpu: ofVcpu && VCPU_STRUCT.test(tag),
    });
  }
}

export function factText(key: string, value: bits.Bits): string {
  const name = key
    .replace(/^kvm_arch\./, 'kvm->arch.')
    .replace(/^kvm_vcpu_arch\./, 'vcpu->arch.')
    .replace(/^kvm_lapic\./, 'apic->')
    // A table is an object, what a VM has is behind a pointer.
    .replace(/^(?!\w*ops\.)(\w+)\./, '$1->');
  const n = bits.single(value);
  if (n !== undefined) return `${name} == ${n < 10n ? n : `0x${n.toString(16)}`}`;
  if (value.value !== 0n) return `${name} & 0x${value.value.toString(16)}`;
  return `${name}: bits 0x${(bits.ALL & ~value.mask).toString(16)} are clear`;
}

/** The fact as far as every write keeps it, with the writes. */
function keep(input: Derivation, fact: VmFact, creating: ReadonlySet<FunctionId>, run: Run): VmFact {
  let kept = fact.bits;
  const writes: FactWrite[] = [];
  for (const write of writesTo(input.writes, fact.key)) {
    const site = siteOf(write);
    const add = (effect: FactWrite['effect']): void => {
      writes.push({ site, text: writeWords(write), effect });
    };
    if (creating.has(write.fn.id) && !input.liveLater.has(write.fn.id)) {
      add('sets');
      continue;
    }
    if (runsBefore(input, write)) {
      add('before');
      continue;
    }
    if (isOtherVendor(write.fn, input.vendor) || !input.live.has(write.fn.id)) {
      add('not for this VM');
      continue;
    }
    const value = storedValue(fact, write, run);
    if (value === 'never') add('not for this VM');
    else if (bits.within(value, fact.bits)) add('keeps');
    else {
      add(bits.within(bits.TOP, value) && /^(?:address|whole)$/.test(write.op) ? 'unknown' : 'breaks');
      kept = bits.join(kept, value);
    }
  }
  const text = kept === fact.bits ? fact.text : factText(fact.key, kept);
  return { ...fact, text, bits: kept, writes };
}

/** The write stands in a function that calls the vendor's creation slot later on: it comes before what that sets. */
function runsBefore(input: Derivation, write: WriteSite): boolean {
  return (input.program.callees.get(write.fn.id) ?? []).some(
    (edge) => /^kvm_x86_ops\.(?:vm_init|vcpu_create)$/.test(edge.slot ?? '') && edge.site.line > lineOf(write.at),
  );
}

/** What the stores of one function store, by key and position; `undefined`: its execution was not finished. */
type Stores = ReadonlyMap<string, bits.Bits> | undefined;

/** Executes a function while the facts hold. */
type Run = (node: FunctionNode) => Stores;

/** What a write stores when it runs for this VM; `never`: it cannot run. */
function storedValue(fact: VmFact, write: WriteSite, run: Run): bits.Bits | 'never' {
  if (write.op === 'address' || write.op === 'whole' || write.op === '++') return bits.TOP;
  const stores = run(write.fn);
  return stores === undefined ? bits.TOP : (stores.get(`${fact.key}@${write.at}`) ?? 'never');
}

function storesOf(input: Derivation, facts: Machine['facts'], node: FunctionNode, places: ReadonlySet<Pos>): Stores {
  if (!('body' in node.fact)) return undefined;
  const machine = holding(input.machine, facts);
  const stores = new Map<string, bits.Bits>();
  const frame: Frame = {
    ...outermost(machine, node),
    horizon: horizon(node.fact.body, places),
    onStore: (key, stored, state, at, fn) => {
      if (fn.id !== node.id) return;
      const place = `${key}@${at}`;
      const before = stores.get(place);
      const now = bitsOf(state, stored);
      stores.set(place, before === undefined ? now : bits.join(before, now));
    },
  };
  const budget = machine.budget;
  runBody(frame, node.fact.body, START);
  return machine.budget <= 0 || budget - machine.budget > 200_000 ? undefined : stores;
}

/** A store as it reads: `disabled_quirks |= cap->args[0]`. */
export function writeWords(write: WriteSite): string {
  const field = write.key.slice(write.key.indexOf('.') + 1);
  if (write.op === 'address') return `&${field} is passed on`;
  if (write.op === 'whole') return `what ${field} lies in is stored to`;
  if (write.op === '++' || write.value === undefined) return `${field}++`;
  return `${field} ${write.op} ${exprText(write.value)}`;
}
