import { InputError } from '../input-error';

/** A JSON value; an object as a map, in which `__proto__` is a name like any other. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = ReadonlyMap<string, Json>;

export function isObject(value: Json | undefined): value is JsonObject {
  return value instanceof Map;
}

/** How deep lists and objects may lie in each other. */
export const DEEPEST = 16;

/**
 * The value of a JSON text (RFC 8259). Stricter than `JSON.parse()`: a name that is given twice in an object, more
 * than 16 levels, a byte order mark and what was no UTF-8 are faults.
 * @throws InputError with line and column, or with the JSON path of a name that is given twice
 */
export function readJson(text: string): Json {
  const reader: Reader = { text, at: 0 };
  const broken = text.indexOf('\uFFFD');
  if (text.startsWith('\uFEFF')) fail(reader, 'starts with a byte order mark; JSON has none');
  if (broken >= 0) fail({ text, at: broken }, 'is no UTF-8');
  const value = readValue(reader, '$', 0);
  skipSpace(reader);
  if (reader.at < text.length) fail(reader, `is no JSON: ${found(reader)} after the value`);
  return value;
}

/** A JSON path's step to a member: `.gfn`, or `["a b"]` where the name is no identifier. */
export function memberPath(path: string, name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? `${path}.${name}` : `${path}[${shown(name)}]`;
}

/** A value as a message shows it: on one line, ASCII, and not long. */
export function shown(value: Json): string {
  if (isObject(value)) return 'an object';
  if (Array.isArray(value)) return 'a list';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return (text.length > 40 ? `${text.slice(0, 37)}...` : text).replace(/[^\x20-\x7e]/g, escaped);
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

interface Reader {
  readonly text: string;
  at: number;
}

function readValue(reader: Reader, path: string, depth: number): Json {
  skipSpace(reader);
  switch (reader.text[reader.at]) {
    case '{':
      return readObject(reader, path, depth + 1);
    case '[':
      return readList(reader, path, depth + 1);
    case '"':
      return readString(reader);
    default:
      return readWord(reader);
  }
}

function readObject(reader: Reader, path: string, depth: number): JsonObject {
  const members = new Map<string, Json>();
  readItems(reader, '}', depth, () => {
    if (reader.text[reader.at] !== '"')
      fail(reader, `is no JSON: ${found(reader)} where a name in double quotes is due`);
    const name = readString(reader);
    const place = memberPath(path, name);
    if (members.has(name)) throw new InputError(`${place}: given twice`);
    skipSpace(reader);
    if (reader.text[reader.at] !== ':') fail(reader, `is no JSON: ${found(reader)} where a colon is due`);
    reader.at += 1;
    members.set(name, readValue(reader, place, depth));
  });
  return members;
}

function readList(reader: Reader, path: string, depth: number): readonly Json[] {
  const items: Json[] = [];
  readItems(reader, ']', depth, () => {
    items.push(readValue(reader, `${path}[${items.length}]`, depth));
  });
  return items;
}

/** What stands between an opening bracket and `close`, with commas between. */
function readItems(reader: Reader, close: string, depth: number, readItem: () => void): void {
  if (depth > DEEPEST) fail(reader, `has more than ${DEEPEST} levels of lists and objects`);
  reader.at += 1;
  skipSpace(reader);
  if (reader.text[reader.at] === close) {
    reader.at += 1;
    return;
  }
  for (;;) {
    skipSpace(reader);
    readItem();
    skipSpace(reader);
    const next = reader.text[reader.at];
    if (next !== ',' && next !== close) fail(reader, `is no JSON: ${found(reader)} where a comma or ${close} is due`);
    reader.at += 1;
    if (next === close) return;
  }
}

const STRING = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;

function readString(reader: Reader): string {
  return matched(reader, STRING, 'a text that does not end, or holds what it may not') as string;
}

function readWord(reader: Reader): Json {
  return matched(reader, WORD, `${found(reader)} where a value is due`);
}

/** The built-in parser says what a literal that was found means. */
function matched(reader: Reader, pattern: RegExp, otherwise: string): Json {
  pattern.lastIndex = reader.at;
  const text = pattern.exec(reader.text)?.[0];
  if (text === undefined) fail(reader, `is no JSON: ${otherwise}`);
  reader.at += text.length;
  return JSON.parse(text) as Json;
}

function skipSpace(reader: Reader): void {
  while (/[ \t\n\r]/.test(reader.text[reader.at] ?? '')) reader.at += 1;
}

function found({ text, at }: Reader): string {
  return at < text.length ? shown(String.fromCodePoint(text.codePointAt(at) ?? 0)) : 'the end';
}

function fail({ text, at }: Reader, what: string): never {
  const before = text.slice(0, at).split('\n');
  throw new InputError(`${what} (line ${before.length}, column ${(before.at(-1) ?? '').length + 1})`);
}
