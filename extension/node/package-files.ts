import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The package's top: one up from the bundles in `dist/`, two up from here when the tests run the sources. */
const top = [dirname(__dirname), dirname(dirname(__dirname))].find((folder) => existsSync(join(folder, 'grammars')));
const root = top ?? dirname(__dirname);

/** The build puts the engine beside the bundles. */
const bundled = join(__dirname, 'web-tree-sitter.wasm');
export const ENGINE_FILE = existsSync(bundled)
  ? bundled
  : join(root, 'node_modules/web-tree-sitter/web-tree-sitter.wasm');
export const GRAMMAR_FILE = join(root, 'grammars/tree-sitter-c.wasm');
export const SAMPLE_FOLDER = join(root, 'media/sample');
export const SERVER_FILE = join(__dirname, 'server.js');
