import { InputError } from '../input-error';
import type { FunctionId, FunctionNode, Program } from '../program/program';
import type { Question, VmType } from '../reach/verdict';
import { type Decide, execute, type Machine, release, siteOf, type State } from './execute';
import type { Outcome, OutcomeClass } from './outcome';
import { Run, type Value } from './run';

/** The scenario of this model: a VM that runs, with guest memory mapped; a TD has shared and accepted private pages. */
export const SCENARIO = 'running';
const BUDGET = 20_000;

/**
 * Runs the model on a sink's body as it stands in the tree. Conditions that hold for the VM type are decided by
 * `decide`; where one cannot be decided both sides are run and the worst outcome is reported, and the trace says so.
 */
export function sinkOutcome(program: Program, sink: FunctionId, question: Question, decide: Decide): Outcome {
  const node = program.functions.get(sink);
  if (node === undefined || !('body' in node.fact))
    throw new InputError(`${sink}: no function body to run the model on`);
  const machine: Machine = { program, vm: question.vm, decide, budget: BUDGET };
  const start: State = { run: new Run(), env: parameters(node), guards: [], done: undefined, value: undefined };
  const frame = { node, depth: 0 };
  start.run.event(`${node.name}() is called for ${vmWords(question.vm)}`, siteOf(frame, node.fact.at));
  const ends = execute(machine, frame, node.fact.body, [start]);
  for (const end of ends) for (const lock of end.guards) release(end.run, lock);
  const worst = ends.reduce((a, b) => (b.run.badness > a.run.badness ? b : a), ends[0] ?? start).run;
  const undecided = [...new Set(worst.undecided)];
  if (undecided.length > 0)
    worst.event(`not decided: ${undecided.join('; ')}; the worst of ${ends.length} runs is shown`);
  return report(node, question.vm, worst);
}

/** The range: not empty, from the first frame on. Other parameters are unknown. */
function parameters(node: FunctionNode): Map<string, Value> {
  const env = new Map<string, Value>();
  if (!('body' in node.fact)) return env;
  const frames = node.fact.params.filter((param) => param.type === 'gfn_t');
  const [first, last] = frames;
  if (first !== undefined) env.set(first.name, 0n);
  if (last !== undefined && last !== first) env.set(last.name, 1n << 40n);
  return env;
}

function report(node: FunctionNode, vm: VmType, run: Run): Outcome {
  const leaked: ('mmu_lock' | 'mmu_invalidate_in_progress')[] = [];
  if (run.locks.some((lock) => lock.includes('mmu_lock'))) leaked.push('mmu_lock');
  if (run.invalidating > 0) leaked.push('mmu_invalidate_in_progress');
  if (leaked.length > 0) run.event(`left behind: ${leaked.join(' and ')}`);
  const dead = run.dead || run.bugged;
  const classes = classesOf(run, dead, leaked.length > 0);
  return {
    vm,
    sink: node.name,
    scenario: SCENARIO,
    classes,
    bugged: run.bugged,
    dead,
    ...(run.bugSite === undefined ? {} : { bugSite: run.bugSite }),
    zapped: { ...run.zapped },
    flushed: run.flushed,
    returnsEarly: run.returnsEarly,
    leaked,
    unmodelled: run.unmodelled,
    guest: guestSees(run, dead, leaked.length > 0),
    userspace: userspaceSees(run, dead, leaked.length > 0),
    trace: run.trace,
  };
}

function classesOf(run: Run, dead: boolean, leaked: boolean): OutcomeClass[] {
  const classes: OutcomeClass[] = [];
  if (run.warned) classes.push('warn');
  if (run.bugged) classes.push('vm-bugged');
  if (dead) classes.push('vm-dead');
  if (run.zapped.mirror) classes.push('private-data-lost');
  // A dead VM runs no guest any more.
  if (run.zapped.mirror && !dead) classes.push('guest-ve');
  if ((run.zapped.direct || run.zapped.rmap) && !dead) classes.push('refault');
  if (leaked) classes.push('lock-leaked');
  if (classes.length === 0) classes.push('no-op');
  return classes;
}

function guestSees(run: Run, dead: boolean, leaked: boolean): string {
  if (leaked) return 'The guest hangs at its next fault: the MMU lock or the invalidation is never released.';
  if (dead && run.zapped.mirror) return 'The guest does not run again, and its private pages are zapped all the same.';
  if (dead) return 'The guest does not run again.';
  if (run.zapped.mirror) {
    return 'The next access to a private page takes #VE, or exits and kills the VM if #VE is disabled; what the page held is lost.';
  }
  if (run.zapped.direct || run.zapped.rmap) return 'The guest refaults what it touches.';
  return 'Nothing.';
}

function userspaceSees(run: Run, dead: boolean, leaked: boolean): string {
  if (leaked) return 'Tasks that need the MMU lock or wait for the invalidation hang.';
  if (dead) return 'VM, vCPU and device ioctls return -EIO.';
  if (run.zapped.mirror) return 'No error; the guest fails later.';
  return 'Nothing.';
}

function vmWords(vm: VmType): string {
  const words: Record<VmType, string> = {
    tdx: 'a running TD',
    default: 'a running VM',
    'sw-protected': 'a running software-protected VM',
    sev: 'a running SEV VM',
    'sev-es': 'a running SEV-ES VM',
    snp: 'a running SNP VM',
  };
  return words[vm];
}
