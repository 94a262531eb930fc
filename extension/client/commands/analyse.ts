import { commands, type Disposable } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { ANALYSE } from '../../server/protocol';

/** `kvmLens.analyse`: all open trees anew, also files that were changed behind the editor's back. */
export function analyse(client: LanguageClient): Disposable {
  return commands.registerCommand('kvmLens.analyse', () => client.sendNotification(ANALYSE));
}
