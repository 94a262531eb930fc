/** `vmx/tdx.c:2206`: how texts name a place. Files of arch/x86/kvm are named from there, as kernel developers do. */
export function place(site: { readonly file: string; readonly line: number }): string {
  return `${site.file.replace(/^arch\/x86\/kvm\//, '')}:${site.line}`;
}
