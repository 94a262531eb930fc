import { askOnce } from './ask-once';
import type { FunctionId, Program, Vendor } from '../program/program';
import type { FunctionFact } from '../syntax/facts';
import type { Value } from './branch';
import { additionRule, removalRule } from './external-code';
import { slotTarget } from './inhibits';
import type { Decide } from './machine';
import { type Caching, cachingOf } from './memory-types';
import type { MmuState } from './mmu-state';
import { NOBODY } from './nobody';
import { requestHandler } from './request-handlers';
import { RULES, type Rules } from './rules';
import type { Gfn } from './sept';
import { factOf, foundOf, returnedBy, runFunction, type World } from './world';

/**
 * The rules that the tree's own code gives: what the vendor's table runs to change an S-EPT entry and to choose a
 * memory type, and what a vCPU does about its requests. The model's own rules stand where the tree has no such code.
 */
export function worldOf(
  program: Program,
  vendor: Vendor,
  decide: Decide,
  sink?: FunctionId,
  base: Rules = RULES,
): World {
  const bare: World = {
    program,
    decide: askOnce(decide),
    vendor,
    rules: base,
    found: foundOf(program, vendor),
    unmodelled: new Map(),
    ...(sink === undefined ? {} : { sink }),
  };
  const remove = slotTarget(program, 'kvm_x86_ops.remove_external_spte', vendor);
  const set = slotTarget(program, 'kvm_x86_ops.set_external_spte', vendor);
  const memoryType = slotTarget(program, 'kvm_x86_ops.get_mt_mask', vendor);
  const rules: Rules = {
    ...base,
    ...(base.removeExternal === RULES.removeExternal ? removalRule(bare, remove ?? set) : {}),
    ...(base.addExternal === RULES.addExternal ? additionRule(bare, set) : {}),
    ...(base.caching === RULES.caching ? { caching: cachingRule(bare, memoryType) } : {}),
    ...(base.request === RULES.request ? { request: requestHandler(bare) } : {}),
  };
  return { ...bare, rules };
}

/**
 * Runs `kvm_x86_ops.get_mt_mask(vcpu, gfn, is_mmio)` for memory that is no MMIO, once for each VM and vCPU that differ
 * to it. Without it a leaf holds no memory type.
 */
function cachingRule(world: World, id: FunctionId | undefined): Rules['caching'] {
  const fact = id === undefined ? undefined : factOf(world, id);
  if (id === undefined || fact === undefined) return () => undefined;
  const known = new Map<string, Caching | undefined>();
  return ({ vm, apicv }, vcpu, gfn) => {
    if (!vm.typedSptes) return undefined;
    const { type, disabledQuirks, noncoherentDma, directBits } = vm;
    const key = [type, disabledQuirks, noncoherentDma, directBits, vcpu?.cr0Cd, vcpu?.mtrr, vcpu?.pat, gfn].join();
    if (!known.has(key)) {
      const alone = { ...NOBODY.vm, typedSptes: true, type, disabledQuirks, noncoherentDma, directBits };
      const seen = vcpu === undefined ? [] : [{ ...vcpu, requests: new Set<string>() }];
      known.set(key, cachingBy(world, id, fact, { ...NOBODY, apicv, vm: alone, vcpus: seen }, vcpu?.id, gfn));
    }
    return known.get(key);
  };
}

function cachingBy(
  world: World,
  id: FunctionId,
  fact: FunctionFact,
  state: MmuState,
  vcpu: number | undefined,
  gfn: Gfn,
): Caching | undefined {
  const args = new Map<string, Value>();
  for (const { name, type } of fact.params) {
    if (type === 'gfn_t') args.set(name, gfn);
    else if (type === 'bool') args.set(name, false);
    else if (type.startsWith('struct kvm_vcpu')) args.set(name, vcpu === undefined ? undefined : { vcpu });
  }
  const [first, ...others] = runFunction(world, id, state, args).map(returnedBy);
  return typeof first === 'bigint' && others.every((other) => other === first) ? cachingOf(first) : undefined;
}
