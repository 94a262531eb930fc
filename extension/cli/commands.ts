import { Analysis } from '../core/analysis';
import { InputError } from '../core/input-error';
import { PatchAnalysis } from '../core/patch-analysis';
import { gotWorse } from '../core/patch/changes';
import type { Question } from '../core/reach/verdict';
import { type Reports, SCHEMA_VERSION } from '../core/report/contract';
import { renderCheck } from '../core/report/render-check';
import { renderGraph } from '../core/report/render-graph';
import { renderOutcome } from '../core/report/render-outcome';
import { renderPatch } from '../core/report/render-patch';
import { renderPaths, renderWhy } from '../core/report/render-path';
import { isFinding } from '../core/report/words';
import type { Arguments } from './arguments';
import { chooseAndLoad, type Opened, refuseUnreadable, sampleNote } from './open-tree';
import { jsonText, type Terminal, writeResult } from './output';
import { answerQueries, readQueries } from './queries';
import { readInput } from './read-input';
import { checkScenarioHost, chooseScenario } from './scenario-argument';

export type ExitCode = 0 | 1 | 2 | 3;

/** `kvm-lens check [TREE]` */
export async function check(args: Arguments, terminal: Terminal): Promise<ExitCode> {
  const opened = await chooseAndLoad(args, terminal, 'none');
  const analysis = await openTree(opened);
  const reports = questions(args).map((question) => analysis.check(question));
  print(args, terminal, opened, reports, (report) => renderCheck(report, { full: args.full }));
  return exitFor(reports.some(({ callers }) => callers.some(({ verdict }) => isFinding(verdict))));
}

/** `kvm-lens why [TREE] SITE...` and `kvm-lens why [TREE] --queries FILE` */
export async function why(args: Arguments, terminal: Terminal): Promise<ExitCode> {
  const opened = await chooseAndLoad(args, terminal, 'sites');
  const sites = opened.choice.rest;
  if (args.queries !== undefined) {
    if (sites.length > 0) throw new InputError(`why takes sites or --queries, not both: ${sites.join(' ')}`);
    const queries = readQueries(await readInput(args.queries, terminal));
    const analysis = await openTree(opened);
    const { text, exit } = answerQueries(analysis, queries, { ...args.question, vm: args.vms[0] ?? 'tdx' });
    writeResult(terminal, text, args.output);
    if (opened.choice.isSample) terminal.err(sampleNote(opened.choice));
    return exit;
  }
  if (sites.length === 0) throw new InputError('why needs a SITE: FILE:LINE of a call, or the name of a function');
  const analysis = await openTree(opened);
  const resolved = analysis.resolveSites(sites);
  const reports = questions(args).map((question) => analysis.why(question, resolved));
  print(args, terminal, opened, reports, (report) => renderWhy(report, sites, args.question.sinks));
  return exitFor(reports.some(({ verdict }) => isFinding(verdict)));
}

/** `kvm-lens paths [TREE] --from F --to G` */
export async function paths(args: Arguments, terminal: Terminal): Promise<ExitCode> {
  const { from, to } = args;
  if (from === undefined || to === undefined) throw new InputError('paths needs --from FUNCTION and --to FUNCTION');
  const opened = await chooseAndLoad(args, terminal, 'none');
  const analysis = await openTree(opened);
  const reports = questions(args).map((question) => analysis.paths(question, from, to, { cut: args.cut }));
  print(args, terminal, opened, reports, (report) => renderPaths(report, from, to));
  return exitFor(reports.some((report) => report.paths.some(({ verdict }) => isFinding(verdict))));
}

/** `kvm-lens graph [TREE]` */
export async function graph(args: Arguments, terminal: Terminal): Promise<ExitCode> {
  const opened = await chooseAndLoad(args, terminal, 'none');
  const analysis = await openTree(opened);
  if (args.format === 'dot') {
    const { around, bounds } = args.drawing;
    writeResult(terminal, analysis.drawing(around, args.question.sinks, bounds), args.output);
    if (opened.choice.isSample) terminal.err(sampleNote(opened.choice));
    return 0;
  }
  print({ ...args, allVms: false }, terminal, opened, [analysis.graph()], renderGraph);
  return 0;
}

/** `kvm-lens outcome [TREE]`: one report of all VM types that were asked for, or that the scenario is about. */
export async function outcome(args: Arguments, terminal: Terminal): Promise<ExitCode> {
  const opened = await chooseAndLoad(args, terminal, 'none');
  const choice = await chooseScenario(args, terminal);
  const analysis = await openTree(opened);
  checkScenarioHost(choice, analysis.program);
  const { scenario, vms, host } = choice;
  const question = { ...args.question, host: { ...host, ...args.question.host }, vm: vms[0] ?? 'tdx' };
  const report = analysis.outcome(question, vms, { scenario, explore: args.explore });
  const options = { full: args.full, hypotheticalTd: analysis.hypotheticalTd };
  print({ ...args, allVms: false }, terminal, opened, [report], (one) => renderOutcome(one, options));
  return 0;
}

/** `kvm-lens patch [TREE] FILE...` */
export async function patch(args: Arguments, terminal: Terminal): Promise<ExitCode> {
  const opened = await chooseAndLoad(args, terminal, 'files');
  const files = opened.choice.rest;
  if (files.length === 0) throw new InputError('patch needs a FILE: a unified diff, or - for standard input');
  const texts: string[] = [];
  for (const file of files) texts.push(await readInput(file, terminal));
  const { tree, parser, options } = opened;
  const patched = await withName(files, () => PatchAnalysis.open(tree, parser, texts, options));
  opened.progress.clear();
  for (const side of patched.sides) refuseUnreadable(side);
  const reports = questions(args).map((question) => patched.report(question));
  for (const path of patched.skipped) terminal.err(`${path}: not in this tree and no kernel C, left out\n`);
  print(args, terminal, opened, reports, (report) => renderPatch(report, args.question.sinks, { full: args.full }));
  return exitFor(reports.some(({ changes }) => changes.some(gotWorse)));
}

async function openTree(opened: Opened): Promise<Analysis> {
  try {
    const analysis = await Analysis.open(opened.tree, opened.parser, opened.options);
    refuseUnreadable(analysis);
    return analysis;
  } finally {
    opened.progress.clear();
  }
}

/** Faults of a patch are told with the patch's name where there is only one that can be meant. */
async function withName<T>(files: readonly string[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${files.join(', ')}: ${error.message}`);
    throw error;
  }
}

function questions(args: Arguments): Question[] {
  return args.vms.map((vm) => ({ ...args.question, vm }));
}

function print<Report>(
  args: Arguments,
  terminal: Terminal,
  { choice }: Opened,
  reports: readonly Report[],
  render: (report: Report) => string,
): void {
  const note = sampleNote(choice);
  if (args.format === 'json') {
    const all: Reports<Report> = { schemaVersion: SCHEMA_VERSION, reports };
    writeResult(terminal, jsonText(args.allVms ? all : reports[0]), args.output);
    if (note !== '') terminal.err(note);
    return;
  }
  const text = reports.map(render).join('\n');
  writeResult(terminal, note === '' ? text : `${note}\n${text}`, args.output);
}

function exitFor(findings: boolean): ExitCode {
  return findings ? 1 : 0;
}
