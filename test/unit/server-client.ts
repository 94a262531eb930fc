import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type ClientCapabilities,
  type CodeLens,
  createProtocolConnection,
  type Diagnostic,
  type Hover,
  type InitializeResult,
  MarkupContent,
  type ProtocolConnection,
  type PublishDiagnosticsParams,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver/node';
import { STATUS, type StatusParams } from '../../extension/server/protocol';

/** What VS Code declares, as far as the server looks at it. */
export const EDITOR: ClientCapabilities = {
  textDocument: {
    hover: { contentFormat: ['markdown', 'plaintext'] },
    publishDiagnostics: { relatedInformation: true, codeDescriptionSupport: true, versionSupport: true },
  },
  workspace: { codeLens: { refreshSupport: true } },
  window: { workDoneProgress: true },
  experimental: { kvmLensStatus: true, commands: { commands: ['kvmLens.showPath'] } },
};

/** The longest that anything waits on a small tree, in milliseconds: the machine may be busy. */
const PATIENCE = 50_000;

/** Drives the bundle of the server over stdio as an editor would, on the tree at `root`. */
export class ServerClient {
  readonly statuses: StatusParams[] = [];
  readonly published = new Map<string, PublishDiagnosticsParams>();
  readonly requests: string[] = [];
  readonly progress: unknown[] = [];
  readonly log: string[] = [];
  readonly connection: ProtocolConnection;
  readonly process: ChildProcess;
  private readonly versions = new Map<string, number>();
  private readonly waiting = new Set<() => void>();

  constructor(
    server: string,
    readonly root: string,
    private readonly patience = PATIENCE,
  ) {
    const child = spawn(process.execPath, [server, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.process = child;
    const connection = createProtocolConnection(
      new StreamMessageReader(child.stdout),
      new StreamMessageWriter(child.stdin),
      undefined,
    );
    this.connection = connection;
    connection.onNotification(STATUS, (status: StatusParams) => {
      this.statuses.push(status);
      this.look();
    });
    connection.onNotification('textDocument/publishDiagnostics', (params: PublishDiagnosticsParams) => {
      this.published.set(params.uri, params);
      this.look();
    });
    connection.onNotification('window/logMessage', ({ message }: { message: string }) => {
      this.log.push(message);
      this.look();
    });
    connection.onNotification('$/progress', (params: unknown) => {
      this.progress.push(params);
    });
    for (const method of [
      'window/workDoneProgress/create',
      'workspace/codeLens/refresh',
      'client/registerCapability',
    ]) {
      connection.onRequest(method, () => {
        this.requests.push(method);
        this.look();
        return null;
      });
    }
    connection.onClose(() => {
      this.look();
    });
    connection.listen();
  }

  async initialize(capabilities: ClientCapabilities, kvmLens: object = {}): Promise<InitializeResult> {
    const folder = { uri: pathToFileURL(this.root).href, name: 'tree' };
    const result = await this.connection.sendRequest<InitializeResult>('initialize', {
      processId: process.pid,
      rootUri: folder.uri,
      workspaceFolders: [folder],
      capabilities,
      initializationOptions: { kvmLens },
    });
    await this.connection.sendNotification('initialized', {});
    return result;
  }

  uri(file: string): string {
    return pathToFileURL(join(this.root, file)).href;
  }

  text(file: string): string {
    return readFileSync(join(this.root, file), 'utf8');
  }

  async open(file: string, text = this.text(file)): Promise<void> {
    this.versions.set(file, 1);
    const textDocument = { uri: this.uri(file), languageId: 'c', version: 1, text };
    await this.connection.sendNotification('textDocument/didOpen', { textDocument });
  }

  async change(file: string, text: string): Promise<void> {
    const version = (this.versions.get(file) ?? 1) + 1;
    this.versions.set(file, version);
    const textDocument = { uri: this.uri(file), version };
    await this.connection.sendNotification('textDocument/didChange', { textDocument, contentChanges: [{ text }] });
  }

  async close(file: string): Promise<void> {
    await this.connection.sendNotification('textDocument/didClose', { textDocument: { uri: this.uri(file) } });
  }

  /** The next `ready` or `failed` after the statuses that there are now, or after `from` of them. */
  async settled(from = this.statuses.length): Promise<StatusParams> {
    const end = (): StatusParams | undefined => this.statuses.slice(from).find(({ state }) => state !== 'analysing');
    await this.until(() => end() !== undefined, 'a status');
    return end() as StatusParams;
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (this.process.exitCode !== null) finish(new Error(`the server ended while ${what} was waited for`));
        else if (condition()) finish();
      };
      const timer = setTimeout(() => {
        finish(new Error(`no ${what}; log:\n${this.log.join('\n')}\nstatus: ${JSON.stringify(this.statuses)}`));
      }, this.patience);
      const finish = (error?: Error): void => {
        clearTimeout(timer);
        this.waiting.delete(look);
        if (error === undefined) resolve();
        else reject(error);
      };
      this.waiting.add(look);
    });
  }

  diagnostics(file: string): Diagnostic[] {
    return this.published.get(this.uri(file))?.diagnostics ?? [];
  }

  /** At the first place of `text` in the file as it is in `source`; `after` characters into it. */
  async hover(file: string, text: string, source = this.text(file)): Promise<Hover | null> {
    const position = positionOf(source, text);
    return this.connection.sendRequest('textDocument/hover', { textDocument: { uri: this.uri(file) }, position });
  }

  async hoverText(file: string, text: string, source?: string): Promise<string> {
    const hover = await this.hover(file, text, source);
    return hover !== null && MarkupContent.is(hover.contents) ? hover.contents.value : '';
  }

  async lenses(file: string): Promise<CodeLens[] | null> {
    return this.connection.sendRequest('textDocument/codeLens', { textDocument: { uri: this.uri(file) } });
  }

  async stop(): Promise<number | null> {
    const ended = new Promise<number | null>((resolve) => this.process.once('exit', resolve));
    if (this.process.exitCode !== null) return this.process.exitCode;
    await this.connection.sendRequest('shutdown');
    await this.connection.sendNotification('exit');
    return ended;
  }

  private look(): void {
    for (const look of [...this.waiting]) look();
  }
}

/** 0-based position of the first place of `text` in `source`. */
export function positionOf(source: string, text: string): { line: number; character: number } {
  const offset = source.indexOf(text);
  if (offset < 0) throw new Error(`'${text}' is not in the source`);
  const before = source.slice(0, offset).split('\n');
  return { line: before.length - 1, character: before.at(-1)?.length ?? 0 };
}
