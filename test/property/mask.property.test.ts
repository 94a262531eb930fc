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

  it('takes time in proportion to the text', () => {
    const time = (copies: number): number => {
      const text =
        'int f(int a)\n{\n\tif (a) {\n\t\tfor_each_x(a, b)\n\t\t\tg(a, struct s *);\n\t}\n\treturn 0;\n}\n'.repeat(
          copies,
        );
      const start = performance.now();
      maskKernelC(text);
      return performance.now() - start;
    };
    time(500);
    // Ten times the text: far below the hundred times of a quadratic pass.
    expect(time(5000)).toBeLessThan(40 * Math.max(time(500), 2));
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
