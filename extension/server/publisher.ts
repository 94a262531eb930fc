import type { Connection, PublishDiagnosticsParams } from 'vscode-languageserver';
import type { Abilities } from './abilities';
import { diagnosticsOf } from './diagnostics';
import { byPlace } from './places';
import type { Sessions } from './sessions';
import type { TreeSession } from './tree-session';

/** Keeps the client's diagnostics equal to the findings of each tree, open documents or not. */
export class Publisher {
  private readonly published = new Map<TreeSession, Set<string>>();

  constructor(
    private readonly connection: Connection,
    private readonly sessions: Sessions,
  ) {}

  /** The session's findings as they are now, in place of what was published of it before. */
  publish(session: TreeSession, can: Abilities): void {
    const files = this.diagnosticsByUri(session, can);
    // First away with the old: a client may know one file by two spellings of its URI.
    for (const uri of this.published.get(session) ?? []) if (!files.has(uri)) this.send({ uri, diagnostics: [] });
    for (const params of files.values()) this.send(params);
    this.published.set(session, new Set(files.keys()));
  }

  withdraw(session: TreeSession): void {
    for (const uri of this.published.get(session) ?? []) this.send({ uri, diagnostics: [] });
    this.published.delete(session);
  }

  private diagnosticsByUri(session: TreeSession, can: Abilities): Map<string, PublishDiagnosticsParams> {
    const files = new Map<string, PublishDiagnosticsParams>();
    const { findings } = session;
    const places = this.sessions.places(session);
    if (findings === undefined || places === undefined) return files;
    const buffers = this.sessions.buffers(session.root);
    for (const file of findings.files()) {
      const diagnostics = diagnosticsOf(findings, file, places, can).sort(byPlace);
      if (diagnostics.length === 0) continue;
      const uri = places.uriOf(file);
      const version = can.diagnosticVersion ? buffers.get(file)?.version : undefined;
      files.set(uri, { uri, diagnostics, ...(version === undefined ? {} : { version }) });
    }
    return files;
  }

  private send(params: PublishDiagnosticsParams): void {
    void this.connection.sendDiagnostics(params);
  }
}
