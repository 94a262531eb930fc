import type { Expr, TypeText } from '../syntax/facts';

/**
 * The width in bits in which C computes an expression without a sign, where its text says so: by the suffix of a
 * number, a cast, or the kernel's words for bits and masks. `undefined`: it has a sign, or cannot be told.
 * `typeWidth`: of a type, negative if it is signed.
 */
export function unsignedWidth(x: Expr, typeWidth: (type: TypeText) => number | undefined): number | undefined {
  const inner = (each: Expr): number | undefined => unsignedWidth(each, typeWidth);
  switch (x.k) {
    case 'num':
      return /^[^'"]*u/i.test(x.text) ? (/l/i.test(x.text) ? 64 : 32) : undefined;
    case 'cast': {
      const width = typeWidth(x.type);
      return width !== undefined && width >= 32 ? width : undefined;
    }
    case 'unary':
      return x.op === '~' || x.op === '-' || x.op === '+' ? inner(x.x) : undefined;
    case 'binary': {
      if (x.op === '<<' || x.op === '>>') return inner(x.l);
      if (!/^[-+*/%&|^]$/.test(x.op)) return undefined;
      const [l, r] = [inner(x.l), inner(x.r)];
      // Of 32 bits beside what may be 64 nothing is known.
      return l === 64 || r === 64 ? 64 : l === r ? l : undefined;
    }
    case 'call': {
      if (x.fn.k !== 'id') return undefined;
      if (WORDS.has(x.fn.name)) return 64;
      const suffix = x.args[1];
      return /^_?_AC$/.test(x.fn.name) && suffix?.k === 'id' && /^ULL?$/.test(suffix.name) ? 64 : undefined;
    }
    default:
      return undefined;
  }
}

/** `unsigned long` and wider. */
const WORDS: ReadonlySet<string> = new Set(
  'BIT BIT_ULL BIT_U64 _BITUL _BITULL GENMASK GENMASK_ULL __GENMASK __GENMASK_ULL _UL _ULL UL ULL U64_C'.split(' '),
);
