import type { FunctionNode } from '../program/program';
import type { Value } from './branch';
import type { Run } from './run-once';
import { runFunction, type World } from './world';

/** What kvm-vfio calls for a device with non-coherent DMA, and for its end (x86.c). */
export const REGISTER_DMA = 'kvm_arch_register_noncoherent_dma';
export const UNREGISTER_DMA = 'kvm_arch_unregister_noncoherent_dma';
/** What sets an APICv inhibit and clears it (x86.c). */
export const CHANGE_INHIBIT = 'kvm_set_or_clear_apicv_inhibit';

/** A function of KVM by name, if the tree has its body. */
export function functionOf({ program }: World, name: string): FunctionNode | undefined {
  const nodes = program.symbols.functionsNamed(name).filter((node) => 'body' in node.fact);
  return nodes.find((node) => node.active) ?? nodes[0];
}

/** Runs a function that needs no more than the VM. */
export function runNamed(world: World, name: string): Run | undefined {
  const node = functionOf(world, name);
  return node === undefined ? undefined : (state) => runFunction(world, node.id, state, new Map());
}

/** Runs what sets or clears an APICv inhibit. */
export function runInhibit(world: World, bit: bigint, set: boolean): Run | undefined {
  const node = functionOf(world, CHANGE_INHIBIT);
  if (node === undefined || !('body' in node.fact)) return undefined;
  const args = new Map<string, Value>();
  for (const { name, type } of node.fact.params) {
    if (type.startsWith('enum')) args.set(name, BigInt(bit.toString(2).length - 1));
    else if (type === 'bool') args.set(name, set);
  }
  return (state) => runFunction(world, node.id, state, args);
}
