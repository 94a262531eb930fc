import type { Outcome } from '../mmu/outcome';
import { place } from '../program/place';
import type { Site } from '../program/program';
import type { Caller, Fact, Guard, Path, Verdict, VmType } from '../reach/verdict';
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

/** `2 of 4 direct callers can be reached` */
export function reachedText(direct: readonly Pick<Caller<unknown>, 'verdict'>[]): string {
  const reachable = direct.filter(({ verdict }) => verdict === 'reachable').length;
  return `${reachable === 0 ? 'None' : thousands(reachable)} of ${plural(direct.length, 'direct caller')} can be reached`;
}

/** `also from 2 more entry points`, or nothing. */
export function otherEntries({ entries, verdict }: Pick<Caller<unknown>, 'entries' | 'verdict'>): string {
  const others = entries.filter((entry) => entry.verdict === verdict).length - 1;
  return others > 0 ? `also from ${plural(others, 'more entry point')}` : '';
}

/** `KVM_SET_MSRS -> kvm_set_msr_common() -> foo()`, without the sink at its end. */
export function pathNames(path: Path): string[] {
  const first = path.edges[0]?.caller ?? path.entry.function;
  const named = [first, ...path.edges.slice(1).map((edge) => edge.caller)].map((name) => `${name}()`);
  return path.entry.name === first ? named : [path.entry.name, ...named];
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

/** `kvm->arch.vm_type == KVM_X86_TDX_VM`; `bit 9 of kvm->arch.disabled_quirks is set`; `X is VALUE` of any other. */
export function factText(fact: Fact): string {
  const since = fact.since === undefined ? '' : ` since ${fact.since}`;
  // A comparison that a fact's text already makes needs no value behind it.
  if (fact.value === 'true' || fact.value === '' || / [=!<>]=? /.test(fact.text)) return `${fact.text}${since}`;
  const masked = /^(.+) & (0x[0-9a-f]+)$/.exec(fact.text);
  const known = /^(0x[0-9a-f]+|\d+) in the bits (0x[0-9a-f]+)$/.exec(fact.value);
  if (masked?.[1] !== undefined && masked[2] !== undefined && known?.[1] !== undefined && masked[2] === known[2]) {
    return `${bitsText(masked[1], BigInt(known[1]), BigInt(masked[2]))}${since}`;
  }
  return `${fact.text} is ${fact.value}${since}`;
}

function bitsText(field: string, value: bigint, mask: bigint): string {
  const bits = [...Array(64).keys()].filter((bit) => ((mask >> BigInt(bit)) & 1n) === 1n);
  const set = bits.filter((bit) => ((value >> BigInt(bit)) & 1n) === 1n);
  const clear = bits.filter((bit) => !set.includes(bit));
  const say = (list: readonly number[], state: string): string[] => {
    if (list.length === 0) return [];
    return [
      `bit${list.length === 1 ? '' : 's'} ${list.join(', ')} of ${field} ${list.length === 1 ? 'is' : 'are'} ${state}`,
    ];
  };
  return [...say(set, 'set'), ...say(clear, 'clear')].join(', ');
}

/** Where a fact comes from and what its other writes do to it. */
export function proofText(fact: Fact): string {
  const parts = [originText(fact)];
  if (fact.reason !== undefined && parts[0] !== fact.reason) parts.push(fact.reason);
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

/** Whence a fact is known: `set by tdx_vm_init() vmx/tdx.c:629`; a table's entry is set outside any function. */
export function originText(fact: Fact): string {
  switch (fact.from) {
    case 'axiom':
      return fact.reason ?? 'by the VM type';
    case 'assumption':
      return 'assumed, not proved';
    case 'exists':
      return fact.reason ?? 'or the VM would not exist';
    default:
      return fact.from.function === ''
        ? `set at ${place(fact.from)}`
        : `set by ${fact.from.function}() ${place(fact.from)}`;
  }
}

/** `KVM_BUG_ON() at mmu/mmu.c:7141, VM dead; all private pages are zapped all the same`. */
export function outcomeText(outcome: Outcome): string {
  const { bugged, bugSite, classes, dead, leaked } = outcome;
  const pages = zappedPages(outcome);
  const parts: string[] = [];
  if (bugged) {
    parts.push(`KVM_BUG_ON()${bugSite === undefined ? '' : ` at ${place(bugSite)}`}, VM ${dead ? 'dead' : 'bugged'}`);
    parts.push(pages === '' ? 'nothing is zapped' : `${pages} zapped all the same`);
  } else {
    parts.push('no KVM_BUG_ON() fires');
    parts.push(pages === '' ? 'nothing is zapped' : `${pages} zapped`);
    if (classes.includes('private-data-lost')) parts.push('what the private ones held is lost');
    else if (classes.includes('refault')) parts.push('faulted in again on demand');
  }
  if (classes.includes('warn')) parts.push('WARN');
  if (leaked.length > 0) parts.push(`${leaked.join(' and ')} leaked`);
  return parts.join('; ');
}

/** `all private and shared pages are`; of a call for one gfn `gfn 0xfee00, shared, is`. */
function zappedPages(outcome: Outcome): string {
  const kind = zappedKinds(outcome);
  if (kind === '') return '';
  const [start, end] = [BigInt(outcome.range.start), BigInt(outcome.range.end)];
  if (end - start === 1n) return `gfn ${outcome.range.start}, ${kind}, is`;
  return `all ${kind} pages${end < WHOLE ? ` of gfns ${outcome.range.start} to 0x${(end - 1n).toString(16)}` : ''} are`;
}

/** A range that ends here or behind it is all that a guest can have. */
const WHOLE = 1n << 40n;

/** A TD's private pages hang from its mirror root, its shared ones from the direct root; other VMs have one root for all. */
function zappedKinds({ vm, zapped, classes }: Outcome): string {
  if (!zapped.mirror && !zapped.direct && !zapped.rmap) return '';
  if (vm !== 'tdx') return 'mapped';
  if (zapped.mirror) return zapped.direct ? 'private and shared' : 'private';
  return classes.includes('private-data-lost') ? 'mapped' : 'shared';
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
