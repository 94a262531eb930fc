import { lineOf, type Expr, type InitItem, type TypeText } from '../syntax/facts';
import { exprText } from '../syntax/expr-text';
import { argumentsAt, expand, readArguments } from './expand';
import { type Cell, cells, type Flow } from './flow';
import { siteAt, vendorOfFile } from './ids';
import type { FunctionNode, Site, Vendor } from './program';
import { elementType, tagOf } from './types';
import { type Frame, sourcesOf } from './values';
import { functionsMeant, macrosNamed, type World } from './world';

/** Tables: what initialisers put into which field or array, followed by declared types. */

/** An entry of a table that is no function: `.required_apicv_inhibits = X`. */
export interface PlainEntry {
  readonly slot: string;
  readonly vendor: Vendor | undefined;
  readonly value: Expr;
  readonly file: string;
}

export interface TableReader {
  readonly world: World;
  readonly flow: Flow;
  readonly plain: PlainEntry[];
}

interface Place {
  /** The array's or variable's own cell, for elements that are function pointers themselves. */
  readonly cell: Cell;
  readonly label: string;
  readonly when: string | undefined;
}

export function readTables(reader: TableReader): void {
  readStaticCalls(reader);
  for (const all of reader.world.definitions.variables.values())
    for (const { file, fact } of all) {
      if (fact.init === undefined) continue;
      const when = fact.when?.join(' && ');
      const place = { cell: cells.variable(file, fact.name), label: fact.name, when };
      readValue(reader, fact.type, fact.init, { file }, place);
    }
}

/** `DEFINE_STATIC_CALL(key, fn)`: what a static call is before it is updated. */
function readStaticCalls({ world, flow }: TableReader): void {
  for (const { path, fileScopeCalls } of world.definitions.files.values())
    for (const { name, args, at, when } of fileScopeCalls) {
      if (!name.startsWith('DEFINE_STATIC_CALL') || !/^DEFINE_STATIC_CALL(?:_RET0|_NULL)?$/.test(name)) continue;
      const [key, fn] = args;
      if (key === undefined || fn === undefined) continue;
      const { tag, field } = world.staticCalls.slotOfKey(key);
      for (const node of functionsMeant(world, fn, path))
        seed(flow, cells.field(tag, field), node, siteAt(path, at, ''), when?.join(' && '), false);
    }
}

/** One value of declared type `type`: an initialiser list, or what a single expression gives. */
export function readValue(reader: TableReader, type: TypeText, value: Expr, frame: Frame, place: Place): void {
  const { world } = reader;
  const resolved = world.types.resolveType((value.k === 'init' ? value.type : undefined) ?? type);
  if (value.k !== 'init') {
    // A whole struct, written as a macro that makes its initialiser.
    if (world.types.tag(resolved) !== undefined && /\w$/.test(resolved))
      readMacroItem(reader, resolved, value, frame, place.when);
    else put(reader, value, frame, place);
    return;
  }
  const isArray = resolved.includes('[');
  const tag = isArray ? undefined : world.types.tag(resolved);
  let position = 0;
  const flat = isArray ? flatFields(world, resolved, value) : undefined;
  for (const item of value.items) {
    const when = bothWhen(place.when, item.when?.join(' && '));
    if (flat !== undefined) readField(reader, flat.type, flat.tag, item, frame, when, position % flat.fields);
    else if (isArray || (tag === undefined && item.fields === undefined)) {
      const element = elementType(resolved) ?? resolved;
      const label = item.index === undefined ? place.label : `${place.label}[${exprText(item.index)}]`;
      readItem(reader, element, item, frame, { cell: place.cell, label, when });
    } else if (item.fields === undefined && isDesignating(world, item.value, frame))
      readMacroItem(reader, resolved, item.value, frame, when);
    else readField(reader, resolved, tag ?? '', item, frame, when, position);
    position += isArray ? 1 : itemsMade(world, item.value, frame);
  }
}

/** An array of structs whose elements stand without braces of their own: every value is one of a field. */
function flatFields(
  world: World,
  array: TypeText,
  value: Expr & { readonly k: 'init' },
): { readonly type: TypeText; readonly tag: string; readonly fields: number } | undefined {
  const type = elementType(array) ?? '';
  const tag = tagOf(type);
  const fields = world.types.structs(type)[0]?.fact.fields.length ?? 0;
  if (tag === undefined || fields === 0 || !/\w$/.test(type)) return undefined;
  const isPlain = ({ value: x, fields: named, index }: InitItem): boolean =>
    named === undefined && index === undefined && /^(?:num|str|unary|cast)$|^id$/.test(x.k);
  const isFunction = ({ value: x }: InitItem): boolean => x.k === 'id' && world.functions.has(x.name);
  return value.items.every(isPlain) && value.items.some(isFunction) ? { type, tag, fields } : undefined;
}

/** How many entries one is that may be written as a macro: `X4(N)` makes four. */
function itemsMade(world: World, value: Expr, frame: Frame): number {
  const isMacro = value.k === 'call' && value.fn.k === 'id' && macrosNamed(world, value.fn.name, frame.file).length > 0;
  return isMacro ? Math.max(1, argumentsAt(`${expandEntry(world, value, frame.file)})`, 0).length) : 1;
}

function readItem(reader: TableReader, element: TypeText, item: InitItem, frame: Frame, place: Place): void {
  if (item.fields !== undefined) readField(reader, element, tagOf(element) ?? '', item, frame, place.when, 0);
  else readValue(reader, element, item.value, frame, place);
}

function readField(
  reader: TableReader,
  type: TypeText,
  tag: string,
  item: InitItem,
  frame: Frame,
  when: string | undefined,
  position: number,
): void {
  const { world } = reader;
  const path = item.fields ?? [world.types.structs(type)[0]?.fact.fields[position]?.name ?? ''];
  let owner = tag;
  let fieldType: TypeText = type;
  for (const [i, field] of path.entries()) {
    if (i > 0) owner = world.types.tag(fieldType) ?? '';
    fieldType = world.types.fieldType(fieldType, field) ?? '';
  }
  const last = path.at(-1) ?? '';
  const cell = owner === '' ? cells.anyField(last) : cells.field(owner, last);
  readValue(reader, fieldType, item.value, frame, { cell, label: `${owner}.${last}`, when });
}

/** `KVM_COMPAT(f)`: a macro that writes `.field = value`. */
function isDesignating(world: World, value: Expr, frame: Frame): boolean {
  return (
    value.k === 'call' &&
    value.fn.k === 'id' &&
    macrosNamed(world, value.fn.name, frame.file).some(({ fact }) => /^\s*\.\s*\w/.test(fact.text))
  );
}

/** An element written as a macro that makes the whole initialiser: `I(flags, em_x)`, `II(...)`, `D2bv(...)`. */
function readMacroItem(
  reader: TableReader,
  element: TypeText,
  value: Expr,
  frame: Frame,
  when: string | undefined,
): void {
  const { world } = reader;
  const text = expandEntry(world, value, frame.file);
  for (const match of text.matchAll(/((?:\.\s*\w+\s*)+)=\s*\(*\s*&?\s*(\w+)/g)) {
    const path = (match[1] ?? '')
      .split('.')
      .map((part) => part.trim())
      .filter((part) => part !== '');
    let owner: TypeText = element;
    for (const field of path.slice(0, -1)) owner = world.types.fieldType(owner, field) ?? '';
    putNamed(reader, owner, path.at(-1) ?? '', match[2] ?? '', value, frame, when);
  }
  const braces = /^[\s(]*\{/.exec(text);
  if (braces === null) return;
  const fields = world.types.structs(element)[0]?.fact.fields ?? [];
  for (const [i, entry] of argumentsAt(`${text})`.replace(/\}[\s)]*$/, ')'), braces[0].length).entries()) {
    const name = /^[\s(]*&?\s*([A-Za-z_]\w*)[\s)]*$/.exec(entry)?.[1];
    if (name !== undefined && fields[i] !== undefined)
      putNamed(reader, element, fields[i].name, name, value, frame, when);
  }
}

/** The functions that `name` means, into a field. */
function putNamed(
  { world, flow }: TableReader,
  owner: TypeText,
  field: string,
  name: string,
  value: Expr,
  frame: Frame,
  when: string | undefined,
): void {
  const nodes = functionsMeant(world, name, frame.file);
  if (nodes.length === 0) return;
  const tag = world.types.tag(owner);
  const cell = tag === undefined ? cells.anyField(field) : cells.field(tag, field);
  for (const node of nodes) seed(flow, cell, node, siteOf(value, frame), when, false);
}

/** All macros of an entry expanded; entries of the emulator's tables recur. */
function expandEntry(world: World, value: Expr, from: string): string {
  const text = exprText(value);
  const key = `${from}\0${text}`;
  let expanded = world.entries.get(key);
  if (expanded === undefined) world.entries.set(key, (expanded = expandFully(world, text, from)));
  return expanded;
}

/** All macros of a piece of C expanded, innermost last. */
function expandFully(world: World, text: string, from: string, hops = 8): string {
  if (hops === 0) return text;
  let out = '';
  let at = 0;
  const pattern = /\b([A-Za-z_]\w*)\s*(\()?/g;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const name = match[1] ?? '';
    const macro = macrosNamed(world, name, from)[0]?.fact;
    if (macro === undefined || match.index < at) continue;
    if (macro.params !== undefined && match[2] === undefined) continue;
    // A number: what is looked for are initialisers and names.
    if (macro.params === undefined && !/[{=]|^\s*\w+\s*$/.test(macro.text)) continue;
    let end = match.index + name.length;
    let inner = macro.text;
    if (macro.params !== undefined) {
      const call = readArguments(text, pattern.lastIndex);
      inner = expand(macro, call.args) ?? '';
      end = call.end;
    }
    out += text.slice(at, match.index) + expandFully(world, inner, from, hops - 1);
    at = end;
    pattern.lastIndex = end;
  }
  return out + text.slice(at);
}

function put(reader: TableReader, value: Expr, frame: Frame, place: Place): void {
  const { world, flow } = reader;
  const site = siteOf(value, frame);
  const sources = sourcesOf(world, value, frame);
  for (const source of sources) {
    if ('cell' in source) flow.link(source.cell, place.cell);
    else seed(flow, place.cell, source.node, site, bothWhen(place.when, source.when), false, place.label);
  }
  if (place.cell.startsWith('f:') && !sources.some((source) => 'node' in source))
    reader.plain.push({ slot: place.cell.slice(2), vendor: vendorOfFile(frame.file), value, file: frame.file });
}

export function seed(
  flow: Flow,
  cell: Cell,
  node: FunctionNode,
  site: Site,
  when: string | undefined,
  assigned: boolean,
  slot?: string,
): void {
  const vendor = vendorOfFile(site.file);
  flow.seed(cell, {
    fn: node.id,
    via: assigned ? 'field' : 'table',
    ...(slot === undefined ? {} : { slot }),
    ...(vendor === undefined ? {} : { vendor }),
    ...(when === undefined ? {} : { when }),
    site,
    assigned,
  });
}

export function siteOf(x: Expr, frame: Frame): Site {
  const at = lineOf(x.at) > 0 ? x.at : 0;
  return siteAt(frame.file, at, frame.fn?.name ?? '');
}

export function bothWhen(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || a === '') return b === '' ? undefined : b;
  return b === undefined || b === '' || b === a ? a : `${a} && ${b}`;
}
