/**
 * A C file as tokens, read without the engine's parser: what the transformations know of C. Comments and white space
 * lie between the tokens. It relies on kernel style: a function's body ends with a brace in the first column.
 */
export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'mark';
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Offset of the `#` of the preprocessor line that the token belongs to, or -1. */
  readonly directive: number;
  /** In the first column. */
  readonly first: boolean;
}

/** A function definition; members are indices of tokens. */
export interface FunctionSpan {
  /** `FNAME(x)` in a template. */
  readonly name: string;
  readonly head: number;
  readonly nameAt: number;
  /** The parentheses of the parameters. */
  readonly open: number;
  readonly close: number;
  /** The braces of the body. */
  readonly from: number;
  readonly to: number;
}

export interface CFile {
  readonly path: string;
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly functions: readonly FunctionSpan[];
}

const TOKEN =
  /(\s+)|(\/\*[\s\S]*?\*\/|\/\/(?:\\[\s\S]|[^\\\n])*|\\\r?\n)|([A-Za-z_$][\w$]*)|(\.?\d(?:[eEpP][+-]|[\w.])*)|("(?:\\[\s\S]|[^"\\\n])*"?|'(?:\\[\s\S]|[^'\\\n])*'?)|(\.\.\.|->|##|\+\+|--|&&|\|\||[-+*/%&|^]=|<<=|>>=|<<|>>|[=!<>]=|[\s\S])/y;

export function readC(path: string, text: string): CFile {
  const tokens = tokensOf(text);
  return { path, text, tokens, functions: functionsOf(tokens, text) };
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let directive = -1;
  let lineStart = true;
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const [all, space, comment, word, number, string] = match;
    const end = TOKEN.lastIndex;
    const start = end - all.length;
    if (space !== undefined) {
      if (space.includes('\n')) {
        lineStart = true;
        directive = -1;
      }
    } else if (comment === undefined) {
      if (lineStart && all === '#') directive = start;
      lineStart = false;
      const kind =
        word !== undefined ? 'word' : number !== undefined ? 'number' : string !== undefined ? 'string' : 'mark';
      const first = start === 0 || text[start - 1] === '\n';
      tokens.push({ kind, text: all, start, end, directive, first });
    }
    if (end >= text.length) break;
  }
  return tokens;
}

const PAIRS: Readonly<Record<string, string>> = { '(': ')', '{': '}', '[': ']' };

/** The token that closes the bracket at `at`; the last token if none does. Preprocessor lines inside do not count. */
export function closing(tokens: readonly Token[], at: number): number {
  const open = tokens[at]?.text ?? '';
  const close = PAIRS[open];
  const directive = tokens[at]?.directive;
  let depth = 0;
  for (let i = at; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === undefined || token.directive !== directive) continue;
    if (token.text === open) depth++;
    else if (token.text === close && --depth === 0) return i;
  }
  return tokens.length - 1;
}

/** The token that opens the parenthesis closed at `at`, or -1. */
function opening(tokens: readonly Token[], at: number): number {
  let depth = 0;
  for (let i = at; i >= 0; i--) {
    const text = tokens[i]?.text;
    if (text === ')') depth++;
    else if (text === '(' && --depth === 0) return i;
  }
  return -1;
}

/** What may stand between a function's parameters and its body. */
const SUFFIX = /^__(?:must_hold|releases|acquires|must_check|attribute__|cond_lock|printf|counted_by)\w*$/;

function functionsOf(tokens: readonly Token[], text: string): FunctionSpan[] {
  const found: FunctionSpan[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token?.text !== '{' || token.directive >= 0) continue;
    const head = headBefore(tokens, i);
    let to = closing(tokens, i);
    // Branches of an `#if` may each open a brace: the one in the first column ends the body.
    if (token.first && text.slice(token.start, tokens[to]?.end).includes('\n')) {
      to = i;
      while (to < tokens.length - 1 && !(tokens[to]?.text === '}' && tokens[to]?.first === true)) to++;
    }
    if (head !== undefined) found.push({ ...head, from: i, to });
    i = to;
  }
  return found;
}

function headBefore(tokens: readonly Token[], brace: number): Omit<FunctionSpan, 'from' | 'to'> | undefined {
  let close = brace - 1;
  let open = -1;
  for (;;) {
    const token = tokens[close];
    if (token?.kind === 'word' && /^(?:noexcept|__\w+)$/.test(token.text)) {
      close--;
      continue;
    }
    if (token?.text !== ')' || token.directive >= 0) return undefined;
    open = opening(tokens, close);
    const before = tokens[open - 1];
    if (before === undefined) return undefined;
    if (before.kind !== 'word' || !SUFFIX.test(before.text)) break;
    close = open - 2;
  }
  let nameAt = open - 1;
  let name = tokens[nameAt]?.text ?? '';
  if (name === ')') {
    const inner = opening(tokens, nameAt);
    name = `${tokens[inner - 1]?.text ?? ''}(${tokens[inner + 1]?.text ?? ''})`;
    nameAt = inner - 1;
  }
  if (tokens[nameAt]?.kind !== 'word') return undefined;
  let head = nameAt;
  const isPart = (token: Token | undefined): boolean =>
    token !== undefined && token.directive < 0 && (token.kind === 'word' || token.text === '*');
  for (;;) {
    const isGroup = tokens[head - 1]?.text === ')' && tokens[head - 1]?.directive === -1;
    const attribute = isGroup ? opening(tokens, head - 1) - 1 : -1;
    if (isPart(tokens[head - 1])) head--;
    else if (/^__[a-z]\w*$/.test(tokens[attribute]?.text ?? '')) head = attribute;
    else break;
  }
  return { name, head, nameAt, open, close };
}

/** The ranges between the commas of a bracket, `[from, to)` each; none for `()`. */
export function partsOf(tokens: readonly Token[], open: number, close: number): [number, number][] {
  const parts: [number, number][] = [];
  let from = open + 1;
  for (let i = from; i < close; i++) {
    const text = tokens[i]?.text ?? '';
    if (text === ',') {
      parts.push([from, i]);
      from = i + 1;
    } else if (text in PAIRS) i = Math.min(closing(tokens, i), close - 1);
  }
  if (from < close || parts.length > 0) parts.push([from, close]);
  return parts;
}

/** The source of the tokens `[from, to)`, with what lies between them. */
export function sourceOf(file: CFile, from: number, to: number): string {
  return file.text.slice(file.tokens[from]?.start ?? 0, file.tokens[to - 1]?.end ?? 0);
}

export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Edits may touch but not overlap; those at one place stay in the order given. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start)) {
    if (edit.start < at) throw new Error(`edits overlap at ${edit.start}: ${edit.text}`);
    parts.push(text.slice(at, edit.start), edit.text);
    at = edit.end;
  }
  parts.push(text.slice(at));
  return parts.join('');
}
