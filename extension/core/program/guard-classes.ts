import type { FileFacts } from '../syntax/facts';

/**
 * `DEFINE_GUARD(name, type, lock, unlock)`, `DEFINE_CLASS(name, type, exit, init, args...)`, `DEFINE_FREE(name, type, free)`:
 * the functions that their expressions call, by class name.
 */
export function guardClasses(files: ReadonlyMap<string, FileFacts>): Map<string, string[]> {
  const classes = new Map<string, string[]>();
  for (const facts of files.values())
    for (const call of facts.fileScopeCalls) {
      if (
        !/^(?:DEFINE_(?:LOCK_)?GUARD(?:_\d)?|DEFINE_CLASS|DEFINE_FREE|EXTEND_CLASS|DEFINE_GUARD_COND)$/.test(call.name)
      )
        continue;
      const [name = '', ...rest] = call.args;
      const called = [...rest.join(', ').matchAll(/\b([A-Za-z_]\w*)\s*\(/g)].flatMap((match) => match[1] ?? []);
      classes.set(call.name === 'DEFINE_FREE' ? `free ${name}` : name, called);
    }
  return classes;
}
