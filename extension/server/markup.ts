import { MarkupKind, type MarkupContent } from 'vscode-languageserver';
import type { Site } from '../core/program/program';
import type { Places } from './places';
import { place } from '../core/program/place';

/** The few shapes that hovers are made of, for a client that renders markdown and for one that does not. */
export interface Markup {
  /** Text as it stands, whatever of it means something to the client's renderer. */
  text(text: string): string;
  strong(text: string): string;
  code(text: string): string;
  /** A place in the tree, named so and to be clicked if the client lets one. */
  link(site: Pick<Site, 'file' | 'line' | 'column'>): string;
  /** A name in the code that leads to a place. */
  codeLink(site: Pick<Site, 'file' | 'line' | 'column'>, name: string): string;
  /** `depth` 0: an item of the outer list. */
  item(text: string, depth?: number): string;
  content(blocks: readonly string[]): MarkupContent;
}

export function markupFor(markdown: boolean, places: Places): Markup {
  return markdown ? markdownMarkup(places) : PLAIN;
}

function markdownMarkup(places: Places): Markup {
  const target = (site: Pick<Site, 'file' | 'line' | 'column'>): string =>
    `${places.uriOf(site.file)}#L${places.rangeOf(site).start.line + 1}`;
  return {
    text: escaped,
    strong: (text) => `**${escaped(text)}**`,
    code: codeSpan,
    link: (site) => `[${escaped(place(site))}](${target(site)})`,
    codeLink: (site, name) => `[${codeSpan(name)}](${target(site)})`,
    item: (text, depth = 0) => `${'  '.repeat(depth)}- ${text}`,
    content: (blocks) => ({ kind: MarkupKind.Markdown, value: blocks.join('\n\n') }),
  };
}

const PLAIN: Markup = {
  text: (text) => text,
  strong: (text) => text,
  code: oneLine,
  link: place,
  codeLink: (_, name) => name,
  item: (text, depth = 0) => `${'  '.repeat(depth)}- ${text}`,
  content: (blocks) => ({ kind: MarkupKind.PlainText, value: blocks.join('\n') }),
};

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function codeSpan(text: string): string {
  const line = oneLine(text);
  const ticks = '`'.repeat(1 + Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length)));
  return ticks.length === 1 ? `\`${line}\`` : `${ticks} ${line} ${ticks}`;
}

/** Text of the sources as text, whatever of it means something in markdown. */
function escaped(text: string): string {
  return text.replace(/[\\`*_[\]<>&~]|^[#+>-]/g, '\\$&');
}
