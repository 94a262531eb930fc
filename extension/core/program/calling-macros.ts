import type { MacroFact } from '../syntax/facts';
import type { Definitions } from './located';
import type { FunctionTable } from './functions';

/**
 * Names of the macros whose use may call something: their text names a function, dispatches, calls a parameter, pastes
 * names, or names another such macro. All others (`BIT()`, `min()`, flags) need no look.
 */
export function callingMacros({ macros }: Definitions, functions: FunctionTable): ReadonlySet<string> {
  const calling = new Set<string>();
  const users = new Map<string, string[]>();
  const queue: string[] = [];
  const add = (name: string): void => {
    if (calling.has(name)) return;
    calling.add(name);
    queue.push(name);
  };
  for (const [name, all] of macros)
    for (const { fact } of all) {
      if (!/[(A-Za-z_]/.test(fact.text)) continue;
      if (callsByItself(fact)) add(name);
      for (const word of fact.text.match(/[A-Za-z_]\w*/g) ?? []) {
        if (functions.has(word)) add(name);
        else if (word !== name && macros.has(word)) listOf(users, word).push(name);
      }
    }
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) users.get(next)?.forEach(add);
  return calling;
}

/** A pasted name that is called or that names a template's function, dispatch through fields and static calls, a parameter that is called. */
function callsByItself({ name, text, params }: MacroFact): boolean {
  if (text.includes('##') && (/##\s*\w+\s*\)*\s*\(/.test(text) || name.endsWith('NAME'))) return true;
  if (!text.includes('(')) return false;
  if (/(?:->|\.)\s*\w+\s*\)*\s*\(|static_call|\)\s*\(/.test(text)) return true;
  if (params === undefined) return false;
  for (const [, called = ''] of text.matchAll(/([A-Za-z_]\w*)\s*\(/g)) if (params.includes(called)) return true;
  return false;
}

function listOf(map: Map<string, string[]>, key: string): string[] {
  let list = map.get(key);
  if (list === undefined) map.set(key, (list = []));
  return list;
}
