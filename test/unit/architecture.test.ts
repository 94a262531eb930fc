import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const core = join(import.meta.dirname, '../../extension/core');

/** Each layer of the core and what it may import, itself aside. Files at the top of `core` may import everything. */
const below: Record<string, readonly string[]> = {
  source: [],
  syntax: ['source'],
  program: ['source', 'syntax'],
  reach: ['source', 'syntax', 'program'],
  mmu: ['source', 'syntax', 'program', 'reach'],
  patch: ['source', 'syntax', 'program', 'reach', 'mmu'],
  report: ['source', 'syntax', 'program', 'reach', 'mmu', 'patch'],
};
/** Files at the top of `core` that every layer may use. */
const shared = new Set(['input-error']);
/** Packages that run anywhere. */
const packages = new Set(['web-tree-sitter']);

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sources(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

function imports(path: string): string[] {
  return [...readFileSync(path, 'utf8').matchAll(/\bfrom '([^']+)'|\bimport\(\s*'([^']+)'/g)].map(
    (m) => m[1] ?? m[2] ?? '',
  );
}

describe('the core', () => {
  const files = sources(core);

  it('has files to check', () => {
    expect(files.length).toBeGreaterThan(10);
  });

  it.each(files.map((file) => [relative(core, file), file]))('%s imports only what lies below it', (name, file) => {
    const layer = name.includes('/') ? name.slice(0, name.indexOf('/')) : '';
    for (const target of imports(file)) {
      if (!target.startsWith('.')) {
        expect(packages, `${name} imports the package ${target}`).toContain(target);
        continue;
      }
      const inside = relative(core, normalize(join(dirname(file), target)));
      expect(inside.startsWith('..'), `${name} imports ${target} outside the core`).toBe(false);
      if (layer === '') continue;
      const targetLayer = inside.includes('/') ? inside.slice(0, inside.indexOf('/')) : '';
      if (targetLayer === layer) continue;
      if (targetLayer === '') expect(shared, `${name} imports ${inside}`).toContain(inside);
      else expect(below[layer] ?? [], `${name} imports ${inside}`).toContain(targetLayer);
    }
  });
});
