import type { Outcome } from '../mmu/outcome';
import type { FunctionId, Program } from '../program/program';
import { type Caller, type Fact, type Path, type Question, VERDICTS } from '../reach/verdict';
import { columnOf } from '../syntax/facts';
import { type CheckReport, SCHEMA_VERSION, TOOL } from './contract';
import { treeReport } from './graph';

/**
 * The contract's `check`. A caller that has a witness gets the outcome of the call that its witness ends in; the
 * report's own outcome is that of the first sink, called for all gfns.
 */
export function checkReport(
  program: Program,
  question: Question,
  reach: { readonly callers: readonly Caller[]; readonly facts: readonly Fact[] },
  outcomeOf: (sink: FunctionId, witness?: Path) => Outcome,
): CheckReport {
  const sinks = [...program.functions.values()].filter((node) => question.sinks.includes(node.name));
  const first = sinks.find((node) => node.name === question.sinks[0]);
  if (first === undefined) throw new Error(`no sink ${question.sinks.join()}`);
  return {
    schemaVersion: SCHEMA_VERSION,
    tool: TOOL,
    tree: treeReport(program),
    vm: question.vm,
    host: question.host,
    sinks: sinks.map(({ name, file, line, fact }) => ({ name, file, line, column: columnOf(fact.at), function: name })),
    callers: sortCallers(reach.callers).map((caller) => {
      const { witness } = caller;
      const sink = witness?.edges.at(-1)?.calleeId;
      return sink === undefined ? caller : { ...caller, outcome: outcomeOf(sink, witness) };
    }),
    facts: reach.facts,
    outcome: outcomeOf(first.id),
    problems: program.problems,
  };
}

/** Worst verdict first, then those that call the sink themselves, then by place. */
function sortCallers(callers: readonly Caller[]): Caller[] {
  return [...callers].sort(
    (a, b) =>
      VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) ||
      Number(b.direct) - Number(a.direct) ||
      (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1) ||
      (a.id < b.id ? -1 : 1),
  );
}
