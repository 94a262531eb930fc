import type { FunctionNode } from '../program/program';
import type { Stmt } from '../syntax/facts';
import { exprText } from '../syntax/expr-text';
import { walkStmts } from '../syntax/walk';
import type { Branch, Value } from './branch';
import { execute } from './execute';
import type { MmuState } from './mmu-state';
import { runOnce } from './run-once';
import { begun, leftBy, machineOf, noted, type World } from './world';

/** The function in which a vCPU handles its requests before it enters the guest (x86.c). */
const ENTERS = 'vcpu_enter_guest';

/** What lies below is entered for the operations that it leads to only. */
const FAR = 2;

/** Requests that change what the model holds. Of the others the tree's code is not run. */
const MODELLED = /^KVM_REQ_APICV_UPDATE$/;

/**
 * What the tree does about a pending request: the arm of `if (kvm_check_request(KVM_REQ_X, vcpu))` in
 * `vcpu_enter_guest()`.
 */
export function requestHandler(world: World): (state: MmuState, vcpu: number, request: string) => MmuState {
  const run = handleTrace(world);
  const known = new Map<string, (state: MmuState) => readonly MmuState[]>();
  return (state, vcpu, request) => {
    if (!MODELLED.test(request)) return state;
    const key = `${vcpu} ${request}`;
    const once = known.get(key) ?? runOnce((now) => run(now, vcpu, request), worst);
    known.set(key, once);
    return once(state)[0] ?? state;
  };
}

/** The runs that handling a request may come to; none: the model does nothing about it. */
export function handleTrace(world: World): (state: MmuState, vcpu: number, request: string) => readonly Branch[] {
  const node = world.program.symbols.functionsNamed(ENTERS).find((one) => 'body' in one.fact);
  const arms = new Map<string, readonly Stmt[]>();
  return (state, vcpu, request) => {
    if (node === undefined || !MODELLED.test(request)) return [];
    const arm = arms.get(request) ?? armOf(node, request);
    arms.set(request, arm);
    return handle(world, node, arm, state, vcpu);
  };
}

function handle(
  world: World,
  node: FunctionNode,
  arm: readonly Stmt[],
  state: MmuState,
  vcpu: number,
): readonly Branch[] {
  const env = new Map<string, Value>();
  if ('body' in node.fact)
    for (const { name, type } of node.fact.params) if (type.startsWith('struct kvm_vcpu')) env.set(name, { vcpu });
  return noted(world, execute(machineOf(world, state), { node, depth: FAR, away: true }, arm, [begun(state, env)]));
}

/** Of runs through undecided conditions: one that kills the VM, else one that changes something, else any. */
function worst(before: MmuState, ends: readonly Branch[]): readonly MmuState[] {
  const end = ends.find(({ state }) => state.vm.dead) ?? ends.find(({ state }) => state !== before) ?? ends[0];
  return end === undefined ? [] : [leftBy(before, end)];
}

function armOf(node: FunctionNode, request: string): readonly Stmt[] {
  let arm: readonly Stmt[] = [];
  if (!('body' in node.fact)) return arm;
  walkStmts(node.fact.body, (stmt) => {
    if (stmt.k === 'if' && /^kvm_check_request\(/.test(exprText(stmt.c)) && exprText(stmt.c).includes(request))
      arm = stmt.then;
  });
  return arm;
}
