import type { FileFacts, FunctionFact, MacroFact, PrototypeFact, When } from '../syntax/facts';
import { evaluateCondition } from '../syntax/condition-value';

/**
 * Template headers: `paging_tmpl.h` names its functions `FNAME(x)` and is included once per `#define PTTYPE`. Each
 * inclusion gives an instance: the functions with their names pasted, the branches that its `PTTYPE` switches off left out.
 */
export interface Instance {
  /** `paging64_`. */
  readonly prefix: string;
  readonly functions: readonly FunctionFact[];
  readonly prototypes: readonly PrototypeFact[];
}

const TEMPLATE_NAME = /^([A-Z]+NAME)\((\w+)\)$/;

function isTemplateName(name: string): boolean {
  return name.endsWith(')') && TEMPLATE_NAME.test(name);
}

/** `x` of `FNAME(x)`. */
export function templateName(name: string): string | undefined {
  return TEMPLATE_NAME.exec(name)?.[2];
}

/** Whether a file's functions exist only in instances: it names one of them with a macro. */
export function isTemplate(facts: FileFacts): boolean {
  let known = templates.get(facts);
  if (known === undefined) {
    known = facts.functions.some((fn) => isTemplateName(fn.name));
    templates.set(facts, known);
  }
  return known;
}

/** Asked when files are read and at each link. */
const templates = new WeakMap<FileFacts, boolean>();

/** Names that the file gives to its template's functions: `#define walk FNAME(walk)`. */
export function templateAliases(facts: FileFacts): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  for (const macro of facts.macros)
    if (macro.params === undefined && isTemplateName(macro.text.trim())) aliases.set(macro.name, macro.text.trim());
  return aliases;
}

/** Whether a function of a template file exists once per instance, or once, as in any header. */
export function isInstantiated(fn: PrototypeFact, aliases: ReadonlyMap<string, string>): boolean {
  return isTemplateName(fn.name) || aliases.has(fn.name);
}

/** One per `#include` with a prefix of its own. The same template under the same settings is instantiated once. */
export function instancesOf(template: FileFacts, files: Iterable<FileFacts>): Instance[] {
  const pasters = template.macros.filter(
    (macro) => macro.params?.length === 1 && /##/.test(macro.text) && /^[A-Z]+NAME$/.test(macro.name),
  );
  if (pasters.length === 0) return [];
  const found = new Map<string, Instance>();
  for (const includer of files)
    for (const settings of inclusionsOf(template.path, includer)) {
      const paster = pasters.find((macro) => holds(macro.when, settings) === true);
      const prefix = paster === undefined ? undefined : pastedPrefix(paster);
      if (paster === undefined || prefix === undefined || found.has(prefix)) continue;
      found.set(prefix, instantiate(template, paster.name, prefix, withOwnMacros(template, settings)));
    }
  return [...found.values()];
}

type Settings = ReadonlyMap<string, bigint>;

/** The integer macros that `includer` has set when it includes the template, once per inclusion. */
function* inclusionsOf(path: string, includer: FileFacts): Iterable<Settings> {
  const name = path.slice(path.lastIndexOf('/') + 1);
  for (const include of includer.includes) {
    if (include.target !== name && !include.target.endsWith(`/${name}`)) continue;
    const texts = new Map<string, string>();
    for (const macro of includer.macros)
      if (macro.params === undefined && macro.at < include.at) texts.set(macro.name, macro.text.trim());
    const settings = new Map<string, bigint>();
    for (const macro of texts.keys()) {
      let text: string | undefined = texts.get(macro);
      for (let hops = 0; hops < 4 && text !== undefined && texts.has(text); hops++) text = texts.get(text);
      const value = integer(text ?? '');
      if (value !== undefined) settings.set(macro, value);
    }
    yield settings;
  }
}

/** The settings of an inclusion and what the template defines under them. */
function withOwnMacros(template: FileFacts, settings: Settings): Settings {
  const all = new Map(settings);
  for (const macro of template.macros) {
    const value = macro.params === undefined && holds(macro.when, all) === true ? integer(macro.text) : undefined;
    if (value !== undefined) all.set(macro.name, value);
  }
  return all;
}

function integer(text: string): bigint | undefined {
  const digits = /^\s*(0[xX][0-9a-fA-F]+|[1-9]\d*|0)\b/.exec(text)?.[1];
  return digits === undefined ? undefined : BigInt(digits);
}

function holds(when: When | undefined, settings: Settings): boolean | undefined {
  let all: boolean | undefined = true;
  for (const text of when ?? []) {
    const one = evaluateCondition(text, {
      defined: (name) => (settings.has(name) ? true : undefined),
      value: (name) => settings.get(name),
    });
    if (one === false) return false;
    if (one === undefined) all = undefined;
  }
  return all;
}

function pastedPrefix(macro: MacroFact): string | undefined {
  const param = macro.params?.[0] ?? '';
  const parts = macro.text.split('##').map((part) => part.trim());
  if (parts.pop() !== param || !parts.every((part) => /^\w+$/.test(part))) return undefined;
  return parts.join('');
}

const remembered = new WeakMap<FileFacts, Map<string, Instance>>();

function instantiate(template: FileFacts, macro: string, prefix: string, settings: Settings): Instance {
  let known = remembered.get(template);
  if (known === undefined) remembered.set(template, (known = new Map<string, Instance>()));
  const key = [macro, prefix, ...settings].join();
  let instance = known.get(key);
  if (instance === undefined) known.set(key, (instance = makeInstance(template, macro, prefix, settings)));
  return instance;
}

function makeInstance(template: FileFacts, macro: string, prefix: string, settings: Settings): Instance {
  const aliases = templateAliases(template);
  const paste = new Paster(macro, prefix, settings, aliases);
  return {
    prefix,
    functions: template.functions
      .filter((fn) => isInstantiated(fn, aliases) && holds(fn.when, settings) !== false)
      .map((fn) => paste.definition(fn)),
    prototypes: template.prototypes
      .filter((fn) => isInstantiated(fn, aliases) && holds(fn.when, settings) !== false)
      .map((fn) => paste.definition(fn)),
  };
}

/** Copies plain data, with names pasted and `when` statements decided. */
class Paster {
  private readonly pattern: RegExp;

  constructor(
    macro: string,
    private readonly prefix: string,
    private readonly settings: Settings,
    private readonly aliases: ReadonlyMap<string, string>,
  ) {
    this.pattern = new RegExp(`\\b${macro}\\(\\s*(\\w+)\\s*\\)`, 'g');
  }

  definition<Fact extends PrototypeFact>(fact: Fact): Fact {
    const copy = this.copy(fact) as Fact;
    const open = fact.when?.filter((text) => holds([text], this.settings) === undefined) ?? [];
    const { when, ...rest } = copy;
    return (open.length === 0 || when === undefined ? rest : { ...rest, when: open }) as Fact;
  }

  private copy(value: unknown): unknown {
    if (typeof value === 'string')
      return value.includes('NAME(') ? value.replace(this.pattern, (_, name: string) => this.prefix + name) : value;
    if (Array.isArray(value)) return value.flatMap((item: unknown) => this.item(item));
    if (typeof value !== 'object' || value === null) return value;
    const result: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value))
      result[key] = this.copy(key === 'name' && typeof inner === 'string' ? (this.aliases.get(inner) ?? inner) : inner);
    return result;
  }

  private item(item: unknown): unknown[] {
    if (isWhen(item)) {
      const decided = holds([item.when], this.settings);
      if (decided === false) return [];
      if (decided === true) return item.body.flatMap((inner) => this.item(inner));
    }
    return [this.copy(item)];
  }
}

function isWhen(item: unknown): item is { k: 'when'; when: string; body: unknown[] } {
  return typeof item === 'object' && item !== null && 'k' in item && item.k === 'when';
}
