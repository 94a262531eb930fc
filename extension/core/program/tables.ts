import { lineOf, type Expr, type InitItem, type TypeText } from '../syntax/facts';
import { exprText } from '../syntax/expr-text';
import { argumentsAt, expand } from './expand';
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
  for (const all of reader.world.definitions.variables.values())
    for (const { file, fact } of all) {
      if (fact.init === undefined) continue;
      const when = fact.when?.join(' && ');
      const place = { cell: cells.variable(file, fact.name), label: fact.name, when };
      readValue(reader, fact.type, fact.init, { file }, place);
    }
}

/** One value of declared type `type`: an initialiser list, or what a single expression gives. */
export function readValue(reader: TableReader, type: TypeText, value: Expr, frame: Frame, place: Place): void {
  const { world } = reader;
  const resolved = world.types.resolveType((value.k === 'init' ? value.type : undefined) ?? type);
  if (value.k !== 'init') {
    // A whole struct, written as a macro that makes its initialiser.
    if (tagOf(resolved) !== undefined && /\w$/.test(resolved))
      readMacroItem(reader, resolved, value, frame, place.when);
    else put(reader, value, frame, place);
    return;
  }
  const isArray = resolved.includes('[');
  const tag = isArray ? undefined : tagOf(resolved);
  let position = 0;
  for (const item of value.items) {
    const when = bothWhen(place.when, item.when?.join(' && '));
    if (isArray || (tag === undefined && item.fields === undefined)) {
      const element = elementType(resolved) ?? resolved;
      const label = item.index === undefined ? place.label : `${place.label}[${exprText(item.index)}]`;
      readItem(reader, element, item, frame, { cell: place.cell, label, when });
    } else if (item.fields === undefined && isDesignating(world, item.value, frame))
      readMacroItem(reader, resolved, item.value, frame, when);
    else readField(reader, resolved, tag ?? '', item, frame, when, position);
    position += itemsMade(world, item.value, frame);
  }
}

/** How many entries one is that may be written as a macro: `X4(N)` makes four. */
function itemsMade(world: World, value: Expr, frame: Frame): number {
  const isMacro = value.k === 'call' && value.fn.k === 'id' && macrosNamed(world, value.fn.name, frame.file).length > 0;
  return isMacro ? Math.max(1, argumentsAt(`${expandFully(world, exprText(value), frame.file)})`, 0).length) : 1;
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
    if (i > 0) owner = tagOf(world.types.resolveType(fieldType)) ?? '';
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
  const { world, flow } = reader;
  const text = expandFully(world, exprText(value), frame.file);
  for (const match of text.matchAll(/((?:\.\s*\w+\s*)+)=\s*\(*\s*&?\s*(\w+)/g)) {
    const nodes = functionsMeant(world, match[2] ?? '', frame.file);
    if (nodes.length === 0) continue;
    const path = (match[1] ?? '')
      .split('.')
      .map((part) => part.trim())
      .filter((part) => part !== '');
    let owner: TypeText = element;
    for (const field of path.slice(0, -1)) owner = world.types.fieldType(owner, field) ?? '';
    const tag = tagOf(world.types.resolveType(owner));
    const field = path.at(-1) ?? '';
    const cell = tag === undefined ? cells.anyField(field) : cells.field(tag, field);
    for (const node of nodes) seed(flow, cell, node, siteOf(value, frame), when, false);
  }
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
    let end = match.index + name.length;
    let inner = macro.text;
    if (macro.params !== undefined) {
      inner = expand(macro, argumentsAt(text, pattern.lastIndex)) ?? '';
      end = closing(text, pattern.lastIndex);
    }
    out += text.slice(at, match.index) + expandFully(world, inner, from, hops - 1);
    at = end;
    pattern.lastIndex = end;
  }
  return out + text.slice(at);
}

function closing(text: string, from: number): number {
  let depth = 1;
  for (let i = from; i < text.length; i++) {
    if (text[i] === '(') depth++;
    if (text[i] === ')' && --depth === 0) return i + 1;
  }
  return text.length;
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
