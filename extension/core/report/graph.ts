import type { Program } from '../program/program';
import { isIndirect } from '../reach/path-search';
import { isHypotheticalTd } from '../reach/vm-facts';
import { type GraphReport, SCHEMA_VERSION, type TreeReport } from './contract';

/** What the program was linked from, in numbers. */
export function treeReport(program: Program): TreeReport {
  let lines = 0;
  for (const file of program.files.values()) lines += file.lines;
  let functions = 0;
  for (const node of program.functions.values()) if (node.kind === 'function') functions++;
  return {
    version: program.version,
    files: program.files.size,
    lines,
    functions,
    edges: program.edges.length,
    indirectEdges: program.edges.filter(isIndirect).length,
    entryPoints: program.entries.length,
    hypotheticalTd: isHypotheticalTd(program),
  };
}

export function graphReport(program: Program): GraphReport {
  const functions = [...program.functions.values()]
    .map(({ id, name, kind, file, line, static: isStatic, when }) => ({
      id,
      name,
      kind,
      file,
      line,
      static: isStatic,
      ...(when === undefined ? {} : { when }),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    schemaVersion: SCHEMA_VERSION,
    tree: treeReport(program),
    functions,
    edges: program.edges,
    unresolved: program.unresolved,
  };
}
