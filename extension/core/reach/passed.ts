import type { Edge, Program } from '../program/program';
import { columnOf, lineOf } from '../syntax/facts';
import { exprText } from '../syntax/expr-text';
import { partOf } from './cell-names';
import { changesIn } from './changes';
import type { Step } from './contexts';
import { single } from './known-bits';
import { OUTERMOST } from './machine';
import { bitsOf } from './state';
import type { Passed } from './verdict';

/** What a call on a way passes: each parameter with the argument as written, and its value if it is one number. */
export function passedBy(program: Program, { edge, to }: Step): Passed[] {
  if (!('body' in to.node.fact)) return [];
  const args = argumentsAt(program, edge);
  return to.node.fact.params.map(({ name }, i) => {
    const arg = args[i];
    const given = to.start.cells.get(partOf(OUTERMOST, name));
    const value = given === undefined ? undefined : single(bitsOf(to.start, given));
    return {
      name,
      ...(arg === undefined ? {} : { text: exprText(arg) }),
      ...(value === undefined ? {} : { value: `0x${value.toString(16)}` }),
    };
  });
}

/** The arguments of the call that an edge stands for; none if a macro makes it. */
function argumentsAt(program: Program, { callerId, site }: Edge): Parameters<typeof exprText>[0][] {
  const caller = program.functions.get(callerId);
  if (caller === undefined || !('body' in caller.fact)) return [];
  const call = changesIn(caller.fact.body).calls.find(
    ({ at }) => lineOf(at) === site.line && columnOf(at) === site.column,
  );
  return call === undefined ? [] : [...call.args];
}
