import { InputError } from '../input-error';
import type { SourceTree } from '../source/tree';
import type { FilePatch, Hunk } from './parse';
import { misfit, placeHunk } from './place-hunk';

/** A file that a patch touched, and where its hunks went. */
export interface AppliedFile {
  /** The file's path after the patch; of a deleted file its path before. */
  readonly path: string;
  readonly hunks: readonly AppliedHunk[];
}

export interface AppliedHunk {
  /** Where the hunk starts in the file as it was, 1-based. */
  readonly line: number;
  /** Lines between the place that the patch names (shifted as the hunks before it were) and the place where it fits. */
  readonly offset: number;
  /** Lines of context at each end that had to be ignored. */
  readonly fuzz: number;
}

/** What a patch makes of a tree, in memory. */
export interface Applied {
  /** For `overlay()`: the files' new texts; `null` for those that go. */
  readonly texts: ReadonlyMap<string, string | null>;
  /** What the same files held before; `null` for those that are new. */
  readonly originals: ReadonlyMap<string, string | null>;
  readonly files: readonly AppliedFile[];
  /** Old path to new path. */
  readonly renames: ReadonlyMap<string, string>;
  /** Files without C that this tree does not have (documentation, self-tests): left out. */
  readonly skipped: readonly string[];
}

/**
 * Applies patches in order, over `tree` and over each other; the tree is only read.
 * @throws InputError for the first hunk that does not fit: file, hunk, line, what was expected and what stands there.
 */
export async function applyPatches(tree: SourceTree, patches: readonly FilePatch[]): Promise<Applied> {
  const texts = new Map<string, string | null>();
  const originals = new Map<string, string | null>();
  const files: AppliedFile[] = [];
  const renames = new Map<string, string>();
  const skipped: string[] = [];
  const read = async (path: string): Promise<string | null> => {
    const text = texts.get(path);
    if (text !== undefined) return text;
    const result = await tree.read(path);
    if (result.kind === 'unreadable') throw new InputError(`${path} cannot be read: ${result.why}`);
    return result.kind === 'text' ? result.text : null;
  };

  for (const patch of patches) {
    const { oldPath, newPath } = await pathsIn(patch, read);
    const path = newPath ?? oldPath;
    if (path === null) continue;
    const before = oldPath === null ? null : await read(oldPath);
    if (patch.binary || (oldPath !== null && before === null)) {
      if (isKvmSource(path)) {
        throw new InputError(
          patch.binary
            ? `does not apply: the change of ${path} is binary`
            : `does not apply: ${oldPath ?? path} is not in the tree`,
        );
      }
      skipped.push(path);
      continue;
    }
    if (oldPath === null && (await read(path)) !== null) {
      throw new InputError(`does not apply: ${path} is new in the patch and is there already`);
    }
    const { text, hunks } = applyHunks(path, before ?? '', patch.hunks);
    if (newPath === null && text !== '') {
      throw new InputError(`does not apply: ${path} goes with the patch, and has more lines than the patch removes`);
    }
    for (const touched of [oldPath, newPath]) {
      if (touched !== null && !originals.has(touched)) originals.set(touched, await read(touched));
    }
    if (newPath !== null) texts.set(newPath, text);
    if (oldPath !== null && newPath !== oldPath && patch.move !== 'copy') texts.set(oldPath, null);
    if (oldPath !== null && newPath !== null && newPath !== oldPath && patch.move === 'rename') {
      renames.set(oldPath, newPath);
    }
    files.push({ path, hunks });
  }
  return { texts, originals, files, renames, skipped };
}

function applyHunks(path: string, before: string, hunks: readonly Hunk[]): { text: string; hunks: AppliedHunk[] } {
  const openEnd = before !== '' && !before.endsWith('\n');
  const lines = before.split('\n');
  if (!openEnd) lines.pop();
  const out: string[] = [];
  const placed: AppliedHunk[] = [];
  let shift = 0;
  let used = 0;
  let outOpenEnd = openEnd;
  hunks.forEach((hunk, index) => {
    const place = placeHunk(lines, hunk, shift, used);
    if (place === undefined) throw new InputError(faultOf(path, lines, hunk, index, hunks.length, shift));
    const copyTo = (line: number): void => {
      out.push(...lines.slice(used, line));
      used = Math.max(used, line);
    };
    // Context is copied from the file with what comes after it: fuzz may have ignored it, and the next hunk may share it.
    let at = place.line - 1;
    for (const { op, text } of hunk.lines) {
      if (op !== ' ') copyTo(at);
      if (op === '+') out.push(text);
      else at++;
      if (op === '-') used = at;
    }
    if (at >= lines.length && (hunk.oldOpenEnd || hunk.newOpenEnd)) outOpenEnd = hunk.newOpenEnd;
    shift += place.offset;
    placed.push({ line: place.line, offset: place.offset, fuzz: place.fuzz });
  });
  out.push(...lines.slice(used));
  return { text: out.length === 0 ? '' : out.join('\n') + (outOpenEnd ? '' : '\n'), hunks: placed };
}

function faultOf(path: string, lines: readonly string[], hunk: Hunk, index: number, of: number, shift: number): string {
  const { line, expected, found, applied } = misfit(lines, hunk, shift);
  const which = `does not apply: ${path}, hunk ${index + 1} of ${of} (line ${hunk.at} of the patch)`;
  if (applied) return `${which}: the tree already has this change`;
  const stands = found === undefined ? 'the file ends' : `stands ${quote(found)}`;
  return `${which}: at ${path}:${line} it expects ${quote(expected)}, there ${stands}`;
}

/** A line of C in a message: on one line, of bearable length. */
function quote(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line === '' ? 'an empty line' : `"${line.length > 90 ? `${line.slice(0, 87)}...` : line}"`;
}

/**
 * The paths without their `a/` and `b/`. Diffs made by hand have other leading folders, or none: the first reading
 * that names a file of the tree is taken.
 */
async function pathsIn(
  patch: FilePatch,
  read: (path: string) => Promise<string | null>,
): Promise<{ oldPath: string | null; newPath: string | null }> {
  let strip = /^[abciow]\//.test(patch.oldPath ?? patch.newPath ?? '') ? 1 : 0;
  if (patch.oldPath !== null) {
    const depths = [strip, 1 - strip, 2, 3];
    for (const depth of depths) {
      const path = without(patch.oldPath, depth);
      if (path === null || (await read(path)) === null) continue;
      strip = depth;
      break;
    }
  }
  return { oldPath: checked(patch.oldPath, strip), newPath: checked(patch.newPath, strip) };
}

function without(path: string, folders: number): string | null {
  const parts = path.split('/');
  if (parts.length <= folders || path.startsWith('/') || parts.includes('..')) return null;
  return parts.slice(folders).join('/');
}

function checked(path: string | null, strip: number): string | null {
  if (path === null) return null;
  const stripped = without(path, strip);
  if (stripped === null) throw new InputError(`does not apply: ${path} lies outside of the tree`);
  return stripped;
}

/** What the analysis may read: a patch to it must apply, or the answer would be about something else. */
function isKvmSource(path: string): boolean {
  return /\.[ch]$/.test(path) && /^(arch\/x86|virt|include)\//.test(path);
}
