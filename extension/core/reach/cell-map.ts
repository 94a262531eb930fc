import { nameOf } from './cell-names';

/**
 * An immutable map from names to values: a Patricia trie over the names' hashes (Okasaki and Gill, "Fast Mergeable
 * Integer Maps"). A change copies the way to one leaf, and merging goes only where two maps differ, so that states of
 * an execution that differ little cost little.
 */
export class CellMap<Value> {
  private constructor(private readonly root: Node<Value> | undefined) {}

  static empty<Value>(): CellMap<Value> {
    return new CellMap<Value>(undefined);
  }

  static of<Value>(entries: Iterable<readonly [string, Value]>): CellMap<Value> {
    let map = CellMap.empty<Value>();
    for (const [key, value] of entries) map = map.set(key, value);
    return map;
  }

  get(key: string): Value | undefined {
    const hash = nameOf(key).hash;
    let node = this.root;
    while (node instanceof Branch) node = (hash & node.bit) === 0 ? node.left : node.right;
    return valueIn(node, key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  set(key: string, value: Value): CellMap<Value> {
    return this.with(insert(this.root, new Leaf(nameOf(key).hash, key, value, undefined)));
  }

  /** In no order that means anything. */
  entries(): (readonly [string, Value])[] {
    const all: (readonly [string, Value])[] = [];
    this.forEach((key, value) => all.push([key, value]));
    return all;
  }

  forEach(visit: (key: string, value: Value) => void): void {
    visitAll(this.root, visit);
  }

  /** Gives each name the value that `change` gives for it, or takes it out (`undefined`); what does not change is shared. */
  changed(change: (key: string, value: Value) => Value | undefined): CellMap<Value> {
    return this.with(changeAll(this.root, change));
  }

  /**
   * Both maps as one: a name whose value is the same one in both keeps it, any other gets the value that `combine`
   * gives for it, or is left out (`undefined`).
   */
  merged(other: CellMap<Value>, combine: Combine<Value>): CellMap<Value> {
    return this.with(merge(this.root, other.root, combine));
  }

  private with(root: Node<Value> | undefined): CellMap<Value> {
    return root === this.root ? this : new CellMap(root);
  }
}

/** The value of a name that two maps hold different values of; `undefined`: none. */
export type Combine<Value> = (key: string, mine: Value | undefined, others: Value | undefined) => Value | undefined;

class Leaf<Value> {
  /** Coarser than any bit: a leaf divides nothing. */
  readonly bit = 0;

  constructor(
    readonly hash: number,
    readonly key: string,
    readonly value: Value,
    /** Another name with the same hash. */
    readonly next: Leaf<Value> | undefined,
  ) {}
}

class Branch<Value> {
  constructor(
    /** The hash bits above `bit` that all below share. */
    readonly hash: number,
    readonly bit: number,
    readonly left: Node<Value>,
    readonly right: Node<Value>,
  ) {}
}

type Node<Value> = Leaf<Value> | Branch<Value>;

function above(hash: number, bit: number): number {
  return hash & ~(bit | (bit - 1));
}

/** Two nodes of which no hash is in both. */
function fork<Value>(a: Node<Value> | undefined, b: Node<Value> | undefined): Node<Value> | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const bit = 1 << (31 - Math.clz32(a.hash ^ b.hash));
  return (a.hash & bit) === 0 ? new Branch(above(a.hash, bit), bit, a, b) : new Branch(above(a.hash, bit), bit, b, a);
}

/** `node` with what now lies on its two sides. */
function withSides<Value>(
  node: Branch<Value>,
  left: Node<Value> | undefined,
  right: Node<Value> | undefined,
): Node<Value> | undefined {
  if (left === node.left && right === node.right) return node;
  return left === undefined || right === undefined ? (left ?? right) : new Branch(node.hash, node.bit, left, right);
}

function insert<Value>(node: Node<Value> | undefined, leaf: Leaf<Value>): Node<Value> | undefined {
  if (node === undefined) return leaf;
  if (node instanceof Leaf) {
    if (node.hash !== leaf.hash) return fork(leaf, node);
    return valueIn(node, leaf.key) === leaf.value ? node : mergeLeaves(node, leaf, latter);
  }
  if (above(leaf.hash, node.bit) !== node.hash) return fork(leaf, node);
  return (leaf.hash & node.bit) === 0
    ? withSides(node, insert(node.left, leaf), node.right)
    : withSides(node, node.left, insert(node.right, leaf));
}

function latter<Value>(_key: string, mine: Value | undefined, others: Value | undefined): Value | undefined {
  return others ?? mine;
}

function visitAll<Value>(node: Node<Value> | undefined, visit: (key: string, value: Value) => void): void {
  let here = node;
  while (here instanceof Branch) {
    visitAll(here.left, visit);
    here = here.right;
  }
  for (; here !== undefined; here = here.next) visit(here.key, here.value);
}

function changeAll<Value>(
  node: Node<Value> | undefined,
  change: (key: string, value: Value) => Value | undefined,
): Node<Value> | undefined {
  if (node === undefined) return undefined;
  if (node instanceof Branch) return withSides(node, changeAll(node.left, change), changeAll(node.right, change));
  return changeLeaf(node, change);
}

function changeLeaf<Value>(
  leaf: Leaf<Value>,
  change: (key: string, value: Value) => Value | undefined,
): Leaf<Value> | undefined {
  const next = leaf.next === undefined ? undefined : changeLeaf(leaf.next, change);
  const value = change(leaf.key, leaf.value);
  if (value === undefined) return next;
  return value === leaf.value && next === leaf.next ? leaf : new Leaf(leaf.hash, leaf.key, value, next);
}

function merge<Value>(
  a: Node<Value> | undefined,
  b: Node<Value> | undefined,
  combine: Combine<Value>,
): Node<Value> | undefined {
  if (a === b) return a;
  if (b === undefined) return changeAll(a, (key, mine) => combine(key, mine, undefined));
  if (a === undefined) return changeAll(b, (key, others) => combine(key, undefined, others));
  const bit = Math.max(a.bit, b.bit);
  // Nothing lies above the bit of a leaf: two of them are in one place if they have the same hash.
  if (bit === 0 ? a.hash !== b.hash : above(a.hash, bit) !== above(b.hash, bit)) {
    return fork(merge(a, undefined, combine), merge(undefined, b, combine));
  }
  if (a instanceof Leaf && b instanceof Leaf) return mergeLeaves(a, b, combine);
  const left = merge(side(a, bit, false), side(b, bit, false), combine);
  const right = merge(side(a, bit, true), side(b, bit, true), combine);
  return a instanceof Branch && a.bit === bit ? withSides(a, left, right) : fork(left, right);
}

/** What of a node lies on one side of `bit`, which is its own or a coarser one. */
function side<Value>(node: Node<Value>, bit: number, isRight: boolean): Node<Value> | undefined {
  if (node instanceof Branch && node.bit === bit) return isRight ? node.right : node.left;
  return ((node.hash & bit) !== 0) === isRight ? node : undefined;
}

/** Two lists of names that all have the same hash. */
function mergeLeaves<Value>(a: Leaf<Value>, b: Leaf<Value>, combine: Combine<Value>): Leaf<Value> | undefined {
  if (a.next === undefined && b.next === undefined && a.key === b.key) {
    const value = a.value === b.value ? a.value : combine(a.key, a.value, b.value);
    return changeLeaf(a, () => value);
  }
  let merged: Leaf<Value> | undefined;
  for (const key of new Set([...keysIn(a), ...keysIn(b)])) {
    const mine = valueIn(a, key);
    const others = valueIn(b, key);
    const value = mine === others ? mine : combine(key, mine, others);
    if (value !== undefined) merged = new Leaf(a.hash, key, value, merged);
  }
  return merged;
}

function keysIn<Value>(leaf: Leaf<Value>): string[] {
  return leaf.next === undefined ? [leaf.key] : [leaf.key, ...keysIn(leaf.next)];
}

function valueIn<Value>(list: Leaf<Value> | undefined, key: string): Value | undefined {
  let leaf = list;
  while (leaf !== undefined && leaf.key !== key) leaf = leaf.next;
  return leaf?.value;
}
