// How long one outcome takes on a real tree that is open, per VM type, for the default scenario and for the sample's
// file with its actions: the first run and the median. Prints figures, judges nothing.
//
//   node test/bench/outcome.mjs [TREE] [RUNS]
import { build } from 'esbuild';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const cache = process.env.KVM_LENS_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'kvm-lens');
const tree = process.argv[2] ?? join(cache, 'trees/7.x');
const runs = Number(process.argv[3] ?? 50);
if (!existsSync(join(tree, 'arch/x86/kvm'))) {
  console.error(`${tree} is no kernel tree: run test/kernel/fetch-trees.sh, or name one`);
  process.exit(2);
}

const ENTRY = `
export { Analysis } from './extension/core/analysis';
export { DEFAULT_SCENARIO } from './extension/core/mmu/scenario';
export { readScenario } from './extension/core/mmu/scenario-file';
export { sinkOutcome } from './extension/core/mmu/sink';
export { VM_TYPES } from './extension/core/reach/verdict';
export { CParser } from './extension/core/syntax/parser';
export { DiskTree } from './extension/node/disk-tree';
`;

const folder = mkdtempSync(join(tmpdir(), 'kvm-lens-bench-'));
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

try {
  await build({
    stdin: { contents: ENTRY, resolveDir: root, loader: 'ts' },
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: join(folder, 'core.cjs'),
    alias: { 'web-tree-sitter': join(root, 'node_modules/web-tree-sitter/web-tree-sitter.cjs') },
  });
  const core = createRequire(import.meta.url)(join(folder, 'core.cjs'));
  const parser = await core.CParser.load({
    engine: readFileSync(join(root, 'node_modules/web-tree-sitter/web-tree-sitter.wasm')),
    grammar: readFileSync(join(root, 'grammars/tree-sitter-c.wasm')),
  });
  const analysis = await core.Analysis.open(new core.DiskTree(tree, tree), parser);
  const [sink] = analysis.sinkIds();
  const file = core.readScenario(readFileSync(join(root, 'media/sample/scenario.json'), 'utf8'));
  for (const vm of core.VM_TYPES) {
    const question = { vm, sinks: ['kvm_zap_gfn_range'], host: {}, assumptions: true };
    const reach = analysis.reach(question);
    const decide = (fn, condition) => reach.decide(fn, condition);
    const words = [core.DEFAULT_SCENARIO, file].map((scenario) => {
      const times = Array.from({ length: runs }, () => {
        const start = performance.now();
        core.sinkOutcome(analysis.program, sink, question, decide, scenario);
        return performance.now() - start;
      });
      return `${scenario.name}: first ${times[0].toFixed(2)} ms, median ${median(times).toFixed(2)} ms`;
    });
    console.log(`outcome ${vm.padEnd(13)} ${words.join('; ')} (${runs} runs)`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
