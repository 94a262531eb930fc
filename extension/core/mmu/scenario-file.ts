import { InputError } from '../input-error';
import { VM_TYPES, type VmType } from '../reach/verdict';
import type { Memslot } from './memslots';
import type { Planned } from './play';
import { pagesOf } from './roots';
import { DEFAULT_SLOTS, type MappedPage, type Scenario, WHOLE_RANGE } from './scenario';
import { ACTIONS, actionSchemas, MOST_VCPUS, VCPU } from './scenario-actions';
import { isObject, type Json, type JsonObject, readJson, shown } from './scenario-json';
import { checkJson, type Schema } from './scenario-schema';
import {
  described,
  either,
  END,
  FLAG,
  GFN,
  integer,
  list,
  object,
  objectSchema,
  oneOf,
  oneOrMore,
  optional,
  PAGES,
  type ReadAs,
  readMembers,
  record,
  text,
} from './scenario-values';
import { type Gfn, TD_STATES } from './sept';

/** A scenario of the user's own: what a file says. */
export interface UserScenario extends Scenario {
  /** The VM types that it is about; none: all. */
  readonly vms: readonly VmType[];
  /** What the host differs in from the reference host. */
  readonly host: Readonly<Record<string, string>>;
}

/** A file that is larger is not read. */
export const MOST_BYTES = 65_536;
const MOST_PAGES = 256;
const MOST_SLOTS = 32;
const MOST_ACTIONS = 64;

const PAGE = either(
  GFN,
  object({ gfn: GFN, level: described(integer(1, 2), '1 (a 4K page) or 2 (a 2M page)') }),
  (value) => !isObject(value),
);
const SLOT = object({
  base: GFN,
  pages: PAGES,
  addressSpace: optional(described(integer(0, 1), 'address space 0, or 1: SMM')),
});
const RANGE = either(oneOf(['all'] as const), object({ start: GFN, end: END }), (value) => value === 'all');

const MEMBERS = {
  $schema: optional(text(200)),
  name: text(64),
  vm: optional(oneOrMore(oneOf(VM_TYPES), VM_TYPES.length)),
  host: optional(record(text(64), 32)),
  vcpus: optional(described(integer(0, MOST_VCPUS), `a number of vCPUs from 0 to ${MOST_VCPUS}`)),
  td: optional(oneOf(TD_STATES)),
  shadow: optional(FLAG),
  memslots: optional(list(SLOT, MOST_SLOTS)),
  private: optional(list(GFN, MOST_PAGES)),
  pending: optional(list(GFN, MOST_PAGES)),
  unmapped: optional(list(GFN, MOST_PAGES)),
  shared: optional(list(PAGE, MOST_PAGES)),
  range: optional(RANGE),
} as const;

/** What the members of a file are, beside what their schemas say. */
const MEANINGS: Readonly<Record<string, string>> = {
  vm: 'the VM types that it is about (default: all); --vm wins',
  host: 'KEY: VALUE as --host has them; --host wins',
  vcpus: 'vCPUs, which are in the guest at the start (default: 2)',
  td: 'how far a TD has come (default: RUNNABLE); other VM types have no such state',
  shadow: 'the VM runs on shadow paging (default: false)',
  memslots: 'default: 4096 pages from 0 on, and the page of the local APIC, 0xfee00',
  private: 'gfns mapped 4K, that the guest has accepted or that were added to its image',
  pending: 'private gfns, mapped 4K and not accepted yet',
  unmapped: 'private gfns that are not mapped',
  shared: 'gfns mapped and shared; 4K unless a level is given',
  range: 'what the caller of the sink passes (default: all)',
  actions: 'what is done, in this order (default: the sink runs once)',
};

/** The JSON Schema of a scenario file, as it ships (`report/schema/scenario.json`) and as files are checked. */
export function scenarioSchema(): Schema & { readonly $schema: string; readonly $id: string; readonly title: string } {
  const { properties, ...rest } = objectSchema(MEMBERS);
  const actions: Schema = { type: 'array', maxItems: MOST_ACTIONS, items: { oneOf: actionSchemas() } };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'https://kvm-lens.invalid/schema/1/scenario.json',
    title: 'kvm-lens outcome --scenario',
    ...rest,
    properties: Object.fromEntries(
      Object.entries({ ...properties, actions }).map(([name, schema]) => {
        const description = MEANINGS[name];
        return [name, description === undefined ? schema : { description, ...schema }];
      }),
    ),
  };
}

/**
 * Reads the text of a scenario file.
 * @throws InputError that says where, as a JSON path, and what is wrong: `$.actions[2].gfn: ...`
 */
export function readScenario(source: string): UserScenario {
  const value = readJson(source);
  checkJson(scenarioSchema(), value);
  const file = value as JsonObject;
  const given = readMembers(MEMBERS, file);
  const vcpus = given.vcpus ?? 2;
  const actions = file.get('actions');
  const scenario: UserScenario = {
    name: given.name,
    vms: VM_TYPES.filter((vm) => given.vm?.includes(vm) ?? true),
    host: given.host ?? {},
    tdState: given.td ?? 'RUNNABLE',
    vcpus,
    privatePages: given.private ?? [],
    pendingPages: given.pending ?? [],
    unmappedPrivate: given.unmapped ?? [],
    sharedPages: (given.shared ?? []).map(pageOf),
    memslots: given.memslots?.map(slotOf) ?? DEFAULT_SLOTS,
    shadow: given.shadow ?? false,
    range: given.range === undefined || given.range === 'all' ? WHOLE_RANGE : given.range,
    ...(Array.isArray(actions) ? { actions: actions.map((action: Json, i) => planned(action, i, vcpus)) } : {}),
  };
  checkMemory(scenario);
  if (scenario.tdState === 'UNINITIALIZED' && scenario.privatePages.length + scenario.pendingPages.length > 0)
    throw new InputError('$.td: a TD that is not initialised has no private or pending pages');
  return scenario;
}

function pageOf(page: Gfn | ReadAs<{ gfn: typeof GFN; level: ReturnType<typeof integer> }>): MappedPage {
  return typeof page === 'bigint' ? { gfn: page, level: 1 } : page;
}

function slotOf({
  base,
  pages,
  addressSpace = 0,
}: {
  base: Gfn;
  pages: bigint;
  addressSpace: number | undefined;
}): Memslot {
  return { base, pages, addressSpace };
}

function planned(action: Json, index: number, vcpus: number): Planned {
  const path = `$.actions[${index}]`;
  const members = isObject(action) ? action : new Map<string, Json>();
  const named = members.get('action');
  const name = typeof named === 'string' ? named : '';
  const kind = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (kind === undefined)
    throw new InputError(`${path}.action: there is no ${name}; there are ${Object.keys(ACTIONS).join(', ')}`);
  const vcpu = members.get('vcpu') ?? (kind.takes['vcpu'] === VCPU ? 0 : undefined);
  if (typeof vcpu === 'number' && vcpu >= vcpus)
    throw new InputError(`${path}.vcpu: there is no vCPU ${shown(vcpu)}; the scenario has ${vcpus}`);
  return { action: name, step: kind.plan(action) };
}

/** Every page lies in a memslot, and nothing lies over anything else. */
function checkMemory(scenario: UserScenario): void {
  const slots = scenario.memslots ?? DEFAULT_SLOTS;
  const places = slots.map(({ base, pages, addressSpace }, i) => ({
    path: `$.memslots[${i}]`,
    kind: addressSpace,
    start: base,
    end: base + pages,
  }));
  const pages = (
    [
      ['private', scenario.privatePages],
      ['pending', scenario.pendingPages],
      ['unmapped', scenario.unmappedPrivate ?? []],
      ['shared', scenario.sharedPages],
    ] as const
  ).flatMap(([name, all]) =>
    all.map((page, i) => {
      const { gfn, level } = pageOf(page);
      return { path: `$.${name}[${i}]`, kind: 0, start: gfn, end: gfn + pagesOf(level) };
    }),
  );
  refuseOverlap(places);
  refuseOverlap(pages);
  for (const { path, start, end } of pages) {
    if (start % (end - start) !== 0n) throw new InputError(`${path}: ${hex(start)} is not where a 2M page may start`);
    const isInside = slots.some(
      (slot) => slot.addressSpace === 0 && start >= slot.base && end <= slot.base + slot.pages,
    );
    if (!isInside) throw new InputError(`${path}: no memslot of address space 0 holds ${hex(start)}`);
  }
}

interface Place {
  readonly path: string;
  readonly kind: number;
  readonly start: Gfn;
  readonly end: Gfn;
}

function refuseOverlap(places: readonly Place[]): void {
  const sorted = [...places].sort((a, b) => a.kind - b.kind || (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  for (const [index, later] of sorted.entries()) {
    const earlier = sorted[index - 1];
    if (earlier !== undefined && earlier.kind === later.kind && later.start < earlier.end)
      throw new InputError(`${later.path}: ${hex(later.start)} is in ${earlier.path} already`);
  }
}

function hex(gfn: Gfn): string {
  return `gfn 0x${gfn.toString(16)}`;
}
