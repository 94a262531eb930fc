import type { VmType } from '../reach/verdict';
import { APIC_PAGE_GFN, type Apicv, isActivated } from './apicv';
import { NO_INVALIDATION } from './invalidation';
import type { Caching } from './memory-types';
import type { Memslot } from './memslots';
import type { MmuState } from './mmu-state';
import type { Planned } from './play';
import type { Leaf, Root } from './roots';
import { enterGuest, entryKey, type Gfn, type Level, type SeptEntry, type Td, type TdState } from './sept';
import { SHARED_BIT } from './td-lifecycle';
import { CLEAN_TLB } from './tlb';
import { newVcpu } from './vcpu';
import { hasPrivateMemory } from './vm';

/** A VM before the sink runs, as data: what userspace and the guest have done so far, and what the caller passes. */
export interface Scenario {
  readonly name: string;
  /** How far a TD has come; other VM types have no such state. */
  readonly tdState: TdState;
  /** vCPUs in the guest. */
  readonly vcpus: number;
  /** 4K pages that the guest owns: accepted by it, or added to its image. Where there is no private memory, just mapped. */
  readonly privatePages: readonly Gfn[];
  /** Private, mapped, and not accepted by the guest yet. */
  readonly pendingPages: readonly Gfn[];
  readonly sharedPages: readonly MappedPage[];
  /** The VM runs on shadow paging: the TDP MMU is off, and rmaps say what is mapped. */
  readonly shadow: boolean;
  /** What the caller of the sink passes, `[start, end)`. */
  readonly range: GfnRange;
  /** Default: `DEFAULT_SLOTS`. */
  readonly memslots?: readonly Memslot[];
  /** Private gfns that are not mapped. */
  readonly unmappedPrivate?: readonly Gfn[];
  /** What is done, in this order. Default: the sink runs once, for the range. */
  readonly actions?: readonly Planned[];
}

/** 16M from 0 on, and the page of the local APIC. */
export const DEFAULT_SLOTS: readonly Memslot[] = [
  { addressSpace: 0, base: 0n, pages: 0x1000n },
  { addressSpace: 0, base: 0xfee00n, pages: 1n },
];

export interface MappedPage {
  readonly gfn: Gfn;
  /** 1: 4K, 2: 2M. */
  readonly level: Level;
}

export interface GfnRange {
  readonly start: Gfn;
  readonly end: Gfn;
}

/** What a caller passes that zaps everything: `gpa_to_gfn(0), gpa_to_gfn(~0ULL)`. */
export const WHOLE_RANGE: GfnRange = { start: 0n, end: 1n << 52n };

const RUNNING: Scenario = {
  name: 'running',
  tdState: 'RUNNABLE',
  vcpus: 2,
  privatePages: [0x100n, 0x101n],
  pendingPages: [0x102n],
  sharedPages: [
    { gfn: 0x200n, level: 1 },
    { gfn: 0x201n, level: 1 },
  ],
  shadow: false,
  range: WHOLE_RANGE,
};

/** The VM exists and nothing is mapped: of a TD, KVM_TDX_INIT_VM is still to come. */
const CREATED: Scenario = {
  ...RUNNING,
  name: 'created',
  tdState: 'UNINITIALIZED',
  vcpus: 0,
  privatePages: [],
  pendingPages: [],
  sharedPages: [],
};

/** The guest's initial image is there, and the guest has not run: KVM_TDX_FINALIZE_VM is still to come. */
const INITIALISED: Scenario = {
  ...RUNNING,
  name: 'initialised',
  tdState: 'INITIALIZED',
  vcpus: 0,
  pendingPages: [],
  sharedPages: [],
};

/** A shared 2M page too; a TD's private pages are 4K. */
const HUGE: Scenario = {
  ...RUNNING,
  name: 'huge',
  sharedPages: [...RUNNING.sharedPages, { gfn: 0x400n, level: 2 }],
};

/** The caller's range is the page of the local APIC (0xfee00), which is mapped shared. */
const APIC_PAGE: Scenario = {
  ...RUNNING,
  name: 'apic-page',
  sharedPages: [...RUNNING.sharedPages, { gfn: APIC_PAGE_GFN, level: 1 }],
  range: { start: APIC_PAGE_GFN, end: APIC_PAGE_GFN + 1n },
};

const SHADOW: Scenario = { ...RUNNING, name: 'shadow', shadow: true };

const EMPTY_RANGE: Scenario = { ...RUNNING, name: 'empty-range', range: { start: 0x100n, end: 0x100n } };

/** The built-in scenarios by name. */
export const SCENARIOS: readonly Scenario[] = [CREATED, INITIALISED, RUNNING, HUGE, APIC_PAGE, SHADOW, EMPTY_RANGE];

/** The scenario of the contract: a VM that runs, with private, shared and pending pages. */
export const DEFAULT_SCENARIO = RUNNING;

export function scenarioNamed(name: string): Scenario | undefined {
  return SCENARIOS.find((scenario) => scenario.name === name);
}

/** What the tree and the host decide about a VM. What is absent is as on a host without the feature. */
export interface Traits {
  /** The tree's TDP MMU knows mirror roots. */
  readonly mirrorRoots: boolean;
  readonly tdpMmu: boolean;
  readonly typedSptes?: boolean;
  readonly disabledQuirks?: bigint;
  readonly apicv?: Apicv;
  /** The memory type of a leaf, by the tree's rule. */
  readonly caching?: (state: MmuState) => Caching | undefined;
}

const NO_APICV: Apicv = { enabled: false, reasons: 0n, required: 0n };

/** The state in which the sink is called. */
export function startOf(scenario: Scenario, type: VmType, traits: Traits): MmuState {
  const shadow = scenario.shadow || !traits.tdpMmu;
  const pages = pagesOf(scenario);
  const mapped = pages.length > 0;
  const td = type === 'tdx' ? tdOf(scenario) : undefined;
  const ready = td !== undefined && td.state !== 'UNINITIALIZED';
  const apicv = traits.apicv ?? NO_APICV;
  const unmapped: MmuState = {
    vm: {
      type,
      tdpMmu: !shadow,
      directBits: ready ? SHARED_BIT : 0n,
      mirrored: type === 'tdx' && traits.mirrorRoots,
      disabledQuirks: traits.disabledQuirks ?? 0n,
      noncoherentDma: 0,
      typedSptes: traits.typedSptes === true && !shadow,
      bugged: false,
      dead: false,
      warns: 0,
    },
    vcpus: Array.from({ length: scenario.vcpus }, (_, id) => newVcpu(id, isActivated(apicv))),
    apicv,
    memory: {
      slots: scenario.memslots ?? DEFAULT_SLOTS,
      privateGfns: new Set(
        hasPrivateMemory(type)
          ? [...scenario.privatePages, ...scenario.pendingPages, ...(scenario.unmappedPrivate ?? [])]
          : [],
      ),
    },
    roots: [],
    ...(td === undefined ? {} : { td }),
    rmaps: new Set(shadow ? pages.map((page) => page.gfn) : []),
    faults: new Map(),
    locks: [],
    invalidation: NO_INVALIDATION,
    tlb: CLEAN_TLB,
  };
  return { ...unmapped, roots: shadow || !mapped ? [] : rootsOf(scenario, unmapped, traits.caching?.(unmapped)) };
}

function pagesOf(scenario: Scenario): readonly MappedPage[] {
  return [...privateOf(scenario), ...scenario.sharedPages];
}

function privateOf(scenario: Scenario): readonly MappedPage[] {
  return [...scenario.privatePages, ...scenario.pendingPages].map((gfn) => ({ gfn, level: 1 }));
}

/** A TD has its private pages under a mirror root, if the tree knows such; all else hangs under the direct root. */
function rootsOf(scenario: Scenario, { vm, memory }: MmuState, caching: Caching | undefined): readonly Root[] {
  const isPrivate = (gfn: Gfn): boolean => memory.privateGfns.has(gfn);
  const cached = caching === undefined ? {} : { caching };
  if (!vm.mirrored) return [root('direct', pagesOf(scenario), isPrivate, cached)];
  return [root('direct', scenario.sharedPages, isPrivate, cached), root('mirror', privateOf(scenario), isPrivate, {})];
}

function root(
  kind: Root['kind'],
  pages: readonly MappedPage[],
  isPrivate: (gfn: Gfn) => boolean,
  cached: Pick<Leaf, 'caching'>,
): Root {
  const leaves = pages.map(({ gfn, level }): [Gfn, Leaf] => [
    gfn,
    { state: 'present', level, isPrivate: isPrivate(gfn), ...cached },
  ]);
  return { kind, addressSpace: 0, valid: true, leaves: new Map(leaves) };
}

function tdOf(scenario: Scenario): Td {
  const owned = scenario.privatePages.map((gfn): [string, SeptEntry] => [entryKey(gfn, 1), { state: 'MAPPED' }]);
  const pending = scenario.pendingPages.map((gfn): [string, SeptEntry] => [entryKey(gfn, 1), { state: 'PENDING' }]);
  const td: Td = {
    state: scenario.tdState,
    hkidAssigned: scenario.tdState !== 'UNINITIALIZED',
    epoch: 0,
    inGuest: new Map(),
    entries: new Map([...owned, ...pending]),
    contended: false,
  };
  if (td.state !== 'RUNNABLE') return td;
  return Array.from({ length: scenario.vcpus }, (_, id) => id).reduce(enterGuest, td);
}
