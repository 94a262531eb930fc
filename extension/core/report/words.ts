import type { Outcome } from '../mmu/outcome';
import { place } from '../program/place';
import type { Site } from '../program/program';
import type { Fact, Guard, Path, Verdict, VmType } from '../reach/verdict';
import type { TreeReport } from './contract';

/** The words that all text formats share: kernel style, `function_name()` and `file.c:line`, no adjectives. */

export function plural(n: number, noun: string): string {
  return `${thousands(n)} ${noun}${n === 1 ? '' : 's'}`;
}

/** `4,312`: locale-independent. */
export function thousands(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

const VM_NAMES: Readonly<Record<VmType, string>> = {
  tdx: 'a TDX VM',
  default: 'a default VM',
  'sw-protected': 'a software-protected VM',
  sev: 'an SEV VM',
  'sev-es': 'an SEV-ES VM',
  snp: 'an SNP VM',
};

export function vmName(vm: VmType): string {
  return VM_NAMES[vm];
}

/** `a TDX VM`, or what it is in a tree that cannot make one. */
export function vmIn(vm: VmType, tree: Pick<TreeReport, 'hypotheticalTd'>): string {
  return vm === 'tdx' && tree.hypotheticalTd ? 'a hypothetical TDX VM (this tree has no TDX host support)' : vmName(vm);
}

export function linuxName(version: string): string {
  return version === '' ? 'a kernel without a version' : `Linux ${version}`;
}

/** Verdicts that make a finding: the exit code 1. */
export function isFinding(verdict: Verdict): boolean {
  return verdict === 'reachable' || verdict === 'conditional' || verdict === 'unknown';
}

/** `KVM_SET_MSRS -> kvm_set_msr_common() -> foo()`, without the sink at its end. */
export function pathNames(path: Path): string[] {
  const functions = path.edges.map((edge) => edge.caller);
  if (functions[0] !== path.entry.function) functions.unshift(path.entry.function);
  // A path may start in the function that names its entry.
  const named = functions.map((name) => `${name}()`).filter((name, i, all) => name !== all[i - 1]);
  return path.entry.name === path.entry.function ? named : [path.entry.name, ...named];
}

export function guardText(guard: Guard): string {
  return `${oneLine(guard.text, 100)} ${place(guard.site)}`;
}

/** What a cutting guard is, and which value it would need. */
export function cutText(guard: Guard, facts: ReadonlyMap<string, Fact>): string {
  const known = guard.facts.map((id) => facts.get(id)).filter((fact) => fact !== undefined);
  const since = known.map((fact) => factText(fact)).join('; ');
  return `${guardText(guard)}: ${String(guard.value)}${since === '' ? '' : `, ${since}`}`;
}

/** `kvm->arch.vm_type == KVM_X86_TDX_VM`, with its value where that is not just true. */
export function factText(fact: Fact): string {
  const value = fact.value === 'true' || fact.value === '' ? '' : ` is ${fact.value}`;
  return `${fact.text}${value}${fact.since === undefined ? '' : ` since ${fact.since}`}`;
}

/** Where a fact comes from and what its other writes do to it; `''` for what needs no proof. */
export function proofText(fact: Fact): string {
  const parts: string[] = [];
  if (fact.from === 'axiom') parts.push(`${fact.text}: by the VM type`);
  else if (fact.from === 'exists') parts.push(`${fact.text}: or the VM would not exist`);
  else if (fact.from === 'assumption') parts.push(`${fact.text}: assumed`);
  else parts.push(`set by ${fact.from.function}() ${place(fact.from)}`);
  if (fact.reason !== undefined) parts.push(fact.reason);
  const by = (effect: string): Site[] => fact.writes.filter((write) => write.effect === effect).map(({ site }) => site);
  const say = (sites: readonly Site[], one: string, many: string): void => {
    if (sites.length === 0) return;
    const places = sites.slice(0, 4).map(place).join(', ');
    const more = sites.length > 4 ? `, and ${sites.length - 4} more` : '';
    parts.push(`${sites.length} other ${sites.length === 1 ? one : many} (${places}${more})`);
  };
  say(by('keeps'), 'write keeps it', 'writes keep it');
  say([...by('breaks'), ...by('unknown')], 'write breaks it', 'writes break it');
  return parts.join('; ');
}

/** `KVM_BUG_ON() at mmu/mmu.c:7141, VM dead; all private pages are zapped all the same`. */
export function outcomeText(outcome: Outcome): string {
  const { bugged, bugSite, dead, zapped } = outcome;
  const kinds: string[] = [];
  if (zapped.mirror) kinds.push('private');
  if (zapped.direct) kinds.push(outcome.vm === 'tdx' ? 'shared' : 'mapped');
  if (zapped.rmap && !zapped.direct) kinds.push('rmapped');
  const parts: string[] = [];
  if (bugged) {
    parts.push(`KVM_BUG_ON()${bugSite === undefined ? '' : ` at ${place(bugSite)}`}, VM ${dead ? 'dead' : 'bugged'}`);
    if (kinds.length > 0) parts.push(`all ${kinds.join(' and ')} pages are zapped all the same`);
    else parts.push('nothing is zapped');
  } else {
    const zap = kinds.length > 0 ? `all ${kinds.join(' and ')} pages of the range are zapped` : 'nothing is zapped';
    parts.push(`no KVM_BUG_ON() fires; ${zap}`);
    if (zapped.mirror) parts.push('what the private ones held is lost');
    else if (kinds.length > 0) parts.push('they are faulted in again');
  }
  if (outcome.classes.includes('warn')) parts.push('WARN');
  if (outcome.leaked.length > 0) parts.push(`${outcome.leaked.join(' and ')} leaked`);
  return parts.join('; ');
}

/** White space folded, cut at `most` characters. */
export function oneLine(text: string, most: number): string {
  const folded = text.replace(/\s+/g, ' ').trim();
  return folded.length <= most ? folded : `${folded.slice(0, most - 3)}...`;
}

/** Breaks `words` joined by `glue` into lines of at most `width`, the later ones after `indent`. */
export function wrap(words: readonly string[], glue: string, width: number, indent: string): string {
  let line = '';
  const lines: string[] = [];
  for (const word of words) {
    const longer = line === '' ? word : `${line}${glue}${word}`;
    if (line !== '' && longer.length > width) {
      lines.push(`${line}${glue.trimEnd()}`);
      line = word;
    } else line = longer;
  }
  lines.push(line);
  return lines.join(`\n${indent}`);
}
