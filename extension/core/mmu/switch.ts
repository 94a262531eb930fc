import { exprText } from '../syntax/expr-text';
import type { Stmt } from '../syntax/facts';
import { type Branch, resumed, type Value } from './branch';
import { evaluate } from './evaluate';
import { execute } from './execute';
import { type Frame, type Machine, siteOf } from './machine';

/** The arms that a `switch` may take, each from its label to the next `break`. */
export function branchOfSwitch(
  machine: Machine,
  frame: Frame,
  stmt: Extract<Stmt, { k: 'switch' }>,
  branch: Branch,
): readonly Branch[] {
  return evaluate(machine, frame, stmt.x, branch).flatMap(([after, value]) => {
    const starts = armsOf(machine, frame, stmt, value);
    return starts.flatMap((from) => {
      const taken =
        starts.length === 1
          ? after
          : {
              ...after,
              trace: [
                ...after.trace,
                {
                  text: `not decided: switch (${stmt.text}); taken to be ${from === undefined ? 'no case' : caseText(stmt.body[from])}`,
                  site: siteOf(frame, stmt.at),
                  state: after.state,
                  choice: `switch (${stmt.text})`,
                },
              ],
            };
      if (from === undefined) return [taken];
      return execute(machine, frame, stmt.body.slice(from), [taken]).map((end) =>
        end.end?.kind === 'break' ? resumed(end) : end,
      );
    });
  });
}

/** Indices of the labels that a value selects; `undefined` among them: none of the cases. */
function armsOf(
  machine: Machine,
  frame: Frame,
  stmt: Extract<Stmt, { k: 'switch' }>,
  value: Value,
): readonly (number | undefined)[] {
  const { symbols } = machine.program;
  const number = typeof value === 'boolean' ? BigInt(value) : typeof value === 'bigint' ? value : undefined;
  const may: (number | undefined)[] = [];
  let otherwise: number | undefined;
  for (const [index, label] of stmt.body.entries()) {
    if (label.k !== 'case') continue;
    if (label.lo === undefined) otherwise = index;
    else if (number === undefined) may.push(index);
    else {
      const low = symbols.fold(label.lo, frame.node.file);
      const high = label.hi === undefined ? low : symbols.fold(label.hi, frame.node.file);
      if (low !== undefined && high !== undefined && low <= number && number <= high) return [index];
      if (low === undefined || high === undefined) may.push(index);
    }
  }
  return [...may, otherwise];
}

function caseText(label: Stmt | undefined): string {
  if (label?.k !== 'case' || label.lo === undefined) return 'default';
  return `case ${exprText(label.lo)}`;
}
