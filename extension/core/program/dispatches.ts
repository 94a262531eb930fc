import { type Cell, cells, type Flow, type Value } from './flow';
import { definitionOf } from './functions';
import { vendorOfFile } from './ids';
import type { FunctionNode, Site, Unresolved } from './program';
import { bothWhen, seed } from './tables';
import type { Source } from './values';
import type { World } from './world';

/** A call through a cell. */
export interface Dispatch {
  readonly caller: FunctionNode;
  readonly cell: Cell;
  readonly site: Site;
  readonly text: string;
  readonly when: string | undefined;
}

/** An argument of a call through a cell. */
export interface LateArgument {
  readonly cell: Cell;
  readonly index: number;
  readonly sources: readonly Source[];
  readonly site: Site;
}

/** A function whose address leaves KVM through a call of something that is not in the files read. */
export interface Escape {
  readonly to: string;
  readonly node: FunctionNode;
  readonly site: Site;
}

/** A cell whose functions leave KVM. */
export interface CellEscape {
  readonly to: string;
  readonly cell: Cell;
  readonly site: Site;
}

/** Calls through cells, gathered while bodies are read, and resolved once all that flows into the cells is known. */
export class Dispatches {
  readonly all: Dispatch[] = [];
  readonly arguments: LateArgument[] = [];
  readonly escapes: CellEscape[] = [];
  /** Cells whose functions' values are used: what `ops->pick(a)` gives, in a cell of its own. */
  readonly results = new Map<Cell, Cell>();
  /** For a local pointer that no function was seen to go into: the call that its value comes from. */
  readonly origins = new Map<Cell, string>();

  constructor(
    private readonly world: World,
    private readonly flow: Flow,
  ) {}

  flowInto(sources: readonly Source[], cell: Cell, site: Site, when: string | undefined): void {
    for (const source of sources) {
      if ('cell' in source) this.flow.link(source.cell, cell);
      else seed(this.flow, cell, source.node, site, bothWhen(when, source.when), true);
    }
  }

  /** The cell of what the functions in `cell` return. */
  resultOf(cell: Cell): Cell {
    let result = this.results.get(cell);
    if (result === undefined) {
      result = cells.result(cell);
      this.results.set(cell, result);
    }
    return result;
  }

  /** @param add takes each edge that a dispatch makes */
  resolve(add: (dispatch: Dispatch, value: Value, callee: FunctionNode) => void): Unresolved[] {
    this.joinUnknownReceivers();
    const unresolved: Unresolved[] = [];
    for (const dispatch of this.all) {
      const { caller, cell, site, text } = dispatch;
      const values = this.flow.at(cell);
      let made = 0;
      for (const value of values) {
        const callee = this.world.functions.nodes.get(value.fn);
        if (callee === undefined || !mayCall(caller, value)) continue;
        add(dispatch, value, callee);
        made++;
      }
      if (values.length === 0) unresolved.push({ site, text, why: whyEmpty(cell, caller, this.origins.get(cell)) });
      else if (made === 0)
        unresolved.push({ site, text, why: `only the other vendor's module fills ${cell.slice(2)}` });
    }
    return unresolved;
  }

  /** The functions in cells that leave KVM. */
  escaped(): Escape[] {
    return this.escapes.flatMap(({ to, cell, site }) =>
      this.flow.at(cell).flatMap((value) => {
        const node = this.world.functions.nodes.get(value.fn);
        return node === undefined ? [] : [{ to, node, site }];
      }),
    );
  }

  private joinUnknownReceivers(): void {
    const named = new Set(this.flow.cells());
    const called = new Set(this.all.map((one) => one.cell));
    for (const cell of new Set([...named, ...called])) {
      if (cell[0] !== 'f') continue;
      const any = cells.anyField(cell.slice(cell.lastIndexOf('.') + 1));
      if (called.has(any)) this.flow.link(cell, any);
      if (named.has(any) && called.has(cell)) this.flow.link(any, cell);
    }
    this.flow.solve();
    this.passLate();
  }

  /**
   * Functions that are arguments of an indirect call arrive at the parameters of its targets, and what its targets
   * return where its value is used: either may open new targets.
   */
  private passLate(): void {
    const done = new Set<string>();
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const before = done.size;
      const once = (key: string, pass: () => void): void => {
        if (done.has(key)) return;
        done.add(key);
        pass();
      };
      for (const [n, { cell, index, sources, site }] of this.arguments.entries())
        for (const value of this.flow.at(cell)) {
          const param = definitionOf(this.world.functions.nodes.get(value.fn))?.params[index];
          if (param !== undefined)
            once(`${n}|${value.fn}`, () => {
              this.flowInto(sources, cells.param(value.fn, param.name), site, undefined);
            });
        }
      for (const [cell, result] of this.results)
        for (const value of this.flow.at(cell))
          once(`${cell}|${value.fn}`, () => {
            this.flow.link(cells.result(value.fn), result);
          });
      this.flow.solve();
      if (done.size === before) return;
    }
  }
}

/** Calls that only what another call was given or gives makes known, one behind the other. */
const MOST_ROUNDS = 6;

/** One host runs one vendor module: svm code never dispatches to what vmx code registered. */
function mayCall(caller: FunctionNode, value: Value): boolean {
  const own = vendorOfFile(caller.file);
  return own === undefined || value.vendor === undefined || own === value.vendor;
}

function whyEmpty(cell: Cell, caller: FunctionNode, origin: string | undefined): string {
  if (origin !== undefined) return `the pointer comes from ${origin}, outside the files read`;
  switch (cell[0]) {
    case 'f':
      return `nothing in the files read is stored in ${cell.slice(2)}`;
    case '*':
      return `the type of the receiver is not known, and nothing is stored in a field ${cell.slice(2)}`;
    case 'p':
      return `no caller of ${caller.name}() in the files read passes a function as ${cell.slice(cell.lastIndexOf(':') + 1)}`;
    case 'v':
      return `nothing in the files read is stored in ${cell.slice(cell.lastIndexOf(':') + 1)}`;
    default:
      return 'where the pointer comes from is not known';
  }
}
