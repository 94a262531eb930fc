import type { Expr } from '../syntax/facts';
import { type Branch, forget, noteUnmodelled, say, type Value, withEnv, withPointee } from './branch';
import { type Frame, type Machine, siteOf } from './machine';
import type { MmuState } from './mmu-state';
import { knownValue, truth } from './values';
import { vcpuOf } from './owned-values';
import { withVcpu } from './vcpu';

/** Fields of the state that the tree's own code changes. */
const OWNED_FIELDS: ReadonlySet<string> = new Set([
  'noncoherent_dma_count',
  'apicv_inhibit_reasons',
  'disabled_quirks',
  'apicv_active',
  'vm_dead',
]);

export function isOwnedField(name: string): boolean {
  return OWNED_FIELDS.has(name);
}

/** `undefined`: not a field that the state holds. `unknown`: it is one, and nobody knows what it holds now. */
function changed(state: MmuState, name: string, owner: Value, value: Value): MmuState | 'unknown' | undefined {
  if (!OWNED_FIELDS.has(name)) return undefined;
  const number = typeof value === 'boolean' ? BigInt(value) : value;
  if (name === 'apicv_active') {
    const vcpu = vcpuOf(state, owner);
    const active = truth(value);
    if (vcpu === undefined || active === undefined) return 'unknown';
    return { ...state, vcpus: withVcpu(state.vcpus, vcpu.id, { apicvActive: active }) };
  }
  if (typeof number !== 'bigint') return 'unknown';
  switch (name) {
    case 'noncoherent_dma_count':
      return { ...state, vm: { ...state.vm, noncoherentDma: Number(number) } };
    case 'apicv_inhibit_reasons':
      return { ...state, apicv: { ...state.apicv, reasons: number } };
    case 'disabled_quirks':
      return { ...state, vm: { ...state.vm, disabledQuirks: number } };
    default:
      return { ...state, vm: { ...state.vm, dead: number !== 0n } };
  }
}

/**
 * A store. To a local or what a local points to: its value; to a field of the state: the state changes. Of other memory
 * only what was assumed of it may no longer hold.
 */
export function store(machine: Machine, frame: Frame, target: Expr, value: Value, branch: Branch): Branch {
  if (target.k === 'id' && branch.env.has(target.name)) return withEnv(branch, target.name, value);
  if (target.k === 'unary' && target.op === '*' && target.x.k === 'id')
    return withPointee(forgotten(branch, ''), target.x.name, value);
  if (target.k === 'id') return withEnv(branch, target.name, value);
  if (target.k !== 'member') return forgotten(branch, '');
  const owner = knownValue(machine, frame, target.x, branch);
  const after = changed(branch.state, target.field, owner, value);
  const rest = forgotten(branch, target.field);
  if (after === undefined) return rest;
  const site = siteOf(frame, target.at);
  if (after === 'unknown') return noteUnmodelled(rest, `what is stored in ${target.field}`, site);
  return say({ ...rest, state: after }, `${target.field} is ${shown(value)}`, site);
}

function shown(value: Value): string {
  if (typeof value === 'bigint') return value > 9n ? `0x${value.toString(16)}` : value.toString();
  return value === true ? 'true' : 'false';
}

/** What was assumed of fields of that name may no longer hold. */
function forgotten(branch: Branch, field: string): Branch {
  return forget(branch, (key) => (field === '' ? /->|\*|\[|\(/.test(key) : new RegExp(`\\b${field}\\b|\\(`).test(key)));
}

/** What a pointer leads to, as something to read or store: `x` of `&x`, `*p` of a parameter `p`. */
export function pointee(x: Expr): Expr | undefined {
  if (x.k === 'cast') return pointee(x.x);
  if (x.k === 'unary' && x.op === '&') return x.x;
  return x.k === 'id' ? { k: 'unary', at: x.at, op: '*', x } : undefined;
}
