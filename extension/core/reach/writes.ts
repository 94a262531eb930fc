import { siteAt } from '../program/ids';
import type { FunctionId, FunctionNode, Program, Site } from '../program/program';
import type { AssignOp, Expr, MacroFact, Stmt } from '../syntax/facts';
import { bitOperation } from './bit-operations';
import { changesIn } from './changes';
import {
  addressedBy,
  around,
  fillsFirst,
  isOwn,
  isOwnLength,
  isTypeless,
  keysWithin,
  structOf,
  tagBehind,
} from './exposed';
import { overlaps } from './forget';
import { argumentsStored, membersNamed, onlyReads, substituted } from './macro-stores';
import { type FieldNames, writtenFields } from './written-fields';

/** One store to a field or a global in the source. */
export interface WriteSite {
  /** `struct.field` or a global's name; `&NAME` where the address of a variable is taken. */
  readonly key: string;
  readonly fn: FunctionNode;
  readonly at: number;
  /** `address`: it is given to code that is not followed. `whole`: an object that it lies in is stored to, or what lies over it. */
  readonly op: AssignOp | '++' | 'address' | 'whole';
  /** What is stored; absent for `++`, `--`, `address` and `whole`. */
  readonly value?: Expr;
  readonly text: string;
  /** The address is given to an operation on one bit: how it changes the bit, and which one it is. */
  readonly bit?: {
    readonly does: 'set' | 'clear' | 'test';
    readonly nr: Expr;
    readonly call: Extract<Expr, { k: 'call' }>;
  };
}

/** Every store in the program, by what it stores to. */
export class Writes {
  readonly byKey = new Map<string, WriteSite[]>();
  /** The names of fields that a call of a function may store to, itself or through whatever it calls. */
  readonly writtenBy: (id: FunctionId) => FieldNames;

  private readonly own = new Map<FunctionId, ReadonlySet<string>>();

  constructor(program: Program) {
    const own = this.own;
    for (const node of program.functions.values()) {
      if (!node.active || !('body' in node.fact)) continue;
      const fields = new Set<string>();
      new Collector(program, node, (write) => {
        fields.add(write.key.slice(write.key.lastIndexOf('.') + 1));
        const list = this.byKey.get(write.key);
        if (list === undefined) this.byKey.set(write.key, [write]);
        else list.push(write);
      }).stmts(node.fact.body);
      own.set(node.id, fields);
    }
    this.writtenBy = writtenFields(program, own);
  }

  /** The names of fields and globals that a function's own body stores to. */
  ownFields(id: FunctionId): ReadonlySet<string> {
    return this.own.get(id) ?? NOTHING;
  }

  /** The names of fields whose address is taken, or which are filled by code that is not followed. */
  addressed(): ReadonlySet<string> {
    this.taken ??= new Set(
      [...this.byKey]
        .filter(([, writes]) => writes.some((write) => write.op === 'address'))
        .map(([key]) => key.slice(key.lastIndexOf('.') + 1)),
    );
    return this.taken;
  }
  private taken: ReadonlySet<string> | undefined;
}

/** Where a store stands. */
export function siteOf({ fn, at }: WriteSite): Site {
  return siteAt(fn.file, at, fn.name);
}

/** The stores to a field or a global; one to a field of that name in an object of unknown type may be one to this field. */
export function writesTo({ byKey }: Writes, key: string): WriteSite[] {
  const own = byKey.get(key) ?? [];
  const dot = key.indexOf('.');
  return dot < 0 ? own : [...own, ...(byKey.get(`?.${key.slice(dot + 1)}`) ?? [])];
}

const NOTHING: ReadonlySet<string> = new Set();

class Collector {
  constructor(
    private readonly program: Program,
    private readonly node: FunctionNode,
    private readonly found: (write: WriteSite) => void,
  ) {}

  stmts(body: readonly Stmt[]): void {
    for (const stmt of body) this.stmt(stmt);
  }

  // The parts of a node are visited where they are, without a list of them: this walk is over the whole program.
  private stmt(s: Stmt): void {
    switch (s.k) {
      case 'expr':
        this.any(s.x);
        return;
      case 'decl':
        if (s.init === undefined) return;
        this.typeless(s.init, s.type, s.at);
        this.any(s.init);
        return;
      case 'if':
        this.any(s.c);
        this.stmts(s.then);
        if (s.else !== undefined) this.stmts(s.else);
        return;
      case 'switch':
        this.any(s.x);
        this.stmts(s.body);
        return;
      case 'case':
        if (s.lo !== undefined) this.any(s.lo);
        if (s.hi !== undefined) this.any(s.hi);
        return;
      case 'loop':
        if (s.init !== undefined) this.stmts(s.init);
        if (s.c !== undefined) this.any(s.c);
        if (s.step !== undefined) this.any(s.step);
        this.stmts(s.body);
        return;
      case 'each':
      case 'guard':
        this.all(s.args);
        if (s.body !== undefined) this.stmts(s.body);
        return;
      case 'return':
        if (s.x !== undefined) this.any(s.x);
        return;
      case 'block':
      case 'when':
        this.stmts(s.body);
        return;
      case 'asm':
        for (const output of s.outputs) this.store(output, 'address', undefined, s.at);
        this.all(s.outputs);
        this.all(s.inputs);
        return;
      default:
    }
  }

  private all(list: readonly Expr[]): void {
    for (const x of list) this.any(x);
  }

  private any(x: Expr): void {
    switch (x.k) {
      case 'assign':
        this.store(x.l, x.op, x.r, x.at);
        this.typeless(x.r, this.program.symbols.typeOf(x.l, this.node), x.at);
        this.any(x.l);
        this.any(x.r);
        return;
      case 'unary':
        if (/\+\+|--/.test(x.op)) this.store(x.x, '++', undefined, x.at);
        else if (x.op === '&' && x.x.k === 'id')
          this.found({ key: `&${x.x.name}`, fn: this.node, at: x.at, op: 'address', text: '' });
        else if (x.op === '&' && x.x.k === 'member') this.store(x.x, 'address', undefined, x.at);
        this.any(x.x);
        return;
      case 'cast':
        this.recast(x);
        this.any(x.x);
        return;
      case 'member':
        this.any(x.x);
        return;
      case 'binary':
        this.any(x.l);
        this.any(x.r);
        return;
      case 'cond':
        this.any(x.c);
        if (x.a !== undefined) this.any(x.a);
        this.any(x.b);
        return;
      case 'index':
        this.any(x.x);
        this.any(x.i);
        return;
      case 'call':
        if (this.call(x)) return;
        this.any(x.fn);
        this.all(x.args);
        return;
      case 'block':
        this.stmts(x.body);
        return;
      case 'init':
        for (const { index, last, value } of x.items) {
          if (index !== undefined) this.any(index);
          if (last !== undefined) this.any(last);
          this.any(value);
        }
        return;
      case 'sizeof':
        if (x.x !== undefined) this.any(x.x);
        return;
      default:
    }
  }

  /** @returns whether there is nothing more to see in it. */
  private call(x: Extract<Expr, { k: 'call' }>): boolean {
    if (x.fn.k !== 'id') return false;
    const { name } = x.fn;
    if (/^(?:atomic\w*|refcount)_read$/.test(name)) {
      for (const arg of x.args) this.any(arg.k === 'unary' && arg.op === '&' ? arg.x : arg);
      return true;
    }
    if (name === 'WRITE_ONCE' && x.args[0] !== undefined) {
      this.store(x.args[0], '=', x.args[1], x.at);
      return false;
    }
    const operation = bitOperation(x);
    const word = operation === undefined ? undefined : addressedBy(operation.map);
    if (operation !== undefined && word?.k === 'member') {
      this.store(word, 'address', undefined, x.at, { does: operation.does, nr: operation.nr, call: x });
      this.any(operation.nr);
      this.any(word);
      return true;
    }
    this.throughMacro(name, x.args, x.at);
    if (fillsFirst(name)) {
      this.filled(x);
      // The object is filled now, and nobody keeps its address.
      const [target, ...rest] = x.args;
      if (target !== undefined && addressedBy(target)?.k === 'id') {
        for (const arg of rest) this.any(arg);
        return true;
      }
    }
    const callee = this.program.symbols.functionsNamed(name, this.node.file)[0];
    const params = callee !== undefined && 'body' in callee.fact ? callee.fact.params : [];
    for (const [index, param] of params.entries()) {
      const arg = x.args[index];
      if (arg !== undefined) this.typeless(arg, param.type, x.at);
    }
    return false;
  }

  /** `memset(p, ...)`: the object that `p` points to, and if the length is not that of it what lies around. */
  private filled(x: Extract<Expr, { k: 'call' }>): void {
    const [target, ...rest] = x.args;
    if (target === undefined) return;
    const { symbols } = this.program;
    const lvalue = addressedBy(target);
    if (lvalue !== undefined) {
      this.whole(lvalue, x.at);
      const outer = around(lvalue);
      if (outer !== undefined && !isOwnLength(rest.at(-1), lvalue, symbols, this.node)) this.whole(outer, x.at);
      return;
    }
    const inner = target.k === 'cast' ? target.x : target;
    const type = symbols.typeOf(inner, this.node);
    if (type === undefined) return;
    if (type.includes('[')) this.whole(inner, x.at);
    else if (type.endsWith('*')) this.keys(structOf(symbols, type.slice(0, -1).trim()), x.at);
  }

  /** The address of a struct that becomes a pointer to anything. */
  private typeless(x: Expr, type: string | undefined, at: number): void {
    const lvalue = addressedBy(x);
    if (lvalue === undefined || type === undefined || !isTypeless(this.program.symbols, type)) return;
    this.whole(lvalue, at);
  }

  /** The address of a struct that is taken for one of another type. */
  private recast(x: Extract<Expr, { k: 'cast' }>): void {
    const lvalue = addressedBy(x.x);
    if (lvalue === undefined || !x.type.includes('*') || isTypeless(this.program.symbols, x.type)) return;
    const { symbols } = this.program;
    const of = structOf(symbols, symbols.typeOf(lvalue, this.node));
    if (of !== structOf(symbols, x.type.slice(0, -1).trim())) this.whole(lvalue, x.at);
  }

  /** Everything in a struct that is not this function's own. */
  private whole(lvalue: Expr, at: number): void {
    if (isOwn(lvalue, this.node, this.program.symbols)) return;
    const { symbols } = this.program;
    const type = symbols.typeOf(lvalue, this.node);
    const pointed = lvalue.k === 'id' && type?.endsWith('*') === true ? type.slice(0, -1).trim() : type;
    this.keys(structOf(symbols, pointed), at);
  }

  private keys(tag: string | undefined, at: number): void {
    if (tag === undefined) return;
    for (const key of keysWithin(this.program.symbols, tag))
      this.found({ key, fn: this.node, at, op: 'whole', text: '' });
  }

  /** A macro can assign to an argument that is written without `&`, and so can what the tree does not hold. */
  private throughMacro(name: string, args: readonly Expr[], at: number): void {
    if (onlyReads(name)) return;
    const { symbols } = this.program;
    const macro = symbols.macro(name, this.node.file);
    if (macro?.params === undefined && symbols.functionsNamed(name, this.node.file).length > 0) return;
    const stored = macro?.params === undefined ? undefined : argumentsStored(macro);
    for (const [index, arg] of args.entries()) {
      if (stored?.has(index) !== false && (arg.k === 'member' || arg.k === 'id'))
        this.store(arg, 'address', undefined, at);
    }
    if (macro?.params !== undefined) this.inMacro(macro, args, at);
  }

  /** Stores that a macro's body makes to fields of what it is given. */
  private inMacro(macro: MacroFact, args: readonly Expr[], at: number): void {
    const code = macro.expr ?? macro.stmts;
    if (code === undefined) return;
    const fields = changesIn(code).fields;
    if (fields.size === 0) return;
    const given = new Map(
      (macro.params ?? []).flatMap((param, i) => (args[i] === undefined ? [] : [[param, args[i]]])),
    );
    const { symbols } = this.program;
    for (const field of fields) {
      const tags = new Set(
        membersNamed(code, field).map(
          (x) => tagBehind(symbols, symbols.typeOf(substituted(x.x, given), this.node)) ?? '?',
        ),
      );
      for (const tag of tags) this.found({ key: `${tag}.${field}`, fn: this.node, at, op: 'address', text: '' });
    }
  }

  private store(l: Expr, op: WriteSite['op'], value: Expr | undefined, at: number, bit?: WriteSite['bit']): void {
    const { symbols } = this.program;
    if (op === '=' && value !== undefined && !isOwn(l, this.node, symbols)) {
      const tag = structOf(symbols, symbols.typeOf(l, this.node));
      if (tag !== undefined) this.keys(tag, at);
    }
    const key = this.keyOf(l);
    if (key === undefined) return;
    // An element is stored to by an index that the evaluation does not follow.
    const how = l.k === 'index' ? 'address' : op;
    const write = { key, fn: this.node, at, op: how, text: '' };
    this.found({ ...write, ...(value === undefined ? {} : { value }), ...(bit === undefined ? {} : { bit }) });
    if (l.k === 'member') this.overlays(key, at);
  }

  private overlays(key: string, at: number): void {
    const dot = key.indexOf('.');
    const fields = this.program.symbols.struct(key.slice(0, dot))?.fields ?? [];
    const own = fields.find((field) => field.name === key.slice(dot + 1));
    if (own?.overlays === undefined) return;
    for (const other of fields) {
      if (overlaps(own, other))
        this.found({ key: `${key.slice(0, dot)}.${other.name}`, fn: this.node, at, op: 'whole', text: '' });
    }
  }

  private keyOf(l: Expr): string | undefined {
    if (l.k === 'member') {
      const { symbols } = this.program;
      const tag = tagBehind(symbols, symbols.typeOf(l.x, this.node));
      return `${tag ?? '?'}.${l.field}`;
    }
    if (l.k === 'index') return this.keyOf(l.x);
    if (l.k === 'id' && this.program.symbols.variable(l.name, this.node.file) !== undefined) return l.name;
    return undefined;
  }
}
