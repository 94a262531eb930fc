// All tests, one closing line: `N passed, N failed, N skipped`, summed over all runners.
//
//   node test/run.mjs [--only setup,static,unit,editor]
//
// In CI a skipped test is a failure unless `allowed-skips.json` names it with a reason.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const inCi = process.env.CI !== undefined && process.env.CI !== '';
const onlyArgument = process.argv.indexOf('--only');
const only = onlyArgument < 0 ? undefined : (process.argv[onlyArgument + 1] ?? '').split(',');
const allowedSkips = JSON.parse(readFileSync(join(root, 'test/allowed-skips.json'), 'utf8'));

const total = { passed: 0, failed: 0, skipped: 0 };
const skips = [];

function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  });
  if (result.error) console.error(`${command}: ${result.error.message}`);
  return { code: result.status ?? 1, stdout: result.stdout ?? '' };
}

function count(title, ok) {
  total[ok ? 'passed' : 'failed'] += 1;
  console.log(`${ok ? 'ok' : 'FAILED'}  ${title}`);
}

function wanted(stage) {
  return only === undefined || only.includes(stage);
}

function setup() {
  if (run('bash', ['test/setup.sh']).code !== 0) count('setup: what the tests need is there', false);
  count('build: npm run build', run('npm', ['run', '-s', 'build']).code === 0);
}

function staticChecks() {
  for (const [title, script] of [
    ['types: strict, and the core without any platform', 'typecheck'],
    ['lint: no warning', 'lint'],
    ['format: as prettier writes it', 'format:check'],
  ])
    count(title, run('npm', ['run', '-s', script]).code === 0);
}

/** vitest writes its counts into a file; its exit code is believed too. */
function unit() {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-lens-test-'));
  const file = join(folder, 'vitest.json');
  const { code } = run('npx', ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`]);
  let report;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    count('vitest finished and wrote its report', false);
    return;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  total.passed += report.numPassedTests;
  total.failed += report.numFailedTests;
  for (const suite of report.testResults) {
    // A file that cannot be loaded has no tests to count.
    if (suite.status === 'failed' && suite.assertionResults.every((test) => test.status !== 'failed'))
      count(suite.name, false);
    for (const test of suite.assertionResults)
      if (test.status !== 'passed' && test.status !== 'failed') skips.push(test.fullName.trim());
  }
  if (code !== 0 && total.failed === 0) count(`vitest ended with exit code ${code}`, false);
}

/** The editor's runner closes with the same line and names each skipped test in a line `SKIPPED title`. */
function editor() {
  const { code, stdout } = run('node', ['test/e2e/run.mjs'], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.stdout.write(stdout);
  const closing = [...stdout.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)].at(-1);
  if (!closing) {
    count('the editor tests finished', false);
    return;
  }
  total.passed += Number(closing[1]);
  total.failed += Number(closing[2]);
  const named = [...stdout.matchAll(/^SKIPPED (.*)$/gm)].map((match) => match[1].trim());
  skips.push(...named);
  for (let i = named.length; i < Number(closing[3]); i++) skips.push('an editor test without a name');
  if (code !== 0 && Number(closing[2]) === 0) count(`the editor tests ended with exit code ${code}`, false);
}

if (wanted('setup')) setup();
if (wanted('static')) staticChecks();
if (wanted('unit')) unit();
if (wanted('editor')) editor();

for (const title of skips) {
  total.skipped += 1;
  const reason = allowedSkips[title];
  console.log(`skipped  ${title}${reason ? ` (${reason})` : ''}`);
  if (inCi && !reason) count(`in CI nothing is skipped without a reason: ${title}`, false);
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
