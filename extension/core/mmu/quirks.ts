import type { FunctionId, Program, Vendor } from '../program/program';
import { exprText } from '../syntax/expr-text';
import type { Expr } from '../syntax/facts';
import { walkExprs } from '../syntax/walk';
import { perProgram } from './per-program';
import type { World } from './world';

/** `KVM_X86_QUIRK_X` of the tree, by name, with the bit of each. */
const quirkBits = perProgram((program: Program): readonly { readonly name: string; readonly bit: bigint }[] => {
  const names = new Set(
    [...program.files.values()].flatMap((file) =>
      file.macros.filter((macro) => /^KVM_X86_QUIRK_\w+$/.test(macro.name)).map((macro) => macro.name),
    ),
  );
  return [...names].sort().flatMap((name) => {
    const bit = program.symbols.constant(name);
    return bit === undefined || bit <= 0n ? [] : [{ name, bit }];
  });
});

/** `kvm->arch.disabled_quirks`, bit by bit: as the engine decides, else as the vendor module leaves it when it is loaded. */
export function disabledQuirks(
  { program, vendor }: World,
  sink: FunctionId,
  decide: (condition: Expr) => boolean | undefined,
): bigint {
  const fact = program.functions.get(sink)?.fact;
  const kvm =
    fact !== undefined && 'body' in fact ? fact.params.find((param) => param.type === 'struct kvm *') : undefined;
  const inapplicable = inapplicableQuirks(program, vendor);
  return quirkBits(program).reduce((all, { name, bit }) => {
    const known = kvm === undefined ? undefined : decide(quirkTest(kvm.name, name));
    return (known ?? (inapplicable & bit) !== 0n) ? all | bit : all;
  }, 0n);
}

/** `kvm->arch.disabled_quirks & NAME` */
function quirkTest(kvm: string, name: string): Expr {
  const arch: Expr = { k: 'member', at: 0, x: { k: 'id', at: 0, name: kvm }, field: 'arch', arrow: true };
  const quirks: Expr = { k: 'member', at: 0, x: arch, field: 'disabled_quirks', arrow: false };
  return { k: 'binary', at: 0, op: '&', l: quirks, r: { k: 'id', at: 0, name } };
}

/** Functions that run when a module is loaded. */
function setUp(program: Program): ReadonlySet<FunctionId> {
  const all = new Set(program.entries.filter((entry) => entry.kind === 'module').map((entry) => entry.functionId));
  for (const id of all) for (const { calleeId } of program.callees.get(id) ?? []) all.add(calleeId);
  return all;
}

interface QuirkStore {
  readonly op: string;
  readonly value: bigint;
  readonly vendor: Vendor | undefined;
}

/** Stores to `kvm_caps.inapplicable_quirks`, KVM's own before those of the vendor modules. */
const quirkStores = perProgram((program: Program): readonly QuirkStore[] => {
  const stores: QuirkStore[] = [];
  for (const id of setUp(program)) {
    const node = program.functions.get(id);
    if (node === undefined || !('body' in node.fact)) continue;
    walkExprs(node.fact.body, (x) => {
      if (x.k !== 'assign' || x.l.k !== 'member' || exprText(x.l) !== 'kvm_caps.inapplicable_quirks') return;
      const value = program.symbols.fold(x.r, node.file);
      if (value !== undefined) stores.push({ op: x.op, value, vendor: node.vendor });
    });
  }
  return stores.toSorted((a, b) => Number(a.vendor !== undefined) - Number(b.vendor !== undefined));
});

/**
 * `kvm_caps.inapplicable_quirks` as the vendor module leaves it: KVM starts with all conditional quirks
 * (`kvm_x86_vendor_init()`), and each vendor takes out what applies to its CPUs.
 */
function inapplicableQuirks(program: Program, vendor: Vendor): bigint {
  let quirks = 0n;
  for (const { op, value, vendor: by } of quirkStores(program)) {
    if (by !== undefined && by !== vendor) continue;
    if (op === '=') quirks = value;
    else if (op === '|=') quirks |= value;
    else if (op === '&=') quirks &= value;
  }
  return quirks;
}
