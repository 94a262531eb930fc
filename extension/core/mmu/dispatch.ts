import type { FunctionNode } from '../program/program';
import { exprText } from '../syntax/expr-text';
import { columnOf, type Expr, lineOf } from '../syntax/facts';
import type { Machine } from './machine';

export type Dispatch =
  | { readonly kind: 'function'; readonly node: FunctionNode; readonly slot: string }
  /** The vendor's table leaves the slot empty: the call does nothing and gives 0. */
  | { readonly kind: 'empty'; readonly slot: string };

/**
 * What a call through a table runs for the vendor of the question: `kvm_x86_call(name)(...)`, `static_call(...)(...)`,
 * `kvm_x86_ops.name(...)`, by the edges that linking gave the place. `undefined`: linking does not know, or knows more
 * than one function.
 */
export function dispatchOf(
  machine: Machine,
  node: FunctionNode,
  x: Extract<Expr, { k: 'call' }>,
): Dispatch | undefined {
  const key = `${node.id}:${x.at}`;
  if (machine.dispatches.has(key)) return machine.dispatches.get(key);
  const found = resolved(machine, node, x);
  machine.dispatches.set(key, found);
  return found;
}

function resolved(machine: Machine, node: FunctionNode, x: Extract<Expr, { k: 'call' }>): Dispatch | undefined {
  const { program, vendor } = machine;
  const here = (program.callees.get(node.id) ?? []).filter(
    ({ site, via }) =>
      via !== 'call' &&
      via !== 'macro' &&
      site.file === node.file &&
      site.line === lineOf(x.at) &&
      site.column === columnOf(x.at),
  );
  const ours = here.filter((edge) => edge.vendor === undefined || edge.vendor === vendor);
  const targets = new Set(ours.map((edge) => edge.calleeId));
  const [only] = targets;
  if (only !== undefined && targets.size === 1) {
    const target = program.functions.get(only);
    return target === undefined ? undefined : { kind: 'function', node: target, slot: ours[0]?.slot ?? target.name };
  }
  if (targets.size > 1) return undefined;
  // A slot that other vendors fill, or that is known to be one of the table, and this vendor's table leaves empty.
  const slot = here[0]?.slot ?? tableSlot(machine, x.fn);
  return slot === undefined ? undefined : { kind: 'empty', slot };
}

/** The slot that `kvm_x86_call(name)` or `static_call(kvm_x86_name)` names, if `struct kvm_x86_ops` has it. */
function tableSlot({ program }: Machine, fn: Expr): string | undefined {
  const text = /^(?:kvm_x86_call|static_call(?:_cond)?)\((?:kvm_x86_)?(\w+)\)$/.exec(exprText(fn))?.[1];
  if (text === undefined || program.symbols.fieldType('struct kvm_x86_ops', text) === undefined) return undefined;
  return `kvm_x86_ops.${text}`;
}
