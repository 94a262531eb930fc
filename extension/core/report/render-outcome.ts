import { isBug, isFlush, removedBy } from '../mmu/describe';
import type { Outcome, TraceEvent } from '../mmu/outcome';
import { place } from '../program/place';
import type { VmType } from '../reach/verdict';
import type { ExploredOutcome, OutcomeReport } from './contract';
import { explorationLines } from './render-exploration';
import { oneLine, outcomeText, plural } from './words';

export interface OutcomeOptions {
  /** Every step with what it changed, and the state at the end. */
  readonly full: boolean;
  /** What is said of a TDX VM is said of one that the tree cannot make. */
  readonly hypotheticalTd: boolean;
}

/**
 * Text of an outcome, as a reviewer would write it: what fires and where, what runs all the same, what the guest and
 * userspace see; at most six lines for all VM types that it is the same for.
 */
export function renderOutcome({ outcomes }: OutcomeReport, options: OutcomeOptions): string {
  const groups = new Map<string, ExploredOutcome[]>();
  for (const outcome of outcomes) {
    const lines = linesOf(outcome, options).join('\n');
    const key = `${titleOf(outcome)}\n${lines}`;
    groups.set(key, [...(groups.get(key) ?? []), outcome]);
  }
  let title = '';
  return [...groups.values()]
    .flatMap((same) => {
      const [first] = same;
      if (first === undefined) return [];
      const head = titleOf(first) === title ? [] : [...(title === '' ? [] : ['']), titleOf(first)];
      title = titleOf(first);
      const names = same.map(({ vm }) => vmTitle(vm, options)).join(', ');
      const [answer = '', ...rest] = linesOf(first, options);
      return [...head, '', `${names}: ${answer}`, ...rest.map((line) => `  ${line}`)];
    })
    .concat('')
    .join('\n');
}

const NAMES: Readonly<Record<VmType, string>> = {
  tdx: 'TDX',
  default: 'DEFAULT',
  'sw-protected': 'SW_PROTECTED',
  sev: 'SEV',
  'sev-es': 'SEV-ES',
  snp: 'SNP',
};

function vmTitle(vm: VmType, { hypotheticalTd }: OutcomeOptions): string {
  return vm === 'tdx' && hypotheticalTd ? 'TDX (hypothetical: this tree has no TDX host support)' : NAMES[vm];
}

function titleOf({ sink, scenario }: Outcome): string {
  return `${sink}(), scenario ${scenario}`;
}

/** The answer, and what stands under it; the VM's type is not in them. */
function linesOf(outcome: ExploredOutcome, options: OutcomeOptions): string[] {
  const work = workText(outcome);
  const open = openText(outcome);
  return [
    outcomeText(outcome),
    ...(work === '' ? [] : [`${outcome.bugged ? 'still runs' : 'runs'}: ${work}`]),
    ...leftBehind(outcome),
    `guest: ${outcome.guest}`,
    `userspace: ${outcome.userspace}`,
    ...(open === '' ? [] : [open]),
    ...(options.full ? stepLines(outcome) : []),
    ...(outcome.exploration === undefined ? [] : explorationLines(outcome.exploration)),
  ];
}

/** What the sink removes and flushes, and where; of a bugged VM only what comes after the KVM_BUG_ON. */
function workText({ bugged, trace }: Outcome): string {
  const bug = bugged ? trace.findIndex((event) => event.changes.some(isBug)) : -1;
  const places = new Map<string, { what: string; count: number; where: string }>();
  for (const event of trace.slice(bug + 1).filter(({ by }) => by === undefined))
    for (const change of event.changes) {
      const kind = removedBy(change) ?? (isFlush(change) ? 'flush' : undefined);
      if (kind === undefined) continue;
      const where = event.site === undefined ? '' : ` ${place(event.site)}`;
      const known = places.get(`${kind}${where}`);
      places.set(`${kind}${where}`, { what: kind, count: (known?.count ?? 0) + 1, where });
    }
  return [...places.values()].map(({ what, count, where }) => `${workWords(what, count)}${where}`).join(', ');
}

function workWords(kind: string, count: number): string {
  if (kind === 'flush') return 'TLB flush';
  if (kind === 'rmap') return `zap of ${plural(count, 'rmap')}`;
  return kind === 'mirror'
    ? `removal of ${count} private ${count === 1 ? 'page' : 'pages'} from the S-EPT`
    : `zap of ${count} ${count === 1 ? 'SPTE' : 'SPTEs'} under the direct root`;
}

/** Where a run ends that leaves a lock or an invalidation behind. */
function leftBehind({ leaked, trace }: Outcome): string[] {
  if (leaked.length === 0) return [];
  const last = trace.findLast((event) => /^returns from /.test(event.text)) ?? trace.findLast((event) => event.site);
  const where = last?.site === undefined ? '' : ` at ${place(last.site)}`;
  return [`leaves${where} with ${leaked.join(' and ')} held`];
}

/** What the model does not know or could not decide, on one line. */
function openText({ unmodelled, trace }: Outcome): string {
  const calls = unmodelled.map((call) => `${oneLine(call.text, 60)} ${place(call)}`);
  const taken = trace.filter((event) => event.text.startsWith('not decided: ')).map((event) => event.text.slice(13));
  const parts = [
    ...(calls.length === 0 ? [] : [`not modelled: ${few(calls)}`]),
    ...(taken.length === 0 ? [] : [`not decided: ${few(taken.map((text) => oneLine(text, 60)))}`]),
  ];
  return parts.join('; ');
}

function few(all: readonly string[]): string {
  const more = all.length - 3;
  return `${all.slice(0, 3).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function stepLines({ trace, end }: Outcome): string[] {
  return [
    'steps:',
    ...trace.flatMap((event, i) => [`${String(i + 1).padStart(3)}. ${eventText(event)}`, ...changeLines(event)]),
    'at the end:',
    ...end.map(({ what, value }) => `     ${what}: ${value}`),
  ];
}

function eventText({ text, site }: TraceEvent): string {
  return `${oneLine(text, 110)}${site === undefined ? '' : `  ${place(site)}`}`;
}

function changeLines({ changes }: TraceEvent): string[] {
  return changes.map(({ what, before, after }) => `       ${what}: ${before} -> ${after}`);
}
