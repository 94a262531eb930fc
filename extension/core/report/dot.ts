import { place } from '../program/place';
import type { Edge, EntryPoint, FunctionId, FunctionNode, Program, Vendor } from '../program/program';
import { isIndirect } from '../reach/path-search';
import { type Bounds, type Neighbourhood, neighbourhood } from './neighbourhood';
import { linuxName, oneLine, plural } from './words';

interface Drawing {
  readonly program: Program;
  readonly part: Neighbourhood;
  readonly bounds: Bounds;
  readonly middle: readonly FunctionId[];
  readonly sinks: readonly string[];
}

const FILL: Readonly<Record<Vendor, string>> = { intel: '#cfe2f3', amd: '#f9dcc4' };
const LINE: Readonly<Record<Vendor, string>> = { intel: '#1f5f99', amd: '#b4531a' };
/** Names on one label; more are counted. */
const MOST_NAMES = 3;

/**
 * A drawing of what lies around the functions `middle` in Graphviz's language. Functions of a vendor's module have its
 * colour, entry points the shape of a house, sinks (by name) a second outline; indirect calls are dashed and say
 * through what they go.
 */
export function drawing(
  program: Program,
  middle: readonly FunctionId[],
  sinks: readonly string[],
  bounds: Bounds,
): string {
  return dotText({ program, part: neighbourhood(program, middle, bounds), bounds, middle, sinks });
}

function dotText(drawing: Drawing): string {
  const { program, part } = drawing;
  const title = [...titleLines(drawing), KEY];
  const entries = new Map<FunctionId, EntryPoint[]>();
  for (const entry of program.entries) entries.set(entry.functionId, [...(entries.get(entry.functionId) ?? []), entry]);
  const nodes = [...part.functions].flatMap(([id, { hidden }]) => {
    const node = program.functions.get(id);
    return node === undefined ? [] : [nodeLine(drawing, node, entries.get(id) ?? [], hidden)];
  });
  return [
    ...title.map((line) => `// ${oneLine(line, Infinity)}`),
    'digraph kvm {',
    `  graph [rankdir=LR, labelloc=t, labeljust=l, fontname="monospace", label="${title.map((line) => `${escaped(line)}\\l`).join('')}"];`,
    '  node [shape=box, style="filled", fillcolor=white, fontname="monospace"];',
    '  edge [fontname="monospace", fontsize=10];',
    ...nodes,
    ...joined(part.edges).map(edgeLine),
    '}',
    '',
  ].join('\n');
}

const KEY =
  'House: entry point. Double outline: sink. Dashed: indirect call. Blue: kvm-intel. Orange: kvm-amd. ' +
  '+N: neighbours not shown.';

function titleLines({ program, part, bounds, middle }: Drawing): string[] {
  const { depth, direction } = bounds;
  const names = middle.map((id) => `${program.functions.get(id)?.name ?? id}()`);
  const what = direction === 'both' ? 'Callers and callees' : direction === 'callers' ? 'Callers' : 'Callees';
  const left = [
    ...(part.tooMany > 0
      ? [`${plural(part.tooMany, 'function')} of that depth (--nodes ${part.functions.size + part.tooMany} draws them)`]
      : []),
    ...(part.beyond > 0 ? [`${plural(part.beyond, 'function')} one call further (--depth ${depth + 1})`] : []),
  ];
  return [
    `${what} of ${[...new Set(names)].join(', ')}, ${plural(depth, 'call')} deep, in ${linuxName(program.version)}: ` +
      `${plural(part.functions.size, 'function')}, ${plural(part.edges.length, 'edge')}.`,
    left.length === 0 ? 'Nothing is left out.' : `Left out: ${left.join(', ')}.`,
  ];
}

function nodeLine({ sinks }: Drawing, node: FunctionNode, entries: readonly EntryPoint[], hidden: number): string {
  const lines = [`${node.name}()`, place(node), ...some(entries.map(({ kind, name }) => `${kind} ${name}`))];
  if (hidden > 0) lines.push(`+${hidden}`);
  const attributes = [`label=${label(lines)}`];
  if (entries.length > 0) attributes.push('shape=house');
  if (sinks.includes(node.name)) attributes.push('peripheries=2', 'penwidth=2');
  if (node.vendor !== undefined) attributes.push(`fillcolor="${FILL[node.vendor]}"`);
  if (node.when !== undefined) attributes.push(`tooltip=${label([`#if ${node.when}`])}`);
  return `  ${quoted(node.id)} [${attributes.join(', ')}];`;
}

/** Edges of the same two functions that are drawn as one: all direct ones, and the indirect ones of one vendor. */
function joined(edges: readonly Edge[]): Edge[][] {
  const groups = new Map<string, Edge[]>();
  for (const edge of edges) {
    const key = `${edge.callerId} ${edge.calleeId} ${isIndirect(edge) ? (edge.vendor ?? 'any') : ''}`;
    groups.set(key, [...(groups.get(key) ?? []), edge]);
  }
  return [...groups.values()];
}

function edgeLine(edges: readonly Edge[]): string {
  const [first] = edges;
  if (first === undefined) return '';
  const attributes = [`tooltip=${label(edges.map(({ site }) => place(site)))}`];
  if (isIndirect(first)) {
    const slots = [...new Set(edges.map((edge) => edge.slot ?? edge.via))].sort();
    const names = some(slots.map((slot) => `via ${slot}`));
    attributes.unshift('style=dashed', `label=${label(names)}`);
  }
  if (first.vendor !== undefined) attributes.push(`color="${LINE[first.vendor]}"`, `fontcolor="${LINE[first.vendor]}"`);
  return `  ${quoted(first.callerId)} -> ${quoted(first.calleeId)} [${attributes.join(', ')}];`;
}

function some(names: readonly string[]): string[] {
  const more = names.length - MOST_NAMES;
  return more > 0 ? [...names.slice(0, MOST_NAMES), `and ${more} more`] : [...names];
}

/** A name as a quoted string: quotes end it, and a backslash before one would keep them from that. */
function quoted(text: string): string {
  return `"${unquoted(text)}"`;
}

/** A label of several lines. */
function label(lines: readonly string[]): string {
  return `"${lines.map(escaped).join('\\n')}"`;
}

/** In a label ampersands begin entities. */
function escaped(text: string): string {
  return unquoted(text.replaceAll('&', '&amp;'));
}

function unquoted(text: string): string {
  return oneLine(text, Infinity).replaceAll('\\', '\\\\').replaceAll('"', '\\"');
}
