import type { Analysis } from '../core/analysis';
import { InputError } from '../core/input-error';
import { type Question, type Verdict, VERDICTS, type VmType } from '../core/reach/verdict';
import { vmNamed } from './arguments';
import type { ExitCode } from './commands';

/** One line of a queries file: a claim about a tree, or what is wrong with the line. */
export type Query =
  | {
      readonly id: unknown;
      readonly vm: VmType | undefined;
      readonly sites: readonly string[];
      readonly expect: Verdict | undefined;
    }
  | { readonly id: unknown; readonly error: string };

/** JSON lines, empty ones left out. A bad line becomes a query that is answered by its error. */
export function readQueries(text: string): Query[] {
  const queries: Query[] = [];
  text.split('\n').forEach((line, index) => {
    if (line.trim() !== '') queries.push(readQuery(line, index + 1));
  });
  return queries;
}

function readQuery(line: string, number: number): Query {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { id: null, error: `line ${number} is no JSON` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { id: null, error: `line ${number} is no JSON object` };
  }
  const { id = null, vm, sites, expect } = value as Readonly<Record<string, unknown>>;
  try {
    return { id, vm: vm === undefined ? undefined : vmOf(vm), sites: sitesOf(sites), expect: verdictOf(expect) };
  } catch (error) {
    if (error instanceof InputError) return { id, error: `line ${number}: ${error.message}` };
    throw error;
  }
}

/** Answers in the order of the questions, one JSON object a line. */
export function answerQueries(
  analysis: Analysis,
  queries: readonly Query[],
  question: Question,
): { readonly text: string; readonly exit: ExitCode } {
  const answers = queries.map((query) => answerOne(analysis, query, question));
  const failed = answers.some((answer) => 'error' in answer);
  const missed = answers.some((answer) => 'met' in answer && answer.met === false);
  const text = answers.map((answer) => `${JSON.stringify(answer)}\n`).join('');
  return { text, exit: failed ? 2 : missed ? 1 : 0 };
}

function answerOne(analysis: Analysis, query: Query, question: Question): object {
  if ('error' in query) return query;
  const { id, vm, sites, expect } = query;
  try {
    const why = analysis.why({ ...question, vm: vm ?? question.vm }, analysis.resolveSites(sites));
    return { id, ...why, ...(expect === undefined ? {} : { expect, met: why.verdict === expect }) };
  } catch (error) {
    if (error instanceof InputError) return { id, error: error.message };
    throw error;
  }
}

function vmOf(value: unknown): VmType {
  if (typeof value !== 'string') throw new InputError('vm is no text');
  return vmNamed(value);
}

function sitesOf(value: unknown): string[] {
  if (!Array.isArray(value) || value.length === 0 || !value.every((site) => typeof site === 'string')) {
    throw new InputError('sites is no list of FILE:LINE or function names');
  }
  return value;
}

function verdictOf(value: unknown): Verdict | undefined {
  if (value === undefined) return undefined;
  const verdict = VERDICTS.find((one) => one === value);
  if (verdict === undefined) throw new InputError(`expect is none of ${VERDICTS.join(', ')}`);
  return verdict;
}
