import { compareSites } from '../program/ids';
import type { Edge, FunctionId, FunctionNode, Program } from '../program/program';
import { sameEdge } from './callers';
import {
  callAt,
  DEVICE,
  fieldKey,
  type Operations,
  operationsGiven,
  OPS,
  type Tables,
  tablesWith,
} from './device-operations';
import { addressedBy } from './exposed';
import * as bits from './known-bits';
import type { Possible } from './possible';
import { bitsOf } from './state';
import type { VendorGraph } from './vendor-graph';
import type { Fact, FactWrite } from './verdict';
import { whereaboutsOf } from './whereabouts';
import type { Writes } from './writes';

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

/** A call that puts a device on a bus. What its arguments say as they stand needs no execution. */
interface Registration {
  readonly edge: Edge;
  readonly target: FunctionNode;
  readonly bus: bigint | undefined;
  /** The field that the device is; absent: not known. */
  readonly device: string | undefined;
}

/**
 * Which devices are on the VM's I/O buses. A device is told by the field that it is (`&apic->dev`): its operations are
 * those that fields of that name are ever given (`kvm_iodevice_init()`), and a bus dispatches only to devices that code
 * which this VM can run has registered on it.
 */
export class Devices {
  private operations: Operations | undefined | null = null;
  private calls: readonly Registration[] | undefined;
  private possible: Possible | undefined;
  private readonly judged = new Map<string, string | undefined>();
  private isBusy = false;
  private readonly fields = new Map<string, boolean>();
  private readonly proofs = new Map<string, Fact>();
  private readonly tablesOf = new Map<string, Tables>();

  constructor(private readonly input: DevicesInput) {}

  /** Whether a field (`struct.field`) is a device, so that something is known of its address. */
  isField(key: string): boolean {
    let is = this.fields.get(key);
    if (is === undefined) {
      const [tag = '', field = ''] = key.split('.');
      is = this.input.program.symbols.fieldType(`struct ${tag}`, field) === `struct ${DEVICE}`;
      this.fields.set(key, is);
    }
    return is;
  }

  /** What cuts the call of a device's operation, if the device cannot be one that has it. */
  cut(where: Whereabouts, edge: Edge): { readonly text: string; readonly fact: string } | undefined {
    const slot = edge.slot?.startsWith(`${OPS}.`) === true ? edge.slot.slice(OPS.length + 1) : undefined;
    if (slot === undefined || this.isBusy) return undefined;
    const having = this.tablesWith(slot, edge.calleeId);
    if (having === undefined || having.size === 0) return undefined;
    const named = [...having].sort().join(' or ');
    const text = where.startsWith('bus ')
      ? `a ${DEVICE} of ${named} is registered on ${this.busName(where.slice(4))}`
      : `${asObject(where)}.ops == &${named}`;
    const key = `${where} ${named}`;
    if (!this.judged.has(key)) {
      this.isBusy = true;
      const fact = where.startsWith('bus ') ? this.onBus(where.slice(4), having) : this.inField(where, having);
      this.isBusy = false;
      if (fact !== undefined) this.proofs.set(key, { id: key, ...fact });
      this.judged.set(key, fact === undefined ? undefined : key);
    }
    const fact = this.judged.get(key);
    return fact === undefined ? undefined : { text, fact };
  }

  proof(id: string): Fact | undefined {
    return this.proofs.get(id);
  }

  /** The proof that no device with one of these tables is on a bus, if there is one. */
  private onBus(bus: string, tables: ReadonlySet<string>): Omit<Fact, 'id'> | undefined {
    if (this.putElsewhere()) return undefined;
    const writes: FactWrite[] = [];
    for (const call of this.registrations()) {
      const effect = this.effectOf(call, bus, tables);
      if (effect === 'breaks') return undefined;
      const of = call.device === undefined ? undefined : this.operationsOf(call.device);
      const what = call.device === undefined ? '' : ` &${asObject(call.device)}`;
      const having = of === undefined ? '' : ` of ${[...of].sort().join(' or ')}`;
      writes.push({ site: call.edge.site, text: `registers${what}${having}`, effect });
    }
    return {
      text: `${REGISTER}() puts no device of ${[...tables].sort().join(' or ')} on ${this.busName(bus)}`,
      value: 'true',
      from: 'exists',
      reason: 'nothing else puts a device on a bus',
      writes: writes.sort((a, b) => compareSites(a.site, b.site)),
    };
  }

  /** What a registration means for a bus that shall have no device with one of these tables. */
  private effectOf(
    call: Registration,
    bus: string,
    tables: ReadonlySet<string>,
  ): 'keeps' | 'breaks' | 'not for this VM' {
    const { graph, live } = this.input;
    const { callerId } = call.edge;
    if (!graph.has(callerId) || !live.has(callerId)) return 'not for this VM';
    if (this.keeps(call, bus, tables)) return 'keeps';
    this.possible ??= this.input.possibleOf(this.targets().map((node) => node.id));
    const run = this.possible.run(callerId);
    if (run === undefined || run.gaveUp !== undefined) return 'breaks';
    const seen = run.seen.filter((each) => sameEdge(each.edge, call.edge));
    if (seen.length === 0 || !this.possible.canGetTo(callerId)) return 'not for this VM';
    const { device, bus: index } = parametersOf(call.target);
    const isKept = seen.every(({ args, state }) => {
      const [onto, given] = [args[index], args[device]];
      const where = given === undefined ? undefined : whereaboutsOf(given);
      return this.keeps(
        {
          bus: onto === undefined ? undefined : bits.single(bitsOf(state, onto)),
          device: where === undefined || !this.isField(where) ? undefined : where,
        },
        bus,
        tables,
      );
    });
    return isKept ? 'keeps' : 'breaks';
  }

  private keeps(
    { bus, device }: Pick<Registration, 'bus' | 'device'>,
    wanted: string,
    tables: ReadonlySet<string>,
  ): boolean {
    if (wanted !== '*' && bus !== undefined && bus !== BigInt(wanted)) return true;
    const own = device === undefined ? undefined : this.operationsOf(device);
    return own !== undefined && ![...tables].some((table) => own.has(table));
  }

  /** Other code than that of the buses stores to what they hold. */
  private putElsewhere(): boolean {
    return (this.input.writes.byKey.get('kvm_io_range.dev') ?? []).some(
      ({ fn }) => fn.name !== REGISTER && fn.name !== UNREGISTER,
    );
  }

  private targets(): readonly FunctionNode[] {
    return this.input.program.symbols.functionsNamed(REGISTER).filter((node) => node.active);
  }

  private registrations(): readonly Registration[] {
    const { program } = this.input;
    this.calls ??= this.targets().flatMap((target) =>
      (program.callers.get(target.id) ?? []).map((edge) => {
        const caller = program.functions.get(edge.callerId);
        const args = caller === undefined || edge.via !== 'call' ? undefined : callAt(caller, edge)?.args;
        const { device, bus } = parametersOf(target);
        const lvalue = args?.[device] === undefined ? undefined : addressedBy(args[device]);
        const key = caller === undefined || lvalue === undefined ? undefined : fieldKey(program, lvalue, caller);
        return {
          edge,
          target,
          bus: args?.[bus] === undefined ? undefined : program.symbols.fold(args[bus], caller?.file),
          device: key !== undefined && this.isField(key) ? key : undefined,
        };
      }),
    );
    return this.calls;
  }

  /** The tables of operations that devices which are this field are given; `undefined`: any. */
  private operationsOf(device: string): Tables {
    if (this.operations === null) this.operations = operationsGiven(this.input);
    return this.operations?.get(device)?.tables;
  }

  private tablesWith(slot: string, fn: FunctionId): Tables {
    const key = `${slot} ${fn}`;
    if (!this.tablesOf.has(key)) this.tablesOf.set(key, tablesWith(this.input, slot, fn));
    return this.tablesOf.get(key);
  }

  private busName(bus: string): string {
    if (bus === '*') return 'a bus';
    for (const file of this.input.program.files.values())
      for (const { of, name } of file.enumerators)
        if (of === 'kvm_bus' && this.input.program.symbols.constant(name) === BigInt(bus)) return name;
    return `bus ${bus}`;
  }

  /** The proof that devices which are this field have none of these tables, if there is one. */
  private inField(device: string, tables: ReadonlySet<string>): Omit<Fact, 'id'> | undefined {
    const own = this.operationsOf(device);
    if (own === undefined || [...tables].some((table) => own.has(table))) return undefined;
    const given = [...own].sort().join(' or ');
    const text = `${asObject(device)}.ops == &${given}`;
    const writes = (this.operations?.get(device)?.sites ?? []).map((site): FactWrite => ({
      site,
      text,
      effect: 'sets',
    }));
    return { text, value: given, from: 'exists', reason: 'no other operations are given to it', writes };
  }
}

/** Which of the parameters are the bus and the device. */
function parametersOf({ fact }: FunctionNode): { readonly device: number; readonly bus: number } {
  const params = 'body' in fact ? fact.params : [];
  return {
    device: params.findIndex((param) => param.type === `struct ${DEVICE} *`),
    bus: params.findIndex((param) => param.type === 'enum kvm_bus'),
  };
}

function asObject(key: string): string {
  return key.replace(/^kvm_(\w+)\./, '$1->');
}
