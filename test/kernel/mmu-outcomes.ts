import { sinkOutcome } from '../../extension/core/mmu/sink';
import type { Decide } from '../../extension/core/mmu/machine';
import type { Outcome } from '../../extension/core/mmu/outcome';
import { scenarioNamed } from '../../extension/core/mmu/scenario';
import { linkProgram } from '../../extension/core/program/link';
import { FactsStore, loadFacts } from '../../extension/core/program/load';
import type { FunctionId, Program } from '../../extension/core/program/program';
import type { VmType } from '../../extension/core/reach/verdict';
import { overlay } from '../../extension/core/source/tree';
import { cParser } from '../unit/linking';
import { folderTree } from './linked';

export const MMU = 'arch/x86/kvm/mmu/mmu.c';
const SINK = 'kvm_zap_gfn_range';

const stores = new Map<string, FactsStore>();
const programs = new Map<string, Promise<Program>>();

/** The tree with the sink's own text changed in memory, as an unsaved buffer would be. */
export async function programWith(top: string, change: (sink: string) => string): Promise<Program> {
  const tree = folderTree(top);
  const read = await tree.read(MMU);
  if (read.kind !== 'text') throw new Error(`${top}: no ${MMU}`);
  const from = read.text.indexOf(`\nvoid ${SINK}(`) + 1;
  const to = read.text.indexOf('\n}\n', from) + 3;
  const sink = read.text.slice(from, to);
  const text = read.text.slice(0, from) + change(sink) + read.text.slice(to);
  const key = `${top}\n${text}`;
  const program = programs.get(key) ?? linked(top, text);
  programs.set(key, program);
  return program;
}

async function linked(top: string, text: string): Promise<Program> {
  const store = stores.get(top) ?? new FactsStore();
  stores.set(top, store);
  const facts = await loadFacts(overlay(folderTree(top), new Map([[MMU, text]])), await cParser(), store);
  return linkProgram(facts, '');
}

/** The tree with one of its files changed in memory. */
export async function programEdited(top: string, file: string, edit: (text: string) => string): Promise<Program> {
  const tree = folderTree(top);
  const read = await tree.read(file);
  if (read.kind !== 'text') throw new Error(`${top}: no ${file}`);
  const store = stores.get(top) ?? new FactsStore();
  stores.set(top, store);
  const changed = overlay(tree, new Map([[file, edit(read.text)]]));
  return linkProgram(await loadFacts(changed, await cParser(), store), '');
}

/** `text` with `from`, which must stand there exactly once, replaced. */
export function swap(text: string, from: string, to: string): string {
  if (text.split(from).length !== 2) throw new Error(`'${from}' does not stand in the sink exactly once`);
  return text.replace(from, () => to);
}

export function sinkId(program: Program): FunctionId {
  const sink = program.symbols.functionsNamed(SINK).find((node) => node.file === MMU);
  if (sink === undefined) throw new Error(`no ${SINK}`);
  return sink.id;
}

export function outcome(program: Program, vm: VmType, decide: Decide, scenario = 'running'): Outcome {
  const question = { vm, sinks: [SINK], host: {}, assumptions: true };
  return sinkOutcome(program, sinkId(program), question, decide, scenarioNamed(scenario));
}
