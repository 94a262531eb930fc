import type { Site } from '../program/program';
import type { VmType } from '../reach/verdict';
import type { Change, Described } from './describe';

export type OutcomeClass =
  | 'no-op'
  | 'refault'
  | 'warn'
  | 'errno'
  | 'vm-bugged'
  | 'vm-dead'
  | 'private-data-lost'
  | 'guest-ve'
  | 'live-lock'
  | 'lock-leaked';

/** What happens when the sink runs for a VM in a scenario: the contract's `Outcome`. */
export interface Outcome {
  readonly vm: VmType;
  readonly sink: string;
  readonly scenario: string;
  /** What the sink is called for, `[start, end)` in hexadecimal. */
  readonly range: { readonly start: string; readonly end: string };
  readonly classes: readonly OutcomeClass[];
  readonly bugged: boolean;
  readonly dead: boolean;
  /** The KVM_BUG_ON that fires. */
  readonly bugSite?: Site;
  /** Whether leaves of that kind are removed. */
  readonly zapped: { readonly direct: boolean; readonly mirror: boolean; readonly rmap: boolean };
  readonly flushed: boolean;
  readonly returnsEarly: boolean;
  readonly leaked: readonly ('mmu_lock' | 'mmu_invalidate_in_progress')[];
  readonly unmodelled: readonly (Site & { readonly text: string })[];
  /** One sentence each: what the guest and what userspace see. */
  readonly guest: string;
  readonly userspace: string;
  /** What the state holds before the trace; with the changes of each event a view can step forward and back. */
  readonly start: readonly Described[];
  readonly trace: readonly TraceEvent[];
  /** What the state holds after the trace, what has gone from it since its start included. */
  readonly end: readonly Described[];
}

export interface TraceEvent {
  readonly text: string;
  readonly site?: Site;
  /** The action of the scenario that it is of, where that is not the sink. */
  readonly by?: string;
  /** What is not as it was at the event before. */
  readonly changes: readonly Change[];
}
