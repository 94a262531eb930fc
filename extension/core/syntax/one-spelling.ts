/**
 * One string for all that say the same: a name stands in thousands of places, and maps find a string that they know
 * faster than one that only reads the same. A slice of a file would also keep the whole file.
 */
export function oneSpelling(text: string): string {
  const known = spellings.get(text);
  if (known !== undefined) return known;
  if (text.length > LONGEST) return text;
  // Those of a kernel tree are some 100,000; an editor that is open for days begins anew.
  if (spellings.size >= MOST) spellings.clear();
  spellings.set(text, text);
  return text;
}

const LONGEST = 80;
const MOST = 400_000;
const spellings = new Map<string, string>();
