import { workspace } from 'vscode';
import type { ClientCapabilities, StaticFeature } from 'vscode-languageclient';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';
import { type ExperimentalCapabilities, SHOW_PATH, STATUS, type StatusParams } from '../server/protocol';

/** What becomes of the server's word on what it is at. */
export interface StatusSink {
  show(status: StatusParams): void;
}

/**
 * A client of the language server in `module`, which runs as a process of its own; not started yet. VS Code takes
 * `.h` files for C++, so that headers are named by their ending.
 */
export function startServer(module: string, status: StatusSink): LanguageClient {
  const client = new LanguageClient(
    'kvmLens',
    'KVM Lens',
    { module, transport: TransportKind.ipc },
    {
      documentSelector: [
        { scheme: 'file', language: 'c' },
        { scheme: 'file', pattern: '**/*.h' },
      ],
      initializationOptions: { kvmLens: workspace.getConfiguration('kvmLens') },
      markdown: { isTrusted: false, supportHtml: false },
    },
  );
  client.registerFeature(new OwnAbilities());
  client.onNotification(STATUS, (params: StatusParams) => {
    status.show(params);
  });
  return client;
}

/** Declares to the server what this client does beside the protocol. */
class OwnAbilities implements StaticFeature {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    const own: ExperimentalCapabilities = { kvmLensStatus: true, commands: { commands: [SHOW_PATH] } };
    capabilities.experimental = { ...(capabilities.experimental as object | undefined), ...own };
  }

  initialize(): void {
    // Nothing of the server's answer matters to it.
  }

  getState(): { readonly kind: 'static' } {
    return { kind: 'static' };
  }

  clear(): void {
    // It holds nothing.
  }
}
