import type { Expr, FileFacts, FunctionFact, InitItem, Pos, Stmt, VariableFact, When } from '../syntax/facts';
import { lineOf } from '../syntax/facts';
import { includedTarget } from '../syntax/included';
import type { LowerContext } from '../syntax/lower-context';
import { expandGenerators } from '../syntax/lower-generated';
import { contextOf, madeItems, type MadePiece, madeStatements } from '../syntax/lower-made';
import type { ParseText } from '../syntax/lower-macros';
import { Expansions, type Plan } from './expansions';

/**
 * Completes what a file's facts alone cannot say, for it is made by macros of another file: functions that a header's
 * generators define, and the lists of macro calls (`SHADOW_FIELD(a)`) that are included among statements or in an
 * initialiser. Facts that need nothing are returned as they are; those of the same file that need the same are made once.
 */
export function completeFacts(parse: ParseText, facts: readonly FileFacts[]): FileFacts[] {
  const expansions = new Expansions(facts);
  return facts.map((file) => {
    const plan = expansions.planOf(file);
    if (plan === undefined) return file;
    const known = remembered.get(file);
    const key = JSON.stringify([plan.calls, [...plan.lists], [...(plan.macros?.all.values() ?? [])]]);
    if (known?.key === key) return known.facts;
    const completed = complete(parse, file, plan);
    remembered.set(file, { key, facts: completed });
    return completed;
  });
}

const remembered = new WeakMap<FileFacts, { readonly key: string; readonly facts: FileFacts }>();

function complete(parse: ParseText, file: FileFacts, { calls, macros, lists }: Plan): FileFacts {
  const ctx = contextOf(file);
  const reader = new ListReader(ctx, parse, lists);
  const functions = file.functions.map((fn) => reader.inFunction(fn));
  const variables = file.variables.map((variable) => reader.inVariable(variable));
  const generated = macros === undefined ? [] : expandGenerators(ctx, parse, calls, macros).functions;
  return {
    ...file,
    functions: [...functions, ...generated],
    variables,
    problems: [...file.problems, ...ctx.problems],
  };
}

/** Puts what was included in the place of the `#include`. */
class ListReader {
  constructor(
    private readonly ctx: LowerContext,
    private readonly parse: ParseText,
    /** By the place of the `#include`. */
    private readonly lists: Plan['lists'],
  ) {}

  inFunction(fn: FunctionFact): FunctionFact {
    const isInside = (at: Pos): boolean => fn.firstLine <= lineOf(at) && lineOf(at) <= fn.lastLine;
    return [...this.lists.keys()].some(isInside) ? { ...fn, body: this.stmts(fn.body) } : fn;
  }

  inVariable(variable: VariableFact): VariableFact {
    const { init } = variable;
    return init?.k === 'init' ? { ...variable, init: this.init(init) } : variable;
  }

  private stmts(list: readonly Stmt[]): readonly Stmt[] {
    return list.flatMap((stmt): readonly Stmt[] => {
      switch (stmt.k) {
        case 'opaque':
          return this.read(stmt, madeStatements) ?? [stmt];
        case 'if': {
          const otherwise = stmt.else === undefined ? {} : { else: this.stmts(stmt.else) };
          return [{ ...stmt, then: this.stmts(stmt.then), ...otherwise }];
        }
        case 'switch':
        case 'loop':
        case 'each':
        case 'block':
        case 'when':
          return [{ ...stmt, body: this.stmts(stmt.body) }];
        case 'guard':
          return stmt.body === undefined ? [stmt] : [{ ...stmt, body: this.stmts(stmt.body) }];
        case 'decl':
          return stmt.init?.k === 'init' ? [{ ...stmt, init: this.init(stmt.init) }] : [stmt];
        default:
          return [stmt];
      }
    });
  }

  private init(x: Expr & { readonly k: 'init' }): Expr {
    const items = x.items.flatMap((item): readonly InitItem[] => {
      if (item.value.k === 'init') return [{ ...item, value: this.init(item.value) }];
      return (
        this.read(item.value, madeItems)?.map((made) => ({ ...made, ...bothWhen(item.when, made.when) })) ?? [item]
      );
    });
    return { ...x, items };
  }

  private read<Made>(
    x: Expr | Stmt,
    make: (ctx: LowerContext, parse: ParseText, list: readonly MadePiece[], at: Pos) => Made[] | undefined,
  ): Made[] | undefined {
    const target = includedTarget(x);
    if (target === undefined) return undefined;
    const list = this.lists.get(x.at);
    const made = list === undefined ? undefined : make(this.ctx, this.parse, list, x.at);
    if (made === undefined)
      this.ctx.problems.push({
        file: this.ctx.path,
        line: lineOf(x.at),
        message: `not understood: #include "${target}"`,
      });
    return made;
  }
}

function bothWhen(outer: When | undefined, inner: When | undefined): { when?: When } {
  const when = [...(outer ?? []), ...(inner ?? [])];
  return when.length === 0 ? {} : { when };
}
