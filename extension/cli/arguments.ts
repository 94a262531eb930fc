import { cac } from 'cac';
import { InputError } from '../core/input-error';
import { DEFAULT_SCENARIO, SCENARIOS } from '../core/mmu/scenario';
import { DEFAULT_SINK, type Question, VM_TYPES, type VmType } from '../core/reach/verdict';
import { TOOL } from '../core/report/contract';
import { type Bounds, DIRECTIONS } from '../core/report/neighbourhood';

export const COMMANDS = ['check', 'why', 'paths', 'graph', 'outcome', 'patch', 'lsp'] as const;
export type CommandName = (typeof COMMANDS)[number];

export type Format = 'text' | 'json' | 'dot';

/** What `graph --format dot` draws. */
export interface DrawingArguments {
  /** Functions by name; none: the sinks. */
  readonly around: readonly string[];
  readonly bounds: Bounds;
}

/** `-` as an argument or as an option's value, in a form that the option parser leaves alone. */
export const STDIN = '<stdin>';

/** A command line that is well-formed; whether its tree and functions exist is not known yet. */
export interface Arguments {
  readonly command: CommandName;
  /** TREE, if given, and what the command takes after it. */
  readonly operands: readonly string[];
  /** The VM types asked for; one unless `all` was. */
  readonly vms: readonly VmType[];
  readonly allVms: boolean;
  /** `--vm` was given. */
  readonly vmGiven: boolean;
  readonly question: Omit<Question, 'vm'>;
  readonly format: Format;
  readonly output: string | undefined;
  readonly timings: boolean;
  readonly full: boolean;
  readonly queries: string | undefined;
  /** Of `outcome`: a built-in scenario's name, or a file. */
  readonly scenario: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly cut: boolean;
  readonly explore: boolean;
  readonly drawing: DrawingArguments;
}

const LATER: Readonly<Record<string, string>> = {
  sarif: 'SARIF',
  markdown: 'Markdown',
  mail: 'a review mail',
};

/**
 * Reads a command line without the program's name. `undefined`: help or the version was asked for, and printed.
 * @throws InputError that says what is wrong with it
 */
export function readArguments(argv: readonly string[]): Arguments | undefined {
  const parser = makeParser();
  const [first] = argv;
  if (first === 'diff') throw new InputError('diff is not there yet; make a patch of the two trees and use patch');
  if (first !== undefined && !first.startsWith('-') && !isCommand(first)) {
    throw new InputError(`no command ${first}; there are ${COMMANDS.join(', ')}`);
  }
  parser.parse(['node', TOOL.name, ...argv.map((word) => (word === '-' ? STDIN : word))], { run: false });
  const options = parser.options as Readonly<Record<string, unknown>>;
  if (options['help'] === true || options['version'] === true) return undefined;
  const command = parser.matchedCommand;
  const name = parser.matchedCommandName;
  if (command === undefined || name === undefined || !isCommand(name)) {
    throw new InputError(`no command given; there are ${COMMANDS.join(', ')} (--help tells more)`);
  }
  try {
    command.checkUnknownOptions();
    command.checkOptionValue();
  } catch (error) {
    const message = (error instanceof Error ? error.message : String(error)).replace(/`/g, '');
    throw new InputError(`${lowerFirst(message)} (kvm-lens ${name} --help lists the options)`);
  }
  const format = formatOf(one(options, 'format') ?? 'text', name);
  return {
    command: name,
    operands: parser.args,
    ...vmsOf(one(options, 'vm'), name),
    vmGiven: options['vm'] !== undefined,
    question: {
      sinks: sinksOf(many(options, 'sink')),
      host: hostOf(many(options, 'host')),
      assumptions: options['assumptions'] !== false,
    },
    format,
    output: one(options, 'output'),
    timings: options['timings'] === true,
    full: options['full'] === true,
    queries: one(options, 'queries'),
    scenario: one(options, 'scenario'),
    from: one(options, 'from'),
    to: one(options, 'to'),
    cut: options['cut'] === true,
    explore: options['explore'] === true,
    drawing: drawingOf(options, format),
  };
}

const USAGE: Readonly<Record<CommandName, readonly [operands: string, does: string]>> = {
  check: ['[TREE]', 'every caller of the sink, with its verdict; then the outcome'],
  why: ['[TREE] SITE...', 'the verdict for the paths that pass these sites, and its proof'],
  paths: ['[TREE] --from F --to G', 'call paths between two functions, with their guards'],
  graph: ['[TREE]', 'the linked program; --format dot draws a part of it'],
  outcome: ['[TREE]', "the MMU model on the sink's body, for all VM types"],
  patch: ['[TREE] FILE...', 'what a patch changes; it is applied in memory'],
  lsp: ['--stdio', 'the language server, for any editor'],
};

const NOTES = `
  TREE is a kernel tree; without it the current folder, else the bundled sample.
  SITE is FILE:LINE of the callee's name in a call, or a function's name.
  FILE is a unified diff or the output of git format-patch; - is standard input.`;

function makeParser(): ReturnType<typeof cac> {
  const parser = cac(TOOL.name);
  const commands = Object.fromEntries(
    COMMANDS.map((name) => {
      const [operands, does] = USAGE[name];
      return [name, parser.command(`${name} [...operands]`, does).usage(`${name} ${operands}\n${NOTES}`)];
    }),
  ) as Record<CommandName, ReturnType<typeof parser.command>>;
  commands.why.option(
    '--queries <file>',
    'JSON lines {id, vm?, sites, expect?}, answered line by line; - is standard input',
  );
  commands.paths
    .option('--from <function>', 'where the paths start')
    .option('--to <function>', 'where they end')
    .option('--cut', 'also paths that a guard cuts');
  commands.graph
    .option('--around <function>', 'of --format dot: what is drawn lies around it, repeatable (default: the sinks)')
    .option('--direction <way>', `${DIRECTIONS.join(', ')} (default: ${DRAWN.direction})`)
    .option('--depth <calls>', `how many calls away (default: ${DRAWN.depth})`)
    .option('--nodes <count>', `how many functions at most, the nearest first (default: ${DRAWN.most})`);
  commands.outcome.option('--explore', 'do all that can happen to the VM, in every order, and tell what does not hold');
  commands.outcome.option(
    '--scenario <name>',
    `${SCENARIOS.map(({ name }) => name).join(', ')}, or a JSON file; - is standard input (default: ${DEFAULT_SCENARIO.name})`,
  );
  commands.lsp.option('--stdio', 'speak over standard input and output');
  parser
    .usage(`COMMAND [options]\n${NOTES}`)
    .option('--vm <type>', `${VM_TYPES.join(', ')} or all (default: tdx; outcome: all)`)
    .option('--sink <function>', `the function whose callers are asked for, repeatable (default: ${DEFAULT_SINK})`)
    .option('--host <key=value>', 'a departure from the reference host: vendor, or a module parameter; repeatable')
    .option('--format <format>', 'text or json, of graph also dot (default: text)')
    .option('--output <file>', 'write there instead of to standard output')
    .option('--full', 'the whole tree, every caller, every step')
    .option('--timings', 'how long each step took')
    .option('--no-assumptions', 'rest on nothing that is assumed about the state of a VM');
  parser.version(TOOL.version);
  parser.help((sections) => [
    ...sections.filter(({ title }) => title?.startsWith('For more info') !== true).map(tidySection),
    {
      title: 'Exit code',
      body: '  0 blocked or unreachable, 1 findings, 2 a fault of the input, 3 a defect of this tool',
    },
  ]);
  return parser;
}

/** The parser's help in our terms: commands with their operands, no blanks at line ends, no `(default: true)`. */
function tidySection({ title, body }: { title?: string; body: string }): { title?: string; body: string } {
  const text =
    title === 'Commands'
      ? COMMANDS.map((name) => `  ${`${name} ${USAGE[name][0]}`.padEnd(30)}${USAGE[name][1]}`).join('\n')
      : body.replace(/ *(\(default: true\))?$/gm, '');
  return { ...(title === undefined ? {} : { title }), body: text };
}

function isCommand(name: string): name is CommandName {
  return (COMMANDS as readonly string[]).includes(name);
}

/** The last value of an option. The parser makes numbers of what looks like one. */
function one(options: Readonly<Record<string, unknown>>, name: string): string | undefined {
  return many(options, name).at(-1);
}

function many(options: Readonly<Record<string, unknown>>, name: string): string[] {
  const value = options[name];
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}

function vmsOf(text: string | undefined, command: CommandName): { vms: readonly VmType[]; allVms: boolean } {
  const vm = text ?? (command === 'outcome' ? 'all' : 'tdx');
  if (vm === 'all') return { vms: VM_TYPES, allVms: true };
  return { vms: [vmNamed(vm)], allVms: false };
}

/** @throws InputError for a VM type that there is not. */
export function vmNamed(text: string): VmType {
  const vm = VM_TYPES.find((type) => type === text);
  if (vm === undefined) throw new InputError(`no VM type ${text}; there are ${VM_TYPES.join(', ')} and all`);
  return vm;
}

function sinksOf(names: readonly string[]): string[] {
  const sinks = names.map((name) => name.replace(/\(\)$/, ''));
  return sinks.length === 0 ? [DEFAULT_SINK] : [...new Set(sinks)];
}

function hostOf(pairs: readonly string[]): Record<string, string> {
  const host: [string, string][] = pairs.map((pair) => {
    const parts = /^([A-Za-z_]\w*)=(.+)$/.exec(pair);
    if (parts?.[1] === undefined || parts[2] === undefined) {
      throw new InputError(`--host ${pair}: give KEY=VALUE, such as vendor=amd or enable_apicv=0`);
    }
    return [parts[1], parts[2]];
  });
  return Object.fromEntries(host.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function formatOf(text: string, command: CommandName): Format {
  if (text === 'text' || text === 'json' || (text === 'dot' && command === 'graph')) return text;
  const formats = command === 'graph' ? 'text, json and dot' : 'text and json';
  if (text === 'dot') throw new InputError(`--format dot is of graph; ${command} has ${formats}`);
  const later = LATER[text];
  if (later === undefined) throw new InputError(`no format ${text}; there are ${formats}`);
  throw new InputError(`--format ${text}: ${later} of ${command} is not there yet; there are ${formats}`);
}

const DRAWN: Bounds = { direction: 'callers', depth: 3, most: 60 };

function drawingOf(options: Readonly<Record<string, unknown>>, format: Format): DrawingArguments {
  const given = ['around', 'direction', 'depth', 'nodes'].find((name) => options[name] !== undefined);
  if (given !== undefined && format !== 'dot') throw new InputError(`--${given} is of graph --format dot`);
  const way = one(options, 'direction') ?? DRAWN.direction;
  const direction = DIRECTIONS.find((each) => each === way);
  if (direction === undefined) throw new InputError(`--direction ${way}: there are ${DIRECTIONS.join(', ')}`);
  const depth = countOf(options, 'depth', 0) ?? DRAWN.depth;
  return {
    around: many(options, 'around'),
    bounds: { direction, depth, most: countOf(options, 'nodes', 1) ?? DRAWN.most },
  };
}

/** @throws InputError for what is no number, or less than `least`. */
function countOf(options: Readonly<Record<string, unknown>>, name: string, least: number): number | undefined {
  const text = one(options, name);
  if (text === undefined) return undefined;
  const count = Number(text);
  if (/^\d{1,9}$/.test(text) && count >= least) return count;
  throw new InputError(`--${name} ${text}: give a whole number, at least ${least}`);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
