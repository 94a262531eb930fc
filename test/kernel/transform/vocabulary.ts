/**
 * The names of functions that may not be changed, because the engine knows them (house rule: KVM's vocabulary, never
 * answers). Everything else that KVM's files define is renamed, so that a name missing here shows as a changed graph.
 * Kernel API outside the files of the analysis is never renamed: it is defined nowhere in them.
 */
const VOCABULARY: readonly { readonly names: readonly string[]; readonly because: string }[] = [
  { names: ['kvm_zap_gfn_range'], because: 'the sink, which the question names (reach/verdict.ts)' },
  {
    names: ['kvm_io_bus_register_dev', 'kvm_io_bus_unregister_dev'],
    because: 'what puts a device on a bus, and what takes it off (reach/devices.ts)',
  },
  { names: ['tdx_vm_init'], because: 'tells a tree with TDX host support (reach/vm-facts.ts)' },
];

export function isVocabulary(name: string): boolean {
  return VOCABULARY.some(({ names }) => names.includes(name));
}
