import type { Edge } from '../program/program';
import { pos } from '../syntax/facts';
import type { Decision } from './machine';
import type { Guard } from './verdict';

/**
 * The conditions that stand between a context's start and a call in it, in the order in which they run: decided ones
 * with what the call needs of them, and undecided ones that enclose the call.
 */
export function guardsBefore(context: { readonly decisions: readonly Decision[] }, edge: Edge): Guard[] {
  const at = pos(edge.site.line, edge.site.column);
  const guards: Guard[] = [];
  for (const { guard, rules } of context.decisions) {
    for (const rule of rules) {
      if (at < rule.from || at > rule.to || (rule.callee ?? edge.calleeId) !== edge.calleeId) continue;
      if (guard.value === 'unknown' && rule.behind === true) continue;
      guards.push({ ...guard, needs: rule.needs });
    }
  }
  return guards;
}

/** The first condition that keeps a context from a call in it. */
export function cutIn(context: { readonly decisions: readonly Decision[] }, edge: Edge): Guard | undefined {
  return guardsBefore(context, edge).find((guard) => guard.value !== 'unknown' && guard.value !== guard.needs);
}

export function distinctGuards(guards: readonly Guard[]): Guard[] {
  const seen = new Map<string, Guard>();
  for (const guard of guards) {
    const key = `${guard.site.file}:${guard.site.line}:${guard.site.column} ${guard.needs}`;
    if (!seen.has(key)) seen.set(key, guard);
  }
  return [...seen.values()];
}
