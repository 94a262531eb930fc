import { exprText } from '../syntax/expr-text';
import type { Decide } from './machine';

/** `decide`, asked once for each condition of a function, by its text. */
export function askOnce(decide: Decide): Decide {
  const answers = new Map<string, true | false | 'unknown'>();
  return (fn, condition) => {
    const text = exprText(condition);
    if (text === '') return decide(fn, condition);
    const key = `${fn}:${text}`;
    const known = answers.get(key) ?? decide(fn, condition);
    answers.set(key, known);
    return known;
  };
}
