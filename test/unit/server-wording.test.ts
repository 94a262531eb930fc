import { describe, expect, it } from 'vitest';
import type { Caller, Guard, Verdict } from '../../extension/core/reach/verdict';
import { lensTitle } from '../../extension/server/wording';

const tree = {
  version: '7.0',
  files: 1,
  lines: 1,
  functions: 1,
  edges: 0,
  indirectEdges: 0,
  entryPoints: 1,
  hypotheticalTd: false,
};

function guard(text: string, line: number, file = 'arch/x86/kvm/x86.c'): Guard {
  return { site: { file, line, column: 6, function: 'f' }, text, value: false, needs: true, facts: [] };
}

function caller(verdict: Verdict, rest: Partial<Caller> = {}): Caller {
  const base = { function: 'f', id: 'x86.c:f', file: 'arch/x86/kvm/x86.c', line: 1, direct: true };
  return { ...base, verdict, sites: [], entries: [], conditions: [], ...rest };
}

const entry = (verdict: Verdict): Caller['entries'][number] => ({
  kind: 'ioctl',
  name: 'KVM_X',
  function: 'g',
  verdict,
});
const title = (of: Caller): string => lensTitle({ vm: 'tdx', tree }, of);

describe('the code lens of a caller', () => {
  it('counts the entry points of the verdict alone', () => {
    const five = Array.from({ length: 5 }, () => entry('reachable'));
    expect(title(caller('reachable', { entries: [...five, entry('blocked')] }))).toBe(
      'TDX: reachable from 5 entry points',
    );
    expect(title(caller('reachable', { entries: [entry('reachable')] }))).toBe('TDX: reachable from 1 entry point');
  });

  it('names the guard by the function that it asks, else by its text', () => {
    const blockedBy = (...cutBy: Guard[]): string => title(caller('blocked', { cutBy }));
    expect(blockedBy(guard('kvm_check_has_quirk(kvm, KVM_X86_QUIRK_X)', 10637))).toBe(
      'TDX: blocked by kvm_check_has_quirk() · x86.c:10637',
    );
    expect(blockedBy(guard('!is_td(kvm)', 9, 'arch/x86/kvm/vmx/main.c'))).toBe(
      'TDX: blocked by is_td() · vmx/main.c:9',
    );
    expect(blockedBy(guard('is_td(kvm) || !is_ok(kvm)', 9))).toBe(
      'TDX: blocked by is_td(kvm) || !is_ok(kvm) · x86.c:9',
    );
    expect(blockedBy(guard('a(x)', 1), guard('b(x)', 2))).toBe('TDX: blocked by a() · x86.c:1 and 1 more');
    expect(blockedBy(guard(`kvm->arch.${'x'.repeat(80)}`, 3)).length).toBeLessThan(80);
    expect(title(caller('blocked'))).toBe('TDX: blocked');
  });

  it('tells what a conditional caller needs, and says when the VM is a hypothetical one', () => {
    const conditions = ['kvzalloc() fails, bar.c:71'];
    expect(title(caller('conditional', { conditions }))).toBe('TDX: conditional, only if kvzalloc() fails, bar.c:71');
    expect(title(caller('unreachable'))).toBe('TDX: unreachable');
    const hypothetical = { vm: 'tdx' as const, tree: { ...tree, hypotheticalTd: true } };
    expect(lensTitle(hypothetical, caller('unreachable'))).toBe('hypothetical TDX: unreachable');
    expect(lensTitle({ ...hypothetical, vm: 'default' }, caller('unknown'))).toBe('default VM: unknown');
  });
});
