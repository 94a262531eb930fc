import { describe, expect, it } from 'vitest';
import { analyseReach } from '../../extension/core/reach/reach';
import type { Caller, VmType } from '../../extension/core/reach/verdict';
import { link } from './linking';

/** A VM's ioctl that runs `body`, with a few helpers around it. */
function kernel(body: string, more = ''): string {
  return `
typedef unsigned int u32;
typedef unsigned long u64;
enum { KVM_X86_DEFAULT_VM, KVM_X86_TDX_VM = 5 };
#define NULL ((void *)0)
#define BIT(n) (1ul << (n))
#define KVM_ONE 1
#define KVM_TWO 2
#define swap(a, b) do { typeof(a) __tmp = (a); (a) = (b); (b) = __tmp; } while (0)
struct kvm_arch { unsigned long vm_type; u64 flags; u32 never; u32 swapped; };
struct kvm { struct kvm_arch arch; };
struct file { void *private_data; };
struct file_operations { long (*unlocked_ioctl)(struct file *f, unsigned int ioctl, unsigned long arg); };
void other(void);
void fill(u64 *p);
void *kzalloc(int n);
void kvm_zap_gfn_range(struct kvm *kvm) { other(); }
${more}
static void target(struct kvm *kvm, u64 n, u64 m)
{
	${body}
}
static long kvm_vm_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm *kvm = filp->private_data;

	switch (ioctl) {
	case KVM_ONE:
		target(kvm, arg, arg >> 1);
		return 0;
	}
	return -1;
}
static struct file_operations kvm_vm_fops = { .unlocked_ioctl = kvm_vm_ioctl };
`;
}

async function target(body: string, more = '', vm: VmType = 'tdx'): Promise<Caller> {
  const program = await link({ 'arch/x86/kvm/x86.c': kernel(body, more) });
  const question = { vm, sinks: ['kvm_zap_gfn_range'], host: {}, assumptions: true };
  const found = analyseReach(program, question)
    .callers()
    .find((caller) => caller.function === 'target');
  if (found === undefined) throw new Error('target() is no caller of the sink');
  return found;
}

const ZAP = 'kvm_zap_gfn_range(kvm);';
const isTd = 'static int is_td(struct kvm *kvm) { return kvm->arch.vm_type == KVM_X86_TDX_VM; }';

describe('a path stays open where nothing cuts it', () => {
  it.each([
    ['no condition', ZAP, ''],
    ['a number from userspace', `if (n == 3) ${ZAP}`, ''],
    ['an early return of other numbers', `if (n != 3) return; ${ZAP}`, ''],
    ['what a call may have written', `u64 x = 0; fill(&x); if (x) ${ZAP}`, ''],
    ['what a loop changes', `int i = 0; while (n--) i++; if (i) ${ZAP}`, ''],
    ['a swapped value', `u64 x = 0; swap(x, n); if (x) ${ZAP}`, ''],
    ['a field that a macro swaps', `swap(kvm->arch.swapped, n); other(); if (kvm->arch.swapped) ${ZAP}`, ''],
    ['a value through a pointer', `u64 x = 0; u64 *p = &x; *p = n; if (x) ${ZAP}`, ''],
    ['a backward jump', `int i = 0; again: if (i) ${ZAP} i = 1; goto again;`, ''],
    ['a fallthrough', `switch (1) { case 1: n = 1; case 2: ${ZAP} break; }`, ''],
    ['the other arm', `if (is_td(kvm)) { ${ZAP} } else other();`, isTd],
    ['a 32-bit wrap', `u32 x = (u32)(n + 1); if (n == 0xffffffff && x == 0) ${ZAP}`, ''],
    ['asm output', `u64 x = 0; asm volatile("nop" : "=r" (x)); if (x) ${ZAP}`, ''],
    ['a pointer that may be null', `struct kvm *p = kvm; if (!p) ${ZAP}`, ''],
    ['two reads that may differ', `if (n == 1) { n = m; if (n == 2) ${ZAP} }`, ''],
  ])('%s', async (_name, body, more) => {
    expect((await target(body, more)).verdict).toBe('reachable');
  });
});

describe('a path is cut', () => {
  it.each([
    ['by a helper', `if (is_td(kvm)) return; ${ZAP}`, isTd, 'is_td(kvm)'],
    [
      'by an allow-list that a later switch contradicts',
      `if (!ok(n)) return; switch (n) { case 9: ${ZAP} }`,
      'static int ok(u64 n) { switch (n) { case 1 ... 4: case 7: return 1; default: return 0; } }',
      'switch (n)',
    ],
    ['by a constant', `u64 x = BIT(3); if (x & BIT(2)) ${ZAP}`, '', 'x & BIT(2)'],
    ['by the same number asked twice', `if (n == 1) { if (n == 2) ${ZAP} }`, '', 'n == 2'],
    ['by a goto over it', `if (is_td(kvm)) goto out; ${ZAP} out: other();`, isTd, 'is_td(kvm)'],
    ['by a short circuit', `if (m && !is_td(kvm)) ${ZAP}`, isTd, 'm && !is_td(kvm)'],
    [
      'by what is left after clearing',
      `u64 old = n, new = old; __clear_bit(3, &new); if (!!old != !!new) { if (new) ${ZAP} }`,
      'void __clear_bit(u64 n, u64 *p);',
      'new',
    ],
    [
      'by what a truth value says of alternatives',
      `if ((bool)(n == 1 || n == 2)) return; if (n == 2) ${ZAP}`,
      '',
      'n == 2',
    ],
    [
      'by a macro that is given more than a name',
      `struct at *at = find_at(n); if (IS_TD(at->kvm)) return; ${ZAP}`,
      `struct at { struct kvm *kvm; }; struct at *find_at(u64 n);
#define IS_TD(kvm) ((kvm)->arch.vm_type == KVM_X86_TDX_VM)`,
      'IS_TD(at->kvm)',
    ],
    ['by a field that nothing sets', `if (kvm->arch.never) ${ZAP}`, '', 'kvm->arch.never'],
  ])('%s', async (_name, body, more, guard) => {
    const found = await target(body, more);
    expect(found.verdict).toBe('blocked');
    expect(found.cutBy?.map((each) => each.text)).toContain(guard);
  });

  it('for a TD alone', async () => {
    expect((await target(`if (is_td(kvm)) return; ${ZAP}`, isTd, 'default')).verdict).toBe('reachable');
  });
});

describe('verdicts', () => {
  it('name the allocation that has to fail', async () => {
    const found = await target(`void *p = kzalloc(8); if (!p) ${ZAP}`);
    expect(found.verdict).toBe('conditional');
    expect(found.conditions).toEqual([expect.stringContaining('kzalloc() fails')]);
  });

  it('a function that nothing calls is unreachable', async () => {
    const program = await link({ 'arch/x86/kvm/x86.c': kernel('other();', `void dead(struct kvm *kvm) { ${ZAP} }`) });
    const question = { vm: 'tdx' as const, sinks: ['kvm_zap_gfn_range'], host: {}, assumptions: true };
    const callers = analyseReach(program, question).callers();
    expect(callers.map((each) => [each.function, each.verdict])).toEqual([['dead', 'unreachable']]);
  });

  it('name the ioctl', async () => {
    expect((await target(ZAP)).entries.map((entry) => entry.name)).toEqual(['KVM_ONE']);
  });

  it.each([
    ['if (ioctl == KVM_ONE) target(kvm, arg, arg);', 'KVM_ONE'],
    ['if (!(ioctl == KVM_ONE)) ; else target(kvm, arg, arg);', 'KVM_ONE'],
    ['if (ioctl != KVM_ONE || arg) return -1; else target(kvm, arg, arg);', 'KVM_ONE'],
    ['if (ioctl != KVM_ONE) target(kvm, arg, arg);', 'kvm_vm_fops.unlocked_ioctl'],
    ['if (!(ioctl == KVM_ONE && arg)) target(kvm, arg, arg);', 'kvm_vm_fops.unlocked_ioctl'],
  ])('name the ioctl that is compared: %s', async (form, name) => {
    const text = kernel(ZAP).replace(/switch \(ioctl\) \{[^}]*\}/, form);
    const program = await link({ 'arch/x86/kvm/x86.c': text });
    const question = { vm: 'tdx' as const, sinks: ['kvm_zap_gfn_range'], host: {}, assumptions: true };
    const found = analyseReach(program, question).callers();
    expect(found.find((caller) => caller.function === 'target')?.entries.map((entry) => entry.name)).toEqual([name]);
  });
});
