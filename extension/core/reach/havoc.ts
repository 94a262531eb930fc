import { nameOf } from './cell-names';
import { freshSymbol } from './evaluate';
import type { Frame } from './machine';
import { behind, localOf, replaced, type State, type Value, withEscaped } from './state';
import type { FieldNames } from './written-fields';

/**
 * What is left to know after a call that was not followed: objects whose address it was given, itself or in another
 * such object, and the fields that it may write hold something else. `written` absent: the function is not in the
 * tree, and may write through whatever it was given; with `keeps` it may do so later, too.
 */
export function havocCall(
  frame: Frame,
  args: readonly Value[],
  state: State,
  written: readonly FieldNames[] | undefined,
  keeps = false,
): State {
  const given = handedOver(state, args, written === undefined);
  const writes = (written ?? []).filter((each) => !each.isEmpty);
  if (given.size === 0 && writes.length === 0) return state;
  const roots = [...given];
  const prefixes = roots.map((id) => `${id}.`);
  const next = replaced(state, (cell) => {
    if (given.has(cell) || prefixes.some((prefix) => cell.startsWith(prefix))) return freshSymbol(frame);
    const { isObject, local, field } = nameOf(cell);
    if (!isObject && !state.escaped.has(local ?? '')) return undefined;
    return writes.some((each) => each.has(field)) ? freshSymbol(frame) : undefined;
  });
  return keeps
    ? withEscaped(
        next,
        roots.flatMap((id) => localOf(id) ?? []),
      )
    : next;
}

/** The objects that a call can get at through its arguments. */
function handedOver(state: State, args: readonly Value[], byPointers: boolean): Set<string> {
  const given = new Set<string>();
  const open: string[] = [];
  const add = (id: string): void => {
    if (given.has(id)) return;
    given.add(id);
    open.push(id);
  };
  for (const arg of args) {
    if (arg.k === 'object') add(arg.id);
    else if (arg.k === 'symbol' && byPointers) add(behind(arg));
  }
  const pointers: (readonly [cell: string, to: string])[] = [];
  state.cells.forEach((cell, value) => {
    if (value.k === 'object') pointers.push([cell, value.id]);
  });
  // What is stored behind a pointer can be found by whoever has another pointer to it.
  for (const [cell, to] of pointers) if (nameOf(cell).isObject) add(to);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const prefix = `${id}.`;
    for (const [cell, to] of pointers) if (cell === id || cell.startsWith(prefix)) add(to);
  }
  return given;
}

export function forgetEverything(frame: Frame, state: State): State {
  return replaced(state, () => freshSymbol(frame));
}
