import type { SourceTree } from '../source/tree';
import { normalise } from '../source/paths';
import type { FileFacts } from '../syntax/facts';

/**
 * The kernel's other headers, as far as KVM needs them: the constants, enums and inline predicates that KVM's files use
 * and do not define. Of the thousand headers that KVM includes some hundred define such a name, and of those only the
 * definitions that are wanted are kept (`sliceHeader`), at their lines.
 */
export interface HeaderSlice {
  readonly path: string;
  readonly text: string;
}

const FOLDERS = ['include/', 'arch/x86/include/', 'include/uapi/', 'arch/x86/include/uapi/'] as const;
/** Includes are followed this far from KVM's own files; constants lie near. */
const DEEPEST = 4;

export class HeaderSearch {
  private readonly headers = new Map<string, string>();
  /** How many wanted names each header's last slice had. */
  private readonly sliced = new Map<string, number>();
  private readonly texts = new Map<string, string | undefined>();
  /** Folder and name of the `#include`s that were followed: the next such one leads to the same header. */
  private readonly followed = new Set<string>();
  private readonly definer = new Map<string, string>();
  readonly unreadable = new Map<string, string>();

  private constructor(private readonly tree: SourceTree) {}

  /** Walks the `#include`s of `files`, nearest first. What the tree does not hold is skipped: it cannot be told from a generated header. */
  static async from(tree: SourceTree, files: readonly FileFacts[], cancelled: () => boolean): Promise<HeaderSearch> {
    const search = new HeaderSearch(tree);
    const known = new Set(files.map((file) => file.path));
    let level = new Map<string, string>();
    for (const facts of files)
      for (const include of facts.includes)
        await search.enqueue(level, known, facts.path, include.target, include.system);
    for (let depth = 0; depth < DEEPEST && level.size > 0 && !cancelled(); depth++) {
      const next = new Map<string, string>();
      for (const [path, text] of level) {
        search.add(path, text);
        for (const match of text.matchAll(/^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]/gm))
          await search.enqueue(next, known, path, match[2] ?? '', match[1] === '<');
      }
      level = next;
    }
    return search;
  }

  /** The slices of the headers that define `names`, sorted by path; only those that changed since the last call. */
  slices(names: Iterable<string>): HeaderSlice[] {
    const byHeader = new Map<string, Set<string>>();
    for (const name of names) {
      const path = this.definer.get(name);
      if (path === undefined) continue;
      const wanted = byHeader.get(path);
      if (wanted === undefined) byHeader.set(path, new Set([name]));
      else wanted.add(name);
    }
    return [...byHeader]
      .filter(([path, wanted]) => this.sliced.get(path) !== wanted.size)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, wanted]) => {
        this.sliced.set(path, wanted.size);
        return { path, text: sliceHeader(this.headers.get(path) ?? '', wanted) };
      });
  }

  private async enqueue(
    level: Map<string, string>,
    known: Set<string>,
    from: string,
    target: string,
    system: boolean,
  ): Promise<void> {
    const here = system ? '' : from.slice(0, from.lastIndexOf('/') + 1);
    const key = `${here}\0${target}`;
    if (this.followed.has(key)) return;
    this.followed.add(key);
    // The build makes `asm/x.h` include `asm-generic/x.h` where the architecture has none of its own.
    const generic = target.startsWith('asm/') ? [`asm-generic/${target.slice(4)}`] : [];
    const folders = system ? FOLDERS : [here, ...FOLDERS];
    for (const name of [target, ...generic])
      for (const folder of folders) {
        const path = normalise(folder + name);
        if (known.has(path)) return;
        const text = await this.read(path);
        if (text === undefined) continue;
        known.add(path);
        level.set(path, text);
        return;
      }
  }

  private async read(path: string): Promise<string | undefined> {
    if (this.texts.has(path)) return this.texts.get(path);
    const result = await this.tree.read(path);
    if (result.kind === 'unreadable') this.unreadable.set(path, result.why);
    const text = result.kind === 'text' ? result.text : undefined;
    this.texts.set(path, text);
    return text;
  }

  private add(path: string, text: string): void {
    this.headers.set(path, text);
    for (const name of definitionsIn(text)) if (!this.definer.has(name)) this.definer.set(name, path);
  }
}

const DEFINITION =
  /^[ \t]*#[ \t]*define[ \t]+(\w+)|^[ \t]+([A-Z]\w*)[ \t]*(?:=|,|\n|\/)|^(?:extern[ \t]+)?(?:static|inline)\b[^;={\n]*?\b(\w+)\(|^(\w+)\(/gm;
const ENUM = /\benum\b[^;{}()]*\{([^{}]*)\}/g;

function definitionsIn(text: string): Set<string> {
  const names = new Set<string>();
  for (const match of text.matchAll(DEFINITION)) {
    const name = match[1] ?? match[2] ?? match[3] ?? match[4];
    if (name !== undefined) names.add(name);
  }
  // Enumerators that do not begin a line.
  for (const [, body = ''] of text.matchAll(ENUM))
    for (const [, name = ''] of withoutComments(body).matchAll(/(?:^|,)\s*([A-Z]\w*)/g)) names.add(name);
  return names;
}

/**
 * The text with every line blanked that belongs to no directive and to no definition of a wanted name: same lines, same
 * columns. `#if`s and `#include`s stay, so that conditions and places are those of the whole header.
 */
export function sliceHeader(text: string, wanted: ReadonlySet<string>): string {
  // A comment that a kept line opens may close on one that is not.
  const lines = withoutComments(text).split('\n');
  const keep = new Uint8Array(lines.length);
  // `#ifndef H` / `#define H` at the top: an include guard, which is one only as a whole.
  let isFirst = true;
  let guard: string | undefined;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    const directive = /^[ \t]*#[ \t]*(\w+)(?:[ \t]+(\w+))?/.exec(line);
    if (directive !== null) {
      let last = i;
      while (last < lines.length - 1 && (lines[last] ?? '').endsWith('\\')) last++;
      const isGuard = guard !== undefined && directive[1] === 'define' && directive[2] === guard;
      if (directive[1] !== 'define' || isGuard || wanted.has(directive[2] ?? '')) keep.fill(1, i, last + 1);
      guard = isFirst && directive[1] === 'ifndef' ? directive[2] : undefined;
      isFirst = false;
      i = last;
      continue;
    }
    const end = /^(?:typedef[ \t]+)?enum\b/.test(line)
      ? endOfEnum(lines, i, wanted)
      : /^(?:extern[ \t]+)?(?:static|inline)\b/.test(line)
        ? endOfFunction(lines, i, wanted)
        : -1;
    if (end < i) continue;
    keep.fill(1, i, end + 1);
    i = end;
  }
  return lines.map((line, i) => (keep[i] === 1 ? line : '')).join('\n');
}

function blanks(text: string): string {
  return ' '.repeat(text.length);
}

/** The last line of the enum that starts at `from`, -1 if it is none or no enumerator is wanted. */
function endOfEnum(lines: readonly string[], from: number, wanted: ReadonlySet<string>): number {
  let isWanted = false;
  for (let i = from; i < lines.length; i++) {
    const line = lines[i] ?? '';
    // An enum that macros write (`DECLARE_VMA_BIT(READ, 0)`) is nothing to read without them.
    if (/^[ \t]*[A-Z_]+\(/.test(line)) return -1;
    for (const match of line.matchAll(/\b[A-Z]\w*/g)) isWanted ||= wanted.has(match[0]);
    if (/}/.test(line)) return isWanted ? i : -1;
    if (i === from && /;\s*$/.test(line)) return -1;
  }
  return -1;
}

/** The last line of the `static inline` function that starts at `from`, -1 if it is none or not wanted. */
function endOfFunction(lines: readonly string[], from: number, wanted: ReadonlySet<string>): number {
  const head = `${lines[from] ?? ''}\n${lines[from + 1] ?? ''}`;
  const name = /\b(\w+)\(/.exec(head.replace(/__attribute__\s*\(\(.*?\)\)/g, ''))?.[1];
  if (name === undefined || !wanted.has(name)) return -1;
  for (let i = from; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (line.startsWith('}') || (/[{].*}\s*$/.test(line) && i === from)) return i;
    if (/;\s*$/.test(line) && !lines.slice(from, i + 1).some((l) => l.includes('{'))) return -1;
  }
  return -1;
}

/** Blanks in place of comments. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]+/g, blanks));
}
