import type { Expr, FunctionFact, Stmt } from '../syntax/facts';
import { walkStmts } from '../syntax/walk';
import type { CallGraph } from './calls';
import { usesOf } from './collect';
import { cells } from './flow';
import { definitionOf } from './functions';
import { siteAt } from './ids';
import type { FunctionId, FunctionNode, Site } from './program';
import { functionsMeant, type World } from './world';

/** A VM exit that code picks out by its reason: a `case` label, a comparison, a store into a table. */
export interface PickedExit {
  readonly reason: string;
  /** What is stored; the function that the arm returns the value of, or for want of one the function that the arm lies in. */
  readonly handler: FunctionNode;
  readonly site: Site;
}

/** Operations that handle an exit, slowly or on the fast path. */
const OPERATIONS = ['handle_exit', 'vcpu_run'];

/** VM exits that are handled without a table: those picked out by the vendors' operations and by what these hand them on to. */
export function pickedExits(world: World, graph: CallGraph): PickedExit[] {
  const held = OPERATIONS.flatMap((field) => graph.flow.at(cells.field('kvm_x86_ops', field)));
  const seen = new Set<FunctionId>(held.map(({ fn }) => fn));
  const found: PickedExit[] = [];
  for (const id of seen) {
    const node = world.functions.nodes.get(id);
    const fact = node === undefined ? undefined : definitionOf(node);
    if (node === undefined || fact === undefined) continue;
    const body = new ExitBody(world, node, fact);
    body.read(fact.body);
    found.push(...body.picked);
    for (const next of body.handedTo) seen.add(next.id);
  }
  return found;
}

/** Handlers that are put into a table when the module is set up: `handlers[EXIT_REASON_X] = f`. */
export function storedExits(world: World): PickedExit[] {
  const found: PickedExit[] = [];
  for (const node of world.functions.nodes.values()) {
    if (node.vendor === undefined || !node.active) continue;
    const fact = definitionOf(node);
    if (fact === undefined) continue;
    for (const { l, r, at } of usesOf(fact).stores) {
      const reason = l.k === 'index' ? reasonIn(l.i) : undefined;
      if (reason === undefined || r.k !== 'id') continue;
      const handler = functionsMeant(world, r.name, node.file).find((each) => each.active);
      if (handler !== undefined) found.push({ reason, handler, site: siteAt(node.file, at, node.name) });
    }
  }
  return found;
}

class ExitBody {
  readonly picked: PickedExit[] = [];
  readonly handedTo: FunctionNode[] = [];

  constructor(
    private readonly world: World,
    private readonly node: FunctionNode,
    private readonly fact: FunctionFact,
  ) {}

  read(body: readonly Stmt[]): void {
    for (const [i, stmt] of body.entries()) {
      switch (stmt.k) {
        case 'case':
          this.pick(reasonIn(stmt.lo), armAt(body, i), stmt.at);
          break;
        case 'if': {
          const reasons = reasonsCompared(stmt.c);
          if (reasons.length === 0) this.read(stmt.then);
          else if (endsInReturn(stmt.then)) for (const reason of reasons) this.pick(reason, stmt.then, stmt.c.at);
          this.read(stmt.else ?? []);
          break;
        }
        case 'return':
          if (!followsLabel(body, i)) this.handOn(stmt.x);
          break;
        case 'decl':
          if (stmt.type === this.fact.returns) this.handOn(stmt.init);
          break;
        case 'switch':
        case 'when':
        case 'block':
          this.read(stmt.body);
          break;
        default:
      }
    }
  }

  private pick(reason: string | undefined, arm: readonly Stmt[], at: number): void {
    if (reason === undefined || arm.some(isNotHandled)) return;
    const handler = this.returnedCall(arm) ?? this.node;
    this.picked.push({ reason, handler, site: siteAt(this.node.file, at, this.node.name) });
  }

  private returnedCall(arm: readonly Stmt[]): FunctionNode | undefined {
    let found: FunctionNode | undefined;
    walkStmts(arm, (stmt) => {
      if (stmt.k === 'return') found ??= this.called(stmt.x);
    });
    return found;
  }

  /** A function of the same kind of value has the exit from now on. */
  private handOn(x: Expr | undefined): void {
    const next = this.called(x);
    if (next !== undefined && definitionOf(next)?.returns === this.fact.returns) this.handedTo.push(next);
  }

  private called(x: Expr | undefined): FunctionNode | undefined {
    if (x?.k !== 'call' || x.fn.k !== 'id') return undefined;
    return functionsMeant(this.world, x.fn.name, this.node.file).find((each) => each.active);
  }
}

function reasonIn(x: Expr | undefined): string | undefined {
  return x?.k === 'id' && /^(?:EXIT_REASON|SVM_EXIT)_/.test(x.name) ? x.name : undefined;
}

/** Reasons of which a condition asks for one: `a == X || a == Y && b`, with hints for the compiler around it. */
function reasonsCompared(c: Expr): string[] {
  if (c.k === 'call') return c.args.length === 1 ? c.args.flatMap(reasonsCompared) : [];
  if (c.k !== 'binary') return [];
  if (c.op === '||' || c.op === '&&') return [...reasonsCompared(c.l), ...reasonsCompared(c.r)];
  const reason = c.op === '==' ? reasonIn(c.r) : undefined;
  return reason === undefined ? [] : [reason];
}

/** The statements behind a label, and behind those that stand with it, up to the next one. */
function armAt(body: readonly Stmt[], label: number): readonly Stmt[] {
  const start = body.findIndex((stmt, i) => i > label && stmt.k !== 'case');
  if (start < 0) return [];
  const end = body.findIndex((stmt, i) => i > start && stmt.k === 'case');
  return body.slice(start, end < 0 ? undefined : end);
}

function followsLabel(body: readonly Stmt[], at: number): boolean {
  const label = body.slice(0, at).findLast((stmt) => stmt.k === 'case');
  return label?.k === 'case' && label.lo !== undefined;
}

function endsInReturn(body: readonly Stmt[]): boolean {
  return body.at(-1)?.k === 'return';
}

/** The fast path leaves the exit to the slow one. */
function isNotHandled(stmt: Stmt): boolean {
  return stmt.k === 'return' && stmt.x?.k === 'id' && stmt.x.name === 'EXIT_FASTPATH_NONE';
}
