import type { Hunk } from './parse';

/** Where a hunk fits. `line` is 1-based, of the first line that was compared. */
export interface Place {
  readonly line: number;
  readonly offset: number;
  readonly fuzz: number;
}

/** The best place of a hunk that fits nowhere, for the message. `found` is `undefined` past the end of the file. */
export interface Misfit {
  readonly line: number;
  readonly expected: string;
  readonly found: string | undefined;
  /** The file already has what the hunk would write. */
  readonly applied: boolean;
}

/** patch(1)'s default. */
const MOST_FUZZ = 2;

/**
 * Finds the place of `hunk` as patch(1) does: at the line that its header names, moved by `shift` as the hunks before
 * it were; then one line further away at a time, after and before; then the same with one and two lines of context
 * ignored at each end. A hunk with less context at one end than at the other stood at that end of the file.
 *
 * @param after the last line, 1-based, that the hunk before this one has used: hunks do not overlap
 */
export function placeHunk(lines: readonly string[], hunk: Hunk, shift: number, after: number): Place | undefined {
  const old = oldSide(hunk);
  const context = contextOf(hunk);
  // The header of an empty old side names the line before it.
  const first = hunk.oldStart + (old.length === 0 ? 1 : 0) + shift;
  if (old.length === 0) return { line: Math.min(Math.max(first, after + 1), lines.length + 1), offset: 0, fuzz: 0 };
  const most = Math.max(context.before, context.behind);
  for (let fuzz = 0; fuzz <= Math.min(MOST_FUZZ, most); fuzz++) {
    const line = locate(lines, old, first, after, {
      before: fuzz + context.before - most,
      behind: fuzz + context.behind - most,
      atTop: hunk.oldStart <= 1,
    });
    if (line !== undefined) return { line, offset: line - first, fuzz };
  }
  return undefined;
}

/** Why a hunk has no place: the first difference at the place where most of it fits. */
export function misfit(lines: readonly string[], hunk: Hunk, shift: number): Misfit {
  const old = oldSide(hunk);
  const first = hunk.oldStart + shift;
  let best = first;
  let score = old.length / 2;
  for (let line = 1; line <= lines.length; line++) {
    const here = old.reduce((sum, text, i) => sum + (lines[line - 1 + i] === text && text.trim() !== '' ? 1 : 0), 0);
    if (here > score || (here === score && Math.abs(line - first) < Math.abs(best - first))) {
      best = line;
      score = here;
    }
  }
  const at = old.findIndex((text, i) => lines[best - 1 + i] !== text);
  const wrong = Math.max(at, 0);
  return {
    line: best + wrong,
    expected: old[wrong] ?? '',
    found: lines[best - 1 + wrong],
    applied: placeReversed(lines, hunk, shift),
  };
}

/** The lines that a hunk expects. */
function oldSide(hunk: Hunk): string[] {
  return hunk.lines.filter(({ op }) => op !== '+').map(({ text }) => text);
}

/** Length of the context at both ends of a hunk. */
function contextOf(hunk: Hunk): { before: number; behind: number } {
  const isChange = ({ op }: { op: string }): boolean => op !== ' ';
  const before = hunk.lines.findIndex(isChange);
  const last = hunk.lines.findLastIndex(isChange);
  if (before < 0) return { before: hunk.lines.length, behind: hunk.lines.length };
  return { before, behind: hunk.lines.length - 1 - last };
}

function locate(
  lines: readonly string[],
  old: readonly string[],
  first: number,
  after: number,
  fuzz: { before: number; behind: number; atTop: boolean },
): number | undefined {
  const skipBefore = Math.max(fuzz.before, 0);
  const skipBehind = Math.max(fuzz.behind, 0);
  const fits = (line: number): boolean => {
    if (line <= after) return false;
    for (let i = skipBefore; i < old.length - skipBehind; i++) if (lines[line - 1 + i] !== old[i]) return false;
    return true;
  };
  if (fuzz.before < 0 && fuzz.atTop)
    return fits(1) && (fuzz.behind >= 0 || old.length === lines.length) ? 1 : undefined;
  if (fuzz.behind < 0) {
    const line = lines.length - old.length + 1;
    return fits(line) ? line : undefined;
  }
  const furthest = Math.max(lines.length - first, first) + old.length;
  for (let offset = 0; offset <= furthest; offset++) {
    if (fits(first + offset)) return first + offset;
    if (offset > 0 && fits(first - offset)) return first - offset;
  }
  return undefined;
}

function placeReversed(lines: readonly string[], hunk: Hunk, shift: number): boolean {
  if (!hunk.lines.some(({ op }) => op === '+')) return false;
  const swap = { ' ': ' ', '+': '-', '-': '+' } as const;
  const reversed = { ...hunk, lines: hunk.lines.map(({ op, text }) => ({ op: swap[op], text })) };
  return placeHunk(lines, reversed, shift, 0)?.fuzz === 0;
}
