/**
 * The names that a user may have meant by one that does not exist, best first: names that hold it or are held by it,
 * and names within a third of its length in edits.
 */
export function nearNames(wanted: string, names: Iterable<string>, most = 3): string[] {
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  const scored: { name: string; score: number }[] = [];
  for (const name of new Set(names)) {
    const held = wanted.length > 3 && name.length > 3 && (name.includes(wanted) || wanted.includes(name));
    const score = held ? Math.abs(name.length - wanted.length) / 100 : editDistance(wanted, name, limit);
    if (score <= limit) scored.push({ name, score });
  }
  scored.sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1));
  return scored.slice(0, most).map(({ name }) => name);
}

/** Levenshtein's distance; anything above `limit` is returned as `limit + 1`. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const cell = Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      next.push(cell);
      least = Math.min(least, cell);
    }
    if (least > limit) return limit + 1;
    row = next;
  }
  return Math.min(row[b.length] ?? 0, limit + 1);
}
