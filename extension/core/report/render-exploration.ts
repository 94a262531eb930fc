import type { Answer, SinkExploration } from '../mmu/explore-sink';
import { place } from '../program/place';
import { oneLine, plural } from './words';

/** What exploring found: how much was looked at, and of each invariant that it holds, or a shortest way to break it. */
export function explorationLines(found: SinkExploration): string[] {
  const what = `${plural(found.gfns.length, 'gfn')}, ${plural(found.vcpus, 'vCPU')}, ${plural(found.actions, 'action')}`;
  const far = found.complete ? 'all that there are' : `to a depth of ${plural(found.depth, 'action')}`;
  return [
    `explored: ${plural(found.states, 'state')} and ${plural(found.transitions, 'transition')} (${what}), ${far}`,
    ...found.invariants.flatMap(answerLines),
    ...found.unmodelled.map((call) => `  not modelled: ${oneLine(call.text, 80)}  ${place(call)}`),
  ];
}

function answerLines({ name, counterexample }: Answer): string[] {
  if (counterexample === undefined) return [`  holds: ${name}`];
  return [
    `  does not hold: ${name}`,
    ...counterexample.trace.map((event, i) => {
      const where = event.site === undefined ? '' : `  ${place(event.site)}`;
      return `    ${String(i + 1).padStart(2)}. ${oneLine(event.text, 110)}${where}`;
    }),
  ];
}
