import { beforeAll, expect, it } from 'vitest';
import { linkProgram } from '../../extension/core/program/link';
import { FactsStore, loadFacts } from '../../extension/core/program/load';
import type { Program } from '../../extension/core/program/program';
import { analyseReach, type Reach } from '../../extension/core/reach/reach';
import { type Caller, DEFAULT_SINK, type VmType } from '../../extension/core/reach/verdict';
import { type Edit, edited } from '../sample';
import { cParser } from '../unit/linking';
import { folderTree } from './linked';
import { describeTree, treePath } from './trees';

const store = new FactsStore();

async function load(name: '6.1' | '6.12' | '7.x', edits: readonly Edit[] = []): Promise<Program> {
  const tree = await edited(folderTree(treePath(name) ?? ''), edits);
  return linkProgram(await loadFacts(tree, await cParser(), store), name);
}

const answers = new WeakMap<Program, Map<string, { reach: Reach; callers: readonly Caller[] }>>();

function ask(program: Program, vm: VmType, host: Record<string, string> = {}) {
  const known = answers.get(program) ?? new Map<string, { reach: Reach; callers: readonly Caller[] }>();
  answers.set(program, known);
  const key = `${vm} ${JSON.stringify(host)}`;
  let answer = known.get(key);
  if (answer === undefined) {
    const reach = analyseReach(program, { vm, sinks: [DEFAULT_SINK], host, assumptions: true });
    answer = { reach, callers: reach.callers() };
    known.set(key, answer);
  }
  return answer;
}

function caller(program: Program, vm: VmType, name: string, host: Record<string, string> = {}): Caller {
  const found = ask(program, vm, host).callers.filter((each) => each.function === name);
  expect(found.map((each) => each.function)).toEqual([name]);
  return found[0] as Caller;
}

const DMA = 'kvm_noncoherent_dma_assignment_start_or_stop';
const APICV = '__kvm_set_or_clear_apicv_inhibit';

describeTree('7.x', () => {
  let program: Program;
  beforeAll(async () => {
    program = await load('7.x');
  }, 60_000);

  it('a TD: non-coherent DMA is cut by the quirk, with every write of the field', () => {
    const dma = caller(program, 'tdx', DMA);
    expect(dma.verdict).toBe('blocked');
    const guard = dma.cutBy?.find((each) => each.text.includes('kvm_check_has_quirk'));
    expect(guard).toMatchObject({
      site: { file: 'arch/x86/kvm/x86.c', function: DMA },
      facts: ['kvm_arch.disabled_quirks'],
    });
    const fact = ask(program, 'tdx')
      .reach.facts()
      .find((each) => each.id === 'kvm_arch.disabled_quirks');
    expect(fact?.from).toMatchObject({ file: 'arch/x86/kvm/vmx/tdx.c', function: 'tdx_vm_init' });
    expect(fact?.writes.map((write) => write.effect).sort()).toEqual(['before', 'keeps', 'sets']);
  }, 60_000);

  it('a default VM on Intel: non-coherent DMA is open', () => {
    expect(caller(program, 'default', DMA).verdict).toBe('reachable');
  }, 120_000);

  it("SNP's fault handler: other vendor for a TD, by design for SNP", () => {
    expect(caller(program, 'tdx', 'sev_handle_rmp_fault').verdict).toBe('unreachable');
    expect(caller(program, 'snp', 'sev_handle_rmp_fault').verdict).toBe('reachable');
  }, 120_000);

  it('a TD: APICv inhibits are decided by their reason', () => {
    expect(caller(program, 'tdx', APICV).verdict).toBe('reachable');
    const mask = (each: Caller): boolean =>
      each.cutBy?.some((guard) => guard.facts.includes('kvm_x86_ops.required_apicv_inhibits')) === true;
    const pit = caller(program, 'tdx', 'kvm_vm_ioctl_reinject');
    expect([pit.verdict, mask(pit)]).toEqual(['blocked', true]);
    expect(caller(program, 'tdx', 'kvm_arch_vcpu_ioctl_set_guest_debug').verdict).toBe('blocked');
  });

  it('clearing an inhibit never zaps', () => {
    for (const vm of ['tdx', 'default'] as const) {
      const clear = caller(program, vm, 'kvm_clear_apicv_inhibit');
      expect(clear.verdict).toBe('blocked');
      expect(clear.cutBy?.map((guard) => guard.text)).toContain('new');
    }
  });

  it("a TD's exits do not reach VMX's handlers, which a default VM's do, those set at run time too", () => {
    for (const name of ['handle_vmlaunch', 'handle_ept_violation']) {
      expect(caller(program, 'tdx', name).verdict).toBe('blocked');
      expect(caller(program, 'default', name).verdict).toBe('reachable');
    }
  });

  it('names the ways in', () => {
    const names = caller(program, 'tdx', APICV).entries.map((entry) => `${entry.kind} ${entry.name}`);
    expect(names).toContain('ioctl KVM_SET_MSRS');
    expect(names).toContain('ioctl KVM_CREATE_VCPU');
    expect(names.every((name) => !name.includes('fops'))).toBe(true);
  });

  it('a quirk that userspace can clear is no guard', async () => {
    const weakened = await load('7.x', [
      {
        file: 'arch/x86/kvm/x86.c',
        from: '\t\t\t   kvm->arch.disabled_quirks | (cap->args[0] & kvm_caps.supported_quirks));',
        to: '\t\t\t   cap->args[0] & kvm_caps.supported_quirks);',
      },
    ]);
    expect(caller(weakened, 'tdx', DMA).verdict).toBe('reachable');
    expect(caller(program, 'tdx', DMA).verdict).toBe('blocked');
  }, 60_000);
});

describeTree('6.12', () => {
  it('a hypothetical TD rests on axioms, not on guards that are not there', async () => {
    const program = await load('6.12');
    expect(caller(program, 'tdx', 'kvm_arch_vcpu_ioctl_set_sregs').verdict).toBe('blocked');
    expect(caller(program, 'tdx', APICV).verdict).toBe('reachable');
  }, 120_000);
});
