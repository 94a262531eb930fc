import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import {
  CodeLensRefreshRequest,
  type Connection,
  DidChangeConfigurationNotification,
  DidChangeWatchedFilesNotification,
  type InitializeParams,
  type InitializeResult,
  TextDocuments,
  TextDocumentSyncKind,
} from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { TOOL } from '../core/report/contract';
import { type Abilities, abilitiesOf } from './abilities';
import { answerCodeLens, answerHover, answerPath } from './answers';
import { pathOfUri } from './places';
import { ANALYSE, PATH, type PathParams, STATUS, type StatusParams } from './protocol';
import { Publisher } from './publisher';
import { Sessions } from './sessions';
import { DEFAULT_SETTINGS, isRecord, readSettings, type Settings } from './settings';
import { TreeSession } from './tree-session';

/** Files whose change on the disk makes a new analysis worth its time. */
const WATCHED = ['**/*.{c,h}', '**/Kconfig*', '**/Makefile'];

/** Serves one client until it is gone. */
export function serve(connection: Connection): void {
  new LanguageServer(connection).listen();
}

/** All state of the server: the client's abilities and settings, its documents, and the trees that these lie in. */
class LanguageServer {
  private readonly documents = new TextDocuments(TextDocument);
  private readonly sessions: Sessions;
  private readonly publisher: Publisher;
  private can: Abilities = abilitiesOf({});
  private settings: Settings = DEFAULT_SETTINGS;
  private folders: readonly string[] = [];
  private saidNoTree = false;

  constructor(private readonly connection: Connection) {
    this.sessions = new Sessions(
      this.documents,
      (root) => this.startSession(root),
      (session) => {
        this.publisher.withdraw(session);
      },
    );
    this.publisher = new Publisher(connection, this.sessions);
  }

  listen(): void {
    const { connection } = this;
    connection.onInitialize((params) => this.initialize(params));
    connection.onInitialized(() => {
      this.guard('initialized', () => this.initialized());
    });
    connection.onShutdown(() => {
      this.sessions.dispose();
    });
    this.followDocuments();
    this.answerRequests();
    connection.onNotification(ANALYSE, () => {
      this.guard(ANALYSE, () => {
        this.analyseAll();
      });
    });
    connection.onDidChangeConfiguration(({ settings }: { settings?: unknown }) => {
      this.changeSettings(isRecord(settings) ? settings['kvmLens'] : undefined);
    });
    connection.onDidChangeWatchedFiles(({ changes }) => {
      this.guard('watched files', () => {
        this.changedOnDisk(changes.map((change) => change.uri));
      });
    });
    this.documents.listen(connection);
    connection.listen();
  }

  private initialize(params: InitializeParams): InitializeResult {
    this.can = abilitiesOf(isRecord(params.capabilities) ? params.capabilities : {});
    const options: unknown = params.initializationOptions;
    this.takeSettings(isRecord(options) ? options['kvmLens'] : undefined);
    this.folders = foldersOf(params);
    return {
      serverInfo: TOOL,
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
        hoverProvider: true,
        codeLensProvider: { resolveProvider: false },
        ...(this.can.workspaceFolders
          ? { workspace: { workspaceFolders: { supported: true, changeNotifications: true } } }
          : {}),
      },
    };
  }

  private async initialized(): Promise<void> {
    const { connection, can } = this;
    if (can.configurationChanges)
      await connection.client.register(DidChangeConfigurationNotification.type, { section: 'kvmLens' });
    if (can.watchedFiles) {
      const watchers = WATCHED.map((globPattern) => ({ globPattern }));
      await connection.client.register(DidChangeWatchedFilesNotification.type, { watchers });
    }
    if (can.configuration) this.takeSettings(await connection.workspace.getConfiguration('kvmLens'));
    if (can.workspaceFolders) {
      connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
        const uris = (folders: typeof added): string[] => folders.map((folder) => folder.uri);
        this.sessions.changeFolders(uris(added), uris(removed));
      });
    }
    this.sessions.changeFolders(this.folders, []);
    this.sayNoTree();
  }

  private followDocuments(): void {
    const { documents, sessions } = this;
    // An opening is told a second time, as a change of content.
    const opened = new WeakSet<TextDocument>();
    documents.onDidOpen(({ document }) => {
      opened.add(document);
      this.guard('didOpen', () => {
        sessions.settle();
        const located = sessions.locate(document.uri);
        located?.session.shows(located.file, document.getText());
        this.sayNoTree();
      });
    });
    documents.onDidChangeContent(({ document }) => {
      if (!opened.delete(document)) this.guard('didChange', () => sessions.locate(document.uri)?.session.schedule());
    });
    documents.onDidClose(({ document }) => {
      this.guard('didClose', async () => {
        const located = sessions.locate(document.uri);
        const path = pathOfUri(document.uri);
        sessions.settle();
        if (located === undefined || path === undefined) return;
        // From now on the tree shows what is on the disk: the buffer may have held edits that are thrown away.
        const text = await readFile(path, 'utf8').catch(() => undefined);
        if (text === undefined) located.session.schedule();
        else if (documents.get(document.uri) === undefined) located.session.shows(located.file, text);
      });
    });
  }

  private answerRequests(): void {
    const { connection, documents, sessions } = this;
    connection.onHover(({ textDocument, position }) =>
      this.answer('hover', () => answerHover(sessions, documents.get(textDocument.uri), position, this.can)),
    );
    connection.onCodeLens(({ textDocument }) =>
      this.answer('codeLens', () => {
        return this.settings.codeLens ? answerCodeLens(sessions, textDocument.uri, this.can) : null;
      }),
    );
    connection.onRequest(PATH, (params: PathParams) => this.answer(PATH, () => answerPath(sessions, params)));
  }

  private startSession(root: string): TreeSession {
    return new TreeSession(root, {
      connection: this.connection,
      question: () => this.settings.question,
      buffers: () => new Map([...this.sessions.buffers(root)].map(([file, document]) => [file, document.getText()])),
      changed: (session) => {
        this.publisher.publish(session, this.can);
        this.refreshCodeLens();
      },
      status: (status) => {
        this.sayStatus(status);
      },
    });
  }

  private changeSettings(pushed: unknown): void {
    this.guard('settings', async () => {
      const before = this.settings;
      this.takeSettings(this.can.configuration ? await this.connection.workspace.getConfiguration('kvmLens') : pushed);
      if (JSON.stringify(before.question) !== JSON.stringify(this.settings.question)) this.analyseAll();
      else if (before.codeLens !== this.settings.codeLens) this.refreshCodeLens();
    });
  }

  private takeSettings(value: unknown): void {
    const { settings, faults } = readSettings(value);
    for (const fault of faults) this.connection.console.warn(fault);
    this.settings = settings;
  }

  private analyseAll(): void {
    for (const session of this.sessions.all()) session.schedule(0);
  }

  private changedOnDisk(uris: readonly string[]): void {
    const touched = new Set<TreeSession>();
    for (const uri of uris) {
      // What an open document holds stands over the disk.
      const located = this.documents.get(uri) === undefined ? this.sessions.locate(uri) : undefined;
      if (located !== undefined) touched.add(located.session);
    }
    for (const session of touched) session.schedule();
  }

  private refreshCodeLens(): void {
    if (!this.can.codeLensRefresh) return;
    this.connection.sendRequest(CodeLensRefreshRequest.type).catch((error: unknown) => {
      this.log('codeLens/refresh', error);
    });
  }

  /** Once, and only if the client shows something that could lie in a tree. */
  private sayNoTree(): void {
    if (this.saidNoTree || this.sessions.all().length > 0) return;
    if (this.folders.length === 0 && this.documents.all().length === 0) return;
    this.saidNoTree = true;
    this.sayStatus({
      state: 'failed',
      message: 'no kernel tree here: open a folder that holds arch/x86/kvm, or one below it',
    });
  }

  private sayStatus(status: StatusParams): void {
    if (this.can.status) void this.connection.sendNotification(STATUS, status);
    this.connection.console.log(`${status.state}: ${status.message}`);
  }

  /** Runs what a request asks for. A fault is logged and answered with `null`: one bad question stops nothing. */
  private answer<T>(what: string, run: () => T | null): T | null {
    try {
      return run();
    } catch (error) {
      this.log(what, error);
      return null;
    }
  }

  /** Runs what a notification asks for. A fault is logged. */
  private guard(what: string, run: () => unknown): void {
    Promise.resolve()
      .then(run)
      .catch((error: unknown) => {
        this.log(what, error);
      });
  }

  private log(what: string, error: unknown): void {
    this.connection.console.error(
      `${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
}

/** The folders that the client opened, by whichever of the protocol's three ways, two of them old, it says so. */
function foldersOf(params: InitializeParams): string[] {
  if (Array.isArray(params.workspaceFolders)) return params.workspaceFolders.map((folder) => folder.uri);
  const old: { rootUri?: unknown; rootPath?: unknown } = params;
  if (typeof old.rootUri === 'string') return [old.rootUri];
  return typeof old.rootPath === 'string' ? [pathToFileURL(old.rootPath).href] : [];
}
