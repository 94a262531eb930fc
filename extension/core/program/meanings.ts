import type { MacroFact } from '../syntax/facts';
import type { CallingMacros } from './calling-macros';
import { isHeader, vendorOfFile } from './ids';
import type { Located } from './located';
import type { PointerTest } from './pointer-test';
import type { FunctionNode } from './program';
import { preferActive } from './values';
import { functionLikeMacros, functionsMeant, macrosNamed, type World } from './world';

/** Registrations that a loaded header may define as a macro, but that mean "call this later". */
const REGISTERS =
  /^(?:INIT_\w*WORK\w*|DECLARE_\w*WORK|kthread_init_\w*work|init_\w*|timer_setup\w*|hrtimer_\w+|call_s?rcu\w*)$/;

/** What `name(...)` means in a file, where no local variable has that name. */
export interface Meaning {
  /** The call only says which slot is called: the inner one of `kvm_x86_call(x)(...)`. */
  readonly isSlotName: boolean;
  /** Function-like macros that are on. */
  readonly macros: readonly Located<MacroFact>[];
  /** Functions that are called, unless a macro of the same name hides them: those that are on, else all. */
  readonly functions: readonly FunctionNode[];
  /** Definitions that are off, beside others that are on. */
  readonly off: readonly FunctionNode[];
  /** Whether a parameter of `functions` can hold a function. */
  readonly takesFunctions: boolean;
  /** The name of macros that register what they are given. */
  readonly registers: string | undefined;
  /** Nothing is called, and what is given must be a function to matter: `min()`, `BIT()`. */
  readonly isInert: boolean;
}

const NONE: readonly never[] = [];

/** Calls by name, each resolved once: per file, or once for all where every file means the same by it. */
export class Meanings {
  private readonly everywhere = new Map<string, Meaning | undefined>();
  private readonly known = new Map<string, Map<string, Meaning>>();
  /** The file that was asked about last, and what is known of it: bodies are read file by file. */
  private file: string | undefined;
  private inFile = new Map<string, Meaning>();

  constructor(
    private readonly world: World,
    private readonly pointers: PointerTest,
    private readonly calling: CallingMacros,
  ) {}

  of(name: string, file: string): Meaning {
    const inFile = file === this.file ? this.inFile : this.enter(file);
    const known = inFile.get(name) ?? this.everywhere.get(name);
    if (known !== undefined) return known;
    if (!this.everywhere.has(name)) {
      const meaning = this.findForAll(name);
      this.everywhere.set(name, meaning);
      if (meaning !== undefined) return meaning;
    }
    const meaning = this.find(name, file);
    inFile.set(name, meaning);
    return meaning;
  }

  private enter(file: string): Map<string, Meaning> {
    this.file = file;
    this.inFile = this.known.get(file) ?? new Map<string, Meaning>();
    this.known.set(file, this.inFile);
    return this.inFile;
  }

  /** At most one macro and one function, each known to all: the file of the call does not matter. */
  private findForAll(name: string): Meaning | undefined {
    const { definitions, functions, staticCalls } = this.world;
    const macros = definitions.macros.get(name) ?? NONE;
    const named = functions.all(name);
    if (macros.length > 1 || named.length > 1) return undefined;
    const macro = macros[0];
    const fn = named[0];
    if (macro !== undefined && (macro.fact.params === undefined || !isKnownToAll(macro.file))) return undefined;
    if (fn?.static === true && !isKnownToAll(fn.file)) return undefined;
    if (macro === undefined) return this.withoutMacros(named, staticCalls.isCallName(NONE, name));
    return this.find(name, macro.file);
  }

  private find(name: string, file: string): Meaning {
    const { world } = this;
    const all = macrosNamed(world, name, file);
    if (all.length === 0) {
      const meant = functionsMeant(world, name, file);
      return this.withoutMacros(meant, world.staticCalls.isCallName(all, name));
    }
    const macros = functionLikeMacros(world, name, file).filter(
      ({ fact, file: at }) => world.conditions.isActive(fact.when, at) !== false,
    );
    const isHidden = macros.length > 0 && !macros.some(({ fact }) => callsItself(fact));
    const meant = isHidden ? [] : functionsMeant(world, name, file);
    const functions = preferActive(meant);
    const called = macros[0]?.fact.name;
    return {
      isSlotName: world.staticCalls.isCallName(all, name),
      macros,
      functions,
      off: meant.filter((fn) => !functions.includes(fn)),
      takesFunctions: functions.some((fn) => this.pointers.takesFunction(fn)),
      registers: called !== undefined && REGISTERS.test(called) ? called : undefined,
      isInert: functions.length === 0 && macros.length > 0 && !macros.some(({ fact }) => this.calling.has(fact.name)),
    };
  }

  private withoutMacros(meant: readonly FunctionNode[], isSlotName: boolean): Meaning {
    const functions = meant.length < 2 ? meant : preferActive(meant);
    return {
      isSlotName,
      macros: NONE,
      functions,
      off: functions.length === meant.length ? NONE : meant.filter((fn) => !functions.includes(fn)),
      takesFunctions: functions.some((fn) => this.pointers.takesFunction(fn)),
      registers: undefined,
      isInert: false,
    };
  }
}

/** A header of no vendor's: wherever one of its names is used, it is meant. */
function isKnownToAll(file: string): boolean {
  return isHeader(file) && vendorOfFile(file) === undefined;
}

/** `#define f(a) f(a)`: a wrapper that means the function of the same name. */
function callsItself(macro: MacroFact): boolean {
  return macro.text.includes(macro.name) && new RegExp(`\\b${macro.name}\\b`).test(macro.text);
}
