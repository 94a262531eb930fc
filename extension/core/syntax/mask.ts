import { rewriteAsm } from './mask-asm';
import { blankAttributes } from './mask-attributes';
import { closeBraces } from './mask-braces';
import { settleBranches } from './mask-branches';
import { readDirectives } from './mask-directives';
import { blankFileScopeCalls } from './mask-file-scope';
import { blankGarbage } from './mask-garbage';
import { readLayout, type Token, tokenize } from './mask-lex';
import { rewriteStatements } from './mask-statements';
import { MaskText } from './mask-text';
import type { MaskedSource } from './masked';

/**
 * Kernel C as text that a C grammar reads without errors, of the same length and with the same line breaks, and the
 * notes on what was changed. Total: any text gives a result, in time that is linear in its length.
 */
export function maskKernelC(source: string): MaskedSource {
  const mask = new MaskText(source);
  const layout = readLayout(mask);
  const { conditionals, defines, undefs, includes, faults } = readDirectives(mask, layout.directives);
  const settled = settleBranches(mask, conditionals, tokenize(mask));
  const closed = closeBraces(mask, settled.tokens);
  const sound = blankGarbage(mask, closed.tokens);
  let tokens: readonly Token[] = blankAttributes(mask, sound.tokens);
  tokens = rewriteAsm(mask, tokens);
  tokens = blankFileScopeCalls(mask, tokens);
  rewriteStatements(mask, tokens);
  return {
    text: mask.toString(),
    branches: settled.branches,
    defines,
    includes,
    undefs,
    rewrites: mask.rewrites(),
    faults: [...layout.faults, ...faults, ...closed.faults, ...sound.faults].sort((a, b) => a.at - b.at),
  };
}
