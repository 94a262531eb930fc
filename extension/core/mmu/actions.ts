import type { Action } from './explore';
import { accept, type Access, access, beginFault, finishFault, runVcpu } from './faults';
import { slotOf } from './memslots';
import type { MmuState } from './mmu-state';
import type { Rules } from './rules';
import { type Gfn, kickAll } from './sept';
import { addToImage, finalizeTd, initTd } from './td-lifecycle';
import { convert, createSlot, deleteSlot, notifierUnmap, punchHole } from './unmap';
import { hasPrivateMemory } from './vm';

/**
 * What host, userspace and guest can do to some gfns of a VM, code of the tree aside: guest accesses by each vCPU,
 * acceptance, exits, conversions, memslots, MMU notifiers, the steps of a TD's creation. An action that has nothing to
 * do gives the state as it was.
 */
export function actionsOn(rules: Rules, state: MmuState, gfns: readonly Gfn[]): readonly Action[] {
  const kinds: readonly Access[] = hasPrivateMemory(state.vm.type) ? ['private', 'shared'] : ['shared'];
  return [
    ...gfns.flatMap((gfn) => [
      ...guestActions(rules, state, gfn, kinds),
      ...(kinds.length > 1 ? conversions(rules, gfn) : []),
      one(`MMU notifier on ${nameOf(gfn)}`, (now) => notifierUnmap(rules, now, gfn)),
    ]),
    ...splitFaults(rules, state, gfns, kinds),
    ...slots(rules, state, gfns),
    ...state.vcpus.map(({ id }) => one(`vCPU ${id} runs`, (now) => runVcpu(rules, now, id))),
    ...(state.td === undefined ? [] : tdActions(rules, state, gfns)),
  ];
}

function nameOf(gfn: Gfn): string {
  return `gfn 0x${gfn.toString(16)}`;
}

function one(name: string, run: (now: MmuState) => MmuState, more: Partial<Action> = {}): Action {
  return { name, run: (now) => [run(now)], ...more };
}

const IOCTL = { ioctl: true } as const;

function guestActions(rules: Rules, state: MmuState, gfn: Gfn, kinds: readonly Access[]): readonly Action[] {
  return state.vcpus.flatMap(({ id }) => [
    ...kinds.map((kind) =>
      one(`vCPU ${id} touches ${nameOf(gfn)}, ${kind}`, (now) => access(rules, now, id, gfn, kind).state),
    ),
    ...(state.td === undefined
      ? []
      : [one(`vCPU ${id} accepts ${nameOf(gfn)}`, (now) => accept(rules, now, id, gfn).state)]),
  ]);
}

function conversions(rules: Rules, gfn: Gfn): readonly Action[] {
  const name = nameOf(gfn);
  return [
    one(`userspace makes ${name} shared`, (now) => convert(rules, now, gfn, 'shared'), {
      gives: (at) => at === gfn,
      ...IOCTL,
    }),
    one(`userspace makes ${name} private`, (now) => convert(rules, now, gfn, 'private'), IOCTL),
    one(`userspace punches a hole at ${name}`, (now) => punchHole(rules, now, gfn), { gives: (at) => at === gfn }),
  ];
}

/** The first vCPU's faults in two halves, between which anything else may happen. */
function splitFaults(rules: Rules, state: MmuState, gfns: readonly Gfn[], kinds: readonly Access[]): readonly Action[] {
  const [vcpu] = state.vcpus;
  if (vcpu === undefined) return [];
  const { id } = vcpu;
  return [
    ...gfns.flatMap((gfn) =>
      kinds.map((kind) =>
        one(`vCPU ${id} faults on ${nameOf(gfn)}, ${kind}, and looks the page up`, (now) => {
          if (now.faults.has(id)) return now;
          const begun = beginFault(rules, now, id, gfn, kind);
          return begun.result === 'pending-fault' ? begun.state : now;
        }),
      ),
    ),
    one(`the fault of vCPU ${id} goes on`, (now) => (now.faults.has(id) ? finishFault(rules, now, id).state : now)),
  ];
}

/** The memslots that hold one of the gfns go and come back. */
function slots(rules: Rules, state: MmuState, gfns: readonly Gfn[]): readonly Action[] {
  const held = state.memory.slots.filter((slot) => gfns.some((gfn) => slotOf(state.memory, gfn) === slot));
  return held.flatMap((slot) => {
    const name = `the memslot at ${nameOf(slot.base)}`;
    const gives = (gfn: Gfn): boolean => gfn >= slot.base && gfn < slot.base + slot.pages;
    return [
      one(`userspace deletes ${name}`, (now) => deleteSlot(rules, now, slot), { gives, ...IOCTL }),
      one(`userspace makes ${name} again`, (now) => createSlot(rules, now, slot), IOCTL),
    ];
  });
}

function tdActions(rules: Rules, state: MmuState, gfns: readonly Gfn[]): readonly Action[] {
  const [first] = state.vcpus;
  return [
    one('all vCPUs exit', (now) => (now.td === undefined ? now : { ...now, td: kickAll(now.td) })),
    one('a TDCALL of a vCPU in the guest holds the S-EPT', (now) =>
      now.td === undefined || now.td.contended || now.td.inGuest.size === 0
        ? now
        : { ...now, td: { ...now.td, contended: true } },
    ),
    one('KVM_TDX_INIT_VM', (now) => initTd(rules, now), IOCTL),
    ...(first === undefined
      ? []
      : gfns.map((gfn) =>
          one(`KVM_TDX_INIT_MEM_REGION with ${nameOf(gfn)}`, (now) => addToImage(rules, now, first.id, gfn), IOCTL),
        )),
    one('KVM_TDX_FINALIZE_VM', (now) => finalizeTd(rules, now), IOCTL),
  ];
}
