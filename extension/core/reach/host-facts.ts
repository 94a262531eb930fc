import type { FunctionId } from '../program/program';
import { GLOBAL, type HostGlobal, hostGlobals, isOtherVendor } from './globals';
import { type HostValue, type SetUpInput, setUpRoots, setUpValues } from './set-up';
import type { FactWrite } from './verdict';
import { factText, type VmFact, writeWords } from './vm-facts';
import { forwards } from './vendor-graph';
import { siteOf, writesTo, type WriteSite } from './writes';

/**
 * Facts about globals: what the modules' set-up leaves in them, as far as nothing changes it later. Every other write
 * to such a global has to be one that no VM of the question can see.
 */
export class HostFacts {
  private readonly facts = new Map<string, VmFact | undefined>();
  private values: ReadonlyMap<string, HostValue> | undefined;
  private readonly setting: ReadonlySet<FunctionId>;
  private readonly later: ReadonlySet<FunctionId>;

  constructor(
    private readonly input: Omit<SetUpInput, 'demands' | 'globals'> & {
      readonly demands: () => SetUpInput['demands'];
    },
  ) {
    const { program, graph } = input;
    const roots = new Set(setUpRoots(program, graph).map((node) => node.id));
    this.setting = forwards(graph, roots);
    const others = program.entries.filter((entry) => !entry.inside && !roots.has(entry.functionId));
    this.later = forwards(
      graph,
      others.flatMap((entry) => (graph.has(entry.functionId) ? [entry.functionId] : [])),
    );
  }

  /** By cell: `global.enable_ept`. */
  fact(key: string): VmFact | undefined {
    if (!key.startsWith(GLOBAL)) return undefined;
    if (!this.facts.has(key)) this.facts.set(key, this.derived(key));
    return this.facts.get(key);
  }

  private derived(cell: string): VmFact | undefined {
    this.values ??= this.evaluated();
    const value = this.values.get(cell);
    const writes = value === undefined ? undefined : this.writesTo(value.global);
    if (value === undefined || writes === undefined) return undefined;
    return {
      id: cell,
      key: cell,
      text: factText(value.global.text, value.bits),
      bits: value.bits,
      from: value.byExistence ? 'exists' : value.from,
      ...(value.byExistence ? { reason: 'the set-up of the modules would have refused this VM' } : {}),
      writes,
      ofVcpu: false,
      ofHost: true,
    };
  }

  private evaluated(): ReadonlyMap<string, HostValue> {
    const { program, vendor } = this.input;
    // What is stored to later, or counted, is not known after the set-up.
    const globals = new Map(
      [...hostGlobals(program, vendor).numbers].filter(([, global]) => this.writesTo(global) !== undefined),
    );
    // Of what creation demands that counts which only set-up writes: creation found there what set-up left.
    const demands = new Map([...this.input.demands()].filter(([cell]) => globals.has(cell)));
    return setUpValues({ ...this.input, globals, demands });
  }

  /** The writes to a global; `undefined`: one of them may change it after the set-up. */
  private writesTo(global: HostGlobal): FactWrite[] | undefined {
    const { byKey } = this.input.writes;
    const found: FactWrite[] = [];
    const name = /^global\.(\w+)/.exec(global.cell)?.[1] ?? '';
    for (const write of [...(byKey.get(`&${name}`) ?? []), ...writesTo(this.input.writes, global.writesKey)]) {
      const effect = this.effectOf(write);
      if (effect === undefined) return undefined;
      const site = siteOf(write);
      found.push({ site, text: writeWords(write), effect });
    }
    return found;
  }

  private effectOf({ fn, op }: WriteSite): FactWrite['effect'] | undefined {
    if (isOtherVendor(fn, this.input.vendor)) return 'not for this VM';
    const isRun = this.setting.has(fn.id) || this.later.has(fn.id);
    if (!isRun) return 'not for this VM';
    // Whoever has the address may keep it; what is counted is not known in the end.
    if (op === 'address' || op === '++' || this.later.has(fn.id)) return undefined;
    return 'sets';
  }
}
