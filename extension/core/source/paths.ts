/** A file's path without `.`, `..` and empty parts: `a//b/../c.h` is `a/c.h`. */
export function normalise(path: string): string {
  if (!path.includes('./') && !path.includes('//') && !path.startsWith('/')) return path;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}
