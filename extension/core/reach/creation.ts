import type { FunctionNode, Program } from '../program/program';
import { walkExprs } from '../syntax/walk';
import type { Returned } from './call';
import { partOf } from './cell-names';
import { runFunction } from './execute';
import * as bits from './known-bits';
import { holding, type Machine, outermost, OUTERMOST } from './machine';
import { bitsOf, bitsValue, joinAll, START, type State, withCell } from './state';
import type { VmFact } from './vm-facts';

/** The vendor's parts in the creation of a VM and of a vCPU. */
export const CREATION = { vm: 'kvm_x86_ops.vm_init', vcpu: 'kvm_x86_ops.vcpu_create' };

/** The functions that create a VM around the vendor's part. */
export function creatorsOf(program: Program): FunctionNode[] {
  const ids = new Set(
    program.symbols
      .slot(CREATION.vm)
      .flatMap((target) => program.callers.get(target.functionId) ?? [])
      .filter((edge) => edge.slot === CREATION.vm)
      .map((edge) => edge.callerId),
  );
  return [...ids].sort().flatMap((id) => program.functions.get(id) ?? []);
}

/** The ways that count: a refusal returns an error, and the VM exists. */
export function successes(returns: readonly Returned[]): readonly Returned[] {
  return returns.filter(({ state, value }) => value.k !== 'bits' || bits.truth(bitsOf(state, value)) !== true);
}

/** The state in which the creation of a VM of the question's type begins: the type is the argument that it keeps. */
export function ofType(input: { readonly given: ReadonlyMap<string, VmFact> }, node: FunctionNode): State {
  const type = input.given.get('kvm_arch.vm_type');
  if (type === undefined || !('body' in node.fact)) return START;
  const { params, body } = node.fact;
  let kept: string | undefined;
  walkExprs(body, (x) => {
    if (x.k === 'assign' && x.l.k === 'member' && x.l.field === 'vm_type' && x.r.k === 'id') kept = x.r.name;
  });
  const isArgument = kept !== undefined && params.some((param) => param.name === kept);
  return isArgument ? withCell(START, partOf(OUTERMOST, kept ?? ''), bitsValue(type.bits)) : START;
}

/**
 * What the creation of the VM demands of globals, by cell: that it was not refused says what they were, for whoever
 * knows that nothing changes them later.
 */
export function creationDemands(
  program: Program,
  machine: Omit<Machine, 'facts'>,
  given: ReadonlyMap<string, VmFact>,
): Map<string, bits.Bits> {
  const demands = new Map<string, bits.Bits>();
  for (const node of creatorsOf(program)) {
    if (!('body' in node.fact)) continue;
    const frame = outermost(
      holding(machine, (key) => given.get(key)),
      node,
    );
    const ends = successes(runFunction(frame, node.fact.body, ofType({ given }, node)));
    const end = joinAll(ends.map(({ state }) => state));
    end?.cells.forEach((cell, value) => {
      const isAsFound = cell.startsWith('global.') && value.k === 'symbol' && value.id === cell;
      const known = bitsOf(end, value);
      if (isAsFound && known.value !== 0n)
        demands.set(cell, { ...bits.TOP, value: known.value, mask: bits.ALL & ~known.value });
    });
  }
  return demands;
}
