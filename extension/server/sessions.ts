import type { TextDocument } from 'vscode-languageserver-textdocument';
import { treeTopOf } from './kernel-tree';
import { fileInTree, type OpenFile, pathOfUri, type Places, placesIn } from './places';
import type { TreeSession } from './tree-session';

/** Where a document lies: the session of its tree, and its path in it. */
export interface Located {
  readonly session: TreeSession;
  readonly file: string;
}

/**
 * The kernel trees that are open: one session for each tree that a workspace folder or an open document lies in. A
 * session ends when nothing of its tree is open any more.
 */
export class Sessions {
  private readonly byRoot = new Map<string, TreeSession>();
  private readonly folders = new Set<string>();

  constructor(
    private readonly documents: { all(): TextDocument[] },
    private readonly start: (root: string) => TreeSession,
    private readonly ended: (session: TreeSession) => void,
  ) {}

  all(): TreeSession[] {
    return [...this.byRoot.values()];
  }

  /** The workspace's folders came or went, as URIs. */
  changeFolders(added: readonly string[], removed: readonly string[]): void {
    for (const uri of removed) this.folders.delete(uri);
    for (const uri of added) this.folders.add(uri);
    this.settle();
  }

  /** Starts the sessions that are missing and ends those that nothing needs. */
  settle(): void {
    const needed = new Set<string>();
    for (const uri of [...this.folders, ...this.documents.all().map((document) => document.uri)]) {
      const path = pathOfUri(uri);
      const root = path === undefined ? undefined : treeTopOf(path);
      if (root !== undefined) needed.add(root);
    }
    for (const [root, session] of this.byRoot) {
      if (needed.has(root)) continue;
      this.byRoot.delete(root);
      session.dispose();
      this.ended(session);
    }
    for (const root of needed) if (!this.byRoot.has(root)) this.byRoot.set(root, this.start(root));
  }

  locate(uri: string): Located | undefined {
    const path = pathOfUri(uri);
    if (path === undefined) return undefined;
    for (const [root, session] of this.byRoot) {
      const file = fileInTree(root, path);
      if (file !== undefined) return { session, file };
    }
    return undefined;
  }

  /** The open documents of a tree by their paths in it. */
  buffers(root: string): Map<string, TextDocument> {
    const buffers = new Map<string, TextDocument>();
    for (const document of this.documents.all()) {
      const path = pathOfUri(document.uri);
      const file = path === undefined ? undefined : fileInTree(root, path);
      if (file !== undefined) buffers.set(file, document);
    }
    return buffers;
  }

  /** Where the places of the session's findings are for the client now. `undefined`: there are no findings. */
  places(session: TreeSession): Places | undefined {
    if (session.findings === undefined) return undefined;
    const buffers = this.buffers(session.root);
    const known = new Map<string, OpenFile>();
    return placesIn(session.root, session.findings, (file) => {
      const document = buffers.get(file);
      if (document === undefined) return undefined;
      const open = known.get(file) ?? { uri: document.uri, lines: session.lineMap(file, document.getText()) };
      known.set(file, open);
      return open;
    });
  }

  dispose(): void {
    for (const session of this.byRoot.values()) session.dispose();
    this.byRoot.clear();
  }
}
