// Bundles into dist/: the command, the language server and the VS Code client, with the parsing engine beside them.
//
//   node esbuild.mjs [FOLDER]
import { build } from 'esbuild';
import { chmodSync, copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const folder = resolve(process.argv[2] ?? join(root, 'dist'));

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'warning',
  // The engine's ES module asks for its own URL, which a CJS bundle does not have; its CJS form does not.
  alias: { 'web-tree-sitter': join(root, 'node_modules/web-tree-sitter/web-tree-sitter.cjs') },
};

const bundles = [
  { entry: 'extension/cli/main.ts', out: 'cli.js', banner: { js: '#!/usr/bin/env node' } },
  { entry: 'extension/server/main.ts', out: 'server.js' },
  { entry: 'extension/client/extension.ts', out: 'client.js', external: ['vscode'] },
].filter(({ entry }) => existsSync(join(root, entry)));

mkdirSync(folder, { recursive: true });
try {
  for (const { entry, out, ...options } of bundles) {
    await build({ ...common, ...options, entryPoints: [entry], outfile: join(folder, out) });
  }
} catch {
  process.exit(1); // esbuild has said what is wrong
}
const engine = createRequire(import.meta.url).resolve('web-tree-sitter/web-tree-sitter.wasm');
copyFileSync(engine, join(folder, 'web-tree-sitter.wasm'));
chmodSync(join(folder, 'cli.js'), 0o755);
