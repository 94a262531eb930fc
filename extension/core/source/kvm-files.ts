import type { SourceTree } from './tree';

/** Folders whose C files and headers are all KVM's. */
const FOLDERS = ['arch/x86/kvm', 'virt/kvm'];

/** Folders that hold KVM's headers among others, and the names that are KVM's. */
const HEADERS: readonly (readonly [folder: string, name: RegExp])[] = [
  ['arch/x86/include/asm', /^(kvm[^/]*|tdx|shared\/tdx)\.h$/],
  ['arch/x86/include/uapi/asm', /^kvm[^/]*\.h$/],
  ['include/linux', /^kvm[^/]*\.h$/],
  ['include/uapi/linux', /^kvm[^/]*\.h$/],
  ['include/kvm', /^iodev\.h$/],
];

/**
 * Tracepoint headers generate their functions through `<trace/define_trace.h>`; what they define observes and never
 * acts, so they are left out by rule.
 */
function isTraceHeader(path: string): boolean {
  return /(^|\/)([a-z_]*trace[a-z_]*)\.h$/.test(path);
}

/**
 * The files of the analysis, sorted: all of KVM x86 and of the generic KVM, and KVM's headers. Headers that these
 * include are added by need, see `program/load.ts`. Empty if the tree holds no `arch/x86/kvm`.
 */
export async function kvmFiles(tree: SourceTree): Promise<string[]> {
  const files = new Set<string>();
  for (const folder of FOLDERS) {
    const found = (await tree.list(folder)).filter((path) => /\.[ch]$/.test(path) && !isTraceHeader(path));
    if (folder === 'arch/x86/kvm' && found.length === 0) return [];
    for (const path of found) files.add(path);
  }
  for (const [folder, name] of HEADERS) {
    for (const path of await tree.list(folder)) if (name.test(path.slice(folder.length + 1))) files.add(path);
  }
  return [...files].sort();
}
