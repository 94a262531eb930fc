/**
 * A syntax tree as plain objects: copied from an engine in one pass of its cursor, after which the engine's tree can
 * go. Unnamed nodes are left out unless they fill a field (operators).
 */
export interface SyntaxNode {
  readonly type: string;
  /** The field of the parent that this node fills, or `''`. */
  readonly field: string;
  readonly start: number;
  readonly end: number;
  readonly missing: boolean;
  readonly children: readonly SyntaxNode[];
}

/** What the copy needs of an engine: web-tree-sitter's and the native one's cursors both fit. */
export interface EngineCursor {
  readonly nodeType: string;
  readonly nodeIsNamed: boolean;
  readonly nodeIsMissing: boolean;
  readonly startIndex: number;
  readonly endIndex: number;
  readonly currentFieldName: string | null;
  gotoFirstChild(): boolean;
  gotoNextSibling(): boolean;
  gotoParent(): boolean;
}

/** Deepest nesting that is copied: deeper input is no program, and must not end the process. */
const MAX_DEPTH = 1500;

export function copyTree(cursor: EngineCursor): SyntaxNode {
  return copyNode(cursor, '', 0);
}

function copyNode(cursor: EngineCursor, field: string, depth: number): SyntaxNode {
  const children: SyntaxNode[] = [];
  const { nodeType: type, startIndex: start, endIndex: end } = cursor;
  if (depth < MAX_DEPTH && cursor.gotoFirstChild()) {
    do {
      const named = cursor.nodeIsNamed;
      const childField = cursor.currentFieldName ?? '';
      if (named || childField !== '' || cursor.nodeIsMissing) children.push(copyNode(cursor, childField, depth + 1));
    } while (cursor.gotoNextSibling());
    cursor.gotoParent();
  }
  const missing = children.length === 0 && start === end && cursor.nodeIsMissing;
  return { type, field, start, end, missing, children };
}

export function child(node: SyntaxNode, field: string): SyntaxNode | undefined {
  return node.children.find((each) => each.field === field);
}

export function ofType(node: SyntaxNode, type: string): SyntaxNode | undefined {
  return node.children.find((each) => each.type === type);
}
