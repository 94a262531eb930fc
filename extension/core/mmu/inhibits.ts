import type { Program, Vendor } from '../program/program';
import { perProgram } from './per-program';

/** The reasons in `enum kvm_apicv_inhibit` of the tree, by name, with the bit of each. */
export const inhibitReasons = perProgram((program): readonly { readonly name: string; readonly bit: bigint }[] => {
  const names = [...program.files.values()].flatMap((file) =>
    file.enumerators.filter((one) => one.of.startsWith('kvm_apicv_inhibit')).map((one) => one.name),
  );
  return names.flatMap((name) => {
    const value = program.symbols.constant(name);
    return value === undefined || name.startsWith('NR_') ? [] : [{ name, bit: 1n << value }];
  });
});

/** `kvm_x86_ops.required_apicv_inhibits` of a vendor's table; `undefined`: the tree's tables have no such entry. */
export function requiredByTable(program: Program, vendor: Vendor): bigint | undefined {
  const entry = program.symbols.slotValue('kvm_x86_ops.required_apicv_inhibits', vendor);
  return entry === undefined ? undefined : program.symbols.fold(entry.value, entry.file);
}

/** What a vendor's table would run in a slot; `undefined`: it leaves the slot empty. */
export function slotTarget(program: Program, slot: string, vendor: Vendor): string | undefined {
  const targets = program.symbols
    .slot(slot)
    .filter((target) => target.vendor === undefined || target.vendor === vendor);
  const active = targets.filter(
    (target) => target.when === undefined || program.symbols.isActive([target.when]) !== false,
  );
  return (active.find((target) => target.assigned) ?? active[0])?.functionId;
}
