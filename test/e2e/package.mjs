// Packages the extension as users install it, and checks what is in the package.
//
//   node test/e2e/package.mjs FILE.vsix
import { execFileSync } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** What the extension needs at run time. */
const NEEDED = [
  'package.json',
  'dist/client.js',
  'dist/server.js',
  'dist/web-tree-sitter.wasm',
  'grammars/tree-sitter-c.wasm',
  'docs/rules/reachable.md',
  'docs/rules/conditional.md',
  'docs/rules/unknown.md',
  'media/icon.png',
];

/** What has no place in it. */
const FOREIGN = /^(node_modules|test|out|\.ci|extension\/(?!core\/report\/schema\/)|.*\.(map|vsix)$)/;

/** Writes the package to `file`; `[{ title, state, error? }]`. */
export function packageExtension(file) {
  const vsce = join(project, 'node_modules/@vscode/vsce/vsce');
  const run = (args) =>
    execFileSync(process.execPath, [vsce, ...args], {
      cwd: project,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  try {
    // There is no published repository that links in the README could be rewritten to.
    run(['package', '--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links', '--out', file]);
    const listed = run(['ls', '--no-dependencies']).trim().split('\n');
    const missing = NEEDED.filter((path) => !listed.includes(path));
    const foreign = listed.filter((path) => FOREIGN.test(path));
    const faults = [...missing.map((path) => `missing: ${path}`), ...foreign.map((path) => `foreign: ${path}`)];
    return [result('package: holds what it needs and nothing else', faults)];
  } catch (error) {
    return [result('package: can be made', [`${error.stdout ?? ''}${error.stderr ?? error.message}`])];
  }
}

function result(title, faults) {
  return faults.length === 0 ? { title, state: 'passed' } : { title, state: 'failed', error: faults.join('\n') };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [outcome] = packageExtension(resolve(process.argv[2] ?? join(project, 'kvm-lens.vsix')));
  console.log(outcome.state === 'passed' ? outcome.title : `${outcome.title}\n${outcome.error}`);
  process.exitCode = outcome.state === 'passed' ? 0 : 1;
}
