import type { Program } from '../program/program';

/** A variable that a module parameter sets when the module is loaded. */
export interface ModuleParameter {
  /** What it is called when the module is loaded. */
  readonly name: string;
  /** The variable's C name. */
  readonly variable: string;
  /** Userspace can write to it while VMs run: its mode has a bit for writing. */
  readonly isWritable: boolean;
}

/** `module_param(NAME, type, mode)`; the others name the variable apart from the parameter. */
const NAMES_ITSELF = /^module_param(?:_unsafe|_hw)?$/;
const NAMED = /^module_param_(?:named|named_unsafe|hw_named|array|array_named|hw_array|string)$/;
const WITH_SETTER = /^module_param_cb(?:_unsafe)?$|^(?:core|device|late)_param_cb$/;

const known = new WeakMap<Program, ReadonlyMap<string, ModuleParameter>>();

/** The module parameters of all of KVM's modules, by the variable's name. */
export function moduleParameters(program: Program): ReadonlyMap<string, ModuleParameter> {
  let all = known.get(program);
  if (all === undefined) {
    const found = new Map<string, ModuleParameter>();
    for (const file of program.files.values())
      for (const call of file.fileScopeCalls) {
        const variable = variableOf(call.name, call.args);
        const name = call.args[0];
        if (variable === undefined || name === undefined) continue;
        const isWritable = !isReadOnly(call.args.at(-1) ?? '') || found.get(variable)?.isWritable === true;
        found.set(variable, { name, variable, isWritable });
      }
    all = found;
    known.set(program, all);
  }
  return all;
}

/** The global that a name means: its own, or that of the parameter of this name (`ept`: `enable_ept`). */
export function globalNamed(program: Program, name: string): string {
  if (program.symbols.variable(name) !== undefined) return name;
  return [...moduleParameters(program).values()].find((each) => each.name === name)?.variable ?? name;
}

function variableOf(macro: string, args: readonly string[]): string | undefined {
  const place = NAMES_ITSELF.test(macro) ? 0 : NAMED.test(macro) ? 1 : WITH_SETTER.test(macro) ? 2 : -1;
  return /^&?\s*(\w+)$/.exec(args[place] ?? '')?.[1];
}

/** A mode that is not understood may be one for writing. */
function isReadOnly(mode: string): boolean {
  if (/^0[0-7]*$/.test(mode)) return (parseInt(mode, 8) & 0o222) === 0;
  return /^S_IR(?:UGO|USR|GRP|OTH)(?: ?\| ?S_IR(?:USR|GRP|OTH))*$/.test(mode);
}
