import type { Expr, Stmt } from './facts';
import type { LowerContext } from './lower-context';
import { commaList, lowerExpr } from './lower-expr';
import type { Rewrite } from './masked';
import { child, type SyntaxNode } from './syntax-node';

/** An expression as statement; also what only looks like a call: inline assembler, `guard(x)(y);`, `CLASS(x, v)(y);`. */
export function lowerExpressionStatement(ctx: LowerContext, node: SyntaxNode): Stmt[] {
  const at = ctx.at(node.start);
  const inner = node.children.find((each) => each.type !== 'comment' && each.type !== 'ERROR');
  if (inner === undefined) return [];
  const asm = ctx.rewriteAt(inner.start, 'asm');
  if (asm !== undefined && inner.type === 'call_expression') {
    const operands = child(inner, 'arguments')?.children ?? [];
    return [
      lowerAsm(
        at,
        asm,
        operands.map((each) => lowerExpr(ctx, each)),
      ),
    ];
  }
  if (ctx.rewriteAt(inner.start, 'bare-call') !== undefined) {
    const [name = inner, ...args] = commaList(inner);
    const call: Expr = { k: 'call', at, fn: lowerExpr(ctx, name), args: args.map((each) => lowerExpr(ctx, each)) };
    return [{ k: 'expr', at, x: call }];
  }
  const x = lowerExpr(ctx, inner);
  return [(x.k === 'call' ? lowerGuard(at, x) : undefined) ?? { k: 'expr', at, x }];
}

function lowerGuard(at: number, x: Expr & { readonly k: 'call' }): Stmt | undefined {
  const head = x.fn;
  if (head.k !== 'call' || head.fn.k !== 'id') return undefined;
  const macro = head.fn.name;
  if (macro !== 'guard' && macro !== 'CLASS') return undefined;
  const [name, variable] = head.args.map((arg) => (arg.k === 'id' ? arg.name : arg.k === 'type' ? arg.type : ''));
  const declared = macro === 'CLASS' && variable !== undefined ? { variable } : {};
  return { k: 'guard', at, macro, name: name ?? '', ...declared, args: x.args };
}

/** Masking made the operands arguments, outputs first; what the template calls and the labels are read from the original. */
export function lowerAsm(at: number, asm: Rewrite, operands: readonly Expr[]): Stmt {
  const outputs = asm.outputs ?? 0;
  const { called, labels } = namesInAsm(asm.original);
  const inputs = [...operands.slice(outputs), ...called.map((name): Expr => ({ k: 'id', at, name }))];
  const jumps = labels.length === 0 ? {} : { labels };
  return { k: 'asm', at, outputs: operands.slice(0, outputs), inputs, ...jumps };
}

const ASM_TOKEN = /"(?:\\[\s\S]|[^"\\])*"|\/\*[\s\S]*?\*\/|\/\/[^\n]*|\w+|[([\]):]/g;

/**
 * What the template (the first section, strings in macros included) calls by name, and the fifth section of
 * `asm goto("..." : outputs : inputs : clobbers : labels)`.
 */
function namesInAsm(original: string): { readonly called: readonly string[]; readonly labels: readonly string[] } {
  let depth = 0;
  let section = 0;
  const called: string[] = [];
  const labels: string[] = [];
  for (const [token] of original.matchAll(ASM_TOKEN)) {
    if (token === '(' || token === '[') depth += 1;
    else if (token === ')' || token === ']') depth -= 1;
    else if (section === 0 && token.startsWith('"'))
      for (const [, name = ''] of token.matchAll(/\b(?:call|jmp)q?\s+([A-Za-z_]\w*)/g)) called.push(name);
    else if (depth !== 1) continue;
    else if (token === ':') section += 1;
    else if (section === 4 && /^\w+$/.test(token)) labels.push(token);
  }
  return { called, labels };
}
