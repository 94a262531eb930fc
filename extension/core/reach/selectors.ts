import type { Symbols } from '../program/program';
import type { Expr } from '../syntax/facts';
import * as bits from './known-bits';
import type { Label } from './machine';
import { START, type State, type Value } from './state';

/**
 * What a way in is named after: the ioctl, the capability or sub-command, the exit reason. A state holds which of the
 * names the selector of a kind can have, whether or not they fold to numbers. This is for naming alone: it cuts nothing.
 */
export interface Choice {
  readonly kind: Label['kind'];
  readonly name: string;
}

const KINDS = ['ioctl', 'sub', 'exit'] as const satisfies readonly Label['kind'][];

/** Whether a value is the number of the ioctl that is being served. */
export function isIoctl(value: Value): boolean {
  return value.k === 'symbol' && value.id.startsWith('ioctl:');
}

/** What is chosen where `value` equals the constant `x`. */
export function choiceOf(value: Value, x: Expr): Choice | undefined {
  if (x.k !== 'id') return undefined;
  if (isIoctl(value)) return /^[A-Z]\w+$/.test(x.name) ? { kind: 'ioctl', name: x.name } : undefined;
  if (/^KVM_(?:CAP|SEV|TDX)_/.test(x.name)) return { kind: 'sub', name: x.name };
  return /^(?:EXIT_REASON|SVM_EXIT|SVM_VMGEXIT|TDVMCALL)_/.test(x.name) ? { kind: 'exit', name: x.name } : undefined;
}

/** The state in which the selector has this name. */
export function chosen(symbols: Symbols, state: State, { kind, name }: Choice): State {
  return withNames(state, kind, bits.constant(numberOf(symbols, name)));
}

/** The state in which the selector has another name. */
export function excluded(symbols: Symbols, state: State, { kind, name }: Choice): State {
  const left = bits.meet(namesIn(state, kind), bits.without(bits.TOP, numberOf(symbols, name)));
  return withNames(state, kind, bits.isNone(left) ? bits.TOP : left);
}

/** The names that a state leaves to each selector, of those selectors of which it leaves finitely many. */
export function labelsIn(symbols: Symbols, state: State): Label[] {
  const all = tableOf(symbols).names;
  return KINDS.flatMap((kind) => {
    const left = namesIn(state, kind);
    if ((left.ranges.at(-1)?.[1] ?? bits.ALL) >= all.length) return [];
    return [{ kind, names: all.filter((_, i) => bits.holds(left, BigInt(i))).sort() }];
  });
}

/** Nothing but the names that a state leaves. */
export function namesAlone(state: State): State {
  return KINDS.reduce((each, kind) => withNames(each, kind, namesIn(state, kind)), START);
}

/** Where `known` of a state has the names of the ioctl: they go with its number. */
export const IOCTL_NAMES = 'names:ioctl';

function namesIn(state: State, kind: Label['kind']): bits.Bits {
  return state.known.get(`names:${kind}`) ?? bits.TOP;
}

function withNames(state: State, kind: Label['kind'], names: bits.Bits): State {
  if (names === namesIn(state, kind)) return state;
  return { ...state, known: state.known.set(`names:${kind}`, names) };
}

interface NameTable {
  readonly names: string[];
  readonly numbers: Map<string, bigint>;
}

const tables = new WeakMap<Symbols, NameTable>();

function tableOf(symbols: Symbols): NameTable {
  const table = tables.get(symbols) ?? { names: [], numbers: new Map<string, bigint>() };
  tables.set(symbols, table);
  return table;
}

/** Names are numbered as they are met. */
function numberOf(symbols: Symbols, name: string): bigint {
  const { names, numbers } = tableOf(symbols);
  let number = numbers.get(name);
  if (number === undefined) {
    number = BigInt(names.push(name) - 1);
    numbers.set(name, number);
  }
  return number;
}
