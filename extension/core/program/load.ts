import { kvmFiles } from '../source/kvm-files';
import type { SourceTree } from '../source/tree';
import type { FileFacts } from '../syntax/facts';
import { emptyFacts } from '../syntax/empty-facts';
import type { CParser } from '../syntax/parser';
import { parseWith, readFacts } from '../syntax/read-facts';
import { textHash } from '../syntax/text-hash';
import { usesOf } from './collect';
import { completeFacts } from './complete';
import { HeaderSearch, type HeaderSlice } from './headers';
import { KCONFIG_FILES, kconfigFacts } from './kconfig';
import { instancesOf, isTemplate } from './templates';
import { WantedNames } from './wanted';

export interface LoadOptions {
  readonly cancelled?: () => boolean;
  /** Files read and files known to be needed so far. */
  readonly progress?: (done: number, total: number) => void;
}

/** Facts that were read, by path and text: shared by both sides of a patch and by successive edits. A hit costs no parse. */
export class FactsStore {
  private readonly facts = new Map<string, FileFacts>();
  private parsed = 0;

  /** Files that were parsed since the store was made. */
  get misses(): number {
    return this.parsed;
  }

  read(parser: CParser, path: string, text: string): FileFacts {
    return this.remembered(path, text, () => readFacts(parser, path, text));
  }

  /** Of a header's slice only the lines that it keeps count as read. */
  readSlice(parser: CParser, { path, text }: HeaderSlice): FileFacts {
    return this.remembered(path, text, () => {
      const kept = text.split('\n').filter((line) => line !== '').length;
      return { ...readFacts(parser, path, text), lines: kept };
    });
  }

  private remembered(path: string, text: string, make: () => FileFacts): FileFacts {
    const key = `${path}\0${textHash(text)}`;
    let facts = this.facts.get(key);
    if (facts === undefined) {
      facts = make();
      // What the linker needs of a body depends on the body alone: it is gathered with the facts, not at each link.
      for (const fn of facts.functions) usesOf(fn);
      this.parsed++;
      this.facts.set(key, facts);
    }
    return facts;
  }

  /** Everything known, for a cache outside; `add()` takes it back. */
  all(): FileFacts[] {
    return [...this.facts.values()];
  }

  add(facts: FileFacts): void {
    this.facts.set(`${facts.path}\0${facts.hash}`, facts);
  }
}

/** Names wanted by headers themselves are looked up again, this many times. */
const HEADER_ROUNDS = 4;

/**
 * Facts of KVM's files, completed by one another (`complete.ts`), of its options (`kconfig.ts`), and of the definitions in other headers that these use
 * (`headers.ts`), sorted by path. A file that is there and cannot be read gives empty facts with a problem. If
 * `cancelled` says so the list is incomplete and of no use.
 */
export async function loadFacts(
  tree: SourceTree,
  parser: CParser,
  store: FactsStore,
  options: LoadOptions = {},
): Promise<FileFacts[]> {
  const cancelled = options.cancelled ?? (() => false);
  const paths = await kvmFiles(tree);
  const found = new Map<string, FileFacts>();
  for (const path of paths) {
    if (cancelled()) return [];
    const result = await tree.read(path);
    if (result.kind === 'text') found.set(path, store.read(parser, path, result.text));
    else found.set(path, unread(path, result.kind === 'absent' ? 'the file is listed but absent' : result.why));
    options.progress?.(found.size, paths.length);
  }
  if (paths.length === 0) return [];
  for (const facts of completeFacts(parseWith(parser), [...found.values()])) found.set(facts.path, facts);
  instantiateTemplates(found);
  await addHeaders(tree, parser, store, found, cancelled);
  for (const facts of await readOptions(tree)) found.set(facts.path, facts);
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Makes and reads templates' instances once, as facts, so that linking only looks them up. */
function instantiateTemplates(found: ReadonlyMap<string, FileFacts>): void {
  for (const facts of found.values())
    if (isTemplate(facts))
      for (const { functions } of instancesOf(facts, found.values())) for (const fn of functions) usesOf(fn);
}

async function addHeaders(
  tree: SourceTree,
  parser: CParser,
  store: FactsStore,
  found: Map<string, FileFacts>,
  cancelled: () => boolean,
): Promise<void> {
  const own = [...found.values()];
  const search = await HeaderSearch.from(tree, own, cancelled);
  const wanted = new WantedNames();
  wanted.add(own, true);
  for (let round = 0; round < HEADER_ROUNDS && !cancelled(); round++) {
    const before = wanted.names.size;
    const read = search.slices(wanted.names).map((slice) => store.readSlice(parser, slice));
    for (const facts of read) found.set(facts.path, facts);
    wanted.add(read, false);
    if (wanted.names.size === before) break;
  }
  for (const [path, why] of search.unreadable) if (!found.has(path)) found.set(path, unread(path, why));
}

async function readOptions(tree: SourceTree): Promise<FileFacts[]> {
  const files: { path: string; text: string; hash: string }[] = [];
  for (const path of KCONFIG_FILES) {
    const result = await tree.read(path);
    if (result.kind === 'text') files.push({ path, text: result.text, hash: textHash(result.text) });
  }
  return kconfigFacts(files);
}

function unread(path: string, why: string): FileFacts {
  return { ...emptyFacts(path, '', 0), problems: [{ file: path, message: `cannot be read: ${why}` }] };
}
