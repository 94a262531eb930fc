import type { EntryPoint, FunctionId, Vendor } from '../program/program';
import type { Step } from './contexts';
import type { Label } from './machine';
import type { Entry } from './verdict';

/** Functions that KVM dispatches to from its own code, with the names that paths through them have. */
export type Dispatched = ReadonlyMap<FunctionId, readonly EntryPoint[]>;

export function entryOf(point: EntryPoint): Entry {
  return { kind: point.kind, name: point.name, function: point.function };
}

export function dispatchedIn(points: readonly EntryPoint[], vendor: Vendor): Dispatched {
  const dispatched = new Map<FunctionId, EntryPoint[]>();
  for (const point of points)
    if (point.inside && (point.vendor === undefined || point.vendor === vendor))
      dispatched.set(point.functionId, [...(dispatched.get(point.functionId) ?? []), point]);
  return dispatched;
}

/**
 * What an entry is called once a path has passed `step`: the ioctl by whose number it went, the capability or
 * sub-command, the VM exit or device operation that was dispatched. Several names where several lead there.
 */
export function renamed(entry: Entry, step: Step, dispatched: Dispatched): Entry[] {
  const labelled = step.labels.reduce(
    (entries, label) => entries.flatMap((each) => withLabel(each, label, step.edge.callee)),
    [entry],
  );
  const operations = step.edge.via === 'call' ? [] : (dispatched.get(step.edge.calleeId) ?? []);
  return labelled.flatMap((each) => {
    const own = operations.filter(({ kind }) =>
      kind === 'exit' ? isRun(entry) : kind === 'device' && (each.kind === 'ioctl' || each.kind === 'release'),
    );
    return own.length === 0 ? [each] : own.map(entryOf);
  });
}

/** Whether a path from `entry` can take `step`, as far as the ioctl's number is known there. */
export function canTake({ kind, name }: Entry, step: Step): boolean {
  const [base = ''] = name.split('/');
  return step.labels.every((label) => label.kind !== 'ioctl' || kind !== 'ioctl' || label.names.includes(base));
}

/** Whether a path need not go on for its entry to have a name of its own. */
export function isNamed({ kind, name }: Entry): boolean {
  return kind !== 'ioctl' || (/^KVM_/.test(name) && !HAS_PARTS.test(name) && !/_DEVICE_ATTR$/.test(name));
}

const HAS_PARTS = /^KVM_(?:ENABLE_CAP|MEMORY_ENCRYPT_OP)$/;

function isRun({ kind, name }: Entry): boolean {
  return kind === 'ioctl' && name === 'KVM_RUN';
}

function withLabel(entry: Entry, { kind, names }: Label, callee: string): Entry[] {
  switch (kind) {
    case 'ioctl': {
      const [base = ''] = entry.name.split('/');
      // A path that has its name by now keeps it: code that several ioctls share says less.
      return entry.kind !== 'ioctl' || names.includes(base) ? [entry] : names.map((name) => ({ ...entry, name }));
    }
    case 'sub':
      // A capability elsewhere is another question (KVM_CHECK_EXTENSION's answer).
      return entry.kind === 'ioctl' && HAS_PARTS.test(entry.name)
        ? names.map((name) => ({ ...entry, name: `${entry.name}/${name}` }))
        : [entry];
    case 'exit':
      return isRun(entry) ? names.map((name) => ({ kind, name, function: callee })) : [entry];
  }
}
