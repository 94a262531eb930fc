import { describe, expect, it } from 'vitest';
import { analyseReach } from '../../extension/core/reach/reach';
import { DEFAULT_SINK, type Passed } from '../../extension/core/reach/verdict';
import { link } from './linking';

/** What a probe's witness gives to the sink: `body` is that of a function that an ioctl calls. */
async function passedBy(body: string, more = ''): Promise<Record<string, Passed>> {
  const program = await link({
    'arch/x86/include/asm/kvm_host.h': `
typedef unsigned int u32; typedef unsigned long long u64; typedef u64 gfn_t; typedef u64 gpa_t; typedef long long s64;
#define PAGE_SHIFT CONFIG_PAGE_SHIFT
struct kvm { u64 top; u32 low; };
u64 any(void);
struct file { void *private_data; };
void kvm_zap_gfn_range(struct kvm *kvm, gfn_t gfn_start, gfn_t gfn_end);
static inline gfn_t gpa_to_gfn(gpa_t gpa) { return (gfn_t)(gpa >> PAGE_SHIFT); }
`,
    'arch/x86/kvm/mmu/mmu.c': `#include <asm/kvm_host.h>\nvoid kvm_zap_gfn_range(struct kvm *kvm, gfn_t gfn_start, gfn_t gfn_end) { }\n`,
    'arch/x86/kvm/x86.c': `#include <asm/kvm_host.h>
${more}
static void probe(struct kvm *kvm, unsigned long arg) { ${body} }
static long kvm_vm_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg) { probe(filp->private_data, arg); return 0; }
static struct file_operations kvm_vm_fops = { .unlocked_ioctl = kvm_vm_ioctl };
`,
  });
  const question = { vm: 'default', sinks: [DEFAULT_SINK], host: {}, assumptions: true } as const;
  const probe = analyseReach(program, question)
    .callers()
    .find((caller) => caller.function === 'probe');
  return Object.fromEntries((probe?.witness?.passes ?? []).map((passed) => [passed.name, passed]));
}

describe('what a caller passes to the sink', () => {
  it('gives the arguments as written, and numbers that are known', async () => {
    const passed = await passedBy('kvm_zap_gfn_range(kvm, gpa_to_gfn(0xfee00000), gpa_to_gfn(0xfee00000) + 1);');
    expect(passed).toEqual({
      kvm: { name: 'kvm', text: 'kvm' },
      gfn_start: { name: 'gfn_start', text: 'gpa_to_gfn(0xfee00000)', value: '0xfee00' },
      gfn_end: { name: 'gfn_end', text: 'gpa_to_gfn(0xfee00000) + 1', value: '0xfee01' },
    });
  });

  it.each([
    ['~0ULL', '0xffffffffffffffff'],
    ['gpa_to_gfn(~0ULL)', '0xfffffffffffff'],
    ['~0UL >> 60', '0xf'],
    ['(u64)~0ULL >> 52', '0xfff'],
    ['~(1U << 31) + 1U', '0x80000000'],
    ['-1UL >> 63', '0x1'],
    ['~(gfn_t)0 >> 56', '0xff'],
    ['~BIT(0) >> 60', '0xf'],
  ])('%s is a 64-bit number without a sign', async (text, value) => {
    const passed = await passedBy(`kvm_zap_gfn_range(kvm, 0, ${text});`);
    expect(passed['gfn_end']?.value).toBe(value);
  });

  it.each(['~any() >> 4', 'arg', '(s64)any() >> 60', '-1 >> arg'])('%s is not known', async (text) => {
    const passed = await passedBy(`kvm_zap_gfn_range(kvm, 0, ${text});`);
    expect(passed['gfn_end']?.value).toBeUndefined();
  });

  it('follows a value through locals and helpers', async () => {
    const passed = await passedBy(
      'gfn_t first = base(1); kvm_zap_gfn_range(kvm, first, first + 512);',
      'static gfn_t base(int slot) { return slot ? 0x1000 : 0x2000; }',
    );
    expect([passed['gfn_start']?.value, passed['gfn_end']?.value]).toEqual(['0x1000', '0x1200']);
  });

  it('has no text where a macro makes the call', async () => {
    const passed = await passedBy('ZAP(kvm);', '#define ZAP(vm) kvm_zap_gfn_range(vm, 0, 1)');
    expect(passed['gfn_start']?.text).toBeUndefined();
  });
});
