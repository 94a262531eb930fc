import { describe, expect, it } from 'vitest';
import { swapArms } from '../kernel/transform/arms';
import { readC } from '../kernel/transform/c-file';
import { difference, graphLines } from '../kernel/transform/compare';
import { inlineHelpers } from '../kernel/transform/inline';
import { reorderFunctions, shiftLines } from '../kernel/transform/lines';
import { outlineConditions } from '../kernel/transform/outline';
import { renameEverything } from '../kernel/transform/rename';
import { renameFiles } from '../kernel/transform/rename-files';
import { type CTree, inTurn, type Transformed } from '../kernel/transform/tree';
import { memoryTree } from '../sample';
import { link } from './linking';

const FILE = 'arch/x86/kvm/x86.c';

function treeOf(text: string): CTree {
  return { base: memoryTree(new Map([[FILE, text]])), files: [readC(FILE, text)] };
}

/** The text of the one file, white space folded. */
function folded(made: Transformed): string {
  return (made.texts.get(FILE) ?? '').replace(/\s+/g, ' ').trim();
}

describe('the arms of an if', () => {
  it.each([
    ['if (a) f();', 'if (!(a)) ; else { f(); }'],
    ['if (a) f(); else g();', 'if (!(a)) { g(); } else { f(); }'],
    ['if (a) { f(); } else if (b) g();', 'if (!(a)) { if (!(b)) ; else { g(); } } else { f(); }'],
    ['if (a) for (;;) if (b) f();', 'if (!(a)) ; else { for (;;) if (!(b)) ; else { f(); } }'],
    ['if (a) list_for_each(p, h) f(p); else g();', 'if (!(a)) { g(); } else { list_for_each(p, h) f(p); }'],
    ['if (a) do f(); while (b); else g();', 'if (!(a)) { g(); } else { do f(); while (b); }'],
    ['x = ({ if (a) f(); 1; });', 'x = ({ if (!(a)) ; else { f(); } 1; });'],
  ])('%s', (before, after) => {
    expect(folded(swapArms(treeOf(`int t(int a)\n{ ${before} }\n`)))).toBe(`int t(int a) { ${after} }`);
  });

  it('stay if a preprocessor line cuts them', () => {
    const made = swapArms(treeOf('int t(int a)\n{\n\tif (a)\n#ifdef X\n\t\tf();\n#endif\n\tg();\n}\n'));
    expect(made.counts).toEqual({ 'left: cut by a preprocessor line': 1 });
  });
});

describe('other names', () => {
  const rename = (text: string): string => folded(renameEverything(treeOf(text), []));

  it('go to all uses, macros among them, and not to members, tags and labels of the same name', () => {
    expect(
      rename(
        'struct a { int a; };\n#define GET(x) ((x)->a + get(x))\nint get(struct a *a)\n{ goto a; a: return a->a + GET(a); }\n',
      ),
    ).toBe(
      'struct a { int a; }; #define GET(x) ((x)->a + fn0x(x)) int fn0x(struct a *lv0x) { goto a; a: return lv0x->a + GET(lv0x); }',
    );
  });

  it('are restored', () => {
    const made = renameEverything(treeOf('int get(int a)\n{ return get(a); }\n'), []);
    expect(made.restore(folded(made))).toBe('int get(int a) { return get(a); }');
  });

  it.each([
    ['a pasted name', '#define CALL(x) do_##x()\nint do_it(void)\n{ CALL(it); }\n', 'functions left: pasted'],
    [
      'a name given to a macro that pastes',
      '#define CALL(x) do_##x()\nint it(void)\n{ CALL(it); }\n',
      'functions left: argument',
    ],
    ['the name of a macro', '#define f(x) f(x)\nint f(int x)\n{ }\n', 'functions left: macro'],
    ['the sink', 'int kvm_zap_gfn_range(void)\n{ }\n', 'functions left: vocabulary'],
    [
      'a local that is a global elsewhere',
      'int f(int n)\n{ }\nint g(void)\n{ return n; }\n',
      'locals left: used undeclared',
    ],
    ['a local that is called as a macro', 'int f(int n)\n{ return max(n, 1) + n(2); }\n', 'locals left: called'],
  ])('leave %s', (_, text, reason) => {
    expect(renameEverything(treeOf(text), []).counts[reason]).toBe(1);
  });

  it('leave what headers name that do not change', () => {
    expect(renameEverything(treeOf('int f(void)\n{ }\n'), ['#define g f']).counts['functions left: foreign']).toBe(1);
  });

  it('of files keep their folder', () => {
    expect([...renameFiles(treeOf('int x;')).texts]).toEqual([
      [FILE, null],
      ['arch/x86/kvm/unit000x.c', 'int x;'],
    ]);
  });
});

describe('a condition', () => {
  const head = 'struct k { int n; };\nstatic int g(struct k *k)\n{ return 1; }\n';
  const outline = (condition: string): Transformed =>
    outlineConditions(treeOf(`${head}int t(struct k *k, int n)\n{ int a[2], i = 0; if (${condition}) g(k); }\n`));

  it('becomes a function that is given what it names', () => {
    expect(folded(outline('k->n == n && g(k)'))).toContain(
      'static inline bool helper_0(struct k * k, int n) { return k->n == n && g(k); } ' +
        'int t(struct k *k, int n) { int a[2], i = 0; if (helper_0(k, n)) g(k); }',
    );
  });

  it.each(['i++', 'i = n', 'f(&i)', 'a[0]', '*&n', 'unknown(n)', 'unknown'])('stays: %s', (condition) => {
    expect(outline(condition).counts).toEqual({ left: 1 });
  });
});

describe('a one-line helper', () => {
  const inline = (call: string, helper = 'static bool h(u32 n, struct k *k)\n{ return n == k->n; }\n'): string =>
    folded(inlineHelpers(treeOf(`${helper}void t(u64 m, struct k *x)\n{ ${call}; }\n`), new Set(['kept'])));

  it('is written out with its conversions', () => {
    expect(inline('f(h(m + 1, x))')).toContain('f(((bool)(((u32)(m + 1)) == ((struct k *)(x))->n)))');
  });

  it.each([
    ['another number of arguments', 'h(m)', undefined],
    ['an argument with effects that is named twice', 'h(f(m))', 'static int h(int n)\n{ return n + n; }\n'],
    ['a helper with effects', 'h(m)', 'static int h(int n)\n{ return n++; }\n'],
    ['a helper that names what the caller hides', 'h(m)', 'static int h(int n)\n{ return n + x; }\n'],
    ['a helper to keep', 'kept(m)', 'static int kept(int n)\n{ return n; }\n'],
  ])('stays a call: %s', (_, call, helper) => {
    expect(inline(call, helper)).toContain(`{ ${call}; }`);
  });
});

describe('lines', () => {
  it('move, and are found again', () => {
    const made = shiftLines(treeOf('int f(void)\n{\n\tg();\n\treturn 1;\n}\n'));
    const lines = (made.texts.get(FILE) ?? '').split('\n');
    expect(lines.length).toBeGreaterThan(6);
    expect(made.place({ file: FILE, line: lines.indexOf('\treturn 1;') + 1, column: 2 })).toBe(`${FILE}:4:2`);
  });

  it('of functions change places, but not across a preprocessor line', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => `void ${name}(void)\n{\n}\n`);
    const made = reorderFunctions(treeOf(`${a}${b}#ifdef X\n${c}#endif\n`));
    expect(made.texts.get(FILE)).toBe(`${b}${a}#ifdef X\n${c}#endif\n`);
  });
});

it('several in turn restore the names of the first', async () => {
  const tree = treeOf('int get(int a)\n{ if (a) get(a); }\n');
  const made = await inTurn(tree, [swapArms, renameFiles, (step) => renameEverything(step, [])]);
  expect(made.restore([...made.texts].join())).toContain(`${FILE},int get(int a)\n{ if (!(a)) ; else { get(a); } }`);
});

it('graphs that differ in one call differ', async () => {
  const text = 'static void g(void)\n{ }\nvoid f(void)\n{\n\tg();\n}\n';
  const [before, after] = [await link({ [FILE]: text }), await link({ [FILE]: text.replace('g();', '') })];
  expect(difference(graphLines(before), graphLines(after))).toEqual([expect.stringMatching(/^- edge .*:f .*:g call/)]);
  expect(difference(graphLines(before), graphLines(before))).toEqual([]);
});
