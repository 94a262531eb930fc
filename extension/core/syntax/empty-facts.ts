import type { FileFacts } from './facts';

/** The facts of a file that says nothing: what is known of it is put in their place. */
export function emptyFacts(path: string, hash: string, lines: number): FileFacts {
  return {
    path,
    hash,
    lines,
    functions: [],
    prototypes: [],
    variables: [],
    structs: [],
    typedefs: [],
    enumerators: [],
    macros: [],
    undefs: [],
    includes: [],
    fileScopeCalls: [],
    problems: [],
  };
}
