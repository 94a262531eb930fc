/**
 * A syntax tree as plain objects: copied from an engine in one pass of its cursor, after which the engine's tree can
 * go. Unnamed nodes are left out unless they fill a field (operators) or are missing.
 */
export interface SyntaxNode {
  /** The grammar's name; `ERROR`; or `TOO_DEEP` where the copy stopped. */
  readonly type: string;
  /** The field of the parent that this node fills, or `''`. */
  readonly field: string;
  readonly start: number;
  readonly end: number;
  readonly missing: boolean;
  readonly children: readonly SyntaxNode[];
}

/** What the copy needs of an engine: web-tree-sitter's and the native one's cursors both fit. Offsets are UTF-16 units. */
export interface EngineCursor {
  readonly nodeType: string;
  readonly nodeTypeId: number;
  readonly nodeIsNamed: boolean;
  readonly nodeIsMissing: boolean;
  readonly startIndex: number;
  readonly endIndex: number;
  readonly currentFieldName: string | null | undefined;
  readonly currentNode: { readonly hasError: boolean };
  gotoFirstChild(): boolean;
  gotoNextSibling(): boolean;
  gotoParent(): boolean;
}

/** Deepest nesting that is copied: deeper input is no program, and must not end the process. */
const MAX_DEPTH = 1500;

/** Named nodes that are read as text: what is below them is not copied, if the tree is free of errors. */
const TEXT_TYPES = new Set(
  (
    'identifier field_identifier type_identifier statement_identifier primitive_type sized_type_specifier number_literal ' +
    'string_literal char_literal concatenated_string storage_class_specifier type_qualifier comment true false null'
  ).split(' '),
);

/** Nodes that the grammar gives children and no fields. */
const WITHOUT_FIELDS = new Set(
  (
    'translation_unit compound_statement expression_statement return_statement else_clause parenthesized_expression ' +
    'argument_list parameter_list initializer_list enumerator_list field_declaration_list field_designator'
  ).split(' '),
);

interface TypeInfo {
  readonly type: string;
  readonly named: boolean;
  readonly isText: boolean;
  /** Unnamed and never an operator: brackets, separators, keywords. */
  readonly isLayout: boolean;
  readonly hasFields: boolean;
}

const NONE: readonly SyntaxNode[] = [];

/**
 * Copies the trees of one language. Each question to an engine's cursor is a call across a border and costs more than
 * all else, so what depends on a node's type alone is asked once per type.
 */
export class TreeCopier {
  private readonly types: (TypeInfo | undefined)[] = [];
  private readonly open: SyntaxNode[] = [];

  /** `hasError`: the tree holds errors or missing nodes; where it does nothing is passed over. */
  copy(cursor: EngineCursor, hasError: boolean): SyntaxNode {
    return this.node(cursor, this.typeOf(cursor), '', hasError, 0);
  }

  private node(cursor: EngineCursor, info: TypeInfo, field: string, mayHaveError: boolean, depth: number): SyntaxNode {
    const { startIndex: start, endIndex: end } = cursor;
    // Most of a tree with an error is free of errors.
    const hasError = mayHaveError && cursor.currentNode.hasError;
    if (depth >= MAX_DEPTH) return { type: 'TOO_DEEP', field, start, end, missing: false, children: NONE };
    const children =
      info.isText && !hasError
        ? NONE
        : cursor.gotoFirstChild()
          ? this.children(cursor, info.hasFields, hasError, depth + 1)
          : NONE;
    const missing = hasError && start === end && children === NONE && cursor.nodeIsMissing;
    return { type: info.type, field, start, end, missing, children };
  }

  /** The cursor stands on the first child, and on the parent afterwards. */
  private children(cursor: EngineCursor, hasFields: boolean, hasError: boolean, depth: number): readonly SyntaxNode[] {
    // One array for all that are open: an array that grows by itself takes several times the room it needs.
    const { open } = this;
    const base = open.length;
    do {
      const info = this.typeOf(cursor);
      if (info.isLayout && !hasError) continue;
      const field = hasFields ? (cursor.currentFieldName ?? '') : '';
      if (info.named || field !== '' || (hasError && cursor.nodeIsMissing))
        open.push(this.node(cursor, info, field, hasError, depth));
    } while (cursor.gotoNextSibling());
    cursor.gotoParent();
    if (open.length === base) return NONE;
    const children = open.slice(base);
    open.length = base;
    return children;
  }

  private typeOf(cursor: EngineCursor): TypeInfo {
    const id = cursor.nodeTypeId;
    const known = this.types[id];
    if (known !== undefined) return known;
    const { nodeType: type, nodeIsNamed: named } = cursor;
    const info = {
      type,
      named,
      isText: TEXT_TYPES.has(type),
      isLayout: !named && /^(?:\w+|[()[\]{};:,])$/.test(type),
      hasFields: !WITHOUT_FIELDS.has(type),
    };
    this.types[id] = info;
    return info;
  }
}

export function child(node: SyntaxNode, field: string): SyntaxNode | undefined {
  for (const each of node.children) if (each.field === field) return each;
  return undefined;
}

export function ofType(node: SyntaxNode, type: string): SyntaxNode | undefined {
  for (const each of node.children) if (each.type === type) return each;
  return undefined;
}
