import { DEFAULT_SINK, type Question, VM_TYPES, type VmType } from '../core/reach/verdict';

/** The settings `kvmLens.*` that the server reads. */
export interface Settings {
  readonly question: Question;
  readonly codeLens: boolean;
}

export const DEFAULT_SETTINGS: Settings = {
  question: { vm: 'tdx', sinks: [DEFAULT_SINK], host: {}, assumptions: true },
  codeLens: true,
};

/**
 * Settings from what a client sent, which may be anything. A value that cannot be used is replaced by its default and
 * named in `faults`.
 */
export function readSettings(value: unknown): { readonly settings: Settings; readonly faults: readonly string[] } {
  const faults: string[] = [];
  if (!isRecord(value)) return { settings: DEFAULT_SETTINGS, faults };
  const { question, codeLens } = DEFAULT_SETTINGS;
  const take = <T>(name: string, raw: unknown, accept: (raw: unknown) => T | undefined, otherwise: T): T => {
    if (raw === undefined || raw === null) return otherwise;
    const accepted = accept(raw);
    if (accepted === undefined)
      faults.push(`kvmLens.${name}: ${JSON.stringify(raw)} cannot be used; the default stands`);
    return accepted ?? otherwise;
  };
  const lens = isRecord(value['codeLens']) ? value['codeLens']['enabled'] : undefined;
  return {
    settings: {
      question: {
        ...question,
        vm: take('vmType', value['vmType'], asVmType, question.vm),
        sinks: take('sinks', value['sinks'], asNames, question.sinks),
        host: take('hostFacts', value['hostFacts'], asStrings, question.host),
      },
      codeLens: take('codeLens.enabled', lens, (raw) => (typeof raw === 'boolean' ? raw : undefined), codeLens),
    },
    faults,
  };
}

function asVmType(raw: unknown): VmType | undefined {
  return VM_TYPES.find((vm) => vm === raw);
}

function asNames(raw: unknown): string[] | undefined {
  if (!Array.isArray(raw) || raw.length === 0) return undefined;
  const names = raw.filter((name): name is string => typeof name === 'string' && /^[A-Za-z_]\w*$/.test(name));
  return names.length === raw.length ? names : undefined;
}

function asStrings(raw: unknown): Record<string, string> | undefined {
  if (!isRecord(raw)) return undefined;
  const strings: Record<string, string> = {};
  for (const [key, value] of Object.entries(raw)) {
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined;
    strings[key] = String(value);
  }
  return strings;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
