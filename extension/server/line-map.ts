/**
 * Where the lines of an analysed text stand in the text that an editor shows now. Lines are 0-based. Only the common
 * beginning and end of both texts are compared: one stretch between them counts as edited.
 */
export class LineMap {
  private constructor(
    /** Lines that both texts begin with. */
    private readonly head: number,
    private readonly analysed: number,
    private readonly current: number,
    /** Lines that both texts end with. */
    private readonly tail: number,
  ) {}

  static readonly SAME = new LineMap(Number.MAX_SAFE_INTEGER, 0, 0, 0);

  static between(analysedText: string, currentText: string): LineMap {
    if (analysedText === currentText) return LineMap.SAME;
    const analysed = analysedText.split('\n');
    const current = currentText.split('\n');
    const shorter = Math.min(analysed.length, current.length);
    let head = 0;
    while (head < shorter && analysed[head] === current[head]) head++;
    let tail = 0;
    while (tail < shorter - head && analysed.at(-1 - tail) === current.at(-1 - tail)) tail++;
    return new LineMap(head, analysed.length, current.length, tail);
  }

  /** A line inside the edited stretch keeps its number as far as the stretch reaches. */
  toCurrent(line: number): number {
    if (line < this.head) return line;
    if (line >= this.analysed - this.tail) return Math.min(line + this.current - this.analysed, this.current - 1);
    return Math.max(0, Math.min(line, this.current - this.tail - 1));
  }

  /** `undefined`: the line is new. A stretch that kept its number of lines was edited line by line. */
  toAnalysed(line: number): number | undefined {
    if (line < this.head) return line;
    if (line >= this.current - this.tail) return line + this.analysed - this.current;
    return this.analysed === this.current ? line : undefined;
  }
}
