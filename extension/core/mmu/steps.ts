import type { Event } from './branch';
import { type Change, changesBetween, type Described, described } from './describe';
import type { MmuState } from './mmu-state';
import type { TraceEvent } from './outcome';

/** A run as steps: what the state was before them, what each one changed, what it is after them. */
export interface Steps {
  readonly start: readonly Described[];
  readonly trace: readonly TraceEvent[];
  readonly end: readonly Described[];
}

/**
 * The events of a run with what changed since the event before, so that a view can go forward (`after`) and back
 * (`before`). A state change without an event of its own is of the next event, the last ones of `closing`.
 */
export function stepsOf(start: MmuState, events: readonly Event[], end: MmuState, closing: readonly string[]): Steps {
  let now = start;
  const trace = events.map(({ text, site, by, state }): TraceEvent => {
    const changes = changesBetween(now, state);
    now = state;
    return { text, ...(site === undefined ? {} : { site }), ...(by === undefined ? {} : { by }), changes };
  });
  const rest = changesBetween(now, end);
  const last = closing.length === 0 && rest.length > 0 ? ['the run ends'] : closing;
  trace.push(...last.map((text, index): TraceEvent => ({ text, changes: index === 0 ? rest : [] })));
  const first = described(start);
  return {
    start: first,
    trace,
    end: applied(
      first,
      trace.flatMap((event) => event.changes),
    ),
  };
}

/** The things of `from` with `changes` made one after the other; what came to be is behind what was there. */
export function applied(from: readonly Described[], changes: readonly Change[]): readonly Described[] {
  const words = new Map(from.map(({ what, value }) => [what, value]));
  for (const { what, after } of changes) words.set(what, after);
  return [...words].map(([what, value]) => ({ what, value }));
}
