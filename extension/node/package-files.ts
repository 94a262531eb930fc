import { join } from 'node:path';

/**
 * What ships beside the bundles. A bundle knows its own folder, `dist/`; the build puts the engine there, grammar and
 * sample stand in `grammars/` and `media/` of the same package.
 */
export const ENGINE_FILE = join(__dirname, 'web-tree-sitter.wasm');
export const GRAMMAR_FILE = join(__dirname, '../grammars/tree-sitter-c.wasm');
export const SAMPLE_FOLDER = join(__dirname, '../media/sample');
export const SERVER_FILE = join(__dirname, 'server.js');
