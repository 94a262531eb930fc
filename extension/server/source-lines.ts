import type { SourceTree } from '../core/source/tree';

/** The text of each source line that `findings` name, however deep, by `FILE:LINE`. Files that cannot be read are left out. */
export async function namedLines(findings: unknown, tree: SourceTree): Promise<Map<string, string>> {
  const named = new Map<string, Set<number>>();
  for (const place of placesIn(findings)) {
    const lines = named.get(place.file) ?? new Set();
    named.set(place.file, lines.add(place.line));
  }
  const texts = new Map<string, string>();
  for (const [file, numbers] of named) {
    const read = await tree.read(file);
    if (read.kind !== 'text') continue;
    const lines = read.text.split('\n');
    for (const number of numbers) {
      const text = lines[number - 1];
      if (text !== undefined) texts.set(`${file}:${number}`, text);
    }
  }
  return texts;
}

/** Everything in a value, however deep, that has a file and a line. */
function* placesIn(value: unknown): Generator<{ file: string; line: number }> {
  if (typeof value !== 'object' || value === null) return;
  if ('file' in value && 'line' in value && typeof value.file === 'string' && typeof value.line === 'number') {
    yield { file: value.file, line: value.line };
  }
  for (const part of Object.values(value)) yield* placesIn(part);
}
