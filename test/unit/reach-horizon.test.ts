import { describe, expect, it } from 'vitest';
import { horizon } from '../../extension/core/reach/horizon';
import { writtenFields } from '../../extension/core/reach/written-fields';
import { lineOf, type Stmt } from '../../extension/core/syntax/facts';
import { walkExprs } from '../../extension/core/syntax/walk';
import { link } from './linking';

/** The line behind which nothing bears on the calls of `sink()`; `Infinity`: there is none. */
async function lineBehindSink(body: string): Promise<number> {
  const program = await link({ 'arch/x86/kvm/x.c': `void f(int n)\n{\n${body}\n}\n` });
  const fact = program.functions.get('arch/x86/kvm/x.c:f')?.fact;
  const stmts: readonly Stmt[] = fact !== undefined && 'body' in fact ? fact.body : [];
  const places = new Set<number>();
  walkExprs(stmts, (x) => {
    if (x.k === 'call' && x.fn.k === 'id' && x.fn.name === 'sink') places.add(x.at);
  });
  const last = horizon(stmts, places);
  return Number.isFinite(last) ? lineOf(last) : last;
}

describe('the horizon of a body', () => {
  it.each<[string, string, number]>([
    ['is the last call', 'sink(n);\nif (n)\n\tsink(n);\ng(n);', 5],
    ['is the last call though a jump goes on behind it', 'if (n)\n\tgoto out;\nsink(n);\nout:\ng(n);', 5],
    ['is not there if a jump can lead back to the call', 'again:\nsink(n);\nif (g(n))\n\tgoto again;', Infinity],
    ['is not there if the call is a step of a loop', 'for (; n; sink(n))\n\tg(n);', Infinity],
    ['is the call in the body of a loop', 'for (; n; n--) {\n\tsink(n);\n\tg(n);\n}', 4],
    ['is nowhere without a call', 'g(n);', -Infinity],
  ])('%s', async (_what, body, line) => {
    expect(await lineBehindSink(body)).toBe(line);
  });
});

describe('what a call may write', () => {
  it('is what it and all that it calls store to, in circles too', async () => {
    const file = 'arch/x86/kvm/x.c';
    const program = await link({
      [file]:
        'void b(int n);\nvoid c(void)\n{\n}\nvoid a(int n)\n{\n\tb(n);\n}\nvoid b(int n)\n{\n\ta(n);\n\tc();\n}\n',
    });
    const own = new Map([
      [`${file}:a`, new Set(['x'])],
      [`${file}:b`, new Set(['y'])],
      [`${file}:c`, new Set(['z'])],
    ]);
    const written = writtenFields(program, own);
    const fields = (name: string): string[] =>
      ['x', 'y', 'z', 'w'].filter((each) => written(`${file}:${name}`).has(each));
    expect(fields('a')).toEqual(['x', 'y', 'z']);
    expect(fields('b')).toEqual(['x', 'y', 'z']);
    expect(fields('c')).toEqual(['z']);
    expect(written('none').isEmpty).toBe(true);
  });
});
