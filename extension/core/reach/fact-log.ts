/** The facts that an execution has read, in order: what was read since some point is what a condition or a value rests on. */
export class FactLog {
  private readonly ids: string[] = [];

  add(id: string): void {
    this.ids.push(id);
  }

  addAll(ids: readonly string[] | undefined): void {
    if (ids !== undefined) this.ids.push(...ids);
  }

  /** A point to ask from. */
  now(): number {
    return this.ids.length;
  }

  /** Each once, sorted; `undefined`: none. */
  since(point: number): readonly string[] | undefined {
    return this.ids.length === point ? undefined : [...new Set(this.ids.slice(point))].sort();
  }
}
