import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';

export const TREES = ['6.1', '6.12', '7.x'] as const;
export type TreeName = (typeof TREES)[number];

/** Where `fetch-trees.sh` puts Debian's kernel sources. */
export function cacheFolder(): string {
  const { KVM_LENS_CACHE: own, XDG_CACHE_HOME: xdg } = process.env;
  return own ?? join(xdg ?? join(homedir(), '.cache'), 'kvm-lens');
}

/** The tree's top, or `undefined` if it has not been fetched. */
export function treePath(name: TreeName): string | undefined {
  const path = join(cacheFolder(), 'trees', name);
  return existsSync(join(path, '.package')) ? path : undefined;
}

/** Tests on a real tree: without it they fail in CI, and are skipped and counted elsewhere. */
export function describeTree(name: TreeName, tests: (top: string) => void): void {
  const top = treePath(name);
  describe(`Linux ${name}`, () => {
    if (top !== undefined) tests(top);
    else if (process.env['CI'] !== undefined)
      it('is in the cache', () => {
        throw new Error(`Linux ${name} is missing: run test/kernel/fetch-trees.sh`);
      });
    else it.skip(`needs the tree: run test/kernel/fetch-trees.sh`, () => undefined);
  });
}
