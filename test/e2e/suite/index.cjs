// VS Code calls `run()` inside the extension host. Beside the exit code the outcome goes into the file `E2E_RESULT`.
const { renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const Mocha = require('mocha');
const vscode = require('vscode');

/** Which tests: those of one tree, `sample` or `real`. */
const which = process.env.E2E_SUITE ?? 'sample';

exports.run = async function run() {
  const mocha = new Mocha({ ui: 'tdd', timeout: 240_000, color: false, reporter: 'min', reporterOptions: {} });
  mocha.reporter(class Silent {});
  mocha.addFile(join(__dirname, `${which}.test.cjs`));
  const tests = [];
  const stats = await new Promise((resolve) => {
    const runner = mocha.run(() => resolve(runner.stats));
    runner.on('pass', (test) => tests.push({ state: 'passed', title: test.fullTitle() }));
    runner.on('pending', (test) => tests.push({ state: 'skipped', title: test.fullTitle() }));
    // A hook's failure is told here too; its title names it.
    runner.on('fail', (test, error) =>
      tests.push({ state: 'failed', title: test.fullTitle(), error: error.stack ?? String(error) }),
    );
  });
  const code = { version: vscode.version, name: vscode.env.appName, remote: vscode.env.remoteName ?? '' };
  const file = process.env.E2E_RESULT;
  if (file !== undefined) {
    writeFileSync(`${file}.part`, JSON.stringify({ tests, code, node: process.version }, null, 1));
    renameSync(`${file}.part`, file);
  }
  if (stats.failures > 0) throw new Error(`${stats.failures} failed`);
  if (stats.passes === 0) throw new Error('no test ran');
};
