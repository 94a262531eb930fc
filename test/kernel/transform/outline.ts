import { applyEdits, type CFile, type Edit, sourceOf } from './c-file';
import { type Local, localsOf } from './locals';
import { macrosOf } from './macros';
import { fileScopeWords } from './positions';
import { counter, type CTree, type Transformed } from './tree';
import { ifAt } from './statements';

/**
 * Moves the condition of an `if` into a new function before the one that it stands in, which is given the locals that
 * the condition names: only where these are values of plain types, and all else in it is known at file scope.
 */
export function outlineConditions({ files }: CTree): Transformed {
  const { counts, count } = counter();
  const known = new FileScope(files);
  const texts = new Map<string, string>();
  let number = 0;
  for (const file of files) {
    const edits: Edit[] = [];
    for (const fn of file.functions) {
      if (file.tokens[fn.nameAt]?.text !== fn.name) continue;
      const locals = localsOf(file, fn);
      const helpers: string[] = [];
      for (let i = fn.from; i < fn.to; i++) {
        const span = ifAt(file.tokens, i);
        if (span === undefined) continue;
        const operands = known.operandsOf(file, locals, span.open + 1, span.close);
        if (operands === undefined) {
          count('left');
          continue;
        }
        const name = `helper_${number++}`;
        const condition = sourceOf(file, span.open + 1, span.close);
        const params = operands.map(({ name: operand, type }) => `${type ?? ''} ${operand}`).join(', ');
        helpers.push(
          `static inline bool ${name}(${params === '' ? 'void' : params})\n{\n\treturn ${condition};\n}\n\n`,
        );
        const [start, end] = [file.tokens[span.open]?.end ?? 0, file.tokens[span.close]?.start ?? 0];
        edits.push({ start, end, text: `${name}(${operands.map((operand) => operand.name).join(', ')})` });
        count('conditions');
      }
      const start = file.tokens[fn.head]?.start ?? 0;
      edits.push({ start, end: start, text: helpers.join('') });
    }
    texts.set(file.path, applyEdits(file.text, edits));
  }
  return { texts, counts };
}

/** A type that can be written before the name of a parameter. */
const VALUE = /^(?:struct \w+|enum \w+|\w+(?: \w+)*?) ?\**$/;
const CONSTANT = /^[A-Z][A-Z0-9_]*$/;
/** The kernel's macros in conditions that are values of their argument. */
const TRANSPARENT = /^(?:likely|unlikely|WARN_ON(?:_ONCE)?|KVM_BUG_ON|READ_ONCE)$/;

/** What can be named in any function of a file. */
class FileScope {
  private readonly names = new Set<string>();

  constructor(files: readonly CFile[]) {
    for (const file of files) {
      for (const fn of file.functions) this.names.add(fn.name);
      for (const macro of macrosOf(file)) if (/^[A-Z0-9_]+$/.test(macro.name)) this.names.add(macro.name);
      for (const word of fileScopeWords(file)) this.names.add(word);
    }
  }

  /** The locals that `[from, to)` reads; `undefined` if it does anything but read, or names what is not understood. */
  operandsOf(file: CFile, locals: ReadonlyMap<string, Local>, from: number, to: number): Local[] | undefined {
    const found = new Map<string, Local>();
    for (let i = from; i < to; i++) {
      const token = file.tokens[i];
      if (token === undefined) return undefined;
      const before = file.tokens[i - 1]?.text ?? '';
      const isStored = /^(?:\+\+|--|=|[-+*/%&|^]=|<<=|>>=|\{|\?)$/.test(token.text);
      // `&x` needs the local itself.
      const isAddress = token.text === '&' && !/^(?:\w+|\)|\])$/.test(before);
      if (isStored || isAddress) return undefined;
      if (token.kind !== 'word' || before === '.' || before === '->') continue;
      const local = locals.get(token.text);
      const isCalled = file.tokens[i + 1]?.text === '(';
      const isUnderstood =
        local !== undefined
          ? !isCalled && VALUE.test(local.type ?? '')
          : this.names.has(token.text) || (isCalled ? TRANSPARENT : CONSTANT).test(token.text);
      if (!isUnderstood) return undefined;
      if (local !== undefined) found.set(local.name, local);
    }
    return [...found.values()];
  }
}
