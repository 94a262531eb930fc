// The suite inside the extension host, in one of two VS Codes. The workbench's exit code alone lies (a suite that takes
// the host down with it reports 0), so that the suite also writes a result file: both have to agree.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { format } from 'node:util';
import { startBrowser, startServer } from './workbench.mjs';

const require = createRequire(import.meta.url);

/** Lines of the host's log that say nothing about the extension. */
const NOISE =
  /open-vsx|authentication provider|AccountPolicyGate|remote-connection|Creating a socket|connection token|Service Worker|AgentHost|grace time|builtin extensions/;

/** In code-server: the browser's page reports the exit code. `{ code }` or `{ error }`, and the `result` file's content. */
export async function runInCodeServer({ codeServer, chromium, extension, suite, workspace, scratch, env, limit }) {
  const resultFile = join(scratch.folder('result'), 'result.json');
  // Without this flag the payload's test paths are silently ignored.
  const args = ['--vscode-option', 'enable-smoke-test-driver'];
  const folders = { userData: scratch.folder('user'), extensions: scratch.folder('extensions') };
  const server = await startServer(codeServer, { ...folders, args, env: { ...env, E2E_RESULT: resultFile } });
  let browser;
  try {
    browser = await startBrowser(chromium);
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const exited = new Promise((resolve) => {
      page.on('crash', () => resolve({ error: 'the page crashed' }));
      void page.exposeFunction('codeAutomationExit', (code) => resolve({ code }));
      setTimeout(() => resolve({ error: `no end within ${limit / 1000} s` }), limit).unref();
    });
    await page.exposeFunction('codeAutomationLog', (_type, values) => {
      const line = format(...values);
      if (!NOISE.test(line)) console.log(line);
    });
    await page.goto(testUrl(server.port, { extension, suite, workspace }), { waitUntil: 'commit' });
    return { ...(await exited), result: readResult(resultFile) };
  } finally {
    await browser?.close();
    await server.stop();
  }
}

function testUrl(port, { extension, suite, workspace }) {
  const remote = (path) => `vscode-remote://localhost:${port}${path}`;
  const url = new URL(`http://localhost:${port}/`);
  url.searchParams.set('folder', workspace);
  const payload = [
    ['extensionDevelopmentPath', remote(extension)],
    ['extensionTestsPath', remote(suite)],
    ['skipWelcome', 'true'],
  ];
  url.searchParams.set('payload', JSON.stringify(payload));
  return url.href;
}

/** In a desktop VS Code, as a user with internet runs it. */
export async function runInDesktop({ executable, extension, suite, workspace, scratch, env }) {
  const { runTests } = require('@vscode/test-electron');
  const resultFile = join(scratch.folder('result'), 'result.json');
  const quiet = ['--disable-workspace-trust', '--skip-welcome', '--disable-extensions', '--no-sandbox'];
  let outcome;
  try {
    const code = await runTests({
      vscodeExecutablePath: executable,
      extensionDevelopmentPath: extension,
      extensionTestsPath: suite,
      extensionTestsEnv: { ...env, E2E_RESULT: resultFile },
      launchArgs: [workspace, ...quiet, '--user-data-dir', scratch.folder('user')],
    });
    outcome = { code };
  } catch (error) {
    outcome = { error: error instanceof Error ? error.message : String(error) };
  }
  return { ...outcome, result: readResult(resultFile) };
}

function readResult(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

/** Network faults that mean: there is no way to the download from here. */
const OFFLINE = /\b(ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH)\b/;

/**
 * The executable of a desktop VS Code: the one that `VSCODE_EXECUTABLE` names, else a download into `cache`.
 * `undefined` if there is no network; any other fault is thrown.
 */
export async function findDesktop(cache) {
  if (process.env.VSCODE_EXECUTABLE) return process.env.VSCODE_EXECUTABLE;
  const { downloadAndUnzipVSCode, SilentReporter } = require('@vscode/test-electron');
  try {
    const timeout = 60_000;
    return await downloadAndUnzipVSCode({ cachePath: join(cache, 'desktop'), reporter: new SilentReporter(), timeout });
  } catch (error) {
    const text = format(error);
    if (OFFLINE.test(text)) return undefined;
    throw error;
  }
}
