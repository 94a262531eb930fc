import type { Expr, FunctionFact } from '../syntax/facts';
import { exprText } from '../syntax/expr-text';
import { classFunctions } from '../syntax/guard-classes';
import { type BodyUses, type CallUse, type NameUse, type StoreUse, usesOf } from './collect';
import { Dispatches, type Escape } from './dispatches';
import { type Cell, cells, Flow } from './flow';
import { definitionOf } from './functions';
import { siteAt } from './ids';
import { MacroEdges } from './macro-edges';
import { type Meaning, Meanings } from './meanings';
import type { Mutable } from './mutable';
import { PointerTest } from './pointer-test';
import type { Edge, FunctionNode, Site, Unresolved, Via } from './program';
import { bothWhen, type PlainEntry, readTables, readValue } from './tables';
import { localAt } from './types';
import { type BodyFrame, cellOfLocal, fieldCell, localCell, looksOnly, type Source, sourcesOf, strip } from './values';
import { functionsMeant, inForce, type World } from './world';

/** Functions that run the function given to them before they return: an edge from the caller, not an entry point. */
const CALLS_ITS_ARGUMENT =
  /^(?:smp_call_function\w*|smp_call_on_cpu|on_each_cpu\w*|work_on_cpu\w*|stop_machine\w*|stop_one_cpu\w*|sort(?:_r)?(?:_nonatomic)?|bsearch|list_sort|rdmsr\w*_on_cpu|tdx_\w*_on_each_\w+)$/;

export interface CallGraph {
  readonly edges: Edge[];
  readonly unresolved: Unresolved[];
  readonly escapes: readonly Escape[];
  readonly plain: readonly PlainEntry[];
  readonly flow: Flow;
  /** Cells that something is called through. */
  readonly dispatched: ReadonlySet<Cell>;
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

/**
 * Reads bodies: what they call, and where they put pointers to functions. This is done once, before V8 has compiled
 * much of it: what is met at each call is looped over by index (an iterator takes longer than most calls do), and what
 * depends on a name alone is asked of `Meanings`.
 */
class CallReader {
  readonly flow = new Flow();
  readonly plain: PlainEntry[] = [];
  readonly dispatches: Dispatches;
  readonly pointers: PointerTest;
  private readonly edges: Edge[] = [];
  private readonly unresolved: Unresolved[] = [];
  private readonly escapes: Escape[] = [];
  private readonly macros: MacroEdges;
  private readonly meanings: Meanings;

  constructor(readonly world: World) {
    this.dispatches = new Dispatches(world, this.flow);
    this.macros = new MacroEdges(world, this);
    this.pointers = new PointerTest(world, this.flow);
    this.meanings = new Meanings(world, this.pointers, this.macros.calling);
  }

  read(fn: FunctionNode, fact: FunctionFact): void {
    const uses = usesOf(fact);
    const frame: BodyFrame = { file: fn.file, locals: uses.locals, fn, uses };
    this.macros.enter(fn);
    this.body(uses, frame);
    if (uses.returns.length > 0 && this.world.types.isFunctionPointer(fact.returns))
      for (const x of uses.returns)
        this.dispatches.flowInto(
          sourcesOf(this.world, x, frame),
          cells.result(fn.id),
          siteAt(fn.file, x.at, fn.name),
          undefined,
        );
    this.names(uses.names, frame);
    if (uses.operands.length > 0 || uses.classes.length > 0) this.implied(uses, fn);
  }

  private names(names: readonly NameUse[], frame: BodyFrame): void {
    const { fn } = frame;
    const { calling } = this.macros;
    for (let i = 0; i < names.length; i++) {
      const use = names[i];
      if (use === undefined || !calling.has(use.name)) continue;
      this.macros.objectLike(use.name, frame, siteAt(fn.file, use.at, fn.name), use.when);
    }
  }

  /** Calls that are not written as such: by the assembler, and at the end of a scope. */
  private implied(uses: BodyUses, fn: FunctionNode): void {
    for (const { name, at, when } of uses.operands)
      for (const callee of functionsMeant(this.world, name, fn.file))
        this.edge(fn, callee, siteAt(fn.file, at, fn.name), 'argument', when, 'asm');
    for (const use of uses.classes) {
      const site = siteAt(fn.file, use.at, fn.name);
      for (const name of classFunctions(use.kind, use.name, (made) => this.world.functions.has(made)))
        for (const callee of functionsMeant(this.world, name, fn.file)) this.edge(fn, callee, site, 'macro', use.when);
    }
  }

  /** @param at the place of the use, where the body is a macro's; it makes no edges to what the macro's text names. */
  body(uses: BodyUses, frame: BodyFrame, at?: Site): void {
    const { fn } = frame;
    const { calls, stores, inits } = uses;
    for (let i = 0; i < calls.length; i++) {
      const call = calls[i];
      if (call !== undefined) this.call(call, frame, at);
    }
    for (let i = 0; i < stores.length; i++) {
      const store = stores[i];
      if (store !== undefined) this.store(store, frame, at);
    }
    for (let i = 0; i < inits.length; i++) {
      const init = inits[i];
      if (init === undefined) break;
      const own = init.variable === undefined ? undefined : localCell(init.variable, init.init.at, frame);
      const place = { cell: own ?? cells.local(fn.id, '{}'), label: init.variable ?? '', when: init.when };
      readValue(this, init.type, init.init, frame, place);
    }
  }

  finish(): CallGraph {
    this.unresolved.push(
      ...this.dispatches.resolve(({ caller, site, when }, value, callee) => {
        this.edge(caller, callee, site, value.via, bothWhen(when, value.when), value.slot, value.vendor);
      }),
    );
    return {
      edges: this.edges,
      unresolved: this.unresolved,
      escapes: [...this.escapes, ...this.dispatches.escaped()],
      plain: this.plain,
      flow: this.flow,
      dispatched: new Set(this.dispatches.all.map((one) => one.cell)),
    };
  }

  private call(call: CallUse, frame: BodyFrame, at?: Site): void {
    if (call.name !== undefined) {
      this.namedCall(call.name, call, frame, at);
      return;
    }
    const callee = strip(call.fn);
    const site = at ?? siteAt(frame.file, call.at, frame.fn.name);
    switch (callee.k) {
      case 'call': {
        const slot = this.world.staticCalls.slotOf(this.world, callee, frame.file);
        if (slot === undefined) {
          this.throughSources(callee, call, frame, site);
          return;
        }
        const use = callee.fn.k === 'id' ? callee.fn.at : call.at;
        const place = at ?? siteAt(frame.file, use, frame.fn.name);
        this.dispatch(cells.field(slot.tag, slot.field), place, exprText(callee), call, frame);
        return;
      }
      case 'member':
        this.dispatch(fieldCell(this.world, callee.x, callee.field, frame), site, exprText(callee), call, frame);
        return;
      default:
        this.throughSources(callee, call, frame, site);
    }
  }

  private namedCall(name: string, call: CallUse, frame: BodyFrame, at: Site | undefined): void {
    // A macro's text may name the locals of the body that uses it.
    const local = at === undefined ? call.local : localAt(frame.uses?.locals.get(name), call.at);
    const meaning = this.meanings.of(name, frame.file);
    // A variable that cannot be called shares its name with a macro: `min(min, x)`.
    const isVariable =
      local !== undefined && (meaning.macros.length === 0 || this.world.types.isFunctionPointer(local.type));
    if (!isVariable && (meaning.isSlotName || (meaning.isInert && call.pointers.length === 0))) return;
    const site = at ?? siteAt(frame.file, call.at, frame.fn.name);
    const inMacro = at !== undefined;
    if (isVariable) this.dispatch(cellOfLocal(frame.fn.id, name, local.at), site, name, call, frame);
    else if (meaning.functions.length > 0) this.directCall(meaning, call, frame, site, inMacro);
    else if (meaning.macros.length > 0) this.macroCall(meaning, call, frame, site, inMacro);
    else this.outsideCall(name, call, frame, site);
  }

  /** An inactive definition gets an edge too, which says so; only active ones are passed arguments. */
  private directCall(meaning: Meaning, call: CallUse, frame: BodyFrame, site: Site, inMacro: boolean): void {
    const { functions, off } = meaning;
    for (let i = 0; i < functions.length; i++) {
      const callee = functions[i];
      if (callee === undefined) break;
      if (!inMacro) this.edge(frame.fn, callee, site, 'call', call.when);
      if (meaning.takesFunctions && call.pointers.length > 0) this.passArguments(callee, call, frame, site);
    }
    if (!inMacro && off.length > 0)
      for (const callee of off) this.edge(frame.fn, callee, site, 'call', bothWhen(call.when, callee.when));
    // Stubs that are all off: a function outside of the files is meant.
    if (functions[0]?.active !== true) this.outsideCall(functions[0]?.name ?? '', call, frame, site);
  }

  private passArguments(callee: FunctionNode, { args, pointers }: CallUse, frame: BodyFrame, site: Site): void {
    for (const i of pointers) {
      const param = this.pointers.parameter(callee, i);
      const arg = args[i];
      if (arg === undefined || param === undefined || !this.pointers.mayBe(arg, frame)) continue;
      const sources = sourcesOf(this.world, arg, frame);
      const cell = cells.param(callee.id, param.name);
      this.dispatches.flowInto(sources, cell, site, undefined);
      // A table of functions that the callee fills: what it stores is in the caller's table.
      if (this.world.types.pointsToFunctionPointer(param.type))
        for (const source of sources) if ('cell' in source) this.flow.link(cell, source.cell);
    }
  }

  private macroCall(meaning: Meaning, call: CallUse, frame: BodyFrame, site: Site, inMacro: boolean): void {
    // A call that a macro's text makes stands where that macro is defined.
    const macros = inMacro ? meaning.macros : inForce(meaning.macros, frame.file, call.at);
    const { registers } = meaning;
    if (registers !== undefined) this.escape(registers, call, frame, site);
    for (const macro of macros) {
      if (!inMacro) this.macros.use(macro, call, frame, site);
      if (registers === undefined && call.pointers.length > 0) this.macros.inline(macro.fact, call.args, frame, site);
    }
  }

  /** A callee that no file defines: functions given to it are run by it now, or leave KVM. */
  private outsideCall(name: string, call: CallUse, frame: BodyFrame, site: Site): void {
    const variable = this.world.types.variable(name, frame.file);
    if (name === 'static_call_update') this.updateStaticCall(call.args, frame, site, call.when);
    else if (variable !== undefined) this.dispatch(cells.variable(variable.file, name), site, name, call, frame);
    else this.escape(name, call, frame, site, CALLS_ITS_ARGUMENT);
  }

  private updateStaticCall([key, fn]: readonly Expr[], frame: BodyFrame, site: Site, when: string | undefined): void {
    if (key?.k !== 'id' || fn === undefined) return;
    const { tag, field } = this.world.staticCalls.slotOfKey(key.name);
    this.dispatches.flowInto(sourcesOf(this.world, fn, frame), cells.field(tag, field), site, when);
  }

  /** @param runs names of callees that run the functions at once */
  private escape(to: string, call: CallUse, frame: BodyFrame, site: Site, runs?: RegExp): void {
    const sources = this.pointersIn(call, frame);
    if (sources.length === 0) return;
    if (runs?.test(to) === true) {
      for (const source of sources)
        if ('node' in source) this.edge(frame.fn, source.node, site, 'argument', call.when, to);
        else this.dispatches.all.push({ caller: frame.fn, cell: source.cell, site, text: to, when: call.when });
    } else if (!looksOnly(to)) {
      for (const source of sources)
        if ('node' in source) this.escapes.push({ to, node: source.node, site });
        else this.dispatches.escapes.push({ to, cell: source.cell, site });
    }
  }

  private pointersIn({ args, pointers }: CallUse, frame: BodyFrame): readonly Source[] {
    let found = NO_SOURCES;
    for (let i = 0; i < pointers.length; i++) {
      const arg = args[pointers[i] ?? 0];
      if (arg === undefined || !this.pointers.mayBe(arg, frame)) continue;
      const sources = sourcesOf(this.world, arg, frame);
      found = found.length === 0 ? sources : [...found, ...sources];
    }
    return found;
  }

  private throughSources(callee: Expr, call: CallUse, frame: BodyFrame, site: Site): void {
    const sources = sourcesOf(this.world, callee, frame);
    // What a call through a field gives: `ops->pick(a)(1)`.
    if (sources.length === 0 && callee.k === 'call')
      for (const source of sourcesOf(this.world, callee.fn, frame))
        if ('cell' in source) sources.push({ cell: this.dispatches.resultOf(source.cell) });
    for (const source of sources) {
      if ('cell' in source) this.dispatch(source.cell, site, exprText(callee), call, frame);
      else this.edge(frame.fn, source.node, site, 'call', bothWhen(call.when, source.when));
    }
    if (sources.length === 0)
      this.unresolved.push({ site, text: exprText(callee), why: 'the called expression is not understood' });
  }

  /** Arguments that are functions are passed when the targets are known. */
  private dispatch(cell: Cell, site: Site, text: string, call: CallUse, frame: BodyFrame): void {
    this.dispatches.all.push({ caller: frame.fn, cell, site, text, when: call.when });
    for (const index of call.pointers) {
      const arg = call.args[index];
      if (arg !== undefined && this.pointers.mayBe(arg, frame))
        this.dispatches.arguments.push({ cell, index, sources: sourcesOf(this.world, arg, frame), site });
    }
  }

  private store({ l, r, when }: StoreUse, frame: BodyFrame, at?: Site): void {
    const place = strip(l);
    if (!this.pointers.mayBe(r, frame) && !this.pointers.isPointer(place, frame)) return;
    const target = sourcesOf(this.world, place, frame).find((source) => 'cell' in source);
    if (target === undefined) return;
    const sources = sourcesOf(this.world, r, frame);
    if (sources.length === 0 && r.k === 'call') this.dispatches.origins.set(target.cell, exprText(r));
    const { file, name } = frame.fn;
    const site = at ?? siteAt(file, place.k === 'member' || place.k === 'id' ? place.at : l.at, name);
    this.dispatches.flowInto(sources, target.cell, site, when);
  }

  edge(
    caller: FunctionNode,
    callee: FunctionNode,
    site: Site,
    via: Via,
    when: string | undefined,
    slot?: string,
    vendor?: Edge['vendor'],
  ): void {
    const edge: Mutable<Edge> = {
      caller: caller.name,
      callee: callee.name,
      callerId: caller.id,
      calleeId: callee.id,
      site,
      via,
    };
    if (slot !== undefined) edge.slot = slot;
    if (vendor !== undefined) edge.vendor = vendor;
    if (when !== undefined) edge.when = when;
    this.edges.push(edge);
  }
}

const NO_SOURCES: readonly Source[] = [];
