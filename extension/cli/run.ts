import { InputError } from '../core/input-error';
import { TOOL } from '../core/report/contract';
import { type Arguments, type CommandName, readArguments } from './arguments';
import { check, type ExitCode, graph, outcome, patch, paths, why } from './commands';
import { startServer } from './lsp';
import type { Terminal } from './output';

const RUN: Readonly<Record<CommandName, (args: Arguments, terminal: Terminal) => Promise<ExitCode>>> = {
  check,
  why,
  paths,
  graph,
  outcome,
  patch,
  lsp: startServer,
};

/**
 * Runs a command line and returns its exit code. Every fault becomes one line on standard error: of the input 2, of
 * this tool 3 (with `KVM_LENS_DEBUG` set, a stack too).
 */
export async function run(argv: readonly string[], terminal: Terminal, debug: boolean): Promise<ExitCode> {
  try {
    const args = readArguments(argv);
    return args === undefined ? 0 : await RUN[args.command](args, terminal);
  } catch (error) {
    if (error instanceof InputError) {
      terminal.err(`${TOOL.name}: ${error.message}\n`);
      return 2;
    }
    const message = error instanceof Error ? `${error.name}: ${error.message.split('\n', 1).join('')}` : String(error);
    terminal.err(`${TOOL.name}: a defect of ${TOOL.name}: ${message} (KVM_LENS_DEBUG=1 shows where)\n`);
    if (debug && error instanceof Error) terminal.err(`${error.stack ?? ''}\n`);
    return 3;
  }
}
