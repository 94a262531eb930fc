// `npm run demo`: the three questions on the bundled sample, then where to go from there.
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));

const steps = [
  ['Which callers of kvm_zap_gfn_range() can a TDX VM reach?', ['check', 'media/sample']],
  ['What happens if it runs for a TDX VM?', ['outcome', 'media/sample', '--vm', 'tdx']],
  ['And for a default VM, the contrast:', ['outcome', 'media/sample', '--vm', 'default']],
  ['What would a patch change that adds a KVM_BUG_ON()?', ['patch', 'media/sample', 'media/sample/seed.patch']],
];

for (const [title, words] of steps) {
  console.log(`\n=== ${title}\n$ node dist/cli.js ${words.join(' ')}\n`);
  const { status, error } = spawnSync(process.execPath, ['dist/cli.js', ...words], { cwd: root, stdio: 'inherit' });
  // 1 says that there are findings; the sample has some.
  if (status !== 0 && status !== 1) {
    console.error(`the demo stopped: ${error?.message ?? `exit code ${status}`}`);
    process.exit(status ?? 3);
  }
}

console.log(`
=== Next
A proof, with every write to the field that the guard rests on:
  node dist/cli.js why media/sample kvm_noncoherent_dma_assignment_start_or_stop
Your own kernel, no build needed:
  node dist/cli.js check ~/linux
Break a guard in media/sample/arch/x86/kvm/x86.c, run check again and see its verdict flip.
The editor: see "In the editor" in README.md.`);
