import type { OutcomeClass } from '../../extension/core/mmu/outcome';
import { swap } from './mmu-outcomes';
import type { TreeName } from './trees';

export const LOST: readonly OutcomeClass[] = ['private-data-lost', 'guest-ve', 'refault'];
export const KILLED: readonly OutcomeClass[] = ['vm-bugged', 'vm-dead'];
export const REFAULT: readonly OutcomeClass[] = ['refault'];

/** What a test puts into the sink, where, and what a TD then meets. Other VM types refault in all of them. */
export interface Variant {
  readonly name: string;
  readonly change: (sink: string, check: string) => string;
  readonly tdx: readonly OutcomeClass[];
  readonly zaps: boolean;
  readonly leaked: boolean;
}

const ARM = '\t\tflush = kvm_tdp_mmu_zap_leafs(';
const LOCK = '\twrite_lock(&kvm->mmu_lock);\n';

/** `text` before the zap of the arm, with the braces that this takes. */
export function inArm(sink: string, text: string): string {
  const from = sink.lastIndexOf('\tif (', sink.indexOf(ARM));
  const to = sink.indexOf(';\n', sink.indexOf(ARM)) + 2;
  const [head, zap] = sink.slice(from, to).split(/(?<=\)\n)/, 2);
  return `${sink.slice(0, from)}${(head ?? '').trimEnd()} {\n\t\t${text}\n${zap ?? ''}\t}\n${sink.slice(to)}`;
}

export const atEntry = (sink: string, text: string): string =>
  swap(sink, '\tbool flush;\n', `\tbool flush;\n\n\t${text}\n`);

export const VARIANTS: readonly Variant[] = [
  { name: 'unpatched', change: (sink) => sink, tdx: LOST, zaps: true, leaked: false },
  {
    name: 'the check in the TDP arm, value unused',
    change: (sink, check) => inArm(sink, `${check};`),
    tdx: ['vm-bugged', 'vm-dead', 'private-data-lost'],
    zaps: true,
    leaked: false,
  },
  {
    name: 'the check at entry, value unused',
    change: (sink, check) => atEntry(sink, `${check};`),
    tdx: ['vm-bugged', 'vm-dead', 'private-data-lost'],
    zaps: true,
    leaked: false,
  },
  {
    name: 'return at entry',
    change: (sink, check) => atEntry(sink, `if (${check})\n\t\treturn;`),
    tdx: KILLED,
    zaps: false,
    leaked: false,
  },
  {
    name: 'return after the lock',
    change: (sink, check) => swap(sink, LOCK, `${LOCK}\tif (${check})\n\t\treturn;\n`),
    tdx: ['lock-leaked', 'vm-bugged', 'vm-dead'],
    zaps: false,
    leaked: true,
  },
  {
    name: 'return inside the TDP arm',
    change: (sink, check) => inArm(sink, `if (${check})\n\t\t\treturn;`),
    tdx: ['lock-leaked', 'vm-bugged', 'vm-dead'],
    zaps: false,
    leaked: true,
  },
];

/** What stands for "is a TD" in a tree: 6.1 and 6.12 know no such predicate but the one that the seed patch came with. */
export function checkIn(tree: TreeName): string {
  return tree === '7.x' ? 'KVM_BUG_ON(kvm_gfn_direct_bits(kvm), kvm)' : 'KVM_BUG_ON(kvm_gfn_shared_mask(kvm), kvm)';
}
