import { beforeAll, expect, it } from 'vitest';
import { columnOf, type FunctionFact, lineOf, type Stmt } from '../../extension/core/syntax/facts';
import { callsIn, plainC, type ReadFile, readTree, tally, visit, whyNoCall } from './read-tree';
import { describeTree, TREES } from './trees';

/**
 * What a syntax tree without any ERROR node can still get wrong: a call that was lost, a loop macro read as a call, a
 * statement that hangs on the wrong `if`. Each is looked for in the text itself, without a parser.
 */
const WORD_BEFORE_PARENTHESIS = /\b([A-Za-z_]\w*)\s*\(/g;
/** Words of C before a parenthesis; a type there is an abstract declarator or a pointer to a function. */
const NO_NAME =
  /^(?:if|while|for|switch|return|sizeof|do|else|case|goto|void|int|bool|long|char|unsigned|volatile|__typeof__|__alignof__|defined)$/;

interface At {
  readonly line: number;
  readonly name: string;
}

function wordsBeforeParentheses(text: string): At[] {
  return located(text, WORD_BEFORE_PARENTHESIS).filter(({ name }) => !NO_NAME.test(name));
}

function located(text: string, pattern: RegExp): At[] {
  const found: At[] = [];
  let line = 1;
  let reached = 0;
  for (const match of text.matchAll(pattern)) {
    for (; reached < match.index; reached++) if (text[reached] === '\n') line += 1;
    found.push({ line, name: match[1] ?? '' });
  }
  return found;
}

const KEYWORD = /\b(if|return|goto|switch|break|continue|case|default|for|while|do)\b/g;

/** `LINE KEYWORD` of each control statement that the facts hold. */
function controlIn(file: ReadFile): string[] {
  const found: string[] = [];
  visit([file.facts.functions.filter((fn) => fn.from === undefined), file.facts.variables], (node) => {
    const { k, at, form, lo } = node as { k?: string; at?: number; form?: string; lo?: unknown };
    if (k === undefined || at === undefined) return;
    if (/^(?:if|return|goto|switch|break|continue)$/.test(k)) found.push(`${lineOf(at)} ${k}`);
    else if (k === 'loop') found.push(`${lineOf(at)} ${form ?? ''}`);
    else if (k === 'case') found.push(`${lineOf(at)} ${lo === undefined ? 'default' : 'case'}`);
  });
  return found;
}

/** Control keywords that the text has and the facts have not, or the other way round, but for what is none by its place. */
function controlThatDiffers(file: ReadFile): string[] {
  const plain = plainC(file.text);
  const lines = plain.split('\n');
  const isTail = ({ line, name }: At): boolean => name === 'while' && /^\s*\}\s*while\b/.test(lines[line - 1] ?? '');
  const wanted = tally(
    located(plain, KEYWORD)
      .filter((at) => !isTail(at))
      .map(({ line, name }) => `${line} ${name}`),
  );
  const got = tally(controlIn(file));
  const isLabelMacro = (line: number): boolean => /^\s*[A-Z][A-Z0-9_]*\(\w+\):/.test(lines[line - 1] ?? '');
  return [...new Set([...wanted.keys(), ...got.keys()])]
    .filter((key) => wanted.get(key) !== got.get(key))
    .filter((key) => {
      const [line = '', word = ''] = key.split(' ');
      return whyNoCall(file, Number(line), word) === undefined && !(word === 'case' && isLabelMacro(Number(line)));
    })
    .map((key) => `${file.path}:${key}`);
}

/** Statements whose depth in the facts is not that of their indentation, of all that begin a line. */
class Nesting {
  statements = 0;
  readonly differing: string[] = [];

  constructor(private readonly file: ReadFile) {}

  list(statements: readonly Stmt[], depth: number, isSwitch = false): void {
    for (const statement of statements) {
      if (statement.k === 'when') this.list(statement.body, depth, isSwitch);
      else if (statement.k === 'case') this.check(statement, depth - 1);
      // The braces of `case X: {`.
      else if (isSwitch && statement.k === 'block' && !this.beginsLine(statement)) this.list(statement.body, depth);
      else if (statement.k !== 'label') this.statement(statement, depth);
    }
  }

  private statement(statement: Stmt, depth: number): void {
    this.check(statement, depth);
    switch (statement.k) {
      case 'if': {
        this.list(statement.then, depth + 1);
        const [only, ...more] = statement.else ?? [];
        const isElseIf = only?.k === 'if' && more.length === 0 && !this.beginsLine(only);
        if (isElseIf) this.statement(only, depth);
        else this.list(statement.else ?? [], depth + 1);
        return;
      }
      case 'switch':
        this.list(statement.body, depth + 1, true);
        return;
      case 'loop':
      case 'each':
      case 'block':
        this.list(statement.body, depth + 1);
        return;
      case 'guard':
        this.list(statement.body ?? [], depth + 1);
        return;
      default:
    }
  }

  private beginsLine(statement: Stmt): boolean {
    return this.indent(statement).length + 1 === columnOf(statement.at);
  }

  private indent(statement: Stmt): string {
    return /^[\t ]*/.exec(this.file.lines[lineOf(statement.at) - 1] ?? '')?.[0] ?? '';
  }

  private check(statement: Stmt, depth: number): void {
    if (!this.beginsLine(statement)) return;
    this.statements += 1;
    const indent = this.indent(statement).replaceAll(' '.repeat(8), '\t');
    if (indent !== '\t'.repeat(depth)) this.differing.push(`${this.file.path}:${lineOf(statement.at)} ${statement.k}`);
  }
}

for (const name of TREES)
  describeTree(name, (top) => {
    let files: readonly ReadFile[] = [];
    beforeAll(async () => {
      files = [...(await readTree(top)).files.values()];
    }, 60_000);

    it('accounts for every name before a parenthesis', () => {
      let names = 0;
      const lost: string[] = [];
      const reasons: string[] = [];
      for (const file of files) {
        const { functions, variables, enumerators, structs } = file.facts;
        const own = functions.filter((fn: FunctionFact) => fn.from === undefined);
        const calls = tally(callsIn([own, variables, enumerators, structs]));
        for (const { line, name: word } of wordsBeforeParentheses(plainC(file.text))) {
          names += 1;
          const left = calls.get(`${line} ${word}`) ?? 0;
          calls.set(`${line} ${word}`, left - 1);
          if (left > 0) continue;
          const reason = whyNoCall(file, line, word);
          if (reason === undefined) lost.push(`${file.path}:${line} ${word}`);
          else reasons.push(reason);
        }
      }
      const counts = [...tally(reasons)].map(([reason, count]) => `${count} ${reason}`).join(', ');
      console.info(`Linux ${name}: ${names} names before a parenthesis, no calls: ${counts}; ${lost.length} lost`);
      expect(names).toBeGreaterThan(20_000);
      expect(lost).toEqual([]);
    });

    it('has every control statement once', () => {
      expect(files.flatMap(controlThatDiffers)).toEqual([]);
    });

    it('nests statements as they are indented', () => {
      const nestings = files.map((file) => {
        const nesting = new Nesting(file);
        for (const fn of file.facts.functions) if (fn.from === undefined) nesting.list(fn.body, 1);
        return nesting;
      });
      const statements = nestings.reduce((sum, nesting) => sum + nesting.statements, 0);
      const differing = nestings.flatMap((nesting) => nesting.differing);
      console.info(`Linux ${name}: ${statements} statements that begin a line, ${differing.length} not indented as nested`);
      // What is left is indented against the kernel's style.
      expect(statements).toBeGreaterThan(25_000);
      expect(differing.length, differing.join('\n')).toBeLessThan(0.001 * statements);
    });
  }); // prettier-ignore
