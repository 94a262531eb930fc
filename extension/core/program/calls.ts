import type { Expr, FunctionFact, MacroFact } from '../syntax/facts';
import { type CallUse, usesOf } from './collect';
import { exprText } from '../syntax/expr-text';
import { type Cell, cells, Flow, type Value } from './flow';
import { definitionOf } from './functions';
import { siteAt, vendorOfFile } from './ids';
import type { Located } from './located';
import { isEmpty, isMacroUse, type MacroCalls, MacroReader, type MacroUse } from './macro-calls';
import type { Edge, FunctionNode, Site, Unresolved, Via } from './program';
import { classFunctions } from '../syntax/guard-classes';
import { Meanings } from './meanings';
import { PointerTest } from './pointer-test';
import { bothWhen, type PlainEntry, readTables, readValue, seed } from './tables';
import { localAt } from './types';
import { fieldCell, type Frame, localCell, preferActive, type Source, sourcesOf } from './values';
import { functionsMeant, type World } from './world';

/** Functions that run the function given to them before they return: an edge from the caller, not an entry point. */
const CALLS_ITS_ARGUMENT =
  /^(?:smp_call_function\w*|smp_call_on_cpu|on_each_cpu\w*|work_on_cpu\w*|stop_machine\w*|sort|sort_r|bsearch|list_sort|rdmsr\w*_on_cpu|tdx_\w*_on_each_\w+)$/;

/** A function whose address leaves KVM through a call of something that is not in the files read. */
export interface Escape {
  readonly to: string;
  readonly node: FunctionNode;
  readonly site: Site;
}

export interface CallGraph {
  readonly edges: Edge[];
  readonly unresolved: Unresolved[];
  readonly escapes: readonly Escape[];
  readonly plain: readonly PlainEntry[];
  readonly flow: Flow;
  /** Cells that something is called through. */
  readonly dispatched: ReadonlySet<Cell>;
}

/** The body that is read. */
interface BodyFrame extends Frame {
  readonly fn: FunctionNode;
}

interface Dispatch {
  readonly caller: FunctionNode;
  readonly cell: Cell;
  readonly site: Site;
  readonly text: string;
  readonly when: string | undefined;
}

export function readCalls(world: World): CallGraph {
  const reader = new CallReader(world);
  readTables(reader);
  for (const node of [...world.functions.nodes.values()]) {
    const fact = definitionOf(node);
    if (fact !== undefined) reader.read(node, fact);
  }
  return reader.finish();
}

class CallReader {
  readonly flow = new Flow();
  readonly plain: PlainEntry[] = [];
  private readonly edges: Edge[] = [];
  private readonly unresolved: Unresolved[] = [];
  private readonly escapes: Escape[] = [];
  private readonly dispatches: Dispatch[] = [];
  private readonly macros: MacroReader;
  private readonly pointers: PointerTest;
  private readonly meanings: Meanings;
  /** For a local pointer that no function was seen to go into: the call that its value comes from. */
  private readonly origins = new Map<Cell, string>();
  private readonly doneMacros = new Set<string>();

  constructor(readonly world: World) {
    this.macros = new MacroReader(world);
    this.pointers = new PointerTest(world);
    this.meanings = new Meanings(world);
  }

  read(fn: FunctionNode, fact: FunctionFact): void {
    const uses = usesOf(fact);
    this.macros.instance = fn.instance;
    const frame = { file: fn.file, locals: uses.locals, fn, uses };
    for (const call of uses.calls) this.call(call, frame);
    for (const store of uses.stores) this.store(store.l, store.r, store.when, frame);
    for (const init of uses.inits) {
      const own = init.variable === undefined ? undefined : localCell(init.variable, init.init.at, frame);
      const place = { cell: own ?? cells.local(fn.id, '{}'), label: init.variable ?? '', when: init.when };
      readValue(this, init.type, init.init, frame, place);
    }
    if (this.world.types.isFunctionPointer(fact.returns))
      for (const x of uses.returns)
        this.flowInto(sourcesOf(this.world, x, frame), cells.result(fn.id), siteAt(fn.file, x.at, fn.name), undefined);
    for (const { x, when } of uses.names)
      for (const use of this.macros.objectLike(x.name, fn.file))
        this.macroUse(use, [], siteAt(fn.file, x.at, fn.name), when, frame);
    for (const use of uses.classes) {
      const site = siteAt(fn.file, use.at, fn.name);
      for (const name of classFunctions(use.kind, use.name))
        for (const callee of functionsMeant(this.world, name, fn.file)) this.edge(fn, callee, site, 'macro', use.when);
    }
  }

  finish(): CallGraph {
    this.joinUnknownReceivers();
    this.flow.solve();
    for (const dispatch of this.dispatches) this.resolve(dispatch);
    return {
      edges: this.edges,
      unresolved: this.unresolved,
      escapes: this.escapes,
      plain: this.plain,
      flow: this.flow,
      dispatched: new Set(this.dispatches.map((one) => one.cell)),
    };
  }

  private call(call: CallUse, frame: BodyFrame): void {
    const site = siteAt(frame.file, call.at, frame.fn.name);
    const callee = strip(call.fn);
    switch (callee.k) {
      case 'id':
        this.namedCall(callee.name, call, frame, site);
        return;
      case 'call': {
        const slot = this.world.staticCalls.slotOf(this.world, callee, frame.file);
        if (slot !== undefined) {
          const use = callee.fn.k === 'id' ? callee.fn.at : call.at;
          this.dispatch(
            frame.fn,
            cells.field(slot.tag, slot.field),
            siteAt(frame.file, use, frame.fn.name),
            exprText(callee),
            call,
            frame,
          );
          return;
        }
        this.throughSources(callee, call, frame, site);
        return;
      }
      case 'member':
        this.dispatch(
          frame.fn,
          fieldCell(this.world, callee.x, callee.field, frame),
          site,
          exprText(callee),
          call,
          frame,
        );
        return;
      default:
        this.throughSources(callee, call, frame, site);
    }
  }

  private namedCall(name: string, call: CallUse, frame: BodyFrame, site: Site): void {
    const local = localAt(frame.uses?.locals.get(name), call.at);
    const cell = local === undefined ? undefined : localCell(name, call.at, frame);
    const meaning = this.meanings.of(name, frame.file);
    // A variable that cannot be called shares its name with a macro: `min(min, x)`.
    if (
      cell !== undefined &&
      local !== undefined &&
      (meaning.macros.length === 0 || this.world.types.isFunctionPointer(local.type))
    )
      this.dispatch(frame.fn, cell, site, name, call, frame);
    else if (meaning.isSlotName) return;
    else if (meaning.functions.length > 0) this.directCall(meaning.functions, call, frame, site);
    else if (meaning.macros.length > 0) this.macroCall(meaning.macros, call, frame, site);
    else this.outsideCall(name, call, frame, site);
  }

  /** An inactive definition gets an edge too, which says so; only active ones are passed arguments. */
  private directCall(nodes: readonly FunctionNode[], call: CallUse, frame: BodyFrame, site: Site): void {
    const live = preferActive(nodes);
    for (const callee of nodes) {
      const isOff = !live.includes(callee);
      this.edge(frame.fn, callee, site, 'call', isOff ? bothWhen(call.when, callee.when) : call.when);
      if (!isOff) this.passArguments(callee, call.args, frame, site);
    }
  }

  private passArguments(callee: FunctionNode, args: readonly Expr[], frame: BodyFrame, site: Site): void {
    for (const [i, param] of this.pointers.parameters(callee)) {
      const arg = args[i];
      if (arg === undefined || !this.pointers.mayBe(arg, frame)) continue;
      const sources = sourcesOf(this.world, arg, frame);
      const cell = cells.param(callee.id, param.name);
      this.flowInto(sources, cell, site, undefined);
      // A table of functions that the callee fills: what it stores is in the caller's table.
      if (/\(\*\s*(?:\*|\[)/.test(param.type))
        for (const source of sources) if ('cell' in source) this.flow.link(cell, source.cell);
    }
  }

  private macroCall(macros: readonly Located<MacroFact>[], call: CallUse, frame: BodyFrame, site: Site): void {
    const args = call.args.map((arg) => (arg.k === 'call' || arg.k === 'block' ? '' : exprText(arg)));
    const isVocabulary = macros.some((one) => ESCAPES.test(one.fact.name));
    if (isVocabulary) this.escape(macros[0]?.fact.name ?? '', call, frame, site);
    for (const macro of macros) {
      const calls = this.macros.callsOf(macro, args, frame.file);
      if (!isEmpty(calls)) this.macroUse({ macro, calls }, call.args, site, call.when, frame);
    }
  }

  private macroUse(use: MacroUse, args: readonly Expr[], site: Site, when: string | undefined, frame: BodyFrame): void {
    const node = this.world.functions.macroNode(use.macro);
    this.edge(frame.fn, node, site, 'call', when);
    this.fromMacro(node, use.macro, use.calls);
    this.contracted(use, args, frame, site, when, new Set());
  }

  /** The macro's own edges, at the place of its definition; only a chain that ends in a function makes nodes. */
  private fromMacro(node: FunctionNode, macro: Located<MacroFact>, calls: MacroCalls): void {
    const site = siteAt(macro.file, macro.fact.at, macro.fact.name);
    for (const one of calls.direct) {
      const callee = isMacroUse(one) ? this.world.functions.macroNode(one.macro) : one;
      const key = `${node.id}>${callee.id}`;
      if (!this.doneMacros.has(key)) {
        this.doneMacros.add(key);
        this.edge(node, callee, site, 'macro', undefined);
      }
      if (isMacroUse(one)) this.fromMacro(callee, one.macro, one.calls);
    }
    for (const slot of calls.slots) this.macroDispatch(node, cells.field(slot.tag, slot.field), site);
    for (const { field } of calls.members) this.macroDispatch(node, cells.anyField(field), site);
  }

  private macroDispatch(node: FunctionNode, cell: Cell, site: Site): void {
    const key = `${node.id}>${cell}`;
    if (this.doneMacros.has(key)) return;
    this.doneMacros.add(key);
    this.dispatches.push({ caller: node, cell, site, text: cell.slice(2), when: undefined });
  }

  /** The use's calls as the caller's own. `args` are known of the outermost macro only. */
  private contracted(
    { macro, calls }: MacroUse,
    given: readonly Expr[] | undefined,
    frame: BodyFrame,
    site: Site,
    when: string | undefined,
    seen: Set<unknown>,
  ): void {
    const { fn } = frame;
    for (const one of calls.direct) {
      if (seen.has(one)) continue;
      seen.add(one);
      if (isMacroUse(one)) this.contracted(one, undefined, frame, site, when, seen);
      else this.edge(fn, one, site, 'macro', when);
    }
    for (const { field, receiver } of calls.members) {
      const x = given === undefined ? undefined : receiverOf(macro.fact, receiver, given);
      const cell = x === undefined ? cells.anyField(field) : fieldCell(this.world, x, field, frame);
      this.dispatches.push({ caller: fn, cell, site, text: [...receiver, field].join('->'), when });
    }
    for (const { node, args } of calls.passed)
      for (const [i, arg] of args.entries()) {
        const param = definitionOf(node)?.params[i];
        const name = /^&?\s*(\w+)$/.exec(arg)?.[1];
        if (param === undefined || name === undefined || !this.world.functions.has(name)) continue;
        const sources = functionsMeant(this.world, name, fn.file).map((inner) => ({ node: inner }));
        this.flowInto(sources, cells.param(node.id, param.name), site, undefined);
      }
    for (const slot of calls.slots)
      this.dispatches.push({
        caller: fn,
        cell: cells.field(slot.tag, slot.field),
        site,
        text: `${slot.tag}.${slot.field}`,
        when,
      });
  }

  /** A callee that no file defines: functions given to it are run by it now, or leave KVM. */
  private outsideCall(name: string, call: CallUse, frame: BodyFrame, site: Site): void {
    const variable = this.world.types.variable(name, frame.file);
    if (variable !== undefined) {
      this.dispatch(frame.fn, cells.variable(variable.file, name), site, name, call, frame);
      return;
    }
    if (CALLS_ITS_ARGUMENT.test(name)) {
      for (const arg of call.args)
        if (this.pointers.mayBe(arg, frame))
          for (const source of sourcesOf(this.world, arg, frame))
            if ('node' in source) this.edge(frame.fn, source.node, site, 'argument', call.when, name);
      return;
    }
    this.escape(name, call, frame, site);
  }

  private escape(name: string, call: CallUse, frame: BodyFrame, site: Site): void {
    for (const arg of call.args)
      if (this.pointers.mayBe(arg, frame))
        for (const source of sourcesOf(this.world, arg, frame))
          if ('node' in source) this.escapes.push({ to: name, node: source.node, site });
  }

  private throughSources(callee: Expr, call: CallUse, frame: BodyFrame, site: Site): void {
    const sources = sourcesOf(this.world, callee, frame);
    for (const source of sources) {
      if ('cell' in source) this.dispatch(frame.fn, source.cell, site, exprText(callee), call, frame);
      else this.edge(frame.fn, source.node, site, 'call', bothWhen(call.when, source.when));
    }
    if (sources.length === 0)
      this.unresolved.push({ site, text: exprText(callee), why: 'the called expression is not understood' });
  }

  /** `frame` absent: arguments are passed when the targets are known, so those that are functions need it. */
  private dispatch(fn: FunctionNode, cell: Cell, site: Site, text: string, call: CallUse, frame?: Frame): void {
    this.dispatches.push({ caller: fn, cell, site, text, when: call.when });
    if (frame === undefined) return;
    for (const arg of call.args)
      if (this.pointers.mayBe(arg, frame))
        this.late.push({ cell, index: call.args.indexOf(arg), sources: sourcesOf(this.world, arg, frame), site });
  }
  private readonly late: { cell: Cell; index: number; sources: Source[]; site: Site }[] = [];

  private store(l: Expr, r: Expr, when: string | undefined, frame: BodyFrame): void {
    if (!this.pointers.mayBe(r, frame)) {
      if (l.k === 'id' && r.k === 'call' && this.pointers.mayBe(l, frame))
        this.origins.set(localCell(l.name, l.at, frame) ?? '', exprText(r));
      return;
    }
    const place = strip(l);
    const target = sourcesOf(this.world, place, frame).find((source) => 'cell' in source);
    if (target === undefined) return;
    const sources = sourcesOf(this.world, r, frame);
    const at = place.k === 'member' || place.k === 'id' ? place.at : l.at;
    this.flowInto(sources, target.cell, siteAt(frame.fn.file, at, frame.fn.name), when);
  }

  private flowInto(sources: readonly Source[], cell: Cell, site: Site, when: string | undefined): void {
    for (const source of sources) {
      if ('cell' in source) this.flow.link(source.cell, cell);
      else seed(this.flow, cell, source.node, site, bothWhen(when, source.when), true);
    }
  }

  private joinUnknownReceivers(): void {
    const named = this.flow.cells();
    const called = new Set(this.dispatches.map((one) => one.cell));
    for (const cell of new Set([...named, ...called])) {
      if (cell[0] !== 'f') continue;
      const any = cells.anyField(cell.slice(cell.lastIndexOf('.') + 1));
      if (called.has(any)) this.flow.link(cell, any);
      if (named.includes(any) && called.has(cell)) this.flow.link(any, cell);
    }
    this.flow.solve();
    this.passLate();
  }

  /** Functions that are arguments of an indirect call arrive at the parameters of its targets, which may open new targets. */
  private passLate(): void {
    const done = new Set<string>();
    for (let round = 0; round < 4; round++) {
      const before = done.size;
      for (const [n, { cell, index, sources, site }] of this.late.entries())
        for (const value of this.flow.at(cell)) {
          const key = `${n}|${value.fn}`;
          const node = this.world.functions.nodes.get(value.fn);
          if (done.has(key) || node === undefined) continue;
          done.add(key);
          const param = definitionOf(node)?.params[index];
          if (param !== undefined) this.flowInto(sources, cells.param(node.id, param.name), site, undefined);
        }
      this.flow.solve();
      if (done.size === before) return;
    }
  }

  private resolve(dispatch: Dispatch): void {
    const { caller, cell, site, text } = dispatch;
    const values = this.flow.at(cell);
    const before = this.edges.length;
    for (const value of values) this.resolved(dispatch, value);
    if (values.length > 0 && this.edges.length === before)
      this.unresolved.push({ site, text, why: `only the other vendor's module fills ${cell.slice(2)}` });
    if (values.length === 0) this.unresolved.push({ site, text, why: whyEmpty(cell, caller, this.origins.get(cell)) });
  }

  private resolved({ caller, site, when }: Dispatch, value: Value): void {
    const callee = this.world.functions.nodes.get(value.fn);
    if (callee === undefined) return;
    // One host runs one vendor module: svm code never dispatches to what vmx code registered.
    const own = vendorOfFile(caller.file);
    if (own !== undefined && value.vendor !== undefined && own !== value.vendor) return;
    this.edge(caller, callee, site, value.via, bothWhen(when, value.when), value.slot, value.vendor);
  }

  private edge(
    caller: FunctionNode,
    callee: FunctionNode,
    site: Site,
    via: Via,
    when: string | undefined,
    slot?: string,
    vendor?: Edge['vendor'],
  ): void {
    this.edges.push({
      caller: caller.name,
      callee: callee.name,
      callerId: caller.id,
      calleeId: callee.id,
      site,
      via,
      ...(slot === undefined ? {} : { slot }),
      ...(vendor === undefined ? {} : { vendor }),
      ...(when === undefined ? {} : { when }),
    });
  }
}

/** Registrations that a loaded header may define as a macro, but that mean "call this later". */
export const ESCAPES =
  /^(?:INIT_\w*WORK\w*|DECLARE_\w*WORK|kthread_init_\w*work|init_\w*|timer_setup\w*|hrtimer_\w+|call_s?rcu\w*)$/;

/** What a row of fields in a macro's text is of, its first name replaced by the argument that is given for it. */
function receiverOf(macro: MacroFact, row: readonly string[], args: readonly Expr[]): Expr | undefined {
  const [first, ...fields] = row;
  if (first === undefined) return undefined;
  const at = macro.params?.indexOf(first) ?? -1;
  let x: Expr | undefined = at < 0 ? { k: 'id', at: macro.at, name: first } : args[at];
  for (const field of fields) if (x !== undefined) x = { k: 'member', at: x.at, x, field, arrow: true };
  return x;
}

function strip(x: Expr): Expr {
  let inner = x;
  while ((inner.k === 'unary' && (inner.op === '*' || inner.op === '&')) || inner.k === 'cast') inner = inner.x;
  return inner;
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
