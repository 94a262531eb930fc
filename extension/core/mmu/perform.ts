import type { Site } from '../program/program';
import { type Branch, say, type Value, withEnv } from './branch';
import { type Call, definitionOf, enterByName } from './call';
import { changeWord } from './atomic-operations';
import { bugged, dead } from './death';
import type { Evaluated } from './evaluate';
import { dropNamed, lockName, takeNamed } from './lock-operations';
import { type Frame, type Machine, siteOf } from './machine';
import type { MmuState } from './mmu-state';
import type { Operation } from './operations';
import { vcpuOf } from './owned-values';
import { type Gfn, kickAll } from './sept';
import { performTdxCall } from './tdx-calls';
import { knownValue, truth } from './values';
import { isKickOnly, withRequest } from './vcpu';
import { warn } from './vm';
import { performZap, walkRmaps } from './zap-operations';

/**
 * Performs an operation that the model knows. `values` are those of the arguments as far as they are known; of an
 * operation with a condition the only one is whether it holds.
 */
export function perform(
  machine: Machine,
  frame: Frame,
  operation: Operation,
  x: Call,
  values: readonly Value[],
  branch: Branch,
): Evaluated[] {
  const site = siteOf(frame, x.at);
  const name = x.fn.k === 'id' ? x.fn.name : '';
  const { state } = branch;
  const having = (change: Partial<MmuState>): Branch => ({ ...branch, state: { ...state, ...change } });
  switch (operation.kind) {
    case 'lock': {
      const lock = operation.lock ?? lockOf(x);
      const taken = takeNamed(branch, lock, operation.mode, site, `${name}()`);
      // `spin_lock_irqsave(lock, flags)` and `srcu_read_lock()` give what their counterpart wants back.
      return [[clobbered(taken, x), undefined]];
    }
    case 'unlock':
      return [[dropNamed(branch, operation.lock ?? lockOf(x), site, `${name}()`), undefined]];
    case 'invalidate-begin': {
      const begun = machine.rules.invalidateBegin(state.invalidation);
      const after = say(
        having({ invalidation: begun }),
        `${name}(): mmu_invalidate_in_progress is ${begun.inProgress}`,
        site,
      );
      return [[noteRange(machine, after, rangeOf(machine, frame, x, values, 'end'), site), undefined]];
    }
    case 'invalidate-range':
      return [[noteRange(machine, branch, rangeOf(machine, frame, x, values, 'end'), site), undefined]];
    case 'invalidate-end': {
      const { invalidation, bugs } = machine.rules.invalidateEnd(state.invalidation);
      const text = `${name}(): mmu_invalidate_in_progress is ${invalidation.inProgress}, mmu_invalidate_seq moves on`;
      const after = say(having({ invalidation }), text, site);
      return [[bugs ? bug(after, `${name}(): KVM_BUG_ON, more ends than begins`, site) : after, undefined]];
    }
    case 'walk-rmaps':
      return [walkRmaps(machine, frame, x, values, branch)];
    case 'zap-rmaps': {
      const target = definitionOf(machine, name, frame.node.file);
      const inside = target === undefined ? undefined : enterByName(machine, frame, target, x, values, branch);
      if (inside === undefined) return [performZap(machine, frame, operation.kind, x, values, branch)];
      return inside.map(([after, value]) =>
        after.trace === branch.trace
          ? [say(after, `${name}(): there are no rmaps in the range`, site), value]
          : [after, value],
      );
    }
    case 'zap-root':
      return [performZap(machine, frame, operation.kind, x, values, branch)];
    case 'zap-all-roots': {
      // Its own body says which roots it walks; without one, or with one that the model cannot read, all are assumed.
      const target = definitionOf(machine, name, frame.node.file);
      const inside = target === undefined ? undefined : enterByName(machine, frame, target, x, values, branch);
      return inside ?? [performZap(machine, frame, operation.kind, x, values, branch)];
    }
    case 'flush': {
      const range = /range|address/.test(name) ? rangeOf(machine, frame, x, values, 'size') : undefined;
      return [
        [
          say(having({ tlb: machine.rules.flushRemote(state.tlb, range) }), `${name}(): remote TLBs are flushed`, site),
          undefined,
        ],
      ];
    }
    case 'bug':
      return [[bug(branch, `${name}(): the VM is bugged and dead`, site), undefined]];
    case 'dead':
      return [[say({ ...branch, state: dead(state) }, `${name}(): the VM is dead`, site), undefined]];
    case 'bug-on':
      return [bugOn(branch, name, values[0], site)];
    case 'warn-on': {
      const fires = truth(values[0]) === true;
      const after = fires ? say(having({ vm: warn(state.vm) }), `${name}() warns`, site) : branch;
      return [[after, fires]];
    }
    case 'host-bug-on': {
      if (operation.condition && truth(values[0]) !== true) return [[branch, false]];
      return [[{ ...say(branch, `${name}(): the task ends here`, site), end: { kind: 'halt' } }, undefined]];
    }
    case 'request':
      return [[requested(machine, frame, x, branch, site), undefined]];
    case 'tdx-call':
      return [performTdxCall(machine, name, values, branch, site)];
    case 'store':
      return [changeWord(machine, frame, name, x, values, branch)];
    case 'nothing':
      return [[branch, undefined]];
    case 'value':
      return [[branch, values[0]]];
  }
}

/** Models `KVM_BUG_ON()` (include/linux/kvm_host.h): its value is the condition, and the caller goes on either way. */
function bugOn(branch: Branch, name: string, condition: Value, site: Site): Evaluated {
  const fires = truth(condition) === true;
  if (!fires) return [say(branch, `${name}() does not fire`, site), false];
  if (branch.state.vm.bugged) return [say(branch, `${name}() is true; the VM is bugged already`, site), true];
  return [bug(branch, `${name}() fires: WARN, the VM is bugged and dead, execution goes on`, site), true];
}

export function bug(branch: Branch, text: string, site: Site): Branch {
  return say({ ...branch, state: bugged(branch.state, site) }, text, site);
}

function noteRange(
  machine: Machine,
  branch: Branch,
  range: { readonly start: Gfn; readonly end: Gfn } | undefined,
  site: Site,
): Branch {
  if (range === undefined) return branch;
  const { invalidation, warns } = machine.rules.invalidateRangeAdd(branch.state.invalidation, range.start, range.end);
  const { vm } = branch.state;
  const after = say(
    { ...branch, state: { ...branch.state, invalidation, vm: warns ? warn(vm) : vm } },
    `faults retry from here on: ${rangeWords(range)}`,
    site,
  );
  return warns ? say(after, 'WARN: no invalidation is in progress', site) : after;
}

/**
 * The range among a call's arguments: the first parameter of type `gfn_t` and the one after it, or, where the tree has
 * no definition to ask, the only two numbers. `undefined`: it is not known.
 */
export function rangeOf(
  machine: Machine,
  frame: Frame,
  x: Call,
  values: readonly Value[],
  second: 'end' | 'last' | 'size',
): { readonly start: Gfn; readonly end: Gfn } | undefined {
  const target = x.fn.k === 'id' ? definitionOf(machine, x.fn.name, frame.node.file) : undefined;
  const first =
    target !== undefined && 'body' in target.fact ? target.fact.params.findIndex((p) => p.type === 'gfn_t') : -1;
  const numbers = values.filter((value) => typeof value === 'bigint');
  const pair = first >= 0 ? values.slice(first, first + 2) : numbers.length === 2 ? numbers : [];
  const [start, last] = pair;
  if (typeof start !== 'bigint' || typeof last !== 'bigint') return undefined;
  const end = second === 'end' ? last : second === 'last' ? last + 1n : start + last;
  // `-1ul`: up to the end of the address space.
  return { start, end: end < 0n ? end + (1n << 64n) : end };
}

/** No guest frame number reaches this far: 52 bits of physical address. */
export const ALL_GFNS = 1n << 40n;

export function rangeWords(range: { readonly start: Gfn; readonly end: Gfn }): string {
  if (range.start === 0n && range.end >= ALL_GFNS) return 'all gfns';
  return `gfns 0x${range.start.toString(16)} to 0x${range.end.toString(16)}`;
}

function lockOf(x: Call): string {
  return x.args.map(lockName).find((lock) => lock !== '') ?? '';
}

function clobbered(branch: Branch, x: Call): Branch {
  const flags = x.args[1];
  return flags?.k === 'id' ? withEnv(branch, flags.name, undefined) : branch;
}

/**
 * Models `kvm_make_request(KVM_REQ_X, vcpu)` and `kvm_make_all_cpus_request(kvm, KVM_REQ_X)`; the latter waits until no
 * vCPU is in the guest.
 */
function requested(machine: Machine, frame: Frame, x: Call, branch: Branch, site: Site): Branch {
  const request = requestName(x);
  const { state } = branch;
  const one = x.args.map((arg) => vcpuOf(state, knownValue(machine, frame, arg, branch))).find((vcpu) => vcpu);
  const vcpus = request === '' || isKickOnly(request) ? state.vcpus : withRequest(state.vcpus, request, one?.id);
  const after: MmuState =
    one !== undefined || state.td === undefined ? { ...state, vcpus } : { ...state, vcpus, td: kickAll(state.td) };
  const name = x.fn.k === 'id' ? x.fn.name : '';
  const whom = one === undefined ? 'the vCPUs' : `vCPU ${one.id}`;
  return say({ ...branch, state: after }, `${name}(${request}): requested of ${whom}`, site);
}

function requestName(x: Call): string {
  const last = x.args.find((arg) => arg.k === 'id' && arg.name.startsWith('KVM_REQ_'));
  return last?.k === 'id' ? last.name : '';
}
