import type { FunctionId, Program, Vendor } from '../program/program';
import * as bits from './known-bits';
import type { FactWrite } from './verdict';
import { type VmFact, writeWords } from './vm-facts';
import { siteOf, type Writes } from './writes';

/** Structs that are allocated as zero with the VM or a vCPU. */
const ZEROED: Readonly<Record<string, 'vm' | 'vcpu'>> = { kvm: 'vm', kvm_arch: 'vm', kvm_vcpu_arch: 'vcpu' };

/** Types of one number, which nothing but a store to the field itself or its address can change. */
const NUMBER =
  /^(?:(?:unsigned|signed|long|int|short|char|_Bool|bool|u?int\d+_t|[us]\d+|atomic(?:64|_long)?_t|gfn_t|gpa_t) ?)+$/;

export interface ZeroInput {
  readonly program: Program;
  readonly vendor: Vendor;
  readonly writes: Writes;
  readonly live: ReadonlySet<FunctionId>;
}

/**
 * A field that is zero when the VM is made and that nothing which this VM can run writes to. A name that a macro's
 * body, a code that could not be read or a store through an unknown type mentions is not taken for one.
 */
export function zeroFact(input: ZeroInput, key: string): VmFact | undefined {
  const [tag] = key.split('.');
  if (tag === undefined || !(tag in ZEROED) || !isNumber(input.program, key)) return undefined;
  if (hasHiddenStores(input.program, input.writes, key)) return undefined;
  const writes: FactWrite[] = [];
  for (const write of input.writes.byKey.get(key) ?? []) {
    const isOther = write.fn.vendor !== undefined && write.fn.vendor !== input.vendor;
    if (!isOther && input.live.has(write.fn.id)) return undefined;
    const site = siteOf(write);
    writes.push({ site, text: writeWords(write), effect: 'not for this VM' });
  }
  return {
    id: key,
    key,
    text: `${tag === 'kvm_vcpu_arch' ? 'vcpu->arch' : tag === 'kvm_arch' ? 'kvm->arch' : 'kvm'}${key.slice(tag.length)} == 0`,
    bits: bits.constant(0n),
    from: 'exists',
    reason: 'allocated as zero, and nothing that this VM can run writes to it',
    writes,
    ofVcpu: false,
  };
}

/** Of a field whose single bits are looked at: it is one number, and zero in a new VM or vCPU (`kvm_vm_ioctl_create_vcpu()`). */
export function isZeroedNumber(program: Program, key: string): boolean {
  const tag = key.slice(0, key.indexOf('.'));
  return (tag in ZEROED || tag === 'kvm_vcpu') && isNumber(program, key);
}

function isNumber({ symbols }: Program, key: string): boolean {
  const [tag = '', field = ''] = key.split('.');
  const type = symbols.fieldType(`struct ${tag}`, field);
  return type !== undefined && (NUMBER.test(type) || NUMBER.test(symbols.resolveType(type)));
}

/** There may be stores to the field that are not seen as such. */
export function hasHiddenStores(program: Program, writes: Writes, key: string): boolean {
  const field = key.slice(key.indexOf('.') + 1);
  return writes.byKey.has(`?.${field}`) || mentioned(program).has(field);
}

/** In a macro's text: a tracepoint's own record, and a plain read. */
const NO_STORE = /__entry->\w+|\bREAD_ONCE\([\w.>-]*\)/g;

const mentions = new WeakMap<Program, ReadonlySet<string>>();

/** Names that macros' bodies and unread code mention as fields: stores that are not seen as such may hide there. */
function mentioned(program: Program): ReadonlySet<string> {
  let names = mentions.get(program);
  if (names === undefined) {
    const found = new Set<string>();
    const add = (text: string): void => {
      for (const match of text.replaceAll(NO_STORE, '').matchAll(/(?:->|\.)\s*(\w+)/g))
        if (match[1] !== undefined) found.add(match[1]);
    };
    for (const file of program.files.values()) for (const macro of file.macros) add(macro.text);
    for (const node of program.functions.values()) if ('body' in node.fact) opaque(node.fact.body, add);
    names = found;
    mentions.set(program, names);
  }
  return names;
}

function opaque(value: unknown, add: (text: string) => void): void {
  if (Array.isArray(value)) {
    for (const each of value) opaque(each, add);
  } else if (typeof value === 'object' && value !== null) {
    const node = value as { k?: unknown; text?: unknown };
    if (node.k === 'opaque' && typeof node.text === 'string') add(node.text);
    for (const name in value) opaque(value[name as keyof typeof value], add);
  }
}
