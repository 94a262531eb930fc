import type { Expr, MacroFact, StructFact, VariableFact, When } from '../syntax/facts';
import type { PlainEntry } from './tables';
import { usesOf } from './collect';
import { cells, type Flow } from './flow';
import { definitionOf } from './functions';
import { compareSites, compareText } from './ids';
import type { FunctionNode, SlotTarget, Symbols, Vendor } from './program';
import type { World } from './world';

/** `Symbols` over what the linker knows. */
export class LinkedSymbols implements Symbols {
  constructor(
    private readonly world: World,
    private readonly flow: Flow,
    private readonly plain: readonly PlainEntry[],
  ) {}

  functionsNamed(name: string, from?: string): readonly FunctionNode[] {
    return this.world.functions.named(name, from);
  }

  macro(name: string, from?: string): MacroFact | undefined {
    return this.world.constants.macro(name, from);
  }

  constant(name: string, from?: string): bigint | undefined {
    return this.world.constants.constant(name, from);
  }

  fold(expr: Expr, from?: string): bigint | undefined {
    return this.world.constants.fold(expr, from);
  }

  struct(name: string): StructFact | undefined {
    const all = this.world.definitions.structs.get(name.replace(/^(?:struct|union) /, '')) ?? [];
    return (all.find((one) => this.world.conditions.isActive(one.fact.when, one.file) !== false) ?? all[0])?.fact;
  }

  variable(name: string, from?: string): VariableFact | undefined {
    return this.world.types.variable(name, from)?.fact;
  }

  resolveType(type: string): string {
    return this.world.types.resolveType(type);
  }

  fieldType(type: string, field: string): string | undefined {
    return this.world.types.fieldType(type, field);
  }

  typeOf(expr: Expr, fn: FunctionNode): string | undefined {
    const fact = definitionOf(fn);
    return this.world.types.typeOf(
      expr,
      fact === undefined ? { file: fn.file } : { file: fn.file, locals: usesOf(fact).locals },
    );
  }

  isSettled(when: string): boolean {
    return this.world.conditions.isSettled(when);
  }

  isActive(when: When | undefined, from?: string): boolean | undefined {
    return this.world.conditions.isActive(when, from);
  }

  slot(name: string): readonly SlotTarget[] {
    const dot = name.lastIndexOf('.');
    const values = this.flow.at(cells.field(name.slice(0, dot), name.slice(dot + 1)));
    return values
      .map((value) => ({
        functionId: value.fn,
        ...(value.vendor === undefined ? {} : { vendor: value.vendor }),
        ...(value.when === undefined ? {} : { when: value.when }),
        site: value.site,
        assigned: value.assigned,
      }))
      .sort((a, b) => compareSites(a.site, b.site) || compareText(a.functionId, b.functionId));
  }

  slotValue(name: string, vendor: Vendor): { readonly value: Expr; readonly file: string } | undefined {
    const entry = this.plain.find((one) => one.slot === name && one.vendor === vendor);
    return entry === undefined ? undefined : { value: entry.value, file: entry.file };
  }
}
