/**
 * The names of cells and symbols, and what is told from a name alone. Names are put together again and again; each is
 * made once, so that the same name is the same string and its hash and its parts are at hand.
 */
export interface CellName {
  readonly hash: number;
  /** The local that it is, or is a part of (`F.name` of `F.name.field`); `undefined` for anything else. */
  readonly local: string | undefined;
  /** The last name in it. */
  readonly field: string;
  /** It lies behind a pointer. */
  readonly isPointed: boolean;
  /** It lies behind a pointer, or in a global: it is no local. */
  readonly isObject: boolean;
}

/** Beyond this many names the tables are begun anew: an analysis has some ten thousands. */
const MOST_NAMES = 1 << 17;

const known = new Map<string, CellName>();
const joined = new Map<string, Map<string, string>>();

export function nameOf(text: string): CellName {
  let name = known.get(text);
  if (name === undefined) {
    if (known.size >= MOST_NAMES) {
      known.clear();
      joined.clear();
    }
    name = read(text);
    known.set(text, name);
  }
  return name;
}

/** `OBJECT.field` */
export function partOf(object: string, field: string): string {
  return joinedTo(object, '.', field);
}

/** What an unknown pointer points to. */
export function pointee(pointer: string): string {
  return joinedTo('*', '', pointer);
}

/** The prefix of the locals of a function that is executed within `frame`. */
export function callIn(frame: string, callee: string, at: number): string {
  return joinedTo(frame, '/', `${callee}@${at}`);
}

function joinedTo(first: string, separator: string, second: string): string {
  let ends = joined.get(first);
  if (ends === undefined) {
    ends = new Map();
    joined.set(first, ends);
  }
  let name = ends.get(second);
  if (name === undefined) {
    name = `${first}${separator}${second}`;
    ends.set(second, name);
  }
  return name;
}

function read(text: string): CellName {
  const isPointed = text.includes('*');
  const isObject = isPointed || text.startsWith('global.');
  const second = text.indexOf('.', text.indexOf('.') + 1);
  const local = isObject ? undefined : second < 0 ? text : text.slice(0, second);
  return { hash: hashOf(text), local, field: text.slice(text.lastIndexOf('.') + 1), isPointed, isObject };
}

/** FNV-1a, folded to 30 bits: small positive integers. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) & 0x3fffffff;
}
