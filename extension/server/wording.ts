import type { Caller, Guard, Path, VmType } from '../core/reach/verdict';
import type { CheckReport } from '../core/report/contract';
import { oneLine, pathNames, plural } from '../core/report/words';
import { place } from '../core/program/place';

/** The editor's short forms; what is longer than a line is in the words of the reports. */

const VM_LABELS: Readonly<Record<VmType, string>> = {
  tdx: 'TDX',
  default: 'default VM',
  'sw-protected': 'SW-protected',
  sev: 'SEV',
  'sev-es': 'SEV-ES',
  snp: 'SNP',
};

export function vmLabel(vm: VmType): string {
  return VM_LABELS[vm];
}

/** What a report's verdicts are for. In a tree that cannot make a TD they are for a hypothetical one. */
export function subject({ vm, tree }: Pick<CheckReport, 'vm' | 'tree'>): string {
  return vm === 'tdx' && tree.hypotheticalTd ? `hypothetical ${vmLabel(vm)}` : vmLabel(vm);
}

/** `TDX: reachable from 5 entry points`, `TDX: blocked by kvm_check_has_quirk() · x86.c:10637` */
export function lensTitle(report: Pick<CheckReport, 'vm' | 'tree'>, caller: Caller<unknown>): string {
  return `${subject(report)}: ${caller.verdict}${because(caller)}`;
}

function because(caller: Caller<unknown>): string {
  switch (caller.verdict) {
    case 'reachable': {
      const open = caller.entries.filter((entry) => entry.verdict === 'reachable').length;
      return open > 0 ? ` from ${plural(open, 'entry point')}` : '';
    }
    case 'conditional':
      return caller.conditions.length > 0 ? `, ${onlyIf(caller.conditions)}` : '';
    case 'blocked': {
      const [first, ...others] = caller.cutBy ?? [];
      if (first === undefined) return '';
      const more = others.length > 0 ? ` and ${others.length} more` : '';
      return ` by ${guardName(first)} · ${place(first.site)}${more}`;
    }
    case 'unknown':
    case 'unreachable':
      return '';
  }
}

/** `only if kvzalloc() fails, bar.c:71` */
export function onlyIf(conditions: readonly string[]): string {
  const text = conditions.join('; ');
  return /^(only )?(if|when)\b/.test(text) ? text : `only if ${text}`;
}

/** The function that a guard asks, `is_td()`; else its text, cut to the length that a code lens bears. */
export function guardName(guard: Guard): string {
  const text = oneLine(guard.text, Number.MAX_SAFE_INTEGER);
  const call = /^!*([A-Za-z_]\w*)\s*\(/.exec(text);
  return call?.[1] !== undefined && endsWithCall(text) ? `${call[1]}()` : oneLine(text, 48);
}

/** The first bracket of the text closes at its end. */
function endsWithCall(text: string): boolean {
  let depth = 0;
  for (let i = text.indexOf('('); i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && --depth === 0) return i === text.length - 1;
  }
  return false;
}

/** `KVM_SET_MSRS -> ... -> g() -> f()`: of a long path the entry and the last `most` functions before the sink. */
export function pathText(path: Path, most: number): string {
  const [entry = '', ...functions] = pathNames(path);
  return [entry, ...(functions.length > most ? ['...', ...functions.slice(-most)] : functions)].join(' -> ');
}
