/**
 * A 64-bit hash of a text in hexadecimal (two FNV-1a style sums of 32 bits with different primes): tells whether a
 * text changed. Not a checksum against ill will; cached facts are trusted as much as the folder they lie in.
 */
export function textHash(text: string): string {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x5bd1e995);
    b ^= b >>> 15;
  }
  return (a >>> 0).toString(16).padStart(8, '0') + (b >>> 0).toString(16).padStart(8, '0');
}
