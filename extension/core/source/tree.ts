/**
 * A kernel source tree as a port: the core asks for lists and texts and never knows where they come from
 * (a disk, an editor's buffers, a patched view in memory, a browser's file system).
 *
 * Paths are relative to the tree's top, with `/`, without a leading `./`.
 */
export interface SourceTree {
  /** What messages call this tree, for example the folder as the user typed it. Never part of a report. */
  readonly label: string;
  /** Every regular file below `folder`, recursively, sorted by code unit. A folder that is not there gives `[]`. */
  list(folder: string): Promise<string[]>;
  read(path: string): Promise<ReadResult>;
}

export type ReadResult =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly why: string };

/** A fault of the input that did not stop the analysis: counted, shown, never swallowed. `line` is 1-based. */
export interface Problem {
  readonly file: string;
  readonly line?: number;
  readonly message: string;
}

/**
 * `base` with some files replaced: an edited buffer or the after side of a patch. A `null` text removes the file.
 * The overlay is read at each call, so that a live map of open buffers can be handed in.
 */
export function overlay(base: SourceTree, texts: ReadonlyMap<string, string | null>): SourceTree {
  return {
    label: base.label,
    async list(folder) {
      const prefix = folder === '' ? '' : `${folder}/`;
      const names = new Set(await base.list(folder));
      for (const [path, text] of texts) {
        if (!path.startsWith(prefix)) continue;
        if (text === null) names.delete(path);
        else names.add(path);
      }
      return [...names].sort();
    },
    async read(path) {
      const text = texts.get(path);
      if (text === undefined) return base.read(path);
      return text === null ? { kind: 'absent' } : { kind: 'text', text };
    },
  };
}
