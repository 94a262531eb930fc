import { emptyFacts } from '../syntax/empty-facts';
import type { FileFacts, MacroFact } from '../syntax/facts';
import { pos } from '../syntax/facts';

/** KVM's own option files: what they say decides `CONFIG_*` in the reference configuration. */
export const KCONFIG_FILES = ['arch/x86/kvm/Kconfig', 'virt/kvm/Kconfig'] as const;

interface Option {
  readonly name: string;
  readonly line: number;
  /** A user can choose it, or it is on by default. */
  on: boolean;
  readonly selects: string[];
}

/**
 * The reference configuration as facts: a macro `CONFIG_X`, `1` or `0`, for every option of KVM's two Kconfig files.
 * x86's options are all on. Those of virt/kvm, which serve every architecture, are on if a user can choose them,
 * if they are on by default, or if an option that is on selects them: this is what tells `HAVE_KVM_*` of x86 from that of other architectures.
 */
export function kconfigFacts(
  files: readonly { readonly path: string; readonly text: string; readonly hash: string }[],
): FileFacts[] {
  const parsed = files.map((file) => ({ file, options: parseKconfig(file.text) }));
  const byName = new Map<string, Option[]>();
  for (const { options } of parsed)
    for (const option of options) byName.set(option.name, [...(byName.get(option.name) ?? []), option]);

  const on = new Set<string>();
  const queue: string[] = [];
  const enable = (name: string): void => {
    if (on.has(name)) return;
    on.add(name);
    queue.push(name);
  };
  for (const { file, options } of parsed)
    for (const option of options) if (option.on || file.path.startsWith('arch/x86/')) enable(option.name);
  for (let name = queue.pop(); name !== undefined; name = queue.pop())
    for (const option of byName.get(name) ?? []) option.selects.forEach(enable);

  return parsed.map(({ file, options }) => ({
    ...emptyFacts(file.path, file.hash, file.text.split('\n').length),
    macros: options.map((option): MacroFact => ({
      name: `CONFIG_${option.name}`,
      at: pos(option.line, 1),
      text: on.has(option.name) ? '1' : '0',
    })),
  }));
}

/** Help texts are indented prose; a line in one that reads like a keyword of an option changes no more than that option. */
function parseKconfig(text: string): Option[] {
  const options: Option[] = [];
  let current: Option | undefined;
  text.split('\n').forEach((line, index) => {
    const head = /^(?:menu)?config\s+(\w+)\s*$/.exec(line);
    if (head?.[1] !== undefined) {
      current = { name: head[1], line: index + 1, on: false, selects: [] };
      options.push(current);
      return;
    }
    if (current === undefined) return;
    if (/^\s+(?:bool|tristate|def_tristate|prompt)\s+(?:"|\w+ if )|^\s+(?:def_bool|default)\s+y\b/.test(line))
      current.on = true;
    const select = /^\s+select\s+(\w+)/.exec(line);
    if (select?.[1] !== undefined) current.selects.push(select[1]);
  });
  return options;
}
