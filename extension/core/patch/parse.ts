import { InputError } from '../input-error';

/**
 * Unified diffs as git, quilt and diff(1) write them, with whatever mail text stands around them.
 *
 * Own code, because the diff parsers on npm split a hunk by its line prefixes: a mail's `-- ` signature then deletes a
 * line, and a truncated hunk passes. Here a hunk is as long as its header says, as for patch(1).
 */
export interface FilePatch {
  /** As written, with its `a/`; `null`: the file is new. */
  readonly oldPath: string | null;
  /** As written, with its `b/`; `null`: the file goes. */
  readonly newPath: string | null;
  /** `rename` removes the old path, `copy` keeps it. */
  readonly move?: 'rename' | 'copy';
  /** The change is one that only git can apply. */
  readonly binary: boolean;
  readonly hunks: readonly Hunk[];
}

export interface Hunk {
  /** Its line in the patch's text, 1-based, for messages. */
  readonly at: number;
  /** 1-based; of an empty side the line before it, as the header has it. */
  readonly oldStart: number;
  readonly lines: readonly HunkLine[];
  /** The side's last line has no newline. */
  readonly oldOpenEnd: boolean;
  readonly newOpenEnd: boolean;
}

export interface HunkLine {
  readonly op: ' ' | '-' | '+';
  readonly text: string;
}

const HUNK_HEADER = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/**
 * Every file change in `text`, in order.
 * @throws InputError if there is none, or a hunk is shorter than its header says.
 */
export function parsePatch(text: string): FilePatch[] {
  const reader = new PatchReader(text);
  const files = reader.readAll();
  if (files.length === 0) throw new InputError('no diff in it; give a unified diff or the output of git format-patch');
  return files;
}

interface OpenFile {
  oldPath: string | null;
  newPath: string | null;
  move?: 'rename' | 'copy';
  binary: boolean;
  hunks: Hunk[];
}

class PatchReader {
  private readonly lines: readonly string[];
  private at = 0;
  private readonly files: OpenFile[] = [];

  constructor(text: string) {
    // A patch that went through a mail client with CRLF line ends is meant without them; the kernel has no CRLF file.
    this.lines = text.split(/\r?\n/);
  }

  readAll(): FilePatch[] {
    while (this.at < this.lines.length) {
      const line = this.line();
      if (line.startsWith('diff --git ')) this.readGitHeader(line);
      else if (this.atFileHeader()) this.files.push(this.readFileHeader());
      else if (HUNK_HEADER.test(line) && this.files.length > 0) this.readHunk();
      else this.at++;
    }
    return this.files;
  }

  private line(ahead = 0): string {
    return this.lines[this.at + ahead] ?? '';
  }

  /** `--- old` and `+++ new` with a hunk after them: nothing less, since commit messages hold lines of dashes. */
  private atFileHeader(): boolean {
    return this.line().startsWith('--- ') && this.line(1).startsWith('+++ ') && HUNK_HEADER.test(this.line(2));
  }

  private readFileHeader(): OpenFile {
    const oldPath = headerPath(this.line().slice(4));
    const newPath = headerPath(this.line(1).slice(4));
    this.at += 2;
    return { oldPath, newPath, binary: false, hunks: [] };
  }

  private readGitHeader(first: string): void {
    const names = gitPaths(first.slice('diff --git '.length));
    const file: OpenFile = { oldPath: names.old, newPath: names.new, binary: false, hunks: [] };
    this.files.push(file);
    this.at++;
    for (; this.at < this.lines.length; this.at++) {
      const line = this.line();
      const move = /^(rename|copy) (from|to) (.*)$/.exec(line);
      if (move) {
        file.move = move[1] === 'copy' ? 'copy' : 'rename';
        // These lines carry no a/ and b/; the others do, and are read as if they had them.
        if (move[2] === 'from') file.oldPath = `a/${unquote(move[3] ?? '')}`;
        else file.newPath = `b/${unquote(move[3] ?? '')}`;
      } else if (line.startsWith('new file mode ')) file.oldPath = null;
      else if (line.startsWith('deleted file mode ')) file.newPath = null;
      else if (line === 'GIT binary patch' || /^Binary files .* differ$/.test(line)) file.binary = true;
      else if (this.atFileHeader()) {
        const { oldPath, newPath } = this.readFileHeader();
        if (file.move === undefined) Object.assign(file, { oldPath, newPath });
        return;
      } else if (!/^(old mode|new mode|index|similarity index|dissimilarity index) /.test(line)) return;
    }
  }

  private readHunk(): void {
    const header = HUNK_HEADER.exec(this.line());
    const file = this.files.at(-1);
    if (header === null || file === undefined) return;
    const at = this.at + 1;
    let oldLeft = Number(header[2] ?? 1);
    let newLeft = Number(header[4] ?? 1);
    const lines: HunkLine[] = [];
    const open = { old: false, new: false };
    this.at++;
    for (; this.at < this.lines.length; this.at++) {
      const line = this.line();
      if (line.startsWith('\\')) {
        const last = lines.at(-1)?.op;
        if (last !== '+') open.old = true;
        if (last !== '-') open.new = true;
        continue;
      }
      if (oldLeft <= 0 && newLeft <= 0) break;
      // Mail programs strip the blank of an empty context line. The text's own end is no such line.
      if (line === '' && this.at === this.lines.length - 1) break;
      const op = line === '' ? ' ' : line[0];
      if (op !== ' ' && op !== '-' && op !== '+') break;
      if (op !== '+') oldLeft--;
      if (op !== '-') newLeft--;
      lines.push({ op, text: line.slice(1) });
    }
    if (oldLeft !== 0 || newLeft !== 0) {
      const has = oldLeft < 0 || newLeft < 0 ? 'more' : 'fewer';
      throw new InputError(
        `malformed at line ${this.at + 1}: the hunk at line ${at} (${this.lines[at - 1] ?? ''}) has ${has} lines than its header says`,
      );
    }
    file.hunks.push({ at, oldStart: Number(header[1]), lines, oldOpenEnd: open.old, newOpenEnd: open.new });
  }
}

/** The path of a `---` or `+++` line: up to a tab (diff(1) puts the time there), unquoted. */
function headerPath(text: string): string | null {
  const path = unquote(text.startsWith('"') ? text : text.replace(/\t.*$/, '').trimEnd());
  return path === '/dev/null' ? null : path;
}

/** `a/x b/x`: without renames both names are the same, which is how names with blanks are told apart. */
function gitPaths(text: string): { old: string; new: string } {
  const quoted = /^("(?:[^"\\]|\\.)*"|\S+) ("(?:[^"\\]|\\.)*"|\S+)$/.exec(text);
  if (quoted) return { old: unquote(quoted[1] ?? ''), new: unquote(quoted[2] ?? '') };
  const half = (text.length - 1) / 2;
  return { old: text.slice(0, half), new: text.slice(half + 1) };
}

/** A path in git's C quotes: `"a/\303\244.c"`. */
function unquote(text: string): string {
  if (!text.startsWith('"') || !text.endsWith('"')) return text;
  const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', '"': '"', '\\': '\\' };
  const bytes = text
    .slice(1, -1)
    .replace(/%/g, '%25')
    .replace(/\\([0-7]{3}|.)/g, (whole, escape: string) => {
      if (escape.length === 3) return `%${parseInt(escape, 8).toString(16).padStart(2, '0')}`;
      return escapes[escape] ?? whole;
    });
  try {
    return decodeURIComponent(bytes);
  } catch {
    return text.slice(1, -1);
  }
}
