import { describe, expect, it } from 'vitest';
import { analyseReach } from '../../extension/core/reach/reach';
import { functionIds } from '../../extension/core/find-places';
import { link } from './linking';

/** A kernel of which nobody is seen to call `run()`, whose address `code` puts somewhere. */
async function verdict(code: string): Promise<{ caller: string; why: string; reason: string }> {
  const program = await link({
    'arch/x86/kvm/x86.c': `
struct kvm { int n; };
void kvm_zap_gfn_range(struct kvm *kvm) { kvm->n++; }
static void inner(struct kvm *kvm) { kvm_zap_gfn_range(kvm); }
static void run(struct kvm *kvm) { inner(kvm); }
${code}`,
  });
  const reach = analyseReach(program, { vm: 'tdx', sinks: ['kvm_zap_gfn_range'], host: {}, assumptions: true });
  const caller = reach.callers().find((one) => one.function === 'inner');
  const why = reach.why([{ kind: 'function', ids: functionIds(program, 'run'), text: 'run' }]);
  return { caller: caller?.verdict ?? '', why: why.verdict, reason: caller?.conditions[0] ?? '' };
}

describe('a function whose address is kept where no call through it is found', () => {
  it('may run: what it leads to is unknown, with the place', async () => {
    const { caller, why, reason } = await verdict(
      'struct kvm_ops { void (*go)(struct kvm *kvm); };\nstruct kvm_ops kvm_ops = { .go = run };',
    );
    expect([caller, why]).toEqual(['unknown', 'unknown']);
    expect(reason).toMatch(/^run\(\) is kept in kvm_ops\.go \(arch\/x86\/kvm\/x86\.c:\d+\), and no call/);
  });

  it('does not, if its address is not taken', async () => {
    expect(await verdict('')).toEqual({ caller: 'unreachable', why: 'unreachable', reason: '' });
  });

  it('does, if the call is there and an entry point leads to it', async () => {
    const { caller } = await verdict(`struct kvm_ops { void (*go)(struct kvm *kvm); };
struct kvm_ops kvm_ops = { .go = run };
static int start(void) { kvm_ops.go(0); return 0; }
module_init(start);`);
    expect(caller).toBe('reachable');
  });
});
