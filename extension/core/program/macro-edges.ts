import type { Expr, MacroFact } from '../syntax/facts';
import { substituted } from '../syntax/substitute';
import { CallingMacros } from './calling-macros';
import { type BodyUses, type CallUse, usesOfMacro } from './collect';
import type { Dispatches } from './dispatches';
import { type Cell, cells } from './flow';
import { definitionOf } from './functions';
import { siteAt } from './ids';
import type { Located } from './located';
import { isEmpty, isMacroUse, type MacroCalls, MacroReader, type MacroUse } from './macro-calls';
import type { PointerTest } from './pointer-test';
import type { FunctionNode, Site, Via } from './program';
import { type BodyFrame, fieldCell, looksOnly, strip } from './values';
import { functionLikeMacros, functionsMeant, type World } from './world';

/** Where edges go, and who reads a macro's body as part of the body that uses it. */
export interface EdgeReader {
  readonly dispatches: Dispatches;
  readonly pointers: PointerTest;
  edge(caller: FunctionNode, callee: FunctionNode, site: Site, via: Via, when: string | undefined): void;
  body(uses: BodyUses, frame: BodyFrame, at: Site): void;
}

/**
 * Calls through macros: the macro as a node, with the edges of its text, and contracted, as the caller's own. A macro
 * that stores what it is given, calls it, or hands it on is read as part of its user's body besides.
 */
export class MacroEdges {
  private readonly macros: MacroReader;
  /** Which macros may call something. */
  readonly calling: CallingMacros;
  private readonly done = new Set<string>();
  private readonly worth = new Map<MacroFact, boolean>();
  private depth = 0;

  constructor(
    private readonly world: World,
    private readonly reader: EdgeReader,
  ) {
    this.calling = new CallingMacros(world.definitions, world.functions);
    this.macros = new MacroReader(world, this.calling);
  }

  /** A function's body is read next. */
  enter(fn: FunctionNode): void {
    this.macros.instance = fn.instance;
  }

  /** A use of a function-like macro. */
  use(macro: Located<MacroFact>, call: CallUse, frame: BodyFrame, site: Site): void {
    const calls = this.macros.callsOf(macro, call.args, frame.file);
    if (!isEmpty(calls)) this.edges({ macro, calls }, call.args, site, call.when, frame);
  }

  /** A use of an object-like macro. */
  objectLike(name: string, frame: BodyFrame, site: Site, when: string | undefined): void {
    for (const use of this.macros.objectLike(name, frame.file)) this.edges(use, [], site, when, frame);
  }

  private edges(use: MacroUse, args: readonly Expr[], site: Site, when: string | undefined, frame: BodyFrame): void {
    const node = this.world.functions.macroNode(use.macro);
    this.reader.edge(frame.fn, node, site, 'call', when);
    this.own(node, use.macro, use.calls);
    this.contracted(use, args, frame, site, when, new Set());
  }

  /** The macro's own edges, at the place of its definition; only a chain that ends in a function makes nodes. */
  private own(node: FunctionNode, macro: Located<MacroFact>, calls: MacroCalls): void {
    const site = siteAt(macro.file, macro.fact.at, macro.fact.name);
    for (const one of calls.direct) {
      const callee = isMacroUse(one) ? this.world.functions.macroNode(one.macro) : one;
      if (this.first(`${node.id}>${callee.id}`)) this.reader.edge(node, callee, site, 'macro', undefined);
      if (isMacroUse(one)) this.own(callee, one.macro, one.calls);
    }
    for (const slot of calls.slots) this.dispatch(node, cells.field(slot.tag, slot.field), site);
    for (const { field } of calls.members) this.dispatch(node, cells.anyField(field), site);
  }

  private dispatch(node: FunctionNode, cell: Cell, site: Site): void {
    if (this.first(`${node.id}>${cell}`))
      this.reader.dispatches.all.push({ caller: node, cell, site, text: cell.slice(2), when: undefined });
  }

  private first(key: string): boolean {
    if (this.done.has(key)) return false;
    this.done.add(key);
    return true;
  }

  /** The use's calls as the caller's own. `given` is known of the outermost macro only. */
  private contracted(
    { macro, calls }: MacroUse,
    given: readonly Expr[] | undefined,
    frame: BodyFrame,
    site: Site,
    when: string | undefined,
    seen: Set<unknown>,
  ): void {
    const { fn } = frame;
    const { dispatches } = this.reader;
    for (const one of calls.direct) {
      if (seen.has(one)) continue;
      seen.add(one);
      if (isMacroUse(one)) this.contracted(one, undefined, frame, site, when, seen);
      else this.reader.edge(fn, one, site, 'macro', when);
    }
    for (const { field, receiver } of calls.members) {
      const x = given === undefined ? undefined : receiverOf(macro.fact, receiver, given);
      const cell = x === undefined ? cells.anyField(field) : fieldCell(this.world, x, field, frame);
      dispatches.all.push({ caller: fn, cell, site, text: [...receiver, field].join('->'), when });
    }
    for (const { node, args } of calls.passed)
      for (const [i, arg] of args.entries()) {
        const param = definitionOf(node)?.params[i];
        const name = /^&?\s*(\w+)$/.exec(arg)?.[1];
        if (param === undefined || name === undefined || !this.world.functions.has(name)) continue;
        const sources = functionsMeant(this.world, name, fn.file).map((inner) => ({ node: inner }));
        dispatches.flowInto(sources, cells.param(node.id, param.name), site, undefined);
      }
    for (const { tag, field } of calls.slots)
      dispatches.all.push({ caller: fn, cell: cells.field(tag, field), site, text: `${tag}.${field}`, when });
  }

  /** Reads a macro's body as part of its user's, if it does with its arguments what its text alone does not tell. */
  inline(macro: MacroFact, args: readonly Expr[], frame: BodyFrame, site: Site): void {
    if (this.depth === DEEPEST || args.length === 0 || !this.isWorthReading(macro, frame.file)) return;
    if (!args.some((arg) => this.reader.pointers.mayBe(arg, frame))) return;
    this.depth++;
    this.reader.body(usesOfMacro(substituted(macro, args)), frame, site);
    this.depth--;
  }

  /** It stores a parameter, calls it, or gives it to what is no function of KVM, by itself or through another macro. */
  private isWorthReading(macro: MacroFact, from: string): boolean {
    const known = this.worth.get(macro);
    if (known !== undefined) return known;
    this.worth.set(macro, false);
    if (looksOnly(macro.name)) return false;
    const params = new Set(macro.params);
    const isParam = (x: Expr): boolean => {
      const inner = strip(x);
      return inner.k === 'id' && params.has(inner.name);
    };
    const uses = usesOfMacro(macro);
    const isWorth =
      uses.stores.some(({ r }) => isParam(r)) ||
      uses.calls.some(({ fn, args }) => {
        const callee = strip(fn);
        if (callee.k !== 'id') return callee.k === 'call';
        if (params.has(callee.name)) return true;
        if (!args.some(isParam)) return false;
        const inner = functionLikeMacros(this.world, callee.name, from);
        if (inner.length > 0) return inner.some(({ fact }) => this.isWorthReading(fact, from));
        return !looksOnly(callee.name);
      });
    this.worth.set(macro, isWorth);
    return isWorth;
  }
}

const DEEPEST = 6;
/** What a row of fields in a macro's text is of, its first name replaced by the argument that is given for it. */
function receiverOf(macro: MacroFact, row: readonly string[], args: readonly Expr[]): Expr | undefined {
  const [first, ...fields] = row;
  if (first === undefined) return undefined;
  const at = macro.params?.indexOf(first) ?? -1;
  let x: Expr | undefined = at < 0 ? { k: 'id', at: macro.at, name: first } : args[at];
  for (const field of fields) if (x !== undefined) x = { k: 'member', at: x.at, x, field, arrow: true };
  return x;
}
