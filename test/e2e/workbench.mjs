// A workbench to test in: a code-server process of our own on a free port, and a headless browser that shows it.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { chromium } from 'playwright-core';

/** Nothing that asks, greets, updates or writes by itself: the pictures show the extension, the tests see its work alone. */
const SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.enableExperiments': false,
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  // On the web edits are saved after a second unless this says no.
  'files.autoSave': 'off',
  'files.hotExit': 'off',
  'git.enabled': false,
  'chat.disableAIFeatures': true,
  'window.commandCenter': false,
  'editor.minimap.enabled': false,
  'editor.scrollbar.horizontal': 'hidden',
  'editor.stickyScroll.enabled': false,
  'editor.occurrencesHighlight': 'off',
  'editor.selectionHighlight': false,
  // As the kernel is written.
  'editor.tabSize': 8,
  'editor.detectIndentation': false,
  'editor.fontFamily': 'DejaVu Sans Mono',
};

const START_LIMIT = 120_000;

/** Temporary folders of a run; `remove()` at its end. */
export class Scratch {
  #folders = [];

  folder(name) {
    const folder = mkdtempSync(join(tmpdir(), `kvm-lens-${name}-`));
    this.#folders.push(folder);
    return folder;
  }

  /** A copy of a folder under its own name: tests never work on what is kept. */
  copyOf(folder) {
    const copy = join(this.folder('workspace'), basename(folder));
    cpSync(folder, copy, { recursive: true });
    return copy;
  }

  remove() {
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
  }
}

/** Variables of a VS Code around us, and of a debugger, would change what is started. */
function cleanEnvironment(extra) {
  const env = { ...process.env, EXTENSIONS_GALLERY: '{}', ...extra };
  for (const name of Object.keys(env)) if (/^(VSCODE_|ELECTRON_|NODE_OPTIONS$)/.test(name)) delete env[name];
  return env;
}

/** Starts the server. `{ port, stop() }`. */
export async function startServer({ node, entry }, { userData, extensions, args = [], env = {} }) {
  mkdirSync(join(userData, 'User'), { recursive: true });
  writeFileSync(join(userData, 'User/settings.json'), JSON.stringify(SETTINGS));
  // Without a file of our own it writes one into the user's home.
  const config = join(userData, 'code-server.yaml');
  writeFileSync(config, '');
  const options = ['--config', config, '--auth', 'none', '--bind-addr', '127.0.0.1:0', '--user-data-dir', userData];
  const quiet = ['--disable-telemetry', '--disable-update-check', '--disable-workspace-trust'];
  const plain = ['--disable-getting-started-override', '--ignore-last-opened', '--extensions-dir', extensions];
  const child = spawn(node, [entry, ...options, ...quiet, ...plain, ...args], {
    env: cleanEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { port: await portOf(child), stop: () => stop(child) };
}

function portOf(child) {
  let output = '';
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`code-server did not start:\n${output}`)), START_LIMIT);
    const listen = (chunk) => {
      output += chunk;
      const port = /listening on http:\/\/[^:]+:(\d+)/.exec(output)?.[1];
      if (port === undefined) return;
      clearTimeout(limit);
      resolve(Number(port));
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('exit', (code) => {
      clearTimeout(limit);
      reject(new Error(`code-server ended with ${code}:\n${output}`));
    });
  });
}

function stop(child) {
  if (child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 5_000).unref();
  });
}

export function startBrowser(executablePath) {
  const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', ...quiet];
  return chromium.launch({ executablePath, headless: true, args });
}
