import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { maskKernelC } from '../../extension/core/syntax/mask';
import type { CParser } from '../../extension/core/syntax/parser';
import { readFacts } from '../../extension/core/syntax/read-facts';
import { loadParser } from '../../extension/node/parser';
import { sampleTree } from '../sample';

/** Pieces that kernel C is made of, and that break it when they come in the wrong order. */
const pieces = fc.constantFrom(
  '#if defined(A)\n', '#else\n', '#endif\n', '#define F(x) x##_y {\\\n}\n', '#ifdef B\n', 'static int f(void)\n{\n', '}\n', '(', ')', '{',
  ';\n', '"', "'", '/*', '*/', '//', '\\\n', 'for_each_x(a, b)\n', 'case 1 ... 2:\n', 'asm volatile("x" : "=r"(a) : "r"(b));\n',
  'struct s { union { int a; }; int b:3; };\n', 'container_of(p, struct s *, m)', 'guard(srcu)(&k->s);\n', 'MODULE_X(y)\n', 'FNAME(w)(x)',
  '__attribute__((weak)) ', 'return a ?: b;\n', 'x = (u32)(y);\n', '\r\n', '\u00e9', '\ud800',
); // prettier-ignore

const scraps = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.array(pieces, { maxLength: 40 }).map((all) => all.join('')),
);

const lineBreaks = (text: string): number[] => [...text.matchAll(/\n/g)].map((match) => match.index);

const LONG = 20_000;

/** What would take a pass that looks back, looks ahead or recurses for each token more time than the text is long. */
const PILES = [
  ...['(', ')', '{', '}', 'f(', 'f(a) ', 'f(a): ', 'if (a) ', 'if (a) f(b) ', 'else ', 'case f(a): ', 'case 1 ... ', '? : '],
  ...['FOO(a) ', 'static FOO(a) ', 'f(struct x *) ', 'f(struct ', 'typeof(', 'FNAME(a)(b) ', '__a(b) ', '__attribute__((', 'x = '],
  ...['asm("x" : "r"(a)) ', 'asm("x" : ', 'struct s { ', '"', "'", '/*', '//\\\n', '\\\n', '#define A \\\n', '#else\n', '#if A\n', '#if A\nx;\n'],
  ...['#if A\nx;\n#else\n', '#if A\n)\n#else\n(\n#endif\n', '(\n#ifdef MODULE\na\n#endif\n', '#if A\n} else\n#endif\n', '\ud800'],
]; // prettier-ignore

describe('masking', () => {
  it('keeps length and line breaks, whatever the text', () => {
    fc.assert(
      fc.property(scraps, (text) => {
        const masked = maskKernelC(text);
        expect(masked.text.length).toBe(text.length);
        expect(lineBreaks(masked.text)).toEqual(lineBreaks(text));
      }),
      { numRuns: 500 },
    );
  });

  it('changes nothing that is not blanked or noted', () => {
    fc.assert(
      fc.property(scraps, (text) => {
        const masked = maskKernelC(text);
        let reached = 0;
        let noted = 0;
        for (const { start, end, original } of masked.rewrites) {
          expect(start).toBeGreaterThanOrEqual(reached);
          expect(original).toBe(text.slice(start, end));
          reached = end;
        }
        for (let i = 0; i < text.length; i++) {
          while (i >= (masked.rewrites[noted]?.end ?? Infinity)) noted += 1;
          const isNoted = i >= (masked.rewrites[noted]?.start ?? Infinity);
          if (!isNoted && masked.text[i] !== text[i]) expect(masked.text[i]).toBe(' ');
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each(['', 'int g(void) { '])('takes time in proportion to the text, whatever piles up behind %j', (before) => {
    for (const pile of PILES) {
      const start = performance.now();
      maskKernelC(before + pile.repeat(LONG));
      // A tenth of it is usual; a quadratic pass takes some ten seconds.
      expect(performance.now() - start, pile).toBeLessThan(2000);
    }
  });

  it('is not confused by a condition without end', () => {
    for (const text of ['('.repeat(LONG * 5), '!'.repeat(LONG * 5), 'A && '.repeat(LONG)])
      expect(maskKernelC(`f(\n#if ${text}\nx\n#endif\n)`).branches).toHaveLength(1);
    const many = `f(\n#if A\n${'#elif B\nx\n'.repeat(LONG)}#endif\n)`;
    const { branches } = maskKernelC(many);
    expect(branches).toHaveLength(LONG + 1);
    expect(Math.max(...branches.map(({ when }) => when.length))).toBeLessThan(1000);
    expect(maskKernelC('#if A\n'.repeat(LONG)).branches.length).toBeLessThanOrEqual(100);
  });
});

describe('reading facts', () => {
  let parser: CParser;
  let sources: string[] = [];
  beforeAll(async () => {
    parser = await loadParser();
    const tree = sampleTree();
    const files = (await tree.list('arch/x86/kvm')).filter((path) => path.endsWith('.c'));
    const reads = await Promise.all(files.map((path) => tree.read(path)));
    sources = reads.flatMap((read) => (read.kind === 'text' ? [read.text] : []));
    expect(sources.length).toBeGreaterThan(5);
  });

  it('never fails: scraps of C give facts and problems', () => {
    fc.assert(
      fc.property(scraps, (text) => {
        expect(readFacts(parser, 'a.c', text).path).toBe('a.c');
      }),
      { numRuns: 300 },
    );
  });

  it('never fails on a source with a piece cut out or put in, and survives JSON', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(80),
        scraps,
        (which, where, length, scrap) => {
          const source = sources[which % sources.length] ?? '';
          const at = Math.floor(where * source.length);
          const facts = readFacts(parser, 'a.c', source.slice(0, at) + scrap + source.slice(at + length));
          expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
        },
      ),
      { numRuns: 100 },
    );
  });
});
