import type { Apicv } from './apicv';
import type { Invalidation } from './invalidation';
import type { Locks } from './locks';
import type { Caching } from './memory-types';
import type { Memory } from './memslots';
import type { MmuState } from './mmu-state';
import { rangeWords } from './perform';
import type { Root } from './roots';
import type { Td } from './sept';
import type { Tlb } from './tlb';
import type { Vcpu } from './vcpu';
import type { Vm } from './vm';

/** One thing of a state in plain words of the domain: `S-EPT 0x100` is `MAPPED`. */
export interface Described {
  readonly what: string;
  readonly value: string;
}

/** What a step changed: `S-EPT 0x100`, from `MAPPED` to `BLOCKED`. */
export interface Change {
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

type Words = ReadonlyMap<string, string>;

/** Things of one kind in a part of the state. */
interface Aspect<Part> {
  /** What a thing is called that the part does not hold. */
  readonly absent: string;
  readonly of: (part: Part) => Words;
}

type Held = { readonly [Name in keyof MmuState]-?: NonNullable<MmuState[Name]> };

/** Every part of the state is described: a part that is added and not listed here does not compile. */
type Parts = { readonly [Name in keyof Held]: readonly Aspect<Held[Name]>[] };

const PARTS: Parts = {
  vm: [{ absent: '', of: vmWords }],
  vcpus: [{ absent: 'none', of: vcpuWords }],
  apicv: [{ absent: '', of: apicvWords }],
  memory: [
    { absent: 'none', of: slotWords },
    { absent: 'shared', of: ({ privateGfns }) => gfnWords('attribute', privateGfns, 'private') },
  ],
  roots: [
    { absent: 'none', of: rootWords },
    { absent: 'non-present', of: leafWords },
  ],
  td: [
    { absent: '', of: tdWords },
    { absent: 'outside the guest', of: inGuestWords },
    { absent: 'FREE', of: septWords },
    { absent: 'free', of: ({ contended }) => new Map(contended ? [['S-EPT lock', 'held by a TDCALL']] : []) },
    { absent: 'none', of: ({ refused }) => new Map(refused === undefined ? [] : [['refused SEAMCALL', refused]]) },
  ],
  rmaps: [{ absent: 'none', of: (gfns) => gfnWords('rmap', gfns, 'present') }],
  faults: [{ absent: 'none', of: faultWords }],
  locks: [{ absent: 'free', of: lockWords }],
  invalidation: [{ absent: 'none', of: invalidationWords }],
  tlb: [
    { absent: '', of: ({ flushes }: Tlb) => new Map([[FLUSHES, String(flushes)]]) },
    { absent: 'clean', of: ({ stale }: Tlb) => gfnWords('TLB', stale, 'stale') },
  ],
};

/** What a change takes away: an SPTE under a direct or a mirror root, or what an rmap holds; `undefined`: none of these. */
export function removedBy({ what, after }: Change): 'direct' | 'mirror' | 'rmap' | undefined {
  if (what.startsWith('rmap ')) return after === 'none' ? 'rmap' : undefined;
  if (after !== 'non-present') return undefined;
  return what.startsWith('mirror SPTE ') ? 'mirror' : what.startsWith('direct SPTE ') ? 'direct' : undefined;
}

/** Whether a change is that remote TLBs were flushed. */
export function isFlush({ what }: Change): boolean {
  return what === FLUSHES;
}

/** Whether a change is that KVM_BUG_ON bugged the VM. */
export function isBug({ what, after }: Change): boolean {
  return what === BUGGED && after === 'true';
}

const FLUSHES = 'remote TLB flushes';
const BUGGED = 'vm_bugged';

const NAMES = Object.keys(PARTS) as readonly (keyof MmuState)[];

/** All that a state holds, part by part and in the order of gfns. What is not there (a FREE entry, a free lock) is not listed. */
export function described(state: MmuState): readonly Described[] {
  return NAMES.flatMap((name) =>
    wordsOf(name, state).flatMap(({ words }) => [...words].sort(byName).map(([what, value]) => ({ what, value }))),
  );
}

/** What differs between two states, part by part and in the order of gfns; nothing, if they are the same. */
export function changesBetween(before: MmuState, after: MmuState): readonly Change[] {
  if (before === after) return [];
  return NAMES.filter((name) => before[name] !== after[name]).flatMap((name) => {
    const now = wordsOf(name, after);
    return wordsOf(name, before).flatMap(({ words, absent }, aspect) =>
      differences(absent, words, now[aspect]?.words ?? NOTHING),
    );
  });
}

const NOTHING: Words = new Map();

/** The words of a part, aspect by aspect. */
function wordsOf<Name extends keyof Held>(
  name: Name,
  state: Pick<Partial<Held>, Name>,
): readonly { readonly words: Words; readonly absent: string }[] {
  const aspects: readonly Aspect<Held[Name]>[] = PARTS[name];
  const part = state[name];
  return aspects.map(({ absent, of }) => ({ words: part === undefined ? NOTHING : of(part), absent }));
}

function differences(absent: string, before: Words, after: Words): readonly Change[] {
  const names = new Map([...before, ...after].filter(([what]) => before.get(what) !== after.get(what)));
  return [...names]
    .sort(byName)
    .map(([what]) => ({ what, before: before.get(what) ?? absent, after: after.get(what) ?? absent }));
}

/** By name, numbers in it by their value. */
function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  const [left, right] = [sortKey(a), sortKey(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function sortKey(name: string): string {
  return name.replace(/0x[0-9a-f]+|\d+/g, (digits) => BigInt(digits).toString(16).padStart(16, '0'));
}

function hex(gfn: bigint): string {
  return `0x${gfn.toString(16)}`;
}

function gfnWords(kind: string, gfns: Iterable<bigint>, value: string): Words {
  return new Map([...gfns].map((gfn) => [`${kind} ${hex(gfn)}`, value]));
}

function vmWords(vm: Vm): Words {
  const { tdpMmu, directBits, mirrored, disabledQuirks, noncoherentDma, typedSptes, bugged, dead, warns } = vm;
  return new Map([
    ['tdp_mmu_enabled', String(tdpMmu)],
    ['gfn_direct_bits', hex(directBits)],
    ['mirrored TDP', String(mirrored)],
    ['memory types in SPTEs', String(typedSptes)],
    ['disabled_quirks', hex(disabledQuirks)],
    ['noncoherent_dma_count', String(noncoherentDma)],
    [BUGGED, String(bugged)],
    ['vm_dead', String(dead)],
    ['WARNs', String(warns)],
  ]);
}

function vcpuWords(vcpus: readonly Vcpu[]): Words {
  return new Map(
    vcpus.flatMap(({ id, apicMode, apicvActive, requests, cr0Cd, mtrr, pat }): readonly [string, string][] => [
      [`vCPU ${id}`, 'there'],
      [`vCPU ${id} APIC`, apicvActive ? `${apicMode}, APICv` : apicMode],
      [`vCPU ${id} CR0.CD`, String(cr0Cd)],
      [`vCPU ${id} MTRR`, mtrr],
      [`vCPU ${id} PAT`, pat],
      ...[...requests].map((request): [string, string] => [`vCPU ${id} ${request}`, 'requested']),
    ]),
  );
}

function apicvWords({ enabled, reasons, required }: Apicv): Words {
  return new Map([
    ['enable_apicv', String(enabled)],
    ['apicv_inhibit_reasons', hex(reasons)],
    ['required_apicv_inhibits', hex(required)],
  ]);
}

function faultWords(faults: MmuState['faults']): Words {
  return new Map(
    [...faults].map(([vcpu, { gfn, isPrivate, seq }]) => [
      `fault of vCPU ${vcpu}`,
      `${hex(gfn)}, ${isPrivate ? 'private' : 'shared'}, mmu_invalidate_seq ${seq}`,
    ]),
  );
}

function slotWords({ slots }: Memory): Words {
  return new Map(
    slots.map(({ addressSpace, base, pages }) => [
      `memslot ${hex(base)} to ${hex(base + pages)}${space(addressSpace)}`,
      'there',
    ]),
  );
}

function space(addressSpace: number): string {
  return addressSpace === 0 ? '' : `, address space ${addressSpace}`;
}

function rootWords(roots: readonly Root[]): Words {
  return new Map(roots.map((root) => [rootName(root), root.valid ? 'valid' : 'invalid']));
}

function rootName({ kind, addressSpace }: Root): string {
  return `${kind} root${space(addressSpace)}`;
}

const SIZES = ['', '4K', '2M', '1G'];

function leafWords(roots: readonly Root[]): Words {
  return new Map(
    roots.flatMap(({ kind, addressSpace, leaves }) =>
      [...leaves].map(([gfn, { state, level, caching }]): [string, string] => [
        `${kind} SPTE ${hex(gfn)}${space(addressSpace)}`,
        `${state}, ${SIZES[level] ?? `level ${level}`}${cachingWords(caching)}`,
      ]),
    ),
  );
}

function cachingWords(caching: Caching | undefined): string {
  return caching === undefined ? '' : `, ${caching.memoryType}${caching.ignorePat ? ', PAT ignored' : ''}`;
}

function tdWords({ state, hkidAssigned, epoch }: Td): Words {
  return new Map([
    ['TD', state],
    ['HKID', hkidAssigned ? 'assigned' : 'none'],
    ['TD epoch', String(epoch)],
  ]);
}

function inGuestWords({ inGuest }: Td): Words {
  return new Map([...inGuest].map(([vcpu, epoch]) => [`vCPU ${vcpu} runs`, `in the guest, TD epoch ${epoch}`]));
}

function septWords({ entries }: Td): Words {
  return new Map(
    [...entries].map(([key, { state, blockEpoch }]) => {
      const [level = '', gfn = '0'] = key.split(':');
      const size = level === '1' ? '' : `, ${SIZES[Number(level)] ?? `level ${level}`}`;
      return [
        `S-EPT ${hex(BigInt(gfn))}${size}`,
        blockEpoch === undefined ? state : `${state} in TD epoch ${blockEpoch}`,
      ];
    }),
  );
}

function lockWords(locks: Locks): Words {
  const words = new Map<string, string>();
  for (const { name, mode } of locks) {
    const before = words.get(name);
    words.set(name, before === undefined ? mode : `${before}, ${mode}`);
  }
  return words;
}

function invalidationWords({ inProgress, seq, range }: Invalidation): Words {
  return new Map([
    ['mmu_invalidate_in_progress', String(inProgress)],
    ['mmu_invalidate_seq', String(seq)],
    ...(range === undefined ? [] : [['mmu_invalidate range', rangeWords(range)] as [string, string]]),
  ]);
}
