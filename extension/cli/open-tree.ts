import type { Analysis, OpenOptions } from '../core/analysis';
import { InputError } from '../core/input-error';
import type { SourceTree } from '../core/source/tree';
import type { CParser } from '../core/syntax/parser';
import { DiskTree } from '../node/disk-tree';
import { loadParser } from '../node/parser';
import type { Arguments } from './arguments';
import { Progress, type Terminal } from './output';
import { chooseTree, type OperandKind, type TreeChoice } from './tree-argument';

/** What the commands that read a tree have in common. */
export interface Opened {
  readonly choice: TreeChoice;
  readonly tree: SourceTree;
  readonly parser: CParser;
  readonly options: OpenOptions;
  readonly progress: Progress;
}

export async function chooseAndLoad(args: Arguments, terminal: Terminal, kind: OperandKind): Promise<Opened> {
  const choice = chooseTree(args.operands, terminal.cwd, kind);
  const [extra] = choice.rest;
  if (kind === 'none' && extra !== undefined) throw new InputError(`${args.command} takes one tree, and not ${extra}`);
  const progress = new Progress(terminal);
  const options: OpenOptions = {
    progress: (done, total) => {
      progress.show(`reading ${done} of ${total} files`);
    },
    ...(args.timings ? { clock: () => terminal.clock() } : {}),
  };
  return { choice, tree: new DiskTree(choice.top, choice.label), parser: await loadParser(), options, progress };
}

/**
 * A verdict without a file of KVM would be a guess: the command refuses what the editor shows as a problem.
 * @throws InputError
 */
export function refuseUnreadable(analysis: Analysis): void {
  const [first, ...rest] = analysis.unreadable;
  if (first === undefined) return;
  const more = rest.length === 0 ? '' : ` (and ${rest.length} more)`;
  throw new InputError(`${first.file} cannot be read: ${first.message}${more}`);
}

/** What tells the reader that it was not their tree: first in a text, on standard error beside JSON. */
export function sampleNote(choice: TreeChoice): string {
  return choice.isSample ? 'No kernel tree was given and none is here: this is the bundled sample.\n' : '';
}
