import type { Edge, FunctionId, FunctionNode, Program, Site } from '../program/program';
import { columnOf, type Expr, lineOf, type Pos } from '../syntax/facts';
import { walkExprs } from '../syntax/walk';
import { addressedBy, isOwn, tagBehind } from './exposed';
import { siteOf, type Writes, type WriteSite } from './writes';

/** An object that a bus dispatches to, and what it does: `struct kvm_io_device` (include/kvm/iodev.h). */
export const DEVICE = 'kvm_io_device';
export const OPS = 'kvm_io_device_ops';

export interface OperationsInput {
  readonly program: Program;
  readonly writes: Writes;
  readonly live: ReadonlySet<FunctionId>;
}

/** Tables of operations by name; `undefined`: any. */
export type Tables = ReadonlySet<string> | undefined;

/** By field that is a device (`kvm_lapic.dev`) the tables that it is given, and where. */
export type Operations = ReadonlyMap<string, { readonly tables: Tables; readonly sites: readonly Site[] }>;

/** The tables that may have a function in a slot; `undefined`: one that is no constant may have it. */
export function tablesWith({ program, writes }: OperationsInput, slot: string, fn: FunctionId): Tables {
  if (writes.byKey.has(`${OPS}.${slot}`) || writes.byKey.has(`?.${slot}`)) return undefined;
  const names = new Set<string>();
  for (const file of program.files.values())
    for (const { type, name, init } of file.variables) {
      if (type !== `struct ${OPS}` || init === undefined) continue;
      const mayHave =
        init.k !== 'init' ||
        init.items.some(({ fields, value }) => {
          const named = value.k === 'unary' && value.op === '&' ? value.x : value;
          if (fields?.length !== 1) return true;
          if (fields[0] !== slot) return false;
          return (
            named.k !== 'id' || program.symbols.functionsNamed(named.name, file.path).some((node) => node.id === fn)
          );
        });
      if (mayHave) names.add(name);
    }
  return names;
}

/**
 * By field what its `ops` are set to: where that is done in place, or by a function that is given both, as
 * `kvm_iodevice_init()` is. `undefined`: it is also done in a way that does not tell of which device.
 */
export function operationsGiven({ program, writes, live }: OperationsInput): Operations | undefined {
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
      note(own, tableIn(program, store.r, fn), siteOf(write));
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
      const named = table < 0 || caller === undefined ? fn : caller;
      note(key, ops === undefined ? undefined : tableIn(program, ops, named), edge.site);
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

export function fieldKey({ symbols }: Program, x: Expr, fn: FunctionNode): string | undefined {
  if (x.k !== 'member') return undefined;
  const tag = tagBehind(symbols, symbols.typeOf(x.x, fn));
  return tag === undefined ? undefined : `${tag}.${x.field}`;
}

/** The table at file scope whose address an expression is. */
function tableIn(program: Program, x: Expr, fn: FunctionNode): string | undefined {
  const table = addressedBy(x);
  return table?.k === 'id' && !isOwn(table, fn, program.symbols) ? table.name : undefined;
}

function assignmentAt({ fact }: FunctionNode, at: Pos): Extract<Expr, { k: 'assign' }> | undefined {
  let found: Extract<Expr, { k: 'assign' }> | undefined;
  if ('body' in fact)
    walkExprs(fact.body, (x) => {
      if (x.k === 'assign' && x.at === at) found = x;
    });
  return found;
}

export function callAt({ fact }: FunctionNode, { site }: Edge): Extract<Expr, { k: 'call' }> | undefined {
  let found: Extract<Expr, { k: 'call' }> | undefined;
  if ('body' in fact)
    walkExprs(fact.body, (x) => {
      if (x.k === 'call' && lineOf(x.at) === site.line && columnOf(x.at) === site.column) found = x;
    });
  return found;
}
