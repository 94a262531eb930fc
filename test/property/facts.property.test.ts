import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileFacts } from '../../extension/core/syntax/facts';
import { maskKernelC } from '../../extension/core/syntax/mask';
import { readFacts } from '../../extension/core/syntax/read-facts';
import { cParser } from '../unit/linking';

/** Kernel-shaped C with something of everything that masking and lowering treat specially. */
const SEED = `#ifndef A_H
#define A_H
#include <linux/kvm.h>
#define BUILD(l, U) static inline u64 get_##l(struct v *v) { return v->regs[U]; }
#define for_each_a(p, h) for (p = h; p; p = p->next)
#define BUG(c, k) ({ int r = !!(c); if (r) f(k); r; })
BUILD(rax, RAX)
enum { A = 1, B };
struct s { u32 a:3; union { int b; struct { int c; }; }; int (*cb)(struct s *s); DECLARE_BITMAP(m, 64); };
static struct ops ops = { .get = f,
#ifdef CONFIG_X
	.set = &g,
#endif
	[3 ... 5] = { 1 } };
static int __init f(struct s *s, u64 x) __must_hold(l)
{
	struct p *p __free(kfree) = (u32)(x) + (u64)-1;
	guard(mutex)(&s->lock);
	for_each_a(p, s->h) if (p->x) continue;
	switch (x) { case A ... B: asm goto("x" : : "r" (x) : : out); break; GROUP(1): default: g(); }
#if A
	if (kvm_x86_call(get)(s, sizeof(struct s)) ?: x) {
#else
	if (x) {
#endif
		return container_of(s, struct t, s)->x;
	}
out:
	return FNAME(walk)(s, "text", 'c');
}
module_init(f);
#endif
`;

/** Pieces that open, close or turn something. */
const PIECES = [
  ...'( ) { } [ ] ; : , # " \' \\ < > = * & ? .'.split(' '),
  ...['/*', '*/', '//', '##', '...', '\r\n', '\0', '\ud800', 'é', '\u2028'],
  ...['#if A\n', '#else\n', '#elif B\n', '#endif\n', '#define X(a) a\n', '\\\n'],
  ...[
    'if',
    'else',
    'do',
    'case',
    'default:',
    'for_each_x(a)',
    'asm(',
    'FNAME(',
    'guard(',
    '__attribute__((',
    '(u32)(',
    'struct s',
  ],
];

interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(SEED.length),
  remove: fc.nat(40),
  insert: fc.array(fc.constantFrom(...PIECES), { maxLength: 4 }).map((pieces) => pieces.join('')),
});

const mutated = fc
  .array(edit, { minLength: 1, maxLength: 6 })
  .map((edits) =>
    edits.reduce((text, { at, remove, insert }) => text.slice(0, at) + insert + text.slice(at + remove), SEED),
  );

const fragments = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 6 })), { maxLength: 60 })
  .map((all) => all.join(' '));

function wellFormed(facts: FileFacts, text: string): void {
  const lines = text.split('\n').length;
  expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
  for (const fn of facts.functions) {
    expect(fn.name).not.toBe('');
    expect(fn.firstLine).toBeLessThanOrEqual(fn.lastLine);
    expect(fn.lastLine).toBeLessThanOrEqual(lines);
  }
  for (const { line } of facts.problems) expect(line ?? 1).toBeLessThanOrEqual(lines);
}

describe('facts', () => {
  it('are read from C without a problem, so that the mutations begin with something', async () => {
    const facts = readFacts(await cParser(), 'a.c', SEED);
    expect(facts.problems).toEqual([]);
    expect(facts.functions.map((fn) => fn.name)).toEqual(['f', 'get_rax']);
  });

  it.each([
    ['any string', fc.string({ maxLength: 400 })],
    ['any units', fc.string({ unit: 'binary', maxLength: 200 })],
    ['pieces of C', fragments],
    ['C with random edits', mutated],
  ])('are read from %s', async (_, arbitrary) => {
    const parser = await cParser();
    fc.assert(
      fc.property(arbitrary, (text) => {
        const masked = maskKernelC(text);
        expect(masked.text.length).toBe(text.length);
        wellFormed(readFacts(parser, 'a.c', text), text);
      }),
      { numRuns: 150, seed: 20260101 },
    );
  });

  it('take no time that grows faster than the text where brackets, branches or operators pile up', async () => {
    const parser = await cParser();
    const many = 20_000;
    for (const piece of [
      '(',
      '{',
      'f(',
      '#if A\n',
      '#else\n',
      'if (a) {',
      'a ? b : ',
      '(u64)',
      '-',
      'x->',
      'case 1: ',
      'asm(',
      'FNAME(',
      '"',
    ]) {
      const text = `int g(void) { ${piece.repeat(many)}`;
      expect(readFacts(parser, 'a.c', text).problems.length, piece).toBeGreaterThan(0);
    }
  }, 30_000);
});
