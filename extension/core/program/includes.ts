import { normalise } from '../source/paths';
import type { FileFacts } from '../syntax/facts';
import { isHeader, isKvmFile, vendorOfFile } from './ids';

/** KVM's Makefile puts its own folder on the include path. */
const FOLDERS = ['arch/x86/kvm/', 'include/', 'arch/x86/include/', 'include/uapi/', 'arch/x86/include/uapi/'] as const;

/**
 * Which of KVM's private headers a file sees. Headers outside `arch/x86/kvm` and `virt/kvm` count as seen by all: of
 * these only the parts that KVM needs were read, so that their chains of `#include` have gaps.
 */
export class Includes {
  /** Files by number: closures of the `#include`s of each source are laid out as bytes. */
  private readonly numbers = new Map<string, number>();
  private readonly paths: readonly string[];
  private readonly closures = new Map<string, Uint8Array>();
  private readonly targets = new Map<number, readonly number[]>();
  private readonly inFolders = new Map<string, string | undefined>();
  private readonly answers = new Map<string, boolean>();
  private readonly sources: readonly string[];
  /** The `.c` files that others include: compiled with them, as a header is. */
  private readonly parts = new Set<string>();

  constructor(private readonly files: ReadonlyMap<string, FileFacts>) {
    this.paths = [...files.keys()];
    this.sources = this.paths.filter((path) => path.endsWith('.c'));
    this.paths.forEach((path, number) => this.numbers.set(path, number));
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
        this.includes(from, header) ||
        (this.isPart(from) &&
          this.sources.some((source) => this.includes(source, from) && this.includes(source, header)));
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
    return this.isPart(part) ? candidates.filter((one) => !isHeader(one.file) && this.includes(one.file, part)) : [];
  }

  /** Whether each `.c` file that `part` is compiled in is among those of `candidates`. */
  areAllIncluders(candidates: readonly { readonly file: string }[], part: string): boolean {
    return this.sources.every(
      (source) => !this.includes(source, part) || candidates.some(({ file }) => file === source),
    );
  }

  /** Whether `from` includes `part`, or something that does. */
  private includes(from: string, part: string): boolean {
    const number = this.numbers.get(part);
    return number !== undefined && this.closure(from)[number] === 1;
  }

  private closure(from: string): Uint8Array {
    const known = this.closures.get(from);
    if (known !== undefined) return known;
    const found = new Uint8Array(this.paths.length);
    const start = this.numbers.get(from);
    const queue = start === undefined ? [] : [start];
    for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
      const targets = this.direct(file);
      for (let i = 0; i < targets.length; i++) {
        const target = targets[i];
        if (target === undefined || found[target] === 1) continue;
        found[target] = 1;
        queue.push(target);
      }
    }
    this.closures.set(from, found);
    return found;
  }

  private direct(file: number): readonly number[] {
    let targets = this.targets.get(file);
    if (targets === undefined) {
      const path = this.paths[file] ?? '';
      targets = (this.files.get(path)?.includes ?? []).flatMap(
        ({ target }) => this.numbers.get(this.resolve(path, target) ?? '') ?? [],
      );
      this.targets.set(file, targets);
    }
    return targets;
  }

  /** The file that an `#include` in `from` names, if it is among those that were read. */
  resolve(from: string, target: string): string | undefined {
    const beside = normalise(from.slice(0, from.lastIndexOf('/') + 1) + target);
    return this.files.has(beside) ? beside : this.resolveInFolders(target);
  }

  private resolveInFolders(target: string): string | undefined {
    let path = this.inFolders.get(target);
    if (path === undefined && !this.inFolders.has(target)) {
      path = FOLDERS.map((folder) => normalise(folder + target)).find((each) => this.files.has(each));
      this.inFolders.set(target, path);
    }
    return path;
  }
}
