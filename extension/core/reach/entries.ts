import type { EntryPoint, FunctionId } from '../program/program';
import type { Step } from './contexts';
import type { Entry } from './verdict';

export function entryOf(point: EntryPoint): Entry {
  return { kind: point.kind, name: point.name, function: point.function };
}

/**
 * What an entry is called once a path has passed `step`: the ioctl whose `case` it went through, the capability or
 * sub-command, the VM exit that was dispatched. Several names where several labels share the code.
 */
export function renamed(entry: Entry, step: Step, dispatched: ReadonlyMap<FunctionId, EntryPoint>): Entry[] {
  let entries = [entry];
  for (const label of step.labels) {
    entries = entries.flatMap((each) => label.names.map((name) => withLabel(each, label.kind, name, step.edge.callee)));
  }
  const exit = /\[(\w+)\]$/.exec(step.edge.slot ?? '')?.[1];
  if (exit !== undefined && /EXIT/.test(exit)) {
    entries = entries.map((each) =>
      each.kind === 'ioctl' ? { kind: 'exit', name: exit, function: step.edge.callee } : each,
    );
  }
  const operation = dispatched.get(step.edge.calleeId);
  if (operation?.kind === 'device' && step.edge.via !== 'call') {
    entries = entries.map((each) => (each.kind === 'ioctl' || each.kind === 'release' ? entryOf(operation) : each));
  }
  return entries;
}

function withLabel(entry: Entry, kind: 'ioctl' | 'sub' | 'exit', name: string, callee: string): Entry {
  switch (kind) {
    case 'ioctl':
      return entry.kind === 'ioctl' ? { ...entry, name } : entry;
    case 'sub':
      // A capability's or a sub-command's `case` outside an ioctl is another question (KVM_CHECK_EXTENSION's answer).
      return entry.kind === 'ioctl' && /^KVM_[A-Z_0-9]+$/.test(entry.name)
        ? { ...entry, name: `${entry.name}/${name}` }
        : entry;
    case 'exit':
      return entry.kind === 'ioctl' ? { kind: 'exit', name, function: callee } : entry;
  }
}
