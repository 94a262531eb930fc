import type { FunctionId } from '../program/program';
import type { Question } from '../reach/verdict';
import type { Expr } from '../syntax/facts';
import type { Apicv } from './apicv';
import { inhibitReasons, requiredByTable, slotTarget } from './inhibits';
import { disabledQuirks } from './quirks';
import { hasMirrorRoots } from './root-iterator';
import type { Traits } from './scenario';
import { truth } from './values';
import { returnedBy, runFunction, type World } from './world';
import { NOBODY } from './nobody';

/** What the tree and the host of the question decide about a VM before anything happens to it. */
export function traitsOf(world: World, sink: FunctionId, question: Question): Traits {
  const { program, vendor, rules } = world;
  const asked = (name: string): boolean | undefined =>
    hostFlag(question, name) ?? decided(world, sink, { k: 'id', at: 0, name });
  return {
    mirrorRoots: hasMirrorRoots(program),
    // Both are on by default.
    tdpMmu: asked('tdp_mmu_enabled') !== false,
    typedSptes: slotTarget(program, 'kvm_x86_ops.get_mt_mask', vendor) !== undefined,
    disabledQuirks: disabledQuirks(world, sink, (condition) => decided(world, sink, condition)),
    apicv: apicvOf(world, question, asked('enable_apicv') !== false),
    caching: (state) => rules.caching(state, state.vcpus[0], 0n),
  };
}

/** A module parameter that the question sets. */
function hostFlag({ host }: Question, name: string): boolean | undefined {
  const value = host[name];
  return value === undefined ? undefined : !/^(?:0|n|no|off|false)$/i.test(value);
}

function decided(world: World, sink: FunctionId, condition: Expr): boolean | undefined {
  const answer = world.decide(sink, condition);
  return answer === 'unknown' ? undefined : answer;
}

/** An SEV VM has its own reason from its creation on (`sev_guest_init()`); a running VM has an APIC in the kernel, and no other. */
function apicvOf(world: World, question: Question, enabled: boolean): Apicv {
  const { program, vendor } = world;
  const reasons = inhibitReasons(program);
  const required = requiredByTable(program, vendor) ?? requiredByOperation(world);
  const bit = (name: string): bigint => reasons.find((one) => one.name === name)?.bit ?? 0n;
  const isSev = question.vm === 'sev' || question.vm === 'sev-es' || question.vm === 'snp';
  const held = (enabled ? 0n : bit('APICV_INHIBIT_REASON_DISABLED')) | (isSev ? bit('APICV_INHIBIT_REASON_SEV') : 0n);
  return { enabled, required, reasons: held & required };
}

/** What `kvm_x86_ops.check_apicv_inhibit_reasons(reason)` says of each reason, in trees whose tables have no mask. */
function requiredByOperation(world: World): bigint {
  const id = slotTarget(world.program, 'kvm_x86_ops.check_apicv_inhibit_reasons', world.vendor);
  const fact = id === undefined ? undefined : world.program.functions.get(id)?.fact;
  const [param] = fact !== undefined && 'body' in fact ? fact.params : [];
  if (id === undefined || param === undefined) return 0n;
  return inhibitReasons(world.program).reduce((all, { bit }) => {
    const nr = BigInt(bit.toString(2).length - 1);
    const ends = runFunction(world, id, NOBODY, new Map([[param.name, nr]]));
    return ends.some((end) => truth(returnedBy(end)) !== false) ? all | bit : all;
  }, 0n);
}
