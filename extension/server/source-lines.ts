import type { CheckReport } from '../core/report/contract';
import type { SourceTree } from '../core/source/tree';

/** The text of each source line that a report names, by `FILE:LINE`. Places in files that cannot be read are left out. */
export async function namedLines(report: CheckReport, tree: SourceTree): Promise<Map<string, string>> {
  const named = new Map<string, Set<number>>();
  for (const place of placesIn(report)) {
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

/** Everything in a report, however deep, that has a file and a line. */
function* placesIn(value: unknown): Generator<{ file: string; line: number }> {
  if (typeof value !== 'object' || value === null) return;
  if ('file' in value && 'line' in value && typeof value.file === 'string' && typeof value.line === 'number') {
    yield { file: value.file, line: value.line };
  }
  for (const part of Object.values(value)) yield* placesIn(part);
}
