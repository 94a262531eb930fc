import type { Edge, FunctionId, FunctionNode, Program, Site } from '../program/program';
import { compareSites } from '../program/ids';
import { columnOf, type Expr, lineOf, type Pos } from '../syntax/facts';
import { walkExprs } from '../syntax/walk';
import { sameEdge } from './callers';
import { addressedBy } from './exposed';
import * as bits from './known-bits';
import type { Possible } from './possible';
import { bitsOf } from './state';
import type { VendorGraph } from './vendor-graph';
import type { Fact, FactWrite } from './verdict';
import type { Writes, WriteSite } from './writes';

/** An object that a bus dispatches to, and what it does: `struct kvm_io_device` (include/kvm/iodev.h). */
const DEVICE = 'kvm_io_device';
const OPS = 'kvm_io_device_ops';
/** Puts a device on a bus of the VM; beside it only what takes one off stores to buses (virt/kvm/kvm_main.c). */
const REGISTER = 'kvm_io_bus_register_dev';
const UNREGISTER = 'kvm_io_bus_unregister_dev';

/** Where a device lies (`kvm_lapic.dev`), or which bus it was found on (`bus 1`, `bus *`). */
export type Whereabouts = string;

export interface DevicesInput {
  readonly program: Program;
  readonly graph: VendorGraph;
  readonly writes: Writes;
  readonly live: ReadonlySet<FunctionId>;
  readonly possibleOf: (targets: readonly FunctionId[]) => Possible;
}

interface Registration {
  readonly bus: bigint | undefined;
  /** The field that the device is; absent: not known. */
  readonly device?: string;
  readonly site: Site;
  readonly isPossible: boolean;
}

/** Tables of operations by name; `undefined`: any. */
type Tables = ReadonlySet<string> | undefined;

/**
 * Which devices are on the VM's I/O buses. A device is told by the field that it is (`&apic->dev`): its operations are
 * those that fields of that name are ever given (`kvm_iodevice_init()`), and a bus dispatches only to devices that code
 * which this VM can run has registered on it.
 */
export class Devices {
  private operations: ReadonlyMap<string, { tables: Tables; sites: readonly Site[] }> | undefined | null = null;
  private registered: readonly Registration[] | undefined;
  private isBusy = false;
  private readonly fields = new Map<string, boolean>();
  private readonly proofs = new Map<string, Fact>();
  private readonly tablesOf = new Map<string, ReadonlySet<string>>();

  constructor(private readonly input: DevicesInput) {}

  /** What is known of the address of a field. */
  at(key: string): Whereabouts | undefined {
    let is = this.fields.get(key);
    if (is === undefined) {
      const [tag = '', field = ''] = key.split('.');
      is = this.input.program.symbols.fieldType(`struct ${tag}`, field) === `struct ${DEVICE}`;
      this.fields.set(key, is);
    }
    return is ? key : undefined;
  }

  /** What cuts the call of a device's operation, if the device cannot be one that has it. */
  cut(where: Whereabouts, edge: Edge): { readonly text: string; readonly fact: string } | undefined {
    const slot = edge.slot?.startsWith(`${OPS}.`) === true ? edge.slot.slice(OPS.length + 1) : undefined;
    if (slot === undefined || this.isBusy) return undefined;
    const having = this.tablesWith(slot, edge.calleeId);
    const tables = where.startsWith('bus ') ? this.onBus(where.slice(4)) : this.operationsOf(where);
    if (having.size === 0 || tables === undefined || [...having].some((table) => tables.has(table))) return undefined;
    const named = [...having].sort().join(' or ');
    if (!where.startsWith('bus ')) return { text: `${asObject(where)}.ops == &${named}`, fact: this.proveField(where) };
    const bus = where.slice(4);
    return { text: `a ${DEVICE} of ${named} is registered on ${this.busName(bus)}`, fact: this.proveBus(bus, tables) };
  }

  proof(id: string): Fact | undefined {
    return this.proofs.get(id);
  }

  private onBus(bus: string): Tables {
    const tables = new Set<string>();
    for (const each of this.registrations()) {
      if (!each.isPossible || !isOn(each, bus)) continue;
      const own = each.device === undefined ? undefined : this.operationsOf(each.device);
      if (own === undefined) return undefined;
      for (const table of own) tables.add(table);
    }
    return this.putElsewhere() ? undefined : tables;
  }

  /** Other code than that of the buses stores to what they hold. */
  private putElsewhere(): boolean {
    return (this.input.writes.byKey.get('kvm_io_range.dev') ?? []).some(
      ({ fn }) => fn.name !== REGISTER && fn.name !== UNREGISTER,
    );
  }

  private registrations(): readonly Registration[] {
    if (this.registered === undefined) {
      const { program, graph, live, possibleOf } = this.input;
      const targets = program.symbols.functionsNamed(REGISTER).filter((node) => node.active);
      const possible = possibleOf(targets.map((node) => node.id));
      this.isBusy = true;
      this.registered = targets.flatMap((target) =>
        (program.callers.get(target.id) ?? []).flatMap((edge) => {
          const isLive = graph.has(edge.callerId) && live.has(edge.callerId);
          return isLive ? this.registrationsBy(edge, target, possible) : [notPossible(edge)];
        }),
      );
      this.isBusy = false;
    }
    return this.registered;
  }

  private registrationsBy(edge: Edge, target: FunctionNode, possible: Possible): readonly Registration[] {
    const { site } = edge;
    const run = possible.run(edge.callerId);
    if (run === undefined || run.gaveUp !== undefined) return [{ bus: undefined, site, isPossible: true }];
    const seen = run.seen.filter((each) => sameEdge(each.edge, edge));
    if (seen.length === 0 || !possible.canGetTo(edge.callerId)) return [notPossible(edge)];
    const params = 'body' in target.fact ? target.fact.params : [];
    const device = params.findIndex((param) => param.type === `struct ${DEVICE} *`);
    const index = params.findIndex((param) => param.type === 'enum kvm_bus');
    return seen.map(({ args, state }) => {
      const [bus, given] = [args[index], args[device]];
      const where = given !== undefined && 'where' in given ? given.where : undefined;
      return {
        bus: bus === undefined ? undefined : bits.single(bitsOf(state, bus)),
        site,
        isPossible: true,
        ...(where === undefined || where.startsWith('bus ') ? {} : { device: where }),
      };
    });
  }

  /** The tables of operations that devices which are this field are given; `undefined`: any. */
  private operationsOf(device: string): Tables {
    if (this.operations === null) this.operations = operationsGiven(this.input);
    return this.operations?.get(device)?.tables;
  }

  private tablesWith(slot: string, fn: FunctionId): ReadonlySet<string> {
    const key = `${slot} ${fn}`;
    let found = this.tablesOf.get(key);
    if (found === undefined) {
      const { files, symbols } = this.input.program;
      const names = new Set<string>();
      for (const file of files.values())
        for (const { type, name, init } of file.variables) {
          if (type !== `struct ${OPS}` || init?.k !== 'init') continue;
          for (const { fields, value } of init.items) {
            const named = value.k === 'unary' ? value.x : value;
            if (fields?.[0] !== slot || named.k !== 'id') continue;
            if (symbols.functionsNamed(named.name, file.path).some((node) => node.id === fn)) names.add(name);
          }
        }
      found = names;
      this.tablesOf.set(key, names);
    }
    return found;
  }

  private busName(bus: string): string {
    if (bus === '*') return 'a bus';
    for (const file of this.input.program.files.values())
      for (const { of, name } of file.enumerators)
        if (of === 'kvm_bus' && this.input.program.symbols.constant(name) === BigInt(bus)) return name;
    return `bus ${bus}`;
  }

  private proveBus(bus: string, tables: ReadonlySet<string>): string {
    const id = `kvm_io_bus ${bus}`;
    const named = [...tables].sort().join(', ');
    const writes: FactWrite[] = this.registrations()
      .filter((each) => isOn(each, bus) || !each.isPossible)
      .map(({ site, device, isPossible }) => ({
        site,
        text: device === undefined ? `${REGISTER}()` : `&${asObject(device)} is registered`,
        effect: isPossible ? 'sets' : 'not for this VM',
      }));
    this.proofs.set(id, {
      id,
      text: `on ${this.busName(bus)} ${named === '' ? 'is no device' : `are only devices of ${named}`}`,
      value: 'true',
      from: 'exists',
      reason: `${REGISTER}() alone puts a device on a bus`,
      writes: writes.sort((a, b) => compareSites(a.site, b.site)),
    });
    return id;
  }

  private proveField(device: string): string {
    const id = `kvm_io_device ${device}`;
    const { tables, sites } = this.operations?.get(device) ?? { tables: undefined, sites: [] };
    const given = [...(tables ?? [])].sort().join(' or ');
    const writes = sites.map((site): FactWrite => ({
      site,
      text: `${asObject(device)}.ops = &${given}`,
      effect: 'sets',
    }));
    const text = `${asObject(device)}.ops == &${given}`;
    this.proofs.set(id, {
      id,
      text,
      value: given,
      from: 'exists',
      reason: 'no other operations are given to it',
      writes,
    });
    return id;
  }
}

function notPossible({ site }: Edge): Registration {
  return { bus: undefined, site, isPossible: false };
}

function isOn({ bus }: Registration, wanted: string): boolean {
  return wanted === '*' || bus === undefined || bus === BigInt(wanted);
}

function asObject(key: string): string {
  return key.replace(/^kvm_(\w+)\./, '$1->');
}

/**
 * By field what its `ops` are set to: where that is done in place, or by a function that is given both, as
 * `kvm_iodevice_init()` is. `undefined`: it is also done in a way that does not tell of which device.
 */
function operationsGiven({
  program,
  writes,
  live,
}: DevicesInput): ReadonlyMap<string, { tables: Tables; sites: readonly Site[] }> | undefined {
  const found = new Map<string, { tables: Set<string> | undefined; sites: Site[] }>();
  const note = (device: string, table: string | undefined, site: Site): void => {
    const one = found.get(device) ?? { tables: new Set<string>(), sites: [] };
    found.set(device, one);
    if (table === undefined) one.tables = undefined;
    else one.tables?.add(table);
    one.sites.push(site);
  };
  for (const write of [...(writes.byKey.get(`${DEVICE}.ops`) ?? []), ...(writes.byKey.get('?.ops') ?? [])]) {
    const { fn } = write;
    if (!live.has(fn.id)) continue;
    if (write.op === 'whole') {
      const around = devicesIn(program, writes, write);
      if (around.length === 0) return undefined;
      for (const device of around) note(device, undefined, siteOf(write));
      continue;
    }
    const store = write.op === '=' ? assignmentAt(fn, write.at) : undefined;
    if (store?.l.k !== 'member') return undefined;
    const params = 'body' in fn.fact ? fn.fact.params.map((param) => param.name) : [];
    const own = fieldKey(program, store.l.x, fn);
    if (own !== undefined && !store.l.arrow) {
      note(own, tableIn(store.r), siteOf(write));
      continue;
    }
    const device = store.l.arrow && store.l.x.k === 'id' ? params.indexOf(store.l.x.name) : -1;
    const table = store.r.k === 'id' ? params.indexOf(store.r.name) : -1;
    if (device < 0) return undefined;
    for (const edge of program.callers.get(fn.id) ?? []) {
      const caller = program.functions.get(edge.callerId);
      const args = caller === undefined || edge.via !== 'call' ? undefined : callAt(caller, edge)?.args;
      const given = args?.[device];
      const lvalue = given === undefined ? undefined : addressedBy(given);
      const key = lvalue === undefined || caller === undefined ? undefined : fieldKey(program, lvalue, caller);
      if (key === undefined) return undefined;
      const ops = table < 0 ? store.r : args?.[table];
      note(key, ops === undefined ? undefined : tableIn(ops), edge.site);
    }
  }
  return found;
}

/** The fields that are devices in an object that is stored to as a whole. */
function devicesIn({ symbols }: Program, writes: Writes, { fn, at }: WriteSite): readonly string[] {
  return [...writes.byKey].flatMap(([key, all]) => {
    const [tag = '', field = ''] = key.split('.');
    const isHere = all.some((each) => each.op === 'whole' && each.fn === fn && each.at === at);
    return isHere && symbols.fieldType(`struct ${tag}`, field) === `struct ${DEVICE}` ? [key] : [];
  });
}

function siteOf({ fn, at }: WriteSite): Site {
  return { file: fn.file, line: lineOf(at), column: columnOf(at), function: fn.name };
}

function fieldKey({ symbols }: Program, x: Expr, fn: FunctionNode): string | undefined {
  if (x.k !== 'member') return undefined;
  const type = symbols.typeOf(x.x, fn);
  const tag = type === undefined ? undefined : /(?:struct|union) ([\w.@]+)/.exec(symbols.resolveType(type))?.[1];
  return tag === undefined ? undefined : `${tag}.${x.field}`;
}

function tableIn(x: Expr): string | undefined {
  const table = addressedBy(x);
  return table?.k === 'id' ? table.name : undefined;
}

function assignmentAt({ fact }: FunctionNode, at: Pos): Extract<Expr, { k: 'assign' }> | undefined {
  let found: Extract<Expr, { k: 'assign' }> | undefined;
  if ('body' in fact)
    walkExprs(fact.body, (x) => {
      if (x.k === 'assign' && x.at === at) found = x;
    });
  return found;
}

function callAt({ fact }: FunctionNode, { site }: Edge): Extract<Expr, { k: 'call' }> | undefined {
  let found: Extract<Expr, { k: 'call' }> | undefined;
  if ('body' in fact)
    walkExprs(fact.body, (x) => {
      if (x.k === 'call' && lineOf(x.at) === site.line && columnOf(x.at) === site.column) found = x;
    });
  return found;
}
