/**
 * Holds `kvm-lens graph` against the call graph that gcc sees before it inlines anything (call-graph-plugin.cc).
 *
 *   node test/compiler/compare.mjs RECORDS GRAPH.json CONFIG [--list]
 *
 * CONFIG: the kernel's `.config`; an edge whose `#if` is off in it counts as neither.
 * RECORDS: the folder that the plug-in wrote to. Only functions of `arch/x86/kvm` and `virt/kvm` count. Prints the
 * shares that were found and that only we have, direct and indirect; `--list` prints each pair that differs.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, graphFile, configFile, ...flags] = process.argv.slice(2);
const config = new Map(
  [...readFileSync(configFile, 'utf8').matchAll(/^(CONFIG_\w+)=(\w+)/gm)].map(([, name, value]) => [name, value]),
);
const KVM = /^(?:arch\/x86\/kvm|virt\/kvm)\//;
/** Made by the tracing headers, which the tool leaves out by rule. */
const TRACING =
  /^(?:__?)?(?:trace_|bpf_trace|perf_trace|bpf_test_|traceiter|probestub|trace_event|do_trace|do_perf_trace)|^(?:register|unregister|check)_trace_|^trace_raw|^__SCT__tp_/;

const normal = (path) => {
  const parts = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
};

/** A function as `FILE:NAME` where it is known by file, else its name. */
const compiler = readCompiler(folder);
const ours = readOurs(graphFile);
report('direct', compiler.direct, ours.direct, ours.all, union(compiler.direct, compiler.indirect));
report('indirect', compiler.indirect, ours.indirect, ours.all, union(compiler.direct, compiler.indirect));

function readCompiler(from) {
  const functions = new Map(); // id -> file of KVM functions
  const rows = [];
  const weak = [];
  for (const name of readdirSync(from))
    for (const line of readFileSync(join(from, name), 'utf8').split('\n')) {
      const row = line.split('\t');
      if (row[0] === 'F') {
        functions.set(idOf(row[1]), normal(row[3]));
        if (row[5] === 'weak') weak.push(row);
      } else if (row[0] !== undefined && row[0] !== '') rows.push(row);
    }
  for (const row of weak) if (!functions.has(row[2])) functions.set(row[2], normal(row[3]));
  const isKvm = (id) => KVM.test(functions.get(id) ?? '') && !TRACING.test(nameOf(id));
  const links = new Map(); // cell -> cells that it flows into
  const holds = new Map(); // cell -> functions
  const queue = [];
  const arrive = (cell, fn) => {
    let set = holds.get(cell);
    if (set === undefined) holds.set(cell, (set = new Set()));
    if (set.has(fn)) return;
    set.add(fn);
    queue.push([cell, fn]);
  };
  const link = (source, cell) => {
    if (source === cell) return;
    let set = links.get(source);
    if (set === undefined) links.set(source, (set = new Set()));
    if (set.has(cell)) return;
    set.add(cell);
    for (const fn of holds.get(source) ?? []) arrive(cell, fn);
  };
  const flow = (source, cell) => {
    const slot = /^@(?:.*:)?__SC[TK]__(kvm_\w+)$/.exec(source);
    if (slot !== null) link(slotCell(slot[1]), cell);
    else if (source.startsWith('@')) arrive(cell, idOf(source.slice(1)));
    else link(cellOf(source), cell);
  };
  const calls = [];
  const late = [];
  const direct = new Set();
  for (const row of rows) {
    if (row[0] === 'C') {
      const slot = /__SCT__(kvm_\w+)$/.exec(row[2]);
      if (slot !== null) calls.push([idOf(row[1]), slotCell(slot[1])]);
      else if (isKvm(idOf(row[1])) && isKvm(idOf(row[2]))) direct.add(`${key(idOf(row[1]))} > ${key(idOf(row[2]))}`);
    } else if (row[0] === 'I') calls.push([idOf(row[1]), cellOf(row[2])]);
    else if (row[0] === 'S') flow(row[2], cellOf(row[1]));
    else if (row[0] === 'A') late.push(row);
  }
  solve();
  for (let round = 0; round < 4; round++) {
    for (const [, cell, index, source] of late)
      for (const fn of holds.get(cellOf(cell)) ?? []) flow(source, `a:${fn}:${index}`);
    solve();
  }
  const indirect = new Set();
  for (const [caller, cell] of calls)
    if (isKvm(caller))
      for (const fn of holds.get(cell) ?? []) if (isKvm(fn)) indirect.add(`${key(caller)} > ${key(fn)}`);
  for (const pair of direct) indirect.delete(pair);
  return { direct, indirect };

  function solve() {
    for (let next = queue.pop(); next !== undefined; next = queue.pop())
      for (const to of links.get(next[0]) ?? []) arrive(to, next[1]);
  }
  function slotCell(name) {
    const [, group, field] = /^kvm_(x86_pmu|x86_nested|x86)_(\w+)$/.exec(name) ?? [undefined, '', name];
    return `f:${{ x86_pmu: 'kvm_pmu_ops', x86_nested: 'kvm_x86_nested_ops', x86: 'kvm_x86_ops' }[group]}.${field}`;
  }
  function idOf(id) {
    const colon = id.lastIndexOf(':');
    return colon < 0 ? id : `${normal(id.slice(0, colon))}:${id.slice(colon + 1)}`;
  }
  function cellOf(cell) {
    const at = /^([aprl]:)(.*?)((?::[^:/]*)?)$/.exec(cell);
    return at === null ? cell : cell.replace(/(?:[\w.-]+\/)+\.\.\/[^:]*/g, normal);
  }
  function key(id) {
    return `${normal(functions.get(id) ?? '')}:${nameOf(id)}`;
  }
}

function readOurs(file) {
  const graph = JSON.parse(readFileSync(file, 'utf8'));
  const nodes = new Map(graph.functions.map((fn) => [fn.id, fn]));
  const keyOf = (id) => `${nodes.get(id)?.file}:${nodes.get(id)?.name}`;
  const direct = new Map();
  const indirect = new Map();
  const all = new Set();
  for (const edge of graph.edges) {
    const [caller, callee] = [nodes.get(edge.callerId), nodes.get(edge.calleeId)];
    if (caller === undefined || callee === undefined || caller.kind === 'macro' || callee.kind === 'macro') continue;
    if (!KVM.test(caller.file) || !KVM.test(callee.file)) continue;
    const pair = `${keyOf(edge.callerId)} > ${keyOf(edge.calleeId)}`;
    all.add(pair);
    if ([edge.when, caller.when, callee.when].some(isOff)) continue;
    const when = [edge.when, caller.when, callee.when].filter((one) => one !== undefined).join(' && ');
    const into = edge.via === 'call' || edge.via === 'macro' ? direct : indirect;
    const known = into.get(pair);
    if (known === undefined || when.length < known.when.length)
      into.set(pair, { when, slot: edge.slot ?? '', via: edge.via, line: edge.site.line });
  }
  for (const pair of direct.keys()) indirect.delete(pair);
  return { direct, indirect, all };
}

/** False only if the configuration tells that the condition does not hold. */
function isOff(when) {
  if (when === undefined) return false;
  const text = when
    .replace(/\bdefined\s*\(?\s*(CONFIG_\w+)\s*\)?/g, (_, name) =>
      config.get(name) === 'y' ||
      (config.has(name.replace(/_MODULE$/, '')) && config.get(name.replace(/_MODULE$/, '')) === 'm')
        ? '1'
        : '0',
    )
    .replace(/\bIS_(?:ENABLED|REACHABLE|BUILTIN)\s*\(\s*(CONFIG_\w+)\s*\)/g, (_, name) =>
      config.has(name) ? '1' : '0',
    );
  if (!/^[\s01&|!()]*$/.test(text)) return false;
  return !Function(`return (${text});`)();
}

function union(a, b) {
  return new Set([...a, ...b]);
}

function report(kind, theirs, mine, allOfMine, allOfTheirs) {
  const lost = [...theirs].filter((pair) => !allOfMine.has(pair)).sort();
  const extra = [...mine].filter(([pair]) => !allOfTheirs.has(pair)).sort();
  const unconditional = extra.filter(([, edge]) => edge.when === '');
  const share = (part, whole) => `${((100 * part) / Math.max(1, whole)).toFixed(2)} %`;
  console.log(
    `${kind}: the compiler has ${theirs.size}, found ${share(theirs.size - lost.length, theirs.size)} (${lost.length} lost); ` +
      `ours ${mine.size}, not the compiler's ${share(extra.length, mine.size)} (${extra.length}, of them ${extra.length - unconditional.length} under an #if)`,
  );
  if (!flags.includes('--list')) return;
  for (const pair of lost) console.log(`  lost   ${pair}`);
  for (const [pair, edge] of extra)
    console.log(
      `  extra  ${pair}  ${edge.via} ${edge.slot} line ${edge.line}${edge.when === '' ? '' : ` when ${edge.when}`}`,
    );
}

function nameOf(id) {
  return id.slice(id.lastIndexOf(':') + 1);
}
