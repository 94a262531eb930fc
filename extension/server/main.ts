import { isMainThread } from 'node:worker_threads';
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { optimiseLater } from '../node/engine-flags';
import { runAnalysisThread } from './analysis-thread';
import { serve } from './server';

// One bundle, two parts: the process speaks the protocol (--stdio, --node-ipc), its threads analyse trees.
if (isMainThread) {
  optimiseLater();
  const connection = createConnection(ProposedFeatures.all);
  process.on('unhandledRejection', (reason) => {
    connection.console.error(reason instanceof Error ? (reason.stack ?? reason.message) : String(reason));
  });
  serve(connection);
} else {
  runAnalysisThread();
}
