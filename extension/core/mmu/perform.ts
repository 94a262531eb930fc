import type { Expr } from '../syntax/facts';
import { type Frame, lockName, type Machine, release, siteOf, type State } from './execute';
import type { Operation } from './operations';
import { mappedLeaves, walkedRoots } from './roots';
import type { Value } from './run';

/**
 * Performs one operation that the model knows; `condition` is the value of the first argument where the operation
 * takes a condition. An undecided condition of KVM_BUG_ON or WARN splits the run.
 */
export function perform(
  machine: Machine,
  frame: Frame,
  operation: Operation,
  name: string,
  x: Extract<Expr, { k: 'call' }>,
  state: State,
  condition: Value,
): [State, Value][] {
  const site = siteOf(frame, x.at);
  const { run } = state;
  switch (operation.kind) {
    case 'lock':
      run.locks.push(lockOf(x));
      run.event(`takes ${lockOf(x)}`, site);
      return [[state, undefined]];
    case 'unlock':
      release(run, lockOf(x));
      run.event(`releases ${lockOf(x)}`, site);
      return [[state, undefined]];
    case 'invalidate-begin':
      run.invalidating += 1;
      run.event('faults on the range retry from here on: mmu_invalidate_in_progress + 1', site);
      return [[state, undefined]];
    case 'invalidate-range':
      run.event('the range of the invalidation is noted', site);
      return [[state, undefined]];
    case 'invalidate-end':
      run.invalidating -= 1;
      run.invalidated = true;
      run.event('mmu_invalidate_seq + 1: faults that sampled it before retry', site);
      return [[state, undefined]];
    case 'zap-rmaps':
      return [[state, zapRmaps(machine, frame, state, name, x)]];
    case 'zap-leafs':
      return [[state, zapLeafs(machine, frame, state, name, x)]];
    case 'flush':
      run.flushed = true;
      run.event('remote TLBs are flushed', site);
      return [[state, undefined]];
    case 'bug':
    case 'dead':
      return [
        [
          bugged(
            state,
            `${name}(): the VM is ${operation.kind === 'bug' ? 'bugged and dead' : 'dead'}`,
            frame,
            x,
            operation.kind,
          ),
          undefined,
        ],
      ];
    case 'bug-on':
    case 'warn-on':
      return conditional(state, condition, x).map(([after, value]) => {
        const text = `${name}()`;
        if (!value) after.run.event(`${text} does not fire`, site);
        else if (operation.kind === 'bug-on')
          bugged(after, `${text} fires: the VM is bugged and dead`, frame, x, 'bug');
        else {
          after.run.warned = true;
          after.run.event(`${text} warns`, site);
        }
        return [after, value];
      });
    case 'nothing':
      return [[state, undefined]];
    case 'value':
      return [[state, condition]];
  }
}

/** Both truths of a condition that cannot be decided. */
function conditional(state: State, condition: Value, x: Extract<Expr, { k: 'call' }>): [State, boolean][] {
  if (condition !== undefined) return [[state, typeof condition === 'boolean' ? condition : condition !== 0n]];
  const text = `the condition of ${x.fn.k === 'id' ? x.fn.name : 'a check'}()`;
  const other: State = { ...state, run: state.run.copy(), env: new Map(state.env), guards: [...state.guards] };
  state.run.undecided.push(text);
  other.run.undecided.push(text);
  return [
    [state, true],
    [other, false],
  ];
}

/** Models `kvm_vm_bugged()` (include/linux/kvm_host.h): bugged and dead, and execution goes on. */
function bugged(
  state: State,
  text: string,
  frame: Frame,
  x: Extract<Expr, { k: 'call' }>,
  kind: 'bug' | 'dead',
): State {
  const { run } = state;
  if (kind === 'bug') {
    run.bugged = true;
    run.bugSite ??= siteOf(frame, x.at);
  }
  run.dead = true;
  run.event(text, siteOf(frame, x.at));
  return state;
}

function lockOf(x: Extract<Expr, { k: 'call' }>): string {
  const name = x.fn.k === 'id' ? x.fn.name : '';
  if (/^KVM_MMU_(?:UN)?LOCK$/.test(name)) return 'kvm->mmu_lock';
  return x.args.map(lockName).find((lock) => lock !== '') ?? name;
}

/** Models `kvm_rmap_zap_gfn_range()`: only shadow pages have rmaps, and a VM whose TDP MMU is on has none of them here. */
function zapRmaps(machine: Machine, frame: Frame, state: State, name: string, x: Extract<Expr, { k: 'call' }>): Value {
  const tdp = machine.decide(frame.node.id, { k: 'id', at: x.at, name: 'tdp_mmu_enabled' });
  const site = siteOf(frame, x.at);
  if (tdp !== false) {
    state.run.event(`${name}(): no rmaps, the TDP MMU maps all of guest memory`, site);
    return false;
  }
  state.run.zapped.rmap = true;
  state.run.event(`${name}(): shadow pages' leaves in the range are removed`, site);
  return true;
}

/** Models `kvm_tdp_mmu_zap_leafs()` (mmu/tdp_mmu.c): every present leaf in the range, under the roots of its iterator. */
function zapLeafs(machine: Machine, frame: Frame, state: State, name: string, x: Extract<Expr, { k: 'call' }>): Value {
  const site = siteOf(frame, x.at);
  const targets = machine.program.symbols.functionsNamed(name, frame.node.file).filter((node) => 'body' in node.fact);
  const target = targets.find((node) => node.active) ?? targets[0];
  const roots = target === undefined ? undefined : walkedRoots(machine.program, target);
  if (roots === undefined) {
    state.run.unmodelled.push({ ...site, text: `${name}: no root iterator in its body` });
    state.run.event(`${name}() walks roots that the model cannot tell: all kinds are assumed`, site);
  }
  const walked = roots ?? { direct: true, mirror: true, iterator: '' };
  const mapped = mappedLeaves(machine.vm);
  const direct = walked.direct && mapped.direct;
  const mirror = walked.mirror && mapped.mirror;
  const { run } = state;
  if (roots !== undefined) run.event(`${name}() walks ${rootWords(walked)} roots: ${walked.iterator}()`, site);
  if (direct) run.event('direct leaves: SPTEs become non-present, and refault on demand', site);
  if (mirror) {
    run.event(
      'mirror leaves: each private page is blocked, tracked and removed from the S-EPT; its contents are gone',
      site,
    );
  }
  run.zapped.direct ||= direct;
  run.zapped.mirror ||= mirror;
  return direct || mirror;
}

function rootWords(roots: { direct: boolean; mirror: boolean }): string {
  if (roots.direct && roots.mirror) return 'direct and mirror';
  return roots.direct ? 'direct' : roots.mirror ? 'mirror' : 'no';
}
