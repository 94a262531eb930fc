import type { ExtensionContext } from 'vscode';
import { analyse } from './commands/analyse';
import { showOutput } from './commands/show-output';
import { showPath } from './commands/show-path';
import { startServer } from './language-client';
import { createStatusItem } from './status-item';

/** VS Code's way in: starts the server and registers one feature per file. */
export async function activate(context: ExtensionContext): Promise<void> {
  const status = createStatusItem();
  const client = startServer(context.asAbsolutePath('dist/server.js'), status);
  context.subscriptions.push(status, client, analyse(client), showPath(client), showOutput(client));
  await client.start();
}
