import { isMainThread } from 'node:worker_threads';
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { runAnalysisThread } from './analysis-thread';
import { serve } from './server';

// One bundle, two parts: the process speaks the protocol (--stdio, --node-ipc), its threads analyse trees.
if (isMainThread) {
  serve(createConnection(ProposedFeatures.all));
} else {
  runAnalysisThread();
}
