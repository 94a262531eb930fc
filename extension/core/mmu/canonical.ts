import type { MmuState } from './mmu-state';
import type { SeptEntry, Td } from './sept';

/** Requests that change what a vCPU does next in the model. */
const SEEN = /^KVM_REQ_(?:APICV_UPDATE|VM_DEAD)$/;

/**
 * A state with its counters set back. Sequence numbers and epochs matter by their differences alone, and those that
 * lie far back are alike; flushes and WARNs are only counted; a request that the model does nothing about is handled
 * sooner or later. So the space of states is finite, and what is the same is found to be so.
 */
export function canonical(state: MmuState): MmuState {
  const { invalidation, td } = state;
  const { inProgress, seq, range } = invalidation;
  return {
    ...state,
    vm: state.vm.warns === 0 ? state.vm : { ...state.vm, warns: 0 },
    vcpus: state.vcpus.map((vcpu) =>
      [...vcpu.requests].every((name) => SEEN.test(name))
        ? vcpu
        : { ...vcpu, requests: new Set([...vcpu.requests].filter((name) => SEEN.test(name))) },
    ),
    invalidation: { inProgress, seq: 0, ...(inProgress === 0 || range === undefined ? {} : { range }) },
    faults: new Map([...state.faults].map(([vcpu, fault]) => [vcpu, { ...fault, seq: fault.seq === seq ? 0 : -1 }])),
    ...(td === undefined ? {} : { td: canonicalTd(td) }),
    tlb: { stale: state.tlb.stale, flushes: 0 },
  };
}

/** A vCPU in the epoch before the last, or an entry blocked before that, is like one still further back. */
function canonicalTd(td: Td): Td {
  const { epoch } = td;
  if (epoch === 0) return td;
  const back = (at: number): number => Math.max(at - epoch, -3);
  const entries = [...td.entries].map(([key, entry]): [string, SeptEntry] => [
    key,
    entry.blockEpoch === undefined ? entry : { ...entry, blockEpoch: back(entry.blockEpoch) },
  ]);
  return {
    ...td,
    epoch: 0,
    inGuest: new Map([...td.inGuest].map(([vcpu, at]) => [vcpu, back(at)])),
    entries: new Map(entries),
  };
}

/** What tells two canonical states of one VM apart. */
export function stateKey(state: MmuState): string {
  const { vm, vcpus, apicv, memory, roots, td, rmaps, faults, locks, invalidation, tlb } = state;
  const parts: string[] = [
    `${vm.bugged ? 'b' : ''}${vm.dead ? 'd' : ''}${vm.directBits === 0n ? '' : 's'}${vm.tdpMmu ? 't' : ''}`,
    `${vm.noncoherentDma} ${vm.disabledQuirks} ${apicv.reasons}`,
    vcpus
      .map(
        ({ id, apicMode, apicvActive, requests, cr0Cd, mtrr }) =>
          `${id}${apicMode}${apicvActive ? 'a' : ''}${cr0Cd ? 'c' : ''}${mtrr}${sorted(requests)}`,
      )
      .join(),
    sorted(memory.privateGfns),
    memory.slots
      .map(({ addressSpace, base, pages }) => `${addressSpace}:${base}+${pages}`)
      .sort()
      .join(),
    ...roots.map(
      (root) =>
        `${root.kind}${root.valid ? '' : '!'} ${sorted(
          [...root.leaves].map(
            ([gfn, { state: is, level, isPrivate, caching }]) =>
              `${gfn}${is}${level}${isPrivate ? 'p' : ''}${caching === undefined ? '' : `${caching.memoryType}${caching.ignorePat ? 'i' : ''}`}`,
          ),
        )}`,
    ),
    td === undefined
      ? ''
      : `${td.state}${td.hkidAssigned ? 'k' : ''}${td.contended ? 'c' : ''}${td.refused ?? ''} ${sorted(
          [...td.inGuest].map(([vcpu, epoch]) => `${vcpu}:${td.epoch - epoch}`),
        )} ${sorted(
          [...td.entries].map(([key, entry]) => `${key}${entry.state}${td.epoch - (entry.blockEpoch ?? td.epoch)}`),
        )}`,
    sorted(rmaps),
    sorted(
      [...faults].map(
        ([vcpu, { gfn, isPrivate, seq }]) => `${vcpu}:${gfn}${isPrivate ? 'p' : ''}${seq === invalidation.seq}`,
      ),
    ),
    locks.map((lock) => lock.name).join(),
    String(invalidation.inProgress),
    sorted(tlb.stale),
  ];
  return parts.join('|');
}

function sorted(items: Iterable<bigint | string>): string {
  const all = [...items];
  return all.length < 2 ? String(all[0] ?? '') : all.map(String).sort().join();
}
