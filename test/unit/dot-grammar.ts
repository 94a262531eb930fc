/** A statement of a dot text: a node or an edge with its attributes, all unescaped as Graphviz would. */
export interface DotStatement {
  readonly ids: readonly string[];
  readonly attributes: ReadonlyMap<string, string>;
}

/**
 * Reads the part of Graphviz's language that a drawing needs (`digraph NAME { ... }`, quoted and plain ids, `->`,
 * attribute lists, line comments), and nothing else.
 * @throws Error at the first token that does not fit
 */
export function readDot(text: string): DotStatement[] {
  const tokens = tokensOf(text);
  const next = (): string => tokens.shift() ?? '';
  const expect = (...wanted: readonly string[]): void => {
    for (const token of wanted) {
      const found = next();
      if (found !== token) throw new Error(`'${found}' where '${token}' is wanted`);
    }
  };
  const id = (): string => {
    const token = next();
    if (/^[A-Za-z_][\w]*$|^-?\d+$/.test(token)) return token;
    if (!token.startsWith('"')) throw new Error(`'${token}' is no id`);
    return token.slice(1, -1).replaceAll('\\"', '"');
  };
  const statements: DotStatement[] = [];
  expect('digraph');
  id();
  expect('{');
  while (tokens[0] !== '}') {
    const ids = [id()];
    for (; tokens[0] === '->'; ids.push(id())) next();
    const attributes = new Map<string, string>();
    expect('[');
    for (let isFirst = true; tokens[0] !== ']'; isFirst = false) {
      if (!isFirst) expect(',');
      const name = id();
      expect('=');
      attributes.set(name, id());
    }
    expect(']', ';');
    statements.push({ ids, attributes });
  }
  expect('}');
  if (tokens.length > 0) throw new Error(`${tokens.join(' ')} behind the end`);
  return statements;
}

function tokensOf(text: string): string[] {
  const token = /\s+|\/\/[^\n]*|("(?:[^"\\\n]|\\[^\n])*"|->|[[\]{}=,;]|#?[\w-]+)/y;
  const tokens: string[] = [];
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const found = token.exec(text);
    if (found === null) throw new Error(`no token: ${text.slice(at, at + 40)}`);
    if (found[1] !== undefined) tokens.push(found[1]);
  }
  return tokens;
}
