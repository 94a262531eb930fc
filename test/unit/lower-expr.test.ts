import { describe, expect, it } from 'vitest';
import { lineOf, columnOf, type Expr } from '../../extension/core/syntax/facts';
import { readFacts } from '../../extension/core/syntax/read-facts';
import { cParser } from './linking';
import { showExpr } from './show-facts';

/** `text` as the value that a function returns. */
async function expression(text: string, before = ''): Promise<Expr> {
  const facts = readFacts(await cParser(), 'a.c', `${before}int f(void)\n{\n\treturn ${text};\n}\n`);
  const body = facts.functions[0]?.body[0];
  expect(facts.problems).toEqual([]);
  if (body?.k !== 'return' || body.x === undefined) throw new Error(`no expression: ${text}`);
  return body.x;
}

async function shown(text: string, before = ''): Promise<string> {
  return showExpr(await expression(text, before));
}

describe('an expression', () => {
  it.each([
    ['a + b * c - d', '[[a + [b * c]] - d]'],
    ['(a + b) * c', '[[a + b] * c]'],
    ['a && !b || ~c & 3', '[[a && [! b]] || [[~ c] & 3]]'],
    ['*p++ + --*q', '[[* [p ++]] + [-- [* q]]]'],
    ['a = b |= c << 2', '[a = [b |= [c << 2]]]'],
    ['a, b, c', '[[a , b] , c]'],
    ['a ? b : c ? d : e', '[a ? b : [c ? d : e]]'],
    ['a ?: b', '[a ?  : b]'],
    ['&vcpu->arch.regs[VCPU_REGS_RAX]', '[& vcpu->arch.regs[VCPU_REGS_RAX]]'],
    ['(*p).x', '[* p].x'],
    ['-1 + -EINVAL - 2', '[[[- 1] + [- EINVAL]] - 2]'],
    ['a -1', '[a - 1]'],
    ["'x' == true", "['x' == true]"],
    ['"a" "b" PRIx64', '"a" "b" PRIx64'],
    ['({ int x = f(); x + 1; })', '({ <int> x = f(); [x + 1]; })'],
    ['&&label', 'OPAQUE(&&label)'],
    ['_Generic(x, int: 1, default: 2)', 'OPAQUE(_Generic(x, int: 1, default: 2))'],
  ])('%s', async (text, expected) => {
    expect(await shown(text)).toBe(expected);
  });
});

describe('a call', () => {
  it.each([
    ['f()', 'f()'],
    ['ops->get(vcpu)(1)', 'ops->get(vcpu)(1)'],
    ['(*fn)(a)', '[* fn](a)'],
    ['handlers[reason](vcpu)', 'handlers[reason](vcpu)'],
    ['kvm_x86_call(set_msr)(vcpu, msr)', 'kvm_x86_call(set_msr)(vcpu, msr)'],
    ['static_call(kvm_x86_set_msr)(vcpu, msr)', 'static_call(kvm_x86_set_msr)(vcpu, msr)'],
    ['container_of(work, struct kvm, arch.work)', 'container_of(work, <struct kvm>, arch.work)'],
    ['offsetof(struct kvm, vcpus[3].id)', 'offsetof(<struct kvm>, vcpus[3].id)'],
    ['min_t(unsigned long, a, b)', 'min_t(<unsigned long>, a, b)'],
    ['min_t(u32, a, b) + max_t(gfn_t, a, b)', '[min_t(<u32>, a, b) + max_t(<gfn_t>, a, b)]'],
    ['READ_ONCE(*(u64 *)p)', 'READ_ONCE([* [<u64 *> p]])'],
    ['f(({ g(); 1; }))', 'f(({ g(); 1; }))'],
    ['f(a, b,)', 'f(a, b)'],
    ['"a" __stringify(B)', '"a" __stringify(B)'],
    ['asm_safe("insn" : "=m"(x))', '({ asm(x : ); OPAQUE(asm_safe("insn" : "=m"(x))); })'],
  ])('%s', async (text, expected) => {
    expect(await shown(text)).toBe(expected);
  });

  it.each([
    ['kvm_x86_call(set_msr)(vcpu, msr)', 'kvm_x86_call'],
    ['a->b->run(x)', 'run'],
    ['(*hook)(x)', 'hook'],
    ['table[i].fn(x)', 'fn'],
    ['table[i](x)', 'table'],
  ])('%s stands at its callee: %s', async (text, callee) => {
    const x = await expression(text);
    expect(x.k).toBe('call');
    // `return ` after one tab: the expression begins in column 9 of line 3.
    expect([lineOf(x.at), columnOf(x.at)]).toEqual([3, 9 + text.indexOf(callee)]);
  });
});

describe('a cast', () => {
  it.each([
    ['(struct foo *)p', '[<struct foo *> p]'],
    ['(void)f()', '[<void> f()]'],
    ['(unsigned long)(x)', '[<unsigned long> x]'],
    // The grammar sees calls, sums and products here.
    ['(u32)(x)', '[<u32> x]'],
    ['(gpa_t)(gfn) << PAGE_SHIFT', '[[<gpa_t> gfn] << PAGE_SHIFT]'],
    ['(u64)(u32)(x)', '[<u64> [<u32> x]]'],
    ['(u64)(s64)(s32)(x)', '[<u64> [<s64> [<s32> x]]]'],
    ['(gfn_t)(p)->start', '[<gfn_t> p->start]'],
    ['(u8)(p)[3].x', '[<u8> p[3].x]'],
    ['(u64)-1', '[<u64> [- 1]]'],
    ['(u64)-x * 2', '[[<u64> [- x]] * 2]'],
    ['(hpa_t)*p', '[<hpa_t> [* p]]'],
    ['(u64)&a == b', '[[<u64> [& a]] == b]'],
    ['(u64)&a + 1 < b << 2', '[[[<u64> [& a]] + 1] < [b << 2]]'],
    ['(f)(x)', 'f(x)'],
    ['(mask) & x', '[mask & x]'],
    ['(typeof(p))(x + 1)', '[<typeof(p)> [x + 1]]'],
    // And casts where there are none.
    ['(x) - (y) * div(x, y)', '[x - [y * div(x, y)]]'],
    ['(a) - x.y * z / w + 3', '[[a - [[x.y * z] / w]] + 3]'],
    ['(a) & *p == b << 2', '[a & [[* p] == [b << 2]]]'],
  ])('%s', async (text, expected) => {
    expect(await shown(text)).toBe(expected);
  });

  it("knows the file's own typedefs, pointers to functions too", async () => {
    expect(await shown('(walker)(x)', 'typedef int (*walker)(int a);\n')).toBe('[<walker> x]');
    expect(await shown('(walker)(x)')).toBe('walker(x)');
  });
});

describe('sizeof', () => {
  it.each([
    ['sizeof(struct foo) * n', '[sizeof(<struct foo>) * n]'],
    ['sizeof(u32) * n', '[sizeof(<u32>) * n]'],
    ['sizeof(gfn_t)', 'sizeof(<gfn_t>)'],
    ['sizeof(*p) / 2', '[sizeof([* p]) / 2]'],
    ['sizeof x', 'sizeof(x)'],
    ['sizeof(x)', 'sizeof(x)'],
    ['sizeof(typeof(x))', 'sizeof(<typeof(x)>)'],
  ])('%s', async (text, expected) => {
    expect(await shown(text)).toBe(expected);
  });
});

describe('an initialiser', () => {
  it.each([
    ['(struct s){ .a = 1, .b.c = 2, 3 }', '<struct s>{.a = 1, .b.c = 2, 3}'],
    ['(int []){ [0] = 1, [2 ... N - 1] = 2 }', '<int []>{[0] = 1, [2 ... [N - 1]] = 2}'],
    ['(struct s){ { f, g }, }.a', '<struct s>{{f, g}}.a'],
  ])('%s', async (text, expected) => {
    expect(await shown(text)).toBe(expected);
  });
});
