import type { Site } from '../program/program';
import type { TraceEvent } from './outcome';

/** A value that the model tracks: a boolean, a number, or unknown. */
export type Value = boolean | bigint | undefined;

/**
 * One run of a sink's body: what has happened so far. Copied where an undecided condition splits the run, so that
 * each side has its own.
 */
export class Run {
  readonly trace: TraceEvent[] = [];
  readonly unmodelled: (Site & { text: string })[] = [];
  readonly zapped = { direct: false, mirror: false, rmap: false };
  /** Locks held, innermost last, as written: `kvm->mmu_lock`. */
  readonly locks: string[] = [];
  /** `mmu_invalidate_in_progress` */
  invalidating = 0;
  invalidated = false;
  flushed = false;
  bugged = false;
  dead = false;
  warned = false;
  bugSite: Site | undefined;
  returnsEarly = false;
  undecided: string[] = [];

  copy(): Run {
    const other = new Run();
    other.trace.push(...this.trace);
    other.unmodelled.push(...this.unmodelled);
    Object.assign(other.zapped, this.zapped);
    other.locks.push(...this.locks);
    other.invalidating = this.invalidating;
    other.invalidated = this.invalidated;
    other.flushed = this.flushed;
    other.bugged = this.bugged;
    other.dead = this.dead;
    other.warned = this.warned;
    other.bugSite = this.bugSite;
    other.returnsEarly = this.returnsEarly;
    other.undecided = [...this.undecided];
    return other;
  }

  event(text: string, site?: Site): void {
    this.trace.push(site === undefined ? { text } : { text, site });
  }

  get effect(): boolean {
    return this.zapped.direct || this.zapped.mirror || this.zapped.rmap;
  }

  /**
   * How bad a run is, for choosing among the runs that undecided conditions leave open: a leaked lock hangs the host,
   * then lost private memory, then a dead VM, then a mere warning, then any zap.
   */
  get badness(): number {
    const leaked = this.invalidating > 0 || this.locks.some((lock) => lock.includes('mmu_lock'));
    return (
      (leaked ? 32 : 0) +
      (this.zapped.mirror ? 16 : 0) +
      (this.bugged || this.dead ? 8 : 0) +
      (this.warned ? 1 : 0) +
      (this.effect ? 4 : 0)
    );
  }
}
