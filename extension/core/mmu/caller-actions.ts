import type { FunctionId } from '../program/program';
import type { Branch, Value } from './branch';
import type { Action, Told } from './explore';
import { inhibitReasons } from './inhibits';
import { functionOf, REGISTER_DMA, runInhibit, runNamed, UNREGISTER_DMA } from './kernel-calls';
import { sameCaching } from './memory-types';
import type { MmuState } from './mmu-state';
import { distinct, type Run, runOnce } from './run-once';
import { WHOLE_RANGE } from './scenario';
import { runSink } from './sink';
import { CR0_CD } from './owned-values';
import { withVcpu } from './vcpu';
import { leftBy, runFunction, type World } from './world';

/**
 * What userspace and the guest set in motion and the tree's own code decides: the sink itself, called for all gfns by
 * whomever; the first non-coherent device and the last; an APICv inhibit; in old trees the guest's CR0.CD. Whether
 * they come to the sink is up to the code.
 */
export function callerActions(world: World, sink: FunctionId, start: MmuState): readonly Action[] {
  const sinkName = world.program.functions.get(sink)?.name ?? sink;
  return [
    action(`${sinkName}() runs for all gfns`, (state) => runSink(world, sink, state, WHOLE_RANGE)),
    ...deviceActions(world),
    ...inhibitActions(world, start),
    ...cacheActions(world, start),
  ];
}

/** An action whose run the tree's code is; `applies`: there is something to do. */
function action(name: string, run: Run, applies: (state: MmuState) => boolean = () => true): Action {
  const shared = runOnce(run, (before, branches) => distinct(branches.map((branch) => leftBy(before, branch))));
  return {
    name,
    run: (state) => (state.vm.dead || !applies(state) ? [] : shared(state)),
    explain: (state) => worstTrace(run(state)),
  };
}

/** The trace of the run that a counterexample is most likely about: the longest one. */
function worstTrace(ends: readonly Branch[]): readonly Told[] {
  const longest = ends.reduce<Branch['trace']>((all, { trace }) => (trace.length > all.length ? trace : all), []);
  return longest.map(({ text, site }) => (site === undefined ? { text } : { text, site }));
}

/** At most one device with non-coherent DMA comes and goes. */
function deviceActions(world: World): readonly Action[] {
  const register = runNamed(world, REGISTER_DMA);
  const unregister = runNamed(world, UNREGISTER_DMA);
  if (register === undefined || unregister === undefined) return [];
  return [
    action('userspace attaches a non-coherent device', register, ({ vm }) => vm.noncoherentDma === 0),
    action('userspace detaches the non-coherent device', unregister, ({ vm }) => vm.noncoherentDma > 0),
  ];
}

/** A reason that the vendor's APICv cares about comes and goes. */
function inhibitActions(world: World, { apicv }: MmuState): readonly Action[] {
  const reason = inhibitReasons(world.program)
    .filter(({ bit }) => (apicv.required & bit) !== 0n && (apicv.reasons & bit) === 0n)
    .at(-1);
  if (reason === undefined || !apicv.enabled) return [];
  const [set, clear] = [runInhibit(world, reason.bit, true), runInhibit(world, reason.bit, false)];
  if (set === undefined || clear === undefined) return [];
  return [
    action(`APICv is inhibited: ${reason.name}`, set, (now) => (now.apicv.reasons & reason.bit) === 0n),
    action(`APICv is allowed again: ${reason.name}`, clear, (now) => (now.apicv.reasons & reason.bit) !== 0n),
  ];
}

/** CR0.CD of the first vCPU, where the tree lets it decide about memory types: `kvm_post_set_cr0()` (x86.c). */
function cacheActions(world: World, start: MmuState): readonly Action[] {
  const node = functionOf(world, 'kvm_post_set_cr0');
  const [vcpu] = start.vcpus;
  if (node === undefined || vcpu === undefined || start.td !== undefined) return [];
  const attached: MmuState = { ...start, vm: { ...start.vm, noncoherentDma: 1 } };
  const typed = (cr0Cd: boolean) => world.rules.caching(attached, { ...vcpu, cr0Cd }, 0n);
  if (sameCaching(typed(false), typed(true))) return [];
  return [
    action(`vCPU ${vcpu.id} toggles CR0.CD`, (state) => {
      const cd = state.vcpus.find(({ id }) => id === vcpu.id)?.cr0Cd === true;
      const changed: MmuState = { ...state, vcpus: withVcpu(state.vcpus, vcpu.id, { cr0Cd: !cd }) };
      const args = new Map<string, Value>();
      if ('body' in node.fact)
        for (const { name, type } of node.fact.params) {
          if (type.startsWith('struct kvm_vcpu')) args.set(name, { vcpu: vcpu.id });
          else args.set(name, /^old/.test(name) === cd ? CR0_CD : 0n);
        }
      return runFunction(world, node.id, changed, args);
    }),
  ];
}
