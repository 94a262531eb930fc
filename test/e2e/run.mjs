// The extension in a real VS Code: a suite inside the extension host, on the sample and on a real kernel tree, and the
// packaged extension on the screen. Closing line: `N passed, N failed, N skipped`.
//
//   node test/e2e/run.mjs [--only package,sample,real,screens] [--save-pictures]
//
// --save-pictures puts those that the README shows into media/screenshots.
//
// CHROMIUM names the browser, VSCODE_EXECUTABLE a desktop VS Code, KVM_LENS_CACHE the cache folder.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findDesktop, runInCodeServer, runInDesktop } from './host-suite.mjs';
import { packageExtension } from './package.mjs';
import { runScreens } from './screens.mjs';
import { cacheFolder, findChromium, setUpCodeServer } from './setup.mjs';
import { Scratch } from './workbench.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const project = join(here, '../..');
const inCi = Boolean(process.env.CI);
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1].split(',') : undefined;
const wanted = (part) => only === undefined || only.includes(part);

/** Pictures that the README shows, and what they are called there. */
const PICTURES = { 'lens-editor.png': 'lens.png', 'hover-blocked-editor.png': 'hover.png' };

/** A suite that has not ended after this many milliseconds is not going to. */
const LIMIT = 600_000;

const total = { passed: 0, failed: 0, skipped: 0 };

function count({ title, state, error }) {
  total[state] += 1;
  console.log(`${state.toUpperCase()} ${title}${error === undefined ? '' : `\n${error}`}`);
}

/** What cannot be run is a failure where everything has to be there, and is skipped elsewhere. */
function leaveOut(title, why) {
  console.log(`e2e: ${why}`);
  count({ title, state: inCi ? 'failed' : 'skipped' });
}

async function hostSuite(name, workspace, run) {
  const { code, error, result } = await run({
    extension: project,
    suite: join(here, 'suite/index.cjs'),
    workspace,
    env: { E2E_SUITE: name },
    limit: LIMIT,
  });
  for (const test of result?.tests ?? []) count(test);
  if (error !== undefined) count({ title: `suite ${name}: ${error}`, state: 'failed' });
  else if (result === undefined) count({ title: `suite ${name} wrote no result`, state: 'failed' });
  else {
    const green =
      result.tests.some((test) => test.state === 'passed') && result.tests.every((test) => test.state !== 'failed');
    if (green !== (code === 0))
      count({ title: `suite ${name}: exit code ${code} and the results disagree`, state: 'failed' });
    console.log(`e2e: suite ${name} ran in ${result.code.name} ${result.code.version}, Node ${result.node}`);
  }
}

async function main() {
  const scratch = new Scratch();
  const vsix = join(scratch.folder('package'), 'kvm-lens.vsix');
  try {
    execFileSync(process.execPath, ['esbuild.mjs'], { cwd: project, stdio: 'inherit' });
    const packaged = packageExtension(vsix);
    if (wanted('package')) packaged.forEach(count);
    const chromium = findChromium();
    const desktop = await findDesktop(cacheFolder());
    const codeServer = chromium === undefined ? undefined : setUpCodeServer();
    if (desktop === undefined && codeServer !== undefined)
      console.log(
        `desktop VS Code not available; running in code-server ${codeServer.codeServer} / Code ${codeServer.code}`,
      );
    if (chromium === undefined) console.log('e2e: no browser: apt-get install chromium fonts-dejavu-core');
    const run = runnerOf({ desktop, codeServer, chromium, scratch });

    const sample = join(project, 'media/sample');
    if (wanted('sample')) {
      if (run === undefined) leaveOut('the suite on the sample', 'no VS Code to run in');
      else await hostSuite('sample', scratch.copyOf(sample), run);
    }
    // Opened where it is: the suite's edits stay in buffers.
    const tree = join(cacheFolder(), 'trees/7.x');
    if (wanted('real')) {
      if (run === undefined) leaveOut('the suite on a real tree', 'no VS Code to run in');
      else if (!existsSync(tree))
        leaveOut('the suite on a real tree', `no kernel tree in ${tree}: run test/kernel/fetch-trees.sh`);
      else await hostSuite('real', tree, run);
    }
    if (wanted('screens')) {
      if (codeServer === undefined) leaveOut('the screens', 'no browser to show them');
      else await screens({ codeServer, chromium, vsix, workspace: scratch.copyOf(sample), scratch });
    }
  } finally {
    scratch.remove();
  }
}

async function screens(job) {
  const shots = join(here, 'shots');
  mkdirSync(shots, { recursive: true });
  const results = await runScreens({ ...job, shots });
  results.forEach(count);
  if (!process.argv.includes('--save-pictures') || results.some(({ state }) => state === 'failed')) return;
  for (const [shot, picture] of Object.entries(PICTURES))
    copyFileSync(join(shots, shot), join(project, 'media/screenshots', picture));
}

/** How a host suite is run here; `undefined`: not at all. */
function runnerOf({ desktop, codeServer, chromium, scratch }) {
  if (desktop !== undefined) return (job) => runInDesktop({ ...job, executable: desktop, scratch });
  if (codeServer !== undefined) return (job) => runInCodeServer({ ...job, codeServer, chromium, scratch });
  return undefined;
}

try {
  await main();
} catch (error) {
  count({
    title: 'the editor tests ran to their end',
    state: 'failed',
    error: error instanceof Error ? error.stack : String(error),
  });
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
