import type { FunctionId } from '../program/program';
import type { Context, Step, Walk } from './contexts';
import { canTake, entryOf, isNamed, renamed } from './entries';
import type { Entry } from './verdict';

/** A way through the contexts: the steps taken, from the context of an entry point on. */
export interface Way {
  readonly entry: Entry;
  readonly first: Context;
  readonly steps: readonly Step[];
  readonly cost: number;
}

/** What a condition costs, an edge, and an indirect edge on top: conditions are avoided first, then length. */
const CONDITION = 1e9;
const EDGE = 1000;
const INDIRECT = 1;

interface Arrival {
  readonly cost: number;
  readonly from?: { readonly context: Context; readonly step: Step };
}

/** Cheapest ways from the entry points to every context and from every context to a sink. */
export class ContextGraph {
  private readonly forward = new Map<Context, Arrival>();
  private readonly backward = new Map<Context, { readonly cost: number; readonly step?: Step }>();
  private readonly entering = new Map<Context, Map<string, Entry>>();

  constructor(
    private readonly walk: Walk,
    private readonly sinks: ReadonlySet<FunctionId>,
  ) {
    this.goForward();
    this.goBackward();
    this.nameEntries();
  }

  reached(context: Context): boolean {
    return this.forward.has(context);
  }

  /** Reached, and able to reach a sink. */
  isOpen(context: Context): boolean {
    return this.forward.has(context) && this.backward.has(context);
  }

  /** Open without any condition. */
  isFree(context: Context): boolean {
    return (this.forward.get(context)?.cost ?? Infinity) + (this.backward.get(context)?.cost ?? Infinity) < CONDITION;
  }

  stepIsOpen(context: Context, step: Step): boolean {
    return this.forward.has(context) && this.backward.has(step.to);
  }

  stepIsFree(context: Context, step: Step): boolean {
    const cost =
      (this.forward.get(context)?.cost ?? Infinity) + costOf(step) + (this.backward.get(step.to)?.cost ?? Infinity);
    return cost < CONDITION;
  }

  /** The entry points from which a context is reached; one without a name so far has those that lie ahead. */
  entries(context: Context): readonly Entry[] {
    const entries = [...(this.entering.get(context)?.values() ?? [])];
    const named = entries.flatMap((entry) => (isNamed(entry) ? [entry] : this.namesAhead(context, entry)));
    const leading = named.filter((entry) => !isNamed(entry) || this.leadsOn(context, entry));
    return leading.length > 0 ? leading : named;
  }

  /** The cheapest way from an entry point through `context` to a sink. */
  wayThrough(context: Context): Way | undefined {
    const ahead = this.backward.get(context);
    const behind = this.forward.get(context);
    if (ahead === undefined || behind === undefined) return undefined;
    const steps: Step[] = [];
    let first = context;
    for (let at = behind; at.from !== undefined; at = this.forward.get(at.from.context) ?? { cost: 0 }) {
      steps.unshift(at.from.step);
      first = at.from.context;
    }
    for (let at = ahead; at.step !== undefined; at = this.backward.get(at.step.to) ?? { cost: 0 }) steps.push(at.step);
    const root = this.walk.roots.find((each) => each.context === first);
    if (root === undefined) return undefined;
    const entry = steps.reduce(
      (each, step) => renamed(each, step, this.walk.dispatched)[0] ?? each,
      entryOf(root.entry),
    );
    return { entry, first, steps, cost: ahead.cost + behind.cost };
  }

  /** Whether an open way that goes on from here can be one of this entry. */
  private leadsOn(context: Context, entry: Entry): boolean {
    const open = context.steps.filter((step) => this.stepIsOpen(context, step));
    return open.length === 0 || open.some((step) => canTake(entry, step));
  }

  private namesAhead(context: Context, entry: Entry): Entry[] {
    const isOpen = this.isOpen(context);
    const found: Entry[] = [];
    const names = new Map<Context, Set<string>>();
    const open = [{ context, entry }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const here = names.get(next.context) ?? new Set();
      names.set(next.context, here);
      if (here.has(next.entry.name)) continue;
      here.add(next.entry.name);
      if (isNamed(next.entry) && !this.leadsOn(next.context, next.entry)) continue;
      if (isNamed(next.entry) || this.sinks.has(next.context.node.id)) found.push(next.entry);
      else
        for (const step of next.context.steps)
          if (!isOpen || this.stepIsOpen(next.context, step))
            for (const each of renamed(next.entry, step, this.walk.dispatched))
              open.push({ context: step.to, entry: each });
    }
    return found.length > 0 ? found : [entry];
  }

  private goForward(): void {
    const queue = new Queue<Context>();
    for (const { context } of this.walk.roots) {
      this.forward.set(context, { cost: 0 });
      queue.push(context, 0);
    }
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const here = this.forward.get(next.item);
      if (here === undefined || here.cost < next.cost) continue;
      for (const step of next.item.steps) {
        const cost = here.cost + costOf(step);
        if (cost >= (this.forward.get(step.to)?.cost ?? Infinity)) continue;
        this.forward.set(step.to, { cost, from: { context: next.item, step } });
        queue.push(step.to, cost);
      }
    }
  }

  private goBackward(): void {
    const into = new Map<Context, { context: Context; step: Step }[]>();
    const queue = new Queue<Context>();
    for (const list of this.walk.contexts.values()) {
      for (const context of list) {
        if (this.sinks.has(context.node.id)) {
          this.backward.set(context, { cost: 0 });
          queue.push(context, 0);
        }
        for (const step of context.steps) {
          const before = into.get(step.to);
          if (before === undefined) into.set(step.to, [{ context, step }]);
          else before.push({ context, step });
        }
      }
    }
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const here = this.backward.get(next.item);
      if (here === undefined || here.cost < next.cost) continue;
      for (const { context, step } of into.get(next.item) ?? []) {
        const cost = here.cost + costOf(step);
        if (cost >= (this.backward.get(context)?.cost ?? Infinity)) continue;
        this.backward.set(context, { cost, step });
        queue.push(context, cost);
      }
    }
  }

  private nameEntries(): void {
    const open: { context: Context; entry: Entry }[] = [];
    const arrive = (context: Context, entry: Entry): void => {
      const key = `${entry.kind} ${entry.name}`;
      const names = this.entering.get(context) ?? new Map<string, Entry>();
      this.entering.set(context, names);
      if (names.has(key)) return;
      names.set(key, entry);
      open.push({ context, entry });
    };
    for (const { entry, context } of this.walk.roots) arrive(context, entryOf(entry));
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const step of next.context.steps)
        for (const entry of renamed(next.entry, step, this.walk.dispatched)) arrive(step.to, entry);
    }
  }
}

function costOf(step: Step): number {
  const { via } = step.edge;
  return EDGE + (via === 'call' || via === 'macro' ? 0 : INDIRECT) + (step.conditions.length > 0 ? CONDITION : 0);
}

/** A binary heap by cost; equal costs in the order of arrival, so that results do not depend on chance. */
export class Queue<Item> {
  private readonly heap: { readonly item: Item; readonly cost: number; readonly order: number }[] = [];
  private count = 0;

  push(item: Item, cost: number): void {
    const { heap } = this;
    heap.push({ item, cost, order: this.count++ });
    for (let i = heap.length - 1; i > 0;) {
      const parent = (i - 1) >> 1;
      if (!this.before(i, parent)) break;
      this.swap(i, parent);
      i = parent;
    }
  }

  pop(): { item: Item; cost: number } | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    heap[0] = last;
    for (let i = 0; ;) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) if (child < heap.length && this.before(child, least)) least = child;
      if (least === i) break;
      this.swap(i, least);
      i = least;
    }
    return first;
  }

  private before(a: number, b: number): boolean {
    const x = this.heap[a];
    const y = this.heap[b];
    if (x === undefined || y === undefined) return false;
    return x.cost !== y.cost ? x.cost < y.cost : x.order < y.order;
  }

  private swap(a: number, b: number): void {
    const x = this.heap[a];
    const y = this.heap[b];
    if (x === undefined || y === undefined) return;
    this.heap[a] = y;
    this.heap[b] = x;
  }
}
