import { type CFile, closing } from './c-file';
import { counter, type CTree, type Transformed } from './tree';

export interface Moved extends Transformed {
  /** Where a place has been in the original. */
  place: (site: { readonly file: string; readonly line: number; readonly column: number }) => string;
}

/** Lines with the numbers that they had. */
interface Line {
  readonly text: string;
  readonly was: number;
}

/** Comments with which a reader of C can go wrong. */
const NOISE = ['', '\t/* if (0) { return; */', '', '// }', '/*\n * goto out;\n#endif\n { "\n */', '/* else */ /* ; */'];

/** Puts blank lines and comments after statements and between functions, so that every line moves. */
export function shiftLines({ files }: CTree): Moved {
  const { counts, count } = counter();
  const moved = files.map((file, n): [string, Line[]] => {
    const breaks = breaksOf(file);
    const lines = linesOf(file).flatMap((line) => {
      if (!breaks.has(line.was)) return [line];
      count('places');
      const noise = NOISE[(line.was + n) % NOISE.length] ?? '';
      return [line, ...noise.split('\n').map((text) => ({ text, was: line.was }))];
    });
    return [file.path, lines];
  });
  return madeOf(moved, counts);
}

/** Puts the functions of a file into the places of others, in the opposite order, as far as no preprocessor line is passed. */
export function reorderFunctions({ files }: CTree): Moved {
  const { counts, count } = counter();
  const moved = files.map((file): [string, Line[]] => {
    const lines = linesOf(file);
    const groups = groupsOf(file);
    const at = new Map<number, readonly [from: number, to: number]>();
    for (const group of groups) {
      if (group.length > 1) count('functions', group.length);
      for (const [i, place] of group.entries()) at.set(place[0], group[group.length - 1 - i] ?? place);
    }
    const ends = new Map(groups.flat());
    const all: Line[] = [];
    for (let line = 1; line <= lines.length; line++) {
      const [from, to] = at.get(line) ?? [line, line];
      all.push(...lines.slice(from - 1, to));
      line = ends.get(line) ?? line;
    }
    return [file.path, all];
  });
  return madeOf(moved, counts);
}

function linesOf(file: CFile): Line[] {
  return file.text.split('\n').map((text, i) => ({ text, was: i + 1 }));
}

function madeOf(moved: readonly (readonly [string, readonly Line[]])[], counts: Record<string, number>): Moved {
  const lines = new Map(moved);
  return {
    texts: new Map(moved.map(([path, all]) => [path, all.map((line) => line.text).join('\n')])),
    counts,
    place: ({ file, line, column }) => `${file}:${lines.get(file)?.[line - 1]?.was ?? line}:${column}`,
  };
}

/** 1-based lines of offsets. */
function lineNumbers(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}

/** Lines after which a line can be put: those that end a statement, a block or a definition. */
function breaksOf(file: CFile): Set<number> {
  const line = lineNumbers(file.text);
  const { tokens } = file;
  const found = new Set<number>();
  let fn = 0;
  for (let i = 0; i < tokens.length - 1; i++) {
    const token = tokens[i];
    const next = tokens[i + 1];
    if (token === undefined || next === undefined || token.directive >= 0) continue;
    if (token.text === '(' || token.text === '[') {
      i = closing(tokens, i);
      continue;
    }
    while ((file.functions[fn]?.to ?? Infinity) <= i) fn++;
    const span = file.functions[fn];
    const inside = span !== undefined && span.from < i && i < span.to;
    // A `}` may end a block before `else` or `while`, or an initialiser.
    const ends = token.text === ';' || (token.text === '}' && !inside);
    const at = line(token.end - 1);
    const between = file.text.slice(token.end, next.start);
    if (ends && /^[ \t]*\n/.test(between) && line(next.start) > at) found.add(at);
  }
  return found;
}

/**
 * The lines of functions that may change places: those between two preprocessor lines that matter. A `#define` of a
 * name that the file defines once and never takes back may be passed.
 */
function groupsOf(file: CFile): [number, number][][] {
  const line = lineNumbers(file.text);
  const walls = wallsOf(file);
  const groups: [number, number][][] = [[]];
  let end = 0;
  for (const fn of file.functions) {
    const start = file.tokens[fn.head]?.start ?? 0;
    const from = line(start);
    const to = line(file.tokens[fn.to]?.start ?? 0);
    const previous = file.tokens[fn.head - 1];
    const isAlone =
      (file.text[start - 1] ?? '\n') === '\n' &&
      /^[^\n]*(?:\n|$)/.exec(file.text.slice(file.tokens[fn.to]?.end))?.[0].trim() === '' &&
      (previous === undefined || line(previous.end - 1) < from);
    if (walls.some((wall) => end <= wall && wall < start)) groups.push([]);
    end = file.tokens[fn.to]?.end ?? 0;
    // Inside of a function a preprocessor line moves along.
    if (isAlone) groups.at(-1)?.push([from, to]);
  }
  return groups;
}

function wallsOf({ tokens }: CFile): number[] {
  const times = new Map<string, number>();
  const directives: { at: number; word: string; name: string }[] = [];
  for (const [i, token] of tokens.entries()) {
    if (token.directive !== token.start) continue;
    const word = tokens[i + 1]?.text ?? '';
    const name = tokens[i + 2]?.text ?? '';
    directives.push({ at: token.start, word, name });
    if (word === 'define' || word === 'undef') times.set(name, (times.get(name) ?? 0) + 1);
  }
  return directives.filter(({ word, name }) => word !== 'define' || times.get(name) !== 1).map(({ at }) => at);
}
