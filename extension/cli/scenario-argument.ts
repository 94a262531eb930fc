import { reasonOf } from '../node/disk-tree';
import { checkHost } from '../core/find-places';
import { InputError } from '../core/input-error';
import { DEFAULT_SCENARIO, type Scenario, scenarioNamed, SCENARIOS } from '../core/mmu/scenario';
import { MOST_BYTES, readScenario } from '../core/mmu/scenario-file';
import { memberPath } from '../core/mmu/scenario-json';
import type { Program } from '../core/program/program';
import type { VmType } from '../core/reach/verdict';
import type { Arguments } from './arguments';
import type { Terminal } from './output';
import { readSmall } from './read-input';

/** A scenario, the VM types that are asked for, and what its host differs in. */
export interface ScenarioChoice {
  readonly scenario: Scenario;
  readonly vms: readonly VmType[];
  readonly host: Readonly<Record<string, string>>;
  /** What messages call its file. */
  readonly label: string;
}

/**
 * A built-in scenario by its name, else a file. A file's VM types hold unless `--vm` was given.
 * @throws InputError with the file's name and the JSON path of what is wrong in it
 */
export async function chooseScenario(args: Arguments, terminal: Terminal): Promise<ScenarioChoice> {
  const wanted = args.scenario ?? DEFAULT_SCENARIO.name;
  const builtIn = scenarioNamed(wanted);
  if (builtIn !== undefined) return { scenario: builtIn, vms: args.vms, host: {}, label: wanted };
  const text = await scenarioText(wanted, terminal);
  const scenario = inFile(wanted, () => readScenario(text));
  return { scenario, vms: args.vmGiven ? args.vms : scenario.vms, host: scenario.host, label: wanted };
}

/** @throws InputError for a key of the scenario's host that the tree does not have. */
export function checkScenarioHost({ host, label }: ScenarioChoice, program: Program): void {
  for (const [key, value] of Object.entries(host))
    inFile(label, () => {
      try {
        checkHost(program, { [key]: value });
      } catch (error) {
        if (error instanceof InputError) throw new InputError(`${memberPath('$.host', key)}: ${error.message}`);
        throw error;
      }
    });
}

function inFile<T>(label: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${label}: ${error.message}`);
    throw error;
  }
}

const ABSENT = reasonOf('ENOENT');

async function scenarioText(file: string, terminal: Terminal): Promise<string> {
  try {
    return await readSmall(file, MOST_BYTES, terminal);
  } catch (error) {
    // Without a dot or slash it was meant as a name.
    const isName = !/[./]/.test(file) && error instanceof InputError && error.message.endsWith(ABSENT);
    if (!isName) throw error;
    throw new InputError(
      `no scenario ${file}: there are ${SCENARIOS.map(({ name }) => name).join(', ')}, or give a file`,
    );
  }
}
