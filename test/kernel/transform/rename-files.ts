import { counter, type CTree } from './tree';
import type { Renamed } from './rename';

/** Gives each C file another name in its folder, but for those that another file includes. */
export function renameFiles({ files }: CTree): Renamed {
  const { counts, count } = counter();
  const texts = new Map<string, string | null>();
  const old = new Map<string, string>();
  const included = new Set(
    files.flatMap(({ text }) =>
      [...text.matchAll(/#[ \t]*include[ \t]*["<](?:[^">]*\/)?([^">/]+)[">]/g)].map((match) => match[1]),
    ),
  );
  const sources = files.filter(({ path }) => path.endsWith('.c')).reverse();
  for (const [i, { path, text }] of sources.entries()) {
    const slash = path.lastIndexOf('/') + 1;
    if (included.has(path.slice(slash))) {
      count('files left: included');
      continue;
    }
    const made = `${path.slice(0, slash)}unit${String(i).padStart(3, '0')}x.c`;
    texts.set(path, null);
    texts.set(made, text);
    old.set(made, path);
    count('files');
  }
  const restore = (all: string): string => all.replace(/[\w/.]+\/unit\d+x\.c/g, (made) => old.get(made) ?? made);
  return { texts, counts, restore };
}
