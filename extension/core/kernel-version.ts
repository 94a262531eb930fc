import type { SourceTree } from './source/tree';

/** `7.3.4` or `6.18.0-rc2` from the top Makefile's first lines; `''` if the tree has none that says. */
export async function kernelVersion(tree: SourceTree): Promise<string> {
  const makefile = await tree.read('Makefile');
  if (makefile.kind !== 'text') return '';
  const value = (name: string): string =>
    new RegExp(`^${name}[ \\t]*=[ \\t]*(\\S*)[ \\t]*$`, 'm').exec(makefile.text)?.[1] ?? '';
  const version = value('VERSION');
  const patchlevel = value('PATCHLEVEL');
  if (version === '' || patchlevel === '') return '';
  const sublevel = value('SUBLEVEL');
  return `${version}.${patchlevel}${sublevel === '' ? '' : `.${sublevel}`}${value('EXTRAVERSION')}`;
}
