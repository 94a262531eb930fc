// How long `check` takes on a real tree, cold and as a whole process, against what a developer has today: building
// cscope's index of the same files and asking it for the sink's callers. Prints medians and their ratio, judges nothing.
//
//   node test/bench/check.mjs [TREE] [RUNS]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const cache = process.env.KVM_LENS_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'kvm-lens');
const tree = process.argv[2] ?? join(cache, 'trees/7.x');
const runs = Number(process.argv[3] ?? 5);
if (!existsSync(join(tree, 'arch/x86/kvm'))) {
  console.error(`${tree} is no kernel tree: run test/kernel/fetch-trees.sh, or name one`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'kvm-lens-bench-'));

function check() {
  // Peak memory of the process as the kernel accounts it, printed by the process itself at its end.
  const report =
    'process.on("exit",()=>require("fs").writeFileSync(process.env.RSS_FILE,String(process.resourceUsage().maxRSS)))';
  const preload = `data:text/javascript,import{createRequire}from"node:module";const require=createRequire(process.cwd()+"/x.js");${report}`;
  const file = join(folder, 'rss');
  const start = performance.now();
  const result = spawnSync(
    'node',
    ['--import', preload, join(root, 'dist/cli.js'), 'check', tree, '--format', 'json', '--timings'],
    {
      env: { ...process.env, RSS_FILE: file },
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    },
  );
  const ms = performance.now() - start;
  if (result.status !== 0 && result.status !== 1)
    throw new Error(`check ended with ${result.status}: ${result.stderr}`);
  return { ms, mb: Number(readFileSync(file, 'utf8')) / 1024, phases: JSON.parse(result.stdout).timings };
}

function cscope() {
  const database = join(folder, 'cscope.out');
  const start = performance.now();
  for (const command of [
    `find arch/x86/kvm virt/kvm -name '*.[ch]' > ${folder}/files && rm -f ${database}* && cscope -b -k -q -i ${folder}/files -f ${database}`,
    `cscope -d -k -q -f ${database} -L -3 kvm_zap_gfn_range`,
  ]) {
    const result = spawnSync('sh', ['-c', command], { cwd: tree, encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`cscope: ${result.error?.message ?? result.stderr}`);
  }
  return { ms: performance.now() - start, mb: NaN };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

try {
  const ours = [];
  const theirs = [];
  for (let i = -1; i < runs; i++) {
    const a = check();
    const b = cscope();
    if (i < 0) continue; // the first of each warms the file cache
    ours.push(a);
    theirs.push(b);
  }
  const ms = median(ours.map((run) => run.ms));
  const other = median(theirs.map((run) => run.ms));
  console.log(
    `kvm-lens check   median ${ms.toFixed(0)} ms, peak ${median(ours.map((run) => run.mb)).toFixed(0)} MB (${runs} runs)`,
  );
  const phases = Object.keys(ours[0]?.phases ?? {}).map(
    (phase) => `${phase} ${median(ours.map((run) => run.phases[phase])).toFixed(0)} ms`,
  );
  console.log(`of it, medians   ${phases.join(', ')}`);
  console.log(`cscope -b + -L3  median ${other.toFixed(0)} ms`);
  console.log(`ratio            ${(ms / other).toFixed(1)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
