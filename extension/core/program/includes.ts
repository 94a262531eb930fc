import type { FileFacts } from '../syntax/facts';
import { isHeader, isKvmFile, vendorOfFile } from './ids';

/** KVM's Makefile puts its own folder on the include path. */
const FOLDERS = ['arch/x86/kvm/', 'include/', 'arch/x86/include/', 'include/uapi/', 'arch/x86/include/uapi/'] as const;

/**
 * Which of KVM's private headers a file sees. Headers outside `arch/x86/kvm` and `virt/kvm` count as seen by all: of
 * these only the parts that KVM needs were read, so that their chains of `#include` have gaps.
 */
export class Includes {
  private readonly closures = new Map<string, ReadonlySet<string>>();
  private readonly targets = new Map<string, readonly string[]>();
  private readonly answers = new Map<string, boolean>();
  private readonly sources: readonly string[];
  /** The `.c` files that others include: compiled with them, as a header is. */
  private readonly parts = new Set<string>();

  constructor(private readonly files: ReadonlyMap<string, FileFacts>) {
    this.sources = [...files.keys()].filter((path) => path.endsWith('.c'));
    for (const { path, includes } of files.values())
      for (const { target } of includes) {
        const part = target.endsWith('.c') ? this.resolve(path, target) : undefined;
        if (part !== undefined) this.parts.add(part);
      }
  }

  /** Whether a file is compiled as part of others: a header, or a `.c` file that another includes. */
  isPart(path: string): boolean {
    return isHeader(path) || this.parts.has(path);
  }

  /** A part is compiled inside the `.c` files that include it, and sees what these see. */
  sees(from: string, header: string): boolean {
    if (from === header || !isKvmFile(header)) return true;
    const key = `${from}\0${header}`;
    let answer = this.answers.get(key);
    if (answer === undefined) {
      answer =
        this.closure(from).has(header) ||
        (this.isPart(from) &&
          this.sources.some((source) => this.closure(source).has(from) && this.closure(source).has(header)));
      this.answers.set(key, answer);
    }
    return answer;
  }

  /**
   * Those among `all` that lie in headers and included `.c` files that `from` sees; if it sees none, those in headers of
   * no other vendor's module: code that leans on an `#include` that was not found still means something.
   */
  seen<Candidate extends { readonly file: string }>(all: readonly Candidate[], from: string): readonly Candidate[] {
    const candidates = all.filter((one) => this.isPart(one.file));
    if (candidates.length === 0) return candidates;
    const found = candidates.filter((one) => this.sees(from, one.file));
    if (found.length > 0) return found;
    const own = vendorOfFile(from);
    return candidates.filter((one) => {
      if (!isHeader(one.file)) return false;
      const vendor = vendorOfFile(one.file);
      return vendor === undefined || own === undefined || vendor === own;
    });
  }

  /** A template is compiled inside the `.c` files that include it, and means their statics too. */
  includers<Candidate extends { readonly file: string }>(
    candidates: readonly Candidate[],
    part: string,
  ): readonly Candidate[] {
    return this.isPart(part) ? candidates.filter((one) => !isHeader(one.file) && this.closure(one.file).has(part)) : [];
  }

  /** Whether each `.c` file that `part` is compiled in is among those of `candidates`. */
  areAllIncluders(candidates: readonly { readonly file: string }[], part: string): boolean {
    return this.sources.every(
      (source) => !this.closure(source).has(part) || candidates.some(({ file }) => file === source),
    );
  }

  private closure(from: string): ReadonlySet<string> {
    const known = this.closures.get(from);
    if (known !== undefined) return known;
    const found = new Set<string>();
    const queue = [from];
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      const targets = this.direct(path);
      for (let i = 0; i < targets.length; i++) {
        const target = targets[i];
        if (target === undefined || found.has(target)) continue;
        found.add(target);
        queue.push(target);
      }
    }
    this.closures.set(from, found);
    return found;
  }

  private direct(path: string): readonly string[] {
    let targets = this.targets.get(path);
    if (targets === undefined) {
      targets = (this.files.get(path)?.includes ?? []).flatMap((include) => this.resolve(path, include.target) ?? []);
      this.targets.set(path, targets);
    }
    return targets;
  }

  /** The file that an `#include` in `from` names, if it is among those that were read. */
  resolve(from: string, target: string): string | undefined {
    const folder = from.slice(0, from.lastIndexOf('/') + 1);
    for (const prefix of [folder, ...FOLDERS]) {
      const path = normalise(prefix + target);
      if (this.files.has(path)) return path;
    }
    return undefined;
  }
}

function normalise(path: string): string {
  if (!path.includes('./')) return path;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}
