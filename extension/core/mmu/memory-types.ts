/** Memory types as MTRRs, PAT and EPT number them (Intel SDM; `MTRR_TYPE_*` in arch/x86/include/uapi/asm/mtrr.h). */
const NUMBERS = { UC: 0n, WC: 1n, WT: 4n, WP: 5n, WB: 6n } as const;
export type MemoryType = keyof typeof NUMBERS;

/** What a leaf says of caching: its bits are decided when it is made, and stay. */
export interface Caching {
  readonly memoryType: MemoryType;
  /** The guest's PAT is ignored. */
  readonly ignorePat: boolean;
}

export function memoryTypeNumber(type: MemoryType): bigint {
  return NUMBERS[type];
}

/**
 * What `kvm_x86_ops.get_mt_mask` gives, as EPT lays it out: the type in bits 3 to 5, ignore-PAT in bit 6.
 * `undefined`: a reserved type.
 */
export function cachingOf(bits: bigint): Caching | undefined {
  const number = (bits >> 3n) & 7n;
  const found = Object.entries(NUMBERS).find(([, value]) => value === number);
  return found === undefined
    ? undefined
    : { memoryType: found[0] as MemoryType, ignorePat: (bits & (1n << 6n)) !== 0n };
}

/**
 * The type with which a guest's access is made (Intel SDM, effective memory type under EPT): without ignore-PAT the
 * guest's PAT entry has its say.
 */
export function effectiveType({ memoryType, ignorePat }: Caching, pat: MemoryType): MemoryType {
  if (ignorePat || memoryType === pat) return memoryType;
  if (pat === 'WC') return 'WC';
  if (memoryType === 'UC' || pat === 'UC') return 'UC';
  if (memoryType === 'WB') return pat;
  if (pat === 'WB') return memoryType;
  return 'UC';
}

export function sameCaching(a: Caching | undefined, b: Caching | undefined): boolean {
  return a?.memoryType === b?.memoryType && a?.ignorePat === b?.ignorePat;
}
