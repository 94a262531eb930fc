import { compareSites } from '../program/ids';
import type { FunctionNode, Program } from '../program/program';
import type { Expr, Pos, Stmt } from '../syntax/facts';
import { walkExprs, walkStmts } from '../syntax/walk';
import { assignedByName } from './assigned';
import { fieldKey } from './device-operations';
import { tagBehind } from './exposed';
import { horizon } from './horizon';
import { argumentsStored } from './macro-stores';
import type { Fact, FactWrite } from './verdict';
import { writeWords } from './vm-facts';
import { siteOf, type Writes, type WriteSite, writesTo } from './writes';

/** A pointer that leads back: `to` is the object that is behind it, `fact` the proof's id. */
export interface Back {
  readonly to: string;
  readonly fact: string;
}

type Assign = Extract<Expr, { k: 'assign' }>;

/** `OWNER->path = part`, to be taken together with `part->field = OWNER`. */
interface Pair {
  readonly owner: string;
  readonly path: readonly string[];
  readonly forward: Assign;
}

interface Proof {
  /** `.arch.apic.vcpu`: the way from the owner to its part and back. */
  readonly way: string;
  readonly fact: Fact;
}

const ZEROED = /^(?:kv?[zc]alloc|vzalloc|kmem_cache_zalloc)\w*$/;

/**
 * Fields that point back to the object that their own object is a part of: `apic->vcpu` of `vcpu->arch.apic` is `vcpu`.
 * That is so if whoever stores to either field makes the part, as zero, and gives both the one and the other
 * (`kvm_create_lapic()`). As long as the way back is not set it is NULL, and nothing is behind it.
 */
export class BackPointers {
  private readonly known = new Map<string, Proof | undefined>();

  constructor(
    private readonly program: Program,
    private readonly writes: Writes,
  ) {}

  /** What is behind the pointer that the cell of a field holds, if that is known. `key`: the field, `struct.field`. */
  behind(cell: string, key: string): Back | undefined {
    if (!cell.startsWith('*')) return undefined;
    const proof = this.proofOf(key);
    if (proof === undefined || !cell.endsWith(proof.way)) return undefined;
    const owner = cell.slice(1, -proof.way.length);
    return owner.startsWith('*') ? { to: owner, fact: proof.fact.id } : undefined;
  }

  proof(id: string): Fact | undefined {
    return [...this.known.values()].find((proof) => proof?.fact.id === id)?.fact;
  }

  private proofOf(key: string): Proof | undefined {
    if (!this.known.has(key)) this.known.set(key, this.isPointer(key) ? this.prove(key) : undefined);
    return this.known.get(key);
  }

  private isPointer(key: string): boolean {
    const dot = key.indexOf('.');
    return this.program.symbols.fieldType(`struct ${key.slice(0, dot)}`, key.slice(dot + 1))?.endsWith('*') === true;
  }

  private prove(key: string): Proof | undefined {
    const back = writesTo(this.writes, key);
    const pairs = back.map((write) => pairWith(this.program, write));
    const [first] = pairs;
    if (first === undefined) return undefined;
    const path = first.path.join('.');
    if (!pairs.every((pair): pair is Pair => pair?.path.join('.') === path)) return undefined;
    const forward = this.forwardWrites(pairs, back);
    if (forward === undefined || !this.isOnlyWay(first, back[0]?.fn)) return undefined;
    const field = key.slice(key.indexOf('.') + 1);
    const writes = [...back, ...forward].map((write): FactWrite => {
      return { site: siteOf(write), text: writeWords(write), effect: 'keeps' };
    });
    return {
      way: `.${path}.${field}`,
      fact: {
        id: `${first.owner}->${path}->${field}`,
        text: `${first.owner}->${path}->${field} == ${first.owner}`,
        value: 'true',
        from: 'exists',
        reason: 'whoever stores to one of the two fields makes the object and stores to both',
        writes: writes.sort((a, b) => compareSites(a.site, b.site)),
      },
    };
  }

  /** The stores to the owner's field, if each is one of the pairs or stores NULL. */
  private forwardWrites(pairs: readonly Pair[], back: readonly WriteSite[]): WriteSite[] | undefined {
    const [pair] = pairs;
    const [store] = back;
    const key =
      pair === undefined || store === undefined ? undefined : fieldKey(this.program, pair.forward.l, store.fn);
    if (key === undefined) return undefined;
    const all = writesTo(this.writes, key);
    const isOurs = ({ fn, at }: WriteSite): boolean =>
      pairs.some((each, i) => each.forward.at === at && back[i]?.fn.id === fn.id);
    const isNull = ({ op, value }: WriteSite): boolean =>
      op === '=' && ((value?.k === 'id' && value.name === 'NULL') || (value?.k === 'num' && value.text === '0'));
    return all.every((write) => isOurs(write) || isNull(write)) ? all : undefined;
  }

  /** The names on the way lead to the part from an owner alone: no other struct has a field of that name and type. */
  private isOnlyWay({ forward }: Pair, fn: FunctionNode | undefined): boolean {
    const { symbols, files } = this.program;
    for (let l: Expr = forward.l; l.k === 'member'; l = l.x) {
      const { field } = l;
      const tag = fn === undefined ? undefined : tagBehind(symbols, symbols.typeOf(l.x, fn));
      const type = tag === undefined ? undefined : symbols.fieldType(`struct ${tag}`, field);
      if (type === undefined) return false;
      for (const file of files.values())
        for (const { name, fields } of file.structs)
          if (name !== tag && fields.some((each) => each.name === field && each.type === type)) return false;
    }
    return true;
  }
}

/** The other half of `part->field = owner`: the same function makes `part` and stores it in what `owner` points to. */
function pairWith(program: Program, { fn, at, op }: WriteSite): Pair | undefined {
  if (op !== '=' || !('body' in fn.fact)) return undefined;
  const { body } = fn.fact;
  const stores = assignments(body);
  const back = stores.find((store) => store.at === at);
  if (back?.l.k !== 'member' || !back.l.arrow || back.l.x.k !== 'id' || back.r.k !== 'id') return undefined;
  const [part, owner] = [back.l.x.name, back.r.name];
  if (!isFresh(fn, part, stores) || !isGiven(fn, owner, stores)) return undefined;
  const [forward, ...others] = stores.filter(({ r }) => r.k === 'id' && r.name === part);
  const path = forward === undefined || others.length > 0 ? undefined : pathFrom(owner, forward.l);
  if (forward === undefined || path === undefined || forward.op !== '=') return undefined;
  const changed = changedOtherwise(program, fn, body, lastOf(body, new Set([back.at, forward.at])));
  return changed.has(part) || changed.has(owner) ? undefined : { owner, path, forward };
}

function assignments(body: readonly Stmt[]): Assign[] {
  const found: Assign[] = [];
  walkExprs(body, (x) => {
    if (x.k === 'assign') found.push(x);
  });
  return found;
}

/** The position behind which control never comes back to one of the places. */
function lastOf(body: readonly Stmt[], places: ReadonlySet<Pos>): Pos {
  const repeated = new Set<Pos>();
  walkExprs(body, (x, around) => {
    if (around.some(({ k }) => k === 'loop' || k === 'each')) repeated.add(x.at);
  });
  return [...places].some((at) => repeated.has(at)) ? Infinity : horizon(body, places);
}

/**
 * Variables that something else than an assignment may change up to a position: an operator, the assembler, a loop, a
 * macro that is given one.
 */
function changedOtherwise(program: Program, { file }: FunctionNode, body: readonly Stmt[], until: Pos): Set<string> {
  const { symbols } = program;
  const names = new Set<string>();
  const add = (x: Expr): void => {
    if (x.k === 'id') names.add(x.name);
  };
  walkStmts(body, (stmt) => {
    if (stmt.at > until) return;
    if (stmt.k === 'each') stmt.args.forEach(add);
    else if (stmt.k === 'asm') stmt.outputs.forEach(add);
  });
  walkExprs(body, (x) => {
    if (x.at > until) return;
    if (x.k === 'unary' && (x.op === '&' || /\+\+|--/.test(x.op))) add(x.x);
    if (x.k !== 'call' || x.fn.k !== 'id' || symbols.functionsNamed(x.fn.name, file).length > 0) return;
    const macro = symbols.macro(x.fn.name, file);
    const stored = macro?.params === undefined ? undefined : argumentsStored(macro);
    const byName = stored === undefined && assignedByName(program, x.fn.name);
    x.args.forEach((arg, i) => {
      if (byName || stored?.has(i) === true) add(arg);
    });
  });
  return names;
}

/** A local that holds nothing but what was allocated for it, as zero. */
function isFresh({ fact }: FunctionNode, name: string, stores: readonly Assign[]): boolean {
  if (!('body' in fact) || fact.params.some((param) => param.name === name)) return false;
  const [declared, ...again] = declarations(fact.body, name);
  const [value, ...others] = stores.filter(({ l }) => l.k === 'id' && l.name === name);
  if (declared === undefined || declared.init !== undefined || again.length > 0 || others.length > 0) return false;
  return value?.op === '=' && value.r.k === 'call' && value.r.fn.k === 'id' && ZEROED.test(value.r.fn.name);
}

/** A parameter that is never assigned to. */
function isGiven({ fact }: FunctionNode, name: string, stores: readonly Assign[]): boolean {
  if (!('body' in fact) || !fact.params.some((param) => param.name === name)) return false;
  return declarations(fact.body, name).length === 0 && !stores.some(({ l }) => l.k === 'id' && l.name === name);
}

function declarations(body: readonly Stmt[], name: string): Extract<Stmt, { k: 'decl' }>[] {
  const found: Extract<Stmt, { k: 'decl' }>[] = [];
  walkStmts(body, (stmt) => {
    if (stmt.k === 'decl' && stmt.name === name) found.push(stmt);
  });
  return found;
}

/** `['arch', 'apic']` of `owner->arch.apic`. */
function pathFrom(owner: string, l: Expr): string[] | undefined {
  if (l.k !== 'member') return undefined;
  if (l.arrow) return l.x.k === 'id' && l.x.name === owner ? [l.field] : undefined;
  const before = pathFrom(owner, l.x);
  return before === undefined ? undefined : [...before, l.field];
}
