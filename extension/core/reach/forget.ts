import type { Expr, FieldFact } from '../syntax/facts';
import { nameOf, partOf } from './cell-names';
import { freshSymbol } from './evaluate';
import type { Frame } from './machine';
import { type Place, tagIn } from './places';
import { replaced, type State } from './state';

/** A cell that a store through a pointer can change: of an object behind a pointer, or a local that others know of. */
function isExposed(state: State, cell: string): boolean {
  const { isPointed, local } = nameOf(cell);
  return isPointed || (local !== undefined && state.escaped.has(local));
}

/**
 * After a store to `field` of some object: nothing is known of that field, or of what is in it, in any other object. A
 * number or a pointer has nothing in it; what it pointed to is a name of its own, which may contain the field's.
 */
export function forgetField(
  frame: Frame,
  state: State,
  field: string,
  but: string | undefined,
  hasParts: boolean,
): State {
  const ending = `.${field}`;
  const inside = `.${field}.`;
  return replaced(state, (cell) => {
    if (cell === but || !(cell.endsWith(ending) || (hasParts && cell.includes(inside)))) return undefined;
    if (but !== undefined && cell.startsWith(`${but}.`)) return undefined;
    return isExposed(state, cell) ? freshSymbol(frame) : undefined;
  });
}

/** After a store to an object as a whole: nothing is known of its fields. */
export function forgetParts(frame: Frame, state: State, object: string): State {
  const prefix = `${object}.`;
  return replaced(state, (cell) => (cell.startsWith(prefix) ? freshSymbol(frame) : undefined));
}

/** After a store through a pointer to some number: it may lie in any field whose address is taken somewhere. */
export function forgetUnknownTarget(frame: Frame, state: State): State {
  const addressed = frame.machine.addressed();
  return replaced(state, (cell) => {
    if (!isExposed(state, cell)) return undefined;
    const { isPointed, field } = nameOf(cell);
    return !isPointed || addressed.has(field) ? freshSymbol(frame) : undefined;
  });
}

/** After a store to a member of a union, or to what lies in one (in its user's words): nothing is known of its other members. */
export function forgetOverlays(frame: Frame, state: State, l: Expr, place: Place): State {
  let next = state;
  let x = l;
  let cell = place.cell;
  let { tag } = place;
  while (x.k === 'member') {
    const { field } = x;
    const object = cell.slice(0, cell.lastIndexOf('.'));
    const fields = tag === undefined ? [] : (frame.machine.program.symbols.struct(tag)?.fields ?? []);
    const own = fields.find((each) => each.name === field);
    if (own?.overlays !== undefined) {
      for (const other of fields) {
        if (other === own || !overlaps(own, other)) continue;
        const at = partOf(object, other.name);
        next = replaced(next, (each) => (each === at || each.startsWith(`${at}.`) ? freshSymbol(frame) : undefined));
      }
    }
    if (x.arrow) return next;
    x = x.x;
    cell = object;
    tag = x.k === 'member' ? tagIn(frame, x.x) : undefined;
  }
  return next;
}

/** Both lie in one union, in different members of it. */
export function overlaps(a: FieldFact, b: FieldFact): boolean {
  return (a.overlays ?? []).some(([union, member]) =>
    (b.overlays ?? []).some(([other, otherMember]) => union === other && member !== otherMember),
  );
}
