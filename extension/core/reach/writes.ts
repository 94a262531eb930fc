import type { FunctionId, FunctionNode, Program } from '../program/program';
import { argumentsStored, onlyReads } from './macro-stores';
import type { AssignOp, Expr, Stmt } from '../syntax/facts';

/** One store to a field or a global in the source. */
export interface WriteSite {
  /** `struct.field` or a global's name. */
  readonly key: string;
  readonly fn: FunctionNode;
  readonly at: number;
  readonly op: AssignOp | '++' | 'address';
  /** What is stored; absent for `++`, `--` and an address that is taken. */
  readonly value?: Expr;
  readonly text: string;
}

/** Every store in the program, by what it stores to. */
export class Writes {
  readonly byKey = new Map<string, WriteSite[]>();
  private readonly byFunction = new Map<FunctionId, Set<string>>();
  private readonly reached = new Map<FunctionId, ReadonlySet<string>>();

  constructor(private readonly program: Program) {
    for (const node of program.functions.values()) {
      if (!node.active || !('body' in node.fact)) continue;
      const fields = new Set<string>();
      new Collector(program, node, (write) => {
        fields.add(write.key.slice(write.key.lastIndexOf('.') + 1));
        const list = this.byKey.get(write.key);
        if (list === undefined) this.byKey.set(write.key, [write]);
        else list.push(write);
      }).stmts(node.fact.body);
      this.byFunction.set(node.id, fields);
    }
  }

  /** The names of fields that a call of `id` may store to, itself or through whatever it calls. */
  writtenBy(id: FunctionId): ReadonlySet<string> {
    let fields = this.reached.get(id);
    if (fields === undefined) {
      fields = this.collect(id);
      this.reached.set(id, fields);
    }
    return fields;
  }

  private collect(start: FunctionId): ReadonlySet<string> {
    const fields = new Set<string>();
    const seen = new Set([start]);
    const open = [start];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      for (const field of this.reached.get(id) ?? this.byFunction.get(id) ?? []) fields.add(field);
      if (this.reached.has(id)) continue;
      for (const edge of this.program.callees.get(id) ?? []) {
        if (seen.has(edge.calleeId)) continue;
        seen.add(edge.calleeId);
        open.push(edge.calleeId);
      }
    }
    return fields;
  }
}

class Collector {
  constructor(
    private readonly program: Program,
    private readonly node: FunctionNode,
    private readonly found: (write: WriteSite) => void,
  ) {}

  stmts(body: readonly Stmt[]): void {
    for (const stmt of body) this.any(stmt);
  }

  private any(value: unknown): void {
    if (Array.isArray(value)) {
      for (const each of value) this.any(each);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    const x = value as Expr;
    if (x.k === 'assign') this.store(x.l, x.op, x.r, x.at);
    else if (x.k === 'unary' && /\+\+|--/.test(x.op)) this.store(x.x, '++', undefined, x.at);
    else if (x.k === 'call' && x.fn.k === 'id' && x.fn.name === 'WRITE_ONCE' && x.args[0] !== undefined) {
      this.store(x.args[0], '=', x.args[1], x.at);
    } else if (x.k === 'unary' && x.op === '&' && x.x.k === 'member') this.store(x.x, 'address', undefined, x.at);
    else if (x.k === 'call' && x.fn.k === 'id') this.throughMacro(x.fn.name, x.args, x.at);
    if (x.k === 'call' && x.fn.k === 'id' && /^(?:atomic\w*|refcount)_read$/.test(x.fn.name)) {
      for (const arg of x.args) this.any(arg.k === 'unary' && arg.op === '&' ? arg.x : arg);
      return;
    }
    for (const each of Object.values(value)) if (typeof each === 'object') this.any(each);
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
  }

  private store(l: Expr, op: WriteSite['op'], value: Expr | undefined, at: number): void {
    const key = this.keyOf(l);
    if (key === undefined) return;
    this.found({ key, fn: this.node, at, op, text: '', ...(value === undefined ? {} : { value }) });
  }

  private keyOf(l: Expr): string | undefined {
    if (l.k === 'member') {
      const type = this.program.symbols.typeOf(l.x, this.node);
      const tag =
        type === undefined ? undefined : /(?:struct|union) ([\w.@]+)/.exec(this.program.symbols.resolveType(type))?.[1];
      return `${tag ?? '?'}.${l.field}`;
    }
    if (l.k === 'index') return this.keyOf(l.x);
    if (l.k === 'id' && this.program.symbols.variable(l.name, this.node.file) !== undefined) return l.name;
    return undefined;
  }
}
