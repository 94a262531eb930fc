import { siteAt, vendorOfFile } from '../program/ids';
import type { FunctionNode, Program, Vendor } from '../program/program';
import type { Expr, VariableFact } from '../syntax/facts';
import { walkExpr } from '../syntax/walk';
import { partOf } from './cell-names';
import { addressedBy } from './exposed';
import * as bits from './known-bits';
import { moduleParameters } from './module-parameters';
import { converted, fieldOf, numberTypeOf } from './number-types';
import { bitsOf, bitsValue, START } from './state';
import type { Fact } from './verdict';

/** A number that lives as long as KVM's modules: a variable at file scope, or a field of a struct that is one. */
export interface HostGlobal {
  /** The cell that an execution keeps it in: `global.enable_ept`, `global.kvm_caps.supported_quirks`. */
  readonly cell: string;
  /** As C writes it. */
  readonly text: string;
  /** By what the stores to it are listed: a field by its struct's tag. */
  readonly writesKey: string;
  /** What it begins with: its initialiser, or zero. */
  readonly initial: bits.Bits;
  readonly isParameter: boolean;
  readonly from: Exclude<Fact['from'], string>;
}

const WHOLE_NUMBER = /^(?:unsigned |signed )?(?:long(?: long)?(?: int)?|(?:__)?[us]64)$/;

/** Where the globals' cells begin. */
export const GLOBAL = 'global.';

/** The field or the variable that a cell is: stores are listed by it. */
export function lastName(cell: string): string {
  return cell.slice(cell.lastIndexOf('.') + 1);
}

export interface HostGlobals {
  /** By cell. */
  readonly numbers: ReadonlyMap<string, HostGlobal>;
  /** Structs that the vendor's own files define. */
  readonly ofVendor: ReadonlySet<string>;
}

const known = new WeakMap<Program, Map<Vendor, HostGlobals>>();

/**
 * The globals of KVM that the vendor's modules see, of which something may be known: no other code can get at them but
 * by name. Left out are those that userspace can write (a parameter with a mode for writing), whose address a table
 * holds, and names that stand for several variables.
 */
export function hostGlobals(program: Program, vendor: Vendor): HostGlobals {
  const of = known.get(program) ?? new Map<Vendor, HostGlobals>();
  known.set(program, of);
  const globals = of.get(vendor) ?? collected(program, vendor);
  of.set(vendor, globals);
  return globals;
}

function collected(program: Program, vendor: Vendor): HostGlobals {
  const byName = new Map<string, { file: string; fact: VariableFact }[]>();
  const inTables = new Set<string>();
  for (const [file, facts] of program.files) {
    const of = vendorOfFile(file);
    if (of !== undefined && of !== vendor) continue;
    for (const fact of facts.variables) {
      if (fact.init !== undefined) addressesIn(fact.init, inTables);
      if (fact.linkage === 'extern' || program.symbols.isActive(fact.when, file) === false) continue;
      byName.set(fact.name, [...(byName.get(fact.name) ?? []), { file, fact }]);
    }
  }
  const parameters = moduleParameters(program);
  const numbers = new Map<string, HostGlobal>();
  const ofVendor = new Set<string>();
  for (const [name, [first, ...others]] of byName) {
    if (first === undefined || others.length > 0 || inTables.has(name)) continue;
    if (parameters.get(name)?.isWritable === true) continue;
    if (vendorOfFile(first.file) === vendor && isStruct(program, first.fact.type)) ofVendor.add(name);
    for (const global of numbersOf(program, first.file, first.fact, parameters.has(name)))
      numbers.set(global.cell, global);
  }
  return { numbers, ofVendor };
}

function addressesIn(x: Expr, found: Set<string>): void {
  walkExpr(x, (each) => {
    const target = addressedBy(each);
    for (let l = target; l !== undefined; l = l.k === 'member' || l.k === 'index' ? l.x : undefined)
      if (l.k === 'id') found.add(l.name);
  });
}

function isStruct({ symbols }: Program, type: string): boolean {
  return /^struct \w+$/.test(symbols.resolveType(type));
}

function numbersOf(program: Program, file: string, fact: VariableFact, isParameter: boolean): HostGlobal[] {
  const { symbols } = program;
  const from = siteAt(file, fact.at, '');
  const cell = partOf(GLOBAL.slice(0, -1), fact.name);
  if (isNumber(program, fact.type))
    return [
      {
        cell,
        text: fact.name,
        writesKey: fact.name,
        initial: initialBits(program, fact.type, fact.init, file),
        isParameter,
        from,
      },
    ];
  const tag = /^struct (\w+)$/.exec(symbols.resolveType(fact.type))?.[1];
  // What an initialiser leaves out of a struct is zero; one that is written is not taken apart.
  if (tag === undefined || fact.init !== undefined) return [];
  return (symbols.struct(tag)?.fields ?? []).flatMap((field) => {
    if (!isNumber(program, field.type) || fieldOf(symbols, tag, field.name)?.overlays !== undefined) return [];
    const initial = bits.constant(0n);
    const names = { cell: partOf(cell, field.name), text: `${fact.name}.${field.name}` };
    return [{ ...names, writesKey: `${tag}.${field.name}`, initial, isParameter: false, from }];
  });
}

function isNumber({ symbols }: Program, type: string): boolean {
  return numberTypeOf(symbols, type) !== undefined || WHOLE_NUMBER.test(symbols.resolveType(type));
}

function initialBits(program: Program, type: string, init: Expr | undefined, file: string): bits.Bits {
  if (init === undefined) return bits.constant(0n);
  const value = init.k === 'id' && /^(?:true|false)$/.test(init.name) ? BigInt(init.name === 'true') : undefined;
  const folded = value ?? program.symbols.fold(init, file);
  if (folded === undefined) return bits.TOP;
  const held = converted(numberTypeOf(program.symbols, type), START, bitsValue(bits.constant(folded)), () => '#');
  return bitsOf(START, held);
}

/** Whether a function stands in a file that only the other vendor's module has. */
export function isOtherVendor(node: FunctionNode, vendor: Vendor): boolean {
  return node.vendor !== undefined && node.vendor !== vendor;
}
