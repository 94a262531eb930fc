import type { Program } from '../program/program';

/** What follows from a program alone, found once for it. A program never changes. */
export function perProgram<T>(find: (program: Program) => T): (program: Program) => T {
  const known = new WeakMap<Program, { readonly value: T }>();
  return (program) => {
    const found = known.get(program) ?? { value: find(program) };
    known.set(program, found);
    return found.value;
  };
}
