import { describe, expect, it } from 'vitest';
import type { Stmt } from '../../extension/core/syntax/facts';
import { readFacts } from '../../extension/core/syntax/read-facts';
import { walkExpr, walkExprs, walkStmts } from '../../extension/core/syntax/walk';
import { cParser } from './linking';

async function bodyOf(text: string): Promise<readonly Stmt[]> {
  const facts = readFacts(await cParser(), 'a.c', `void f(void)\n{\n${text}\n}\n`);
  expect(facts.problems).toEqual([]);
  return facts.functions[0]?.body ?? [];
}

/** One name at each place that an expression can be in. */
const EVERYWHERE = `
a1; int x = a2; if (a3) a4; else a5;
switch (a6) { case a7: a8; case a9 ... a10: ; }
while (a11) a12; for (a13; a14; a15) a16; do a17; while (a18);
for_each_x(a19, a20) a21;
guard(m)(a22); scoped_guard(m, a23) a24; { a25; }
asm("x" : "=r" (a26) : "r" (a27)); return a28;
#ifdef X
f(a29)(a30); a31->m = a32[a33]; a34 ? a35 : a36; a37 ?: a38; (u64)a39; sizeof(a40);
s = (struct s){ .x = a41, [a42] = a43, [a44 ... a45] = a46 };
({ if (a47) a48; a49 + a50; });
#endif
`;

describe('a walk', () => {
  it('comes by every expression once', async () => {
    const seen: string[] = [];
    walkExprs(await bodyOf(EVERYWHERE), (x) => {
      if (x.k === 'id' && /^a\d+$/.test(x.name)) seen.push(x.name);
    });
    const all = Array.from({ length: 50 }, (_, i) => `a${i + 1}`);
    expect([...seen].sort()).toEqual([...all].sort());
  });

  it('comes by every statement once, and knows what is around', async () => {
    const body = await bodyOf('if (a) { while (b) f(); }\n#ifdef X\nx = ({ switch (c) { case 1: g(); } 1; });\n#endif');
    const seen: string[] = [];
    walkStmts(body, (s, around) => {
      seen.push([...around, s].map((each) => each.k).join(' '));
    });
    expect(seen).toEqual([
      'if',
      'if loop',
      'if loop expr',
      'when',
      'when expr',
      'when expr switch',
      'when expr switch case',
      'when expr switch expr',
      'when expr expr',
    ]);
    const calls: string[] = [];
    walkExprs(body, (x, around) => {
      if (x.k === 'call' && x.fn.k === 'id') calls.push(`${x.fn.name}: ${around.map((each) => each.k).join(' ')}`);
    });
    expect(calls).toEqual(['f: if loop expr', 'g: when expr switch expr']);
  });

  it('begins with the expression it is given', async () => {
    const [first] = await bodyOf('a + f(b);');
    if (first?.k !== 'expr') throw new Error('no expression');
    const kinds: string[] = [];
    walkExpr(first.x, (x) => kinds.push(x.k));
    expect(kinds).toEqual(['binary', 'id', 'call', 'id', 'id']);
  });
});
