import { join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Range } from 'vscode-languageserver';
import type { Site } from '../core/program/program';
import type { Findings } from './findings';
import type { LineMap } from './line-map';

/** Where the places of a report lie for the client: its documents' names, and their lines as they are now. */
export interface Places {
  uriOf(file: string): string;
  rangeOf(site: Pick<Site, 'file' | 'line' | 'column'>): Range;
}

/** An open document of a tree. */
export interface OpenFile {
  readonly uri: string;
  readonly lines: LineMap;
}

export function placesIn(root: string, findings: Findings, openFile: (file: string) => OpenFile | undefined): Places {
  return {
    uriOf: (file) => openFile(file)?.uri ?? pathToFileURL(join(root, file)).href,
    rangeOf(site) {
      const analysed = Math.max(0, site.line - 1);
      const line = openFile(site.file)?.lines.toCurrent(analysed) ?? analysed;
      const { start, end } = findings.columnsAt(site);
      return { start: { line, character: Math.max(0, start) }, end: { line, character: end } };
    },
  };
}

/** For sorting. */
export function byPlace(a: { readonly range: Range }, b: { readonly range: Range }): number {
  return a.range.start.line - b.range.start.line || a.range.start.character - b.range.start.character;
}

/** The path of a document, if it is a file on this machine's disk. */
export function pathOfUri(uri: string): string | undefined {
  if (!uri.startsWith('file:')) return undefined;
  try {
    return fileURLToPath(uri);
  } catch {
    return undefined; // Another host's file, or no URI at all.
  }
}

/** `path` relative to the tree's top, with `/`, if it lies inside. */
export function fileInTree(root: string, path: string): string | undefined {
  const file = relative(root, path);
  if (file === '' || file === '..' || file.startsWith(`..${sep}`)) return undefined;
  return file.split(sep).join('/');
}
