import { describe, expect, it } from 'vitest';
import { pos, type FileFacts } from '../../extension/core/syntax/facts';
import { readFacts } from '../../extension/core/syntax/read-facts';
import { cParser } from './linking';
import { showExpr, showStmts } from './show-facts';

async function read(text: string): Promise<FileFacts> {
  const facts = readFacts(await cParser(), 'a.c', text);
  expect(facts.problems).toEqual([]);
  return facts;
}

/** What the macro's body was read as. */
async function bodyOf(define: string): Promise<string> {
  // Neighbours, so that bodies are seen to be told apart.
  const facts = await read(`#define FIRST (1 + 2)\n${define}\n#define LAST(x) (x)\n`);
  const [first, macro, last] = facts.macros;
  expect(first?.expr && showExpr(first.expr)).toBe('[1 + 2]');
  expect(last?.expr && showExpr(last.expr)).toBe('x');
  if (macro?.expr !== undefined) return `expr ${showExpr(macro.expr)}`;
  return macro?.stmts === undefined ? 'text' : `stmts ${showStmts(macro.stmts)}`;
}

describe("a macro's body", () => {
  it.each([
    ['#define A 0x10ul', 'expr 0x10ul'],
    ['#define A (-1)', 'expr [- 1]'],
    ['#define A "a" "b"', 'expr "a" "b"'],
    ['#define A(x) ((u64)(x) << 3)', 'expr [[<u64> x] << 3]'],
    ['#define A(x) container_of(x, struct foo, bar)', 'expr container_of(x, <struct foo>, bar)'],
    ['#define A a, b', 'expr [a , b]'],
    [
      '#define A(c, kvm)\t\\\n({\t\t\\\n\tint r = !!(c);\t\\\n\tif (r)\t\\\n\t\tf(kvm);\t\\\n\tr;\t\\\n})',
      'expr ({ <int> r = [! [! c]]; if (r) { f(kvm); } r; })',
    ],
    ['#define A(x) do { if (x) f(); } while (0)', 'stmts do (0) { if (x) { f(); } }'],
    ['#define A(x) f(x); g(x)', 'stmts f(x); g(x);'],
    ['#define A(x) if (x) f()', 'stmts if (x) { f(); }'],
    ['#define A(x) asm("x" : "=r" (x))', 'stmts asm(x : );'],
    ['#define A return -EINVAL', 'stmts return [- EINVAL];'],
    ['#define for_each_a(p, h) for (p = h; p; p = p->next)', 'stmts for ([p = h]; p; [p = p->next]) {}'],
    [
      '#define for_each_a(p, h) for_each_b(p, h) if (!p->x) { } else',
      'stmts each for_each_b(p, h) { if ([! p->x]) {} else {} }',
    ],
    ['#define A(fmt, ...) pr_err("x" fmt, ## __VA_ARGS__)', 'expr pr_err("x" fmt, __VA_ARGS__)'],
    ['#define A(args...) f(args)', 'expr f(args)'],
    ['#define A(x) WARN(x, #x)', 'expr WARN(x, "")'],
    ['#define A(x) f("# no operator", \'#\')', 'expr f("# no operator", \'#\')'],
    ['#define A(x) a_##x', 'text'],
    ['#define A(x) static_call(kvm_x86_##x)', 'text'],
    ['#define A', 'text'],
    ['#define A {', 'text'],
    ['#define A (]', 'text'],
    ['#define A struct foo', 'text'],
    ['#define A __attribute__((packed))', 'text'],
    ['#define A static int x(void) { return 1; }', 'text'],
  ])('%s', async (define, expected) => {
    expect(await bodyOf(define)).toBe(expected);
  });

  it('has its positions in the file, and parameters, text and condition as written', async () => {
    const facts = await read('#ifdef X\n#define A(a, b...)  f(a, /* c */ \\\n\tg(b))\n#endif\n');
    const [macro] = facts.macros;
    expect(macro).toMatchObject({
      name: 'A',
      at: pos(2, 9),
      params: ['a', 'b...'],
      text: 'f(a, g(b))',
      when: ['defined(X)'],
      expr: {
        k: 'call',
        at: pos(2, 21),
        args: [
          { name: 'a', at: pos(2, 23) },
          { k: 'call', at: pos(3, 2) },
        ],
      },
    });
  });
});

describe('functions that macros of the file generate', () => {
  const shown = (facts: FileFacts): string[] =>
    facts.functions.map(
      (fn) => `${fn.linkage} <${fn.returns}> ${fn.name} from ${fn.from ?? ''}: ${showStmts(fn.body)}`,
    );

  it('are made by pasting and quoting, and stand where the call does', async () => {
    const facts = await read(
      '#define BUILD(l, U)\t\\\nstatic inline u64 get_##l(struct v *v)\t\\\n{\t\\\n\tlog("l", #l);\t\\\n\treturn v->regs[REG_##U];\t\\\n}\n' +
        'int before;\n#ifdef X\nBUILD(rax, RAX)\n#endif\n  BUILD(rbx,\n\tRBX);\n',
    );
    expect(shown(facts)).toEqual([
      'static <u64> get_rax from BUILD(rax, RAX): log("l", "rax"); return v->regs[REG_RAX];',
      'static <u64> get_rbx from BUILD(rbx, RBX): log("l", "rbx"); return v->regs[REG_RBX];',
    ]);
    expect(facts.functions).toMatchObject([
      { at: pos(9, 1), firstLine: 9, lastLine: 9, when: ['defined(X)'], body: [{ at: pos(9, 1) }, { at: pos(9, 1) }] },
      { at: pos(11, 3), inline: true, params: [{ name: 'v', type: 'struct v *' }] },
    ]);
    expect(facts.fileScopeCalls.map((call) => call.name)).toEqual(['BUILD', 'BUILD']);
  });

  it('are found through other macros, and without pasting', async () => {
    const facts = await read(
      '#define ONE(t, a, b) static t a##_##b(void) { return (t)b##_bit(); }\n#define BOTH(t, a) ONE(t, a, read) ONE(t, a, write)\n' +
        '#define PLAIN(f) void f(void) { g(); }\nBOTH(bool, test)\nPLAIN(h);\n',
    );
    expect(shown(facts)).toEqual([
      'static <bool> test_read from BOTH(bool, test): return [<bool> read_bit()];',
      'static <bool> test_write from BOTH(bool, test): return [<bool> write_bit()];',
      'extern <void> h from PLAIN(h): g();',
    ]);
    // Such a macro is no statement.
    expect(facts.macros.filter((macro) => macro.stmts !== undefined)).toEqual([]);
  });

  it('may be put together from halves', async () => {
    const facts = await read(
      '#ifdef CONFIG_X86_64\n#define ON64(x) x\n#else\n#define ON64(x)\n#endif\n#define BEGIN(op) int em_##op(int n) { switch (n) {\n#define END } return 0; }\n' +
        '#define EM(op) BEGIN(op) case 1: E(op##b); break; ON64(case 8: E(op##q); break;) END\nEM(add);\n',
    );
    expect(shown(facts)).toEqual([
      'extern <int> em_add from EM(add): switch (n) { case 1: E(addb); break; case 8: E(addq); break; } return 0;',
    ]);
  });

  it('are not made by macros of other files, whose calls are kept', async () => {
    const facts = await read('BUILD_ELSEWHERE(rax, RAX)\nint f(void) { return 1; }\n');
    expect(facts.functions.map((fn) => fn.name)).toEqual(['f']);
    expect(facts.fileScopeCalls).toEqual([{ name: 'BUILD_ELSEWHERE', at: pos(1, 1), args: ['rax', 'RAX'] }]);
  });

  it('are bounded where macros multiply', async () => {
    const wide = 'A(x) '.repeat(64);
    const text = `#define A(x) B(x) ${wide}int f##x(void) { }\n#define B(x) ${wide}{ }\nA(1)\n`;
    const facts = readFacts(await cParser(), 'a.c', text);
    expect(facts.problems).toContainEqual({ file: 'a.c', line: 3, message: 'A() makes too much text' });
  });
});
