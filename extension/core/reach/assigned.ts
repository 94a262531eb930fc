import { walkStmts } from '../syntax/walk';
import type { Frame } from './machine';
import { onlyReads } from './macro-stores';

/**
 * Whether a call of something that is not in the tree may assign to a variable that it is given by its name alone:
 * only a macro can, and a function's prototype says that it is none.
 */
export function assignedByName(frame: Frame, name: string): boolean {
  return name !== '' && !onlyReads(name) && !prototypes(frame.machine.program.files).has(name);
}

const known = new WeakMap<object, ReadonlySet<string>>();

function prototypes(files: Frame['machine']['program']['files']): ReadonlySet<string> {
  let names = known.get(files);
  if (names === undefined) {
    names = new Set([...files.values()].flatMap((file) => file.prototypes.map((one) => one.name)));
    known.set(files, names);
  }
  return names;
}

const labels = new WeakMap<object, ReadonlySet<string>>();

/** A function's labels: a macro that is given one may jump there. */
export function labelsOf(frame: Frame): ReadonlySet<string> {
  const { fact } = frame.node;
  let names = labels.get(fact);
  if (names === undefined) {
    const found = new Set<string>();
    if ('body' in fact) {
      walkStmts(fact.body, (stmt) => {
        if (stmt.k === 'label') found.add(stmt.name);
      });
    }
    names = found;
    labels.set(fact, names);
  }
  return names;
}
