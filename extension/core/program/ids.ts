import { columnOf, lineOf, type Pos, type When } from '../syntax/facts';
import type { Edge, FunctionId, Site, Vendor } from './program';

/** How the linker names things: ids, sites and vendors, and the order in which they are reported. */

export function functionId(file: string, name: string, ordinal: number): FunctionId {
  return ordinal < 2 ? `${file}:${name}` : `${file}:${name}#${ordinal}`;
}

/** arch/x86/kvm/Makefile links `vmx/*.o` into kvm-intel.ko and `svm/*.o` into kvm-amd.ko, everything else into kvm.ko. */
export function vendorOfFile(file: string): Vendor | undefined {
  if (file.startsWith('arch/x86/kvm/vmx/')) return 'intel';
  if (file.startsWith('arch/x86/kvm/svm/')) return 'amd';
  return undefined;
}

/** Files whose functions are KVM's own, as opposed to headers that KVM merely uses. */
export function isKvmFile(file: string): boolean {
  return file.startsWith('arch/x86/kvm/') || file.startsWith('virt/kvm/');
}

export function isHeader(file: string): boolean {
  return file.endsWith('.h');
}

export function siteAt(file: string, at: Pos, fn: string): Site {
  return { file, line: lineOf(at), column: columnOf(at), function: fn };
}

export function joinWhen(when: When | undefined): string | undefined {
  if (when === undefined || when.length === 0) return undefined;
  if (when.length === 1) return when[0];
  return when
    .map((part) => (/[|?]|&&/.test(part) && !/^!\([^()]*(\([^()]*\))?[^()]*\)$/.test(part) ? `(${part})` : part))
    .join(' && ');
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function compareSites(a: Site, b: Site): number {
  return a.file === b.file ? a.line - b.line || a.column - b.column : compareText(a.file, b.file);
}

export function compareEdges(a: Edge, b: Edge): number {
  return (
    compareSites(a.site, b.site) ||
    compareText(a.callerId, b.callerId) ||
    compareText(a.calleeId, b.calleeId) ||
    compareText(a.via, b.via) ||
    compareText(a.vendor ?? '', b.vendor ?? '') ||
    compareText(a.slot ?? '', b.slot ?? '') ||
    compareText(a.when ?? '', b.when ?? '')
  );
}
