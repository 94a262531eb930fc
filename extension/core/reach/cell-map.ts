/**
 * An immutable map from names to values: a Patricia trie over the names' hashes (Okasaki and Gill, "Fast Mergeable
 * Integer Maps"). A change copies the way to one leaf, and merging skips what two maps share, so that states of an
 * execution that differ little cost little.
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
    const hash = hashOf(key);
    let node = this.root;
    while (node !== undefined && node.k === 'branch') node = (hash & node.bit) === 0 ? node.left : node.right;
    if (node === undefined) return undefined;
    for (const entry of node.entries) if (entry[0] === key) return entry[1];
    return undefined;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  set(key: string, value: Value): CellMap<Value> {
    const root = insert(this.root, hashOf(key), key, value);
    return root === this.root ? this : new CellMap(root);
  }

  delete(key: string): CellMap<Value> {
    const root = remove(this.root, hashOf(key), key);
    return root === this.root ? this : new CellMap(root);
  }

  /** In no order that means anything. */
  entries(): (readonly [string, Value])[] {
    const all: (readonly [string, Value])[] = [];
    visitAll(this.root, (key, value) => all.push([key, value]));
    return all;
  }

  forEach(visit: (key: string, value: Value) => void): void {
    visitAll(this.root, visit);
  }

  /** Gives every name for which `change` gives one another value; what does not change is shared. */
  replaced(change: (key: string, value: Value) => Value | undefined): CellMap<Value> {
    const root = this.root === undefined ? undefined : replace(this.root, change);
    return root === this.root ? this : new CellMap(root);
  }

  /** Calls `found` for every name whose value is not the same one in both maps. */
  differences(
    other: CellMap<Value>,
    found: (key: string, mine: Value | undefined, others: Value | undefined) => void,
  ): void {
    differ(this.root, other.root, found);
  }
}

interface Leaf<Value> {
  readonly k: 'leaf';
  readonly hash: number;
  readonly entries: readonly (readonly [string, Value])[];
}

interface Branch<Value> {
  readonly k: 'branch';
  /** The hash bits above `bit` that all below share. */
  readonly prefix: number;
  readonly bit: number;
  readonly left: Node<Value>;
  readonly right: Node<Value>;
}

type Node<Value> = Leaf<Value> | Branch<Value>;

function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}

function above(hash: number, bit: number): number {
  return hash & ~(bit | (bit - 1));
}

function fork<Value>(a: Node<Value>, aHash: number, b: Node<Value>, bHash: number): Branch<Value> {
  const differ = aHash ^ bHash;
  const bit = 1 << (31 - Math.clz32(differ));
  const prefix = above(aHash, bit);
  return (aHash & bit) === 0
    ? { k: 'branch', prefix, bit, left: a, right: b }
    : { k: 'branch', prefix, bit, left: b, right: a };
}

function hashIn<Value>(node: Node<Value>): number {
  return node.k === 'leaf' ? node.hash : node.prefix;
}

function insert<Value>(node: Node<Value> | undefined, hash: number, key: string, value: Value): Node<Value> {
  if (node === undefined) return { k: 'leaf', hash, entries: [[key, value]] };
  if (node.k === 'leaf') {
    if (node.hash !== hash) return fork<Value>({ k: 'leaf', hash, entries: [[key, value]] }, hash, node, node.hash);
    const old = node.entries.find((entry) => entry[0] === key);
    if (old?.[1] === value) return node;
    return { k: 'leaf', hash, entries: [...node.entries.filter((entry) => entry !== old), [key, value]] };
  }
  if (above(hash, node.bit) !== node.prefix) {
    return fork<Value>({ k: 'leaf', hash, entries: [[key, value]] }, hash, node, node.prefix);
  }
  if ((hash & node.bit) === 0) {
    const left = insert(node.left, hash, key, value);
    return left === node.left ? node : { ...node, left };
  }
  const right = insert(node.right, hash, key, value);
  return right === node.right ? node : { ...node, right };
}

function remove<Value>(node: Node<Value> | undefined, hash: number, key: string): Node<Value> | undefined {
  if (node === undefined) return undefined;
  if (node.k === 'leaf') {
    const entries = node.entries.filter((entry) => entry[0] !== key);
    if (entries.length === node.entries.length) return node;
    return entries.length === 0 ? undefined : { ...node, entries };
  }
  if ((hash & node.bit) === 0) {
    const left = remove(node.left, hash, key);
    if (left === node.left) return node;
    return left === undefined ? node.right : { ...node, left };
  }
  const right = remove(node.right, hash, key);
  if (right === node.right) return node;
  return right === undefined ? node.left : { ...node, right };
}

function visitAll<Value>(node: Node<Value> | undefined, visit: (key: string, value: Value) => void): void {
  let here = node;
  while (here !== undefined && here.k === 'branch') {
    visitAll(here.left, visit);
    here = here.right;
  }
  if (here !== undefined) for (const [key, value] of here.entries) visit(key, value);
}

function replace<Value>(node: Node<Value>, change: (key: string, value: Value) => Value | undefined): Node<Value> {
  if (node.k === 'branch') {
    const left = replace(node.left, change);
    const right = replace(node.right, change);
    return left === node.left && right === node.right ? node : { ...node, left, right };
  }
  let entries: (readonly [string, Value])[] | undefined;
  for (const [i, [key, value]] of node.entries.entries()) {
    const now = change(key, value);
    if (now === undefined) continue;
    entries ??= [...node.entries];
    entries[i] = [key, now];
  }
  return entries === undefined ? node : { ...node, entries };
}

function differ<Value>(
  a: Node<Value> | undefined,
  b: Node<Value> | undefined,
  found: (key: string, mine: Value | undefined, others: Value | undefined) => void,
): void {
  if (a === b) return;
  if (a === undefined || b === undefined || a.k === 'leaf' || b.k === 'leaf') {
    differFlat(a, b, found);
    return;
  }
  if (a.bit === b.bit && a.prefix === b.prefix) {
    differ(a.left, b.left, found);
    differ(a.right, b.right, found);
    return;
  }
  // Bits are compared as unsigned: the highest one is negative as a signed number.
  if (a.bit >>> 0 > b.bit >>> 0 && above(hashIn(b), a.bit) === a.prefix) {
    const left = (hashIn(b) & a.bit) === 0;
    differ(a.left, left ? b : undefined, found);
    differ(a.right, left ? undefined : b, found);
    return;
  }
  if (b.bit >>> 0 > a.bit >>> 0 && above(hashIn(a), b.bit) === b.prefix) {
    const left = (hashIn(a) & b.bit) === 0;
    differ(left ? a : undefined, b.left, found);
    differ(left ? undefined : a, b.right, found);
    return;
  }
  differFlat(a, b, found);
}

function differFlat<Value>(
  a: Node<Value> | undefined,
  b: Node<Value> | undefined,
  found: (key: string, mine: Value | undefined, others: Value | undefined) => void,
): void {
  if (b === undefined || a === undefined) {
    visitAll(a, (key, own) => {
      found(key, own, undefined);
    });
    visitAll(b, (key, others) => {
      found(key, undefined, others);
    });
    return;
  }
  const mine = new Map<string, Value>();
  visitAll(a, (key, own) => mine.set(key, own));
  visitAll(b, (key, others) => {
    const own = mine.get(key);
    if (own !== others) found(key, own, others);
    mine.delete(key);
  });
  for (const [key, own] of mine) found(key, own, undefined);
}
