import { applyEdits, type CFile, closing, type Edit, type FunctionSpan, partsOf, sourceOf } from './c-file';
import { type Local, localsOf, parameter } from './locals';
import { counter, type CTree, type Transformed } from './tree';

/** A function that is `return EXPR;` and no more. */
interface Helper {
  readonly file: CFile;
  readonly returns: string;
  readonly params: readonly Local[];
  /** `EXPR`: `[from, to)`. */
  readonly from: number;
  readonly to: number;
}

/** Puts the expression of a one-line helper in the place of its calls; `kept` are names of helpers that stay calls. */
export function inlineHelpers({ files }: CTree, kept: ReadonlySet<string>): Transformed {
  const { counts, count } = counter();
  const helpers = new Map<string, Helper | undefined>();
  for (const file of files)
    for (const fn of file.functions) {
      const helper = kept.has(fn.name) ? undefined : helperOf(file, fn);
      // Of two definitions under one name which is meant is the linker's to say.
      helpers.set(fn.name, helpers.has(fn.name) ? undefined : helper);
    }
  count('helpers', [...helpers.values()].filter((helper) => helper !== undefined).length);
  const texts = new Map<string, string>();
  for (const file of files) {
    const edits: Edit[] = [];
    for (const fn of file.functions) {
      const locals = localsOf(file, fn);
      for (let i = fn.from; i < fn.to; i++) {
        const token = file.tokens[i];
        const helper = helpers.get(token?.text ?? '');
        if (token === undefined || helper === undefined || token.directive >= 0 || locals.has(token.text)) continue;
        const before = file.tokens[i - 1]?.text ?? '';
        const open = i + 1;
        if (file.tokens[open]?.text !== '(' || before === '.' || before === '->') continue;
        const close = closing(file.tokens, open);
        const text = expansion(file, helper, partsOf(file.tokens, open, close), locals);
        count(text === undefined ? 'calls left' : 'calls');
        if (text === undefined) continue;
        edits.push({ start: token.start, end: file.tokens[close]?.end ?? token.end, text });
        i = close;
      }
    }
    texts.set(file.path, applyEdits(file.text, edits));
  }
  return { texts, counts };
}

/** Types that a value can be cast to: an argument or a result is converted where it is handed over. */
const PLAIN =
  /^(?:bool|int|unsigned(?: int| long)?|long|[us](?:8|16|32|64)|gfn_t|gpa_t|hpa_t|kvm_pfn_t|(?:struct|enum) \w+ ?\*+|enum \w+)\s*$/;

function helperOf(file: CFile, fn: FunctionSpan): Helper | undefined {
  const { tokens } = file;
  if (tokens[fn.nameAt]?.text !== fn.name || tokens[fn.from + 1]?.text !== 'return') return undefined;
  const body = tokens.slice(fn.from, fn.to);
  if (body.filter((token) => token.text === ';').length !== 1 || tokens[fn.to - 1]?.text !== ';') return undefined;
  const isPlain = body.every(
    ({ text, directive }) => directive < 0 && !/^(?:=|\+\+|--|[-+*/%&|^]=|<<=|>>=|__func__)$/.test(text),
  );
  const words = tokens.slice(fn.head, fn.nameAt).map((token) => token.text);
  const returns = words.filter((word) => !/^(?:static|const|inline|extern|noinline|__\w+)$/.test(word)).join(' ');
  const params = partsOf(tokens, fn.open, fn.close)
    .filter(([from]) => tokens[from]?.text !== 'void' || tokens[from + 1]?.text === '*')
    .map(([from, to]) => parameter(tokens, from, to));
  const typed = params.flatMap((param) => (param?.type !== undefined && PLAIN.test(param.type) ? [param] : []));
  if (!isPlain || !PLAIN.test(returns) || typed.length !== params.length) return undefined;
  // A name of the file's own, as a static of a C file, means nothing elsewhere: only headers' helpers leave their file.
  return { file, returns, params: typed, from: fn.from + 2, to: fn.to - 1 };
}

/** `((bool)(EXPR))` with the arguments in their places; `undefined` if that would say something else. */
function expansion(
  file: CFile,
  helper: Helper,
  args: readonly (readonly [number, number])[],
  locals: ReadonlyMap<string, Local>,
): string | undefined {
  if (args.length !== helper.params.length) return undefined;
  if (helper.file !== file && !helper.file.path.endsWith('.h')) return undefined;
  const { tokens } = helper.file;
  const uses = new Map<string, number>();
  const edits: Edit[] = [];
  const base = tokens[helper.from]?.start ?? 0;
  for (let i = helper.from; i < helper.to; i++) {
    const token = tokens[i];
    const before = tokens[i - 1]?.text ?? '';
    if (token?.kind !== 'word' || before === '.' || before === '->') continue;
    const index = helper.params.findIndex((param) => param.name === token.text);
    const arg = args[index];
    if (arg === undefined) {
      // A local of the caller would hide what the helper names.
      if (locals.has(token.text)) return undefined;
      continue;
    }
    uses.set(token.text, (uses.get(token.text) ?? 0) + 1);
    const text = `((${helper.params[index]?.type ?? ''})(${sourceOf(file, ...arg)}))`;
    edits.push({ start: token.start - base, end: token.end - base, text });
  }
  for (const [index, [from, to]] of args.entries()) {
    const once = uses.get(helper.params[index]?.name ?? '') === 1;
    const range = file.tokens.slice(from, to);
    const isSimple = range.every((token) => token.kind === 'word' || /^(?:->|\.|&|\d+)$/.test(token.text));
    if (range.some((token) => token.directive >= 0) || (!once && !isSimple)) return undefined;
  }
  return `((${helper.returns})(${applyEdits(sourceOf(helper.file, helper.from, helper.to), edits)}))`;
}
