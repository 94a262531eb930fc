import { commands, type Disposable } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';

/** `kvmLens.showOutput`: the server's log. */
export function showOutput(client: LanguageClient): Disposable {
  return commands.registerCommand('kvmLens.showOutput', () => {
    client.outputChannel.show();
  });
}
