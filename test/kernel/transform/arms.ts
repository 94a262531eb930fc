import { applyEdits, type CFile, sourceOf } from './c-file';
import { type IfSpan, ifAt } from './statements';
import { counter, type CTree, type Transformed } from './tree';

/** Negates the condition of each `if` and swaps its arms: `if (a) X` becomes `if (!(a)) ; else { X }`. */
export function swapArms({ files }: CTree): Transformed {
  const { counts, count } = counter();
  const texts = new Map<string, string>();
  for (const file of files) {
    const edits = file.functions.map(({ from, to }) => ({
      start: file.tokens[from]?.start ?? 0,
      end: file.tokens[to]?.end ?? 0,
      text: swapIn(file, from, to + 1, count),
    }));
    texts.set(file.path, applyEdits(file.text, edits));
  }
  return { texts, counts };
}

/** The source of `[from, to)`, with each `if` in it swapped. */
function swapIn(file: CFile, from: number, to: number, count: (what: string) => void): string {
  const parts: string[] = [];
  let last = file.tokens[from]?.start ?? 0;
  for (let i = from; i < to; i++) {
    const token = file.tokens[i];
    if (token?.text !== 'if' || token.directive >= 0) continue;
    const span = ifAt(file.tokens, i);
    count(
      span === undefined ? 'left: cut by a preprocessor line' : span.else === undefined ? 'without else' : 'with else',
    );
    if (span === undefined) continue;
    parts.push(file.text.slice(last, token.start), swapped(file, span, count));
    last = file.tokens[span.end - 1]?.end ?? last;
    i = span.end - 1;
  }
  parts.push(file.text.slice(last, file.tokens[to - 1]?.end));
  return parts.join('');
}

function swapped(file: CFile, span: IfSpan, count: (what: string) => void): string {
  const arm = ([from, to]: readonly [number, number]): string => {
    const text = swapIn(file, from, to, count);
    return file.tokens[from]?.text === '{' ? text : `{ ${text} }`;
  };
  const condition = sourceOf(file, span.open, span.close + 1);
  return `if (!${condition}) ${span.else === undefined ? ';' : arm(span.else)} else ${arm(span.then)}`;
}
