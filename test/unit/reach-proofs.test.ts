import { describe, expect, it } from 'vitest';
import { guardsOf } from './reach-probe';

/** The facts that the probe's guard rests on, wherever its value was made. */
const factsOf = async (body: string, more = ''): Promise<readonly string[]> => {
  const [guard, ...others] = await guardsOf(`${more}
static void probe(struct kvm *kvm, unsigned long arg)
{
${body}
}`);
  expect(others).toEqual([]);
  return guard?.facts ?? [];
};

const TYPE = ['kvm_arch.vm_type'];

describe('a guard names the facts that it rests on', () => {
  it.each([
    ['that it reads itself', 'if (kvm->arch.vm_type != 5) SINK(kvm);', ''],
    ['that a variable was made of', 'bool other; other = kvm->arch.vm_type != 5; any(); if (other) SINK(kvm);', ''],
    ['that an initialiser was made of', 'unsigned long type = kvm->arch.vm_type; if (type == 1) SINK(kvm);', ''],
    [
      'that a helper read',
      'if (is_other(kvm)) SINK(kvm);',
      'static bool is_other(struct kvm *kvm) { if (any()) return false; if (kvm->arch.vm_type == 5) return false; return arg_of(kvm); }',
    ],
    [
      'that an argument was made of',
      'if (is_one(kvm->arch.vm_type)) SINK(kvm);',
      'static bool is_one(unsigned long type) { return type == 1; }',
    ],
    ['that a field was made of', 'struct pair p = { .a = kvm->arch.vm_type }; p.b = p.a; if (p.b == 1) SINK(kvm);', ''],
    [
      'before another condition in a helper',
      'if (kvm->arch.vm_type == 1 && helper(kvm)) SINK(kvm);',
      'static bool helper(struct kvm *kvm) { if (any()) return false; return true; }',
    ],
    ['of either of two ways', 'u32 n; if (any()) n = kvm->arch.vm_type; else n = 5; if (n != 5) SINK(kvm);', ''],
  ])('%s', async (_name, body, more) => {
    expect(await factsOf(body, more)).toEqual(TYPE);
  });

  it('and none that was read for something else', async () => {
    expect(
      await factsOf('unsigned long type = kvm->arch.vm_type; use(type); int n = 3; if (n == 4) SINK(kvm);'),
    ).toEqual([]);
  });
});
