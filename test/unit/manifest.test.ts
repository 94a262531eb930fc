import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VM_TYPES } from '../../extension/core/reach/verdict';
import { TOOL } from '../../extension/core/report/contract';
import { DEFAULT_SETTINGS, readSettings } from '../../extension/server/settings';

const project = join(import.meta.dirname, '../..');

interface Setting {
  readonly default: unknown;
  readonly enum?: readonly string[];
  readonly enumDescriptions?: readonly string[];
}

interface Manifest {
  readonly version: string;
  readonly main: string;
  readonly icon: string;
  readonly engines: { readonly vscode: string };
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly configuration: { readonly properties: Readonly<Record<string, Setting>> };
  };
}

const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as Manifest;
const { commands, configuration } = manifest.contributes;

function clientSources(folder = join(project, 'extension/client')): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? clientSources(path) : [readFileSync(path, 'utf8')];
  });
}

describe('the manifest', () => {
  it('names each command that the client registers, and no other', () => {
    const protocol = readFileSync(join(project, 'extension/server/protocol.ts'), 'utf8');
    const constants = new Map([...protocol.matchAll(/export const (\w+) = '([^']+)'/g)].map((m) => [m[1], m[2]]));
    const registered = clientSources().flatMap((source) =>
      [...source.matchAll(/registerCommand\(\s*(?:'([^']+)'|(\w+))/g)].map((m) => m[1] ?? constants.get(m[2] ?? '')),
    );
    expect(registered.sort()).toEqual(commands.map(({ command }) => command).sort());
  });

  it('has the defaults of the server, and every VM type', () => {
    const nested: Record<string, unknown> = {};
    for (const [name, { default: value }] of Object.entries(configuration.properties)) {
      const [, first = '', second] = name.split('.');
      nested[first] = second === undefined ? value : { [second]: value };
    }
    expect(readSettings(nested)).toEqual({ settings: DEFAULT_SETTINGS, faults: [] });
    const vmType = configuration.properties['kvmLens.vmType'];
    expect(vmType?.enum).toEqual(VM_TYPES);
    expect(vmType?.enumDescriptions).toHaveLength(VM_TYPES.length);
  });

  it('asks for the VS Code whose types it is checked with', () => {
    expect(manifest.engines.vscode).toBe(`^${manifest.devDependencies['@types/vscode'] ?? ''}`);
  });

  it('has the version that reports state', () => {
    expect(manifest.version).toBe(TOOL.version);
  });
});

describe('settings that cannot be used', () => {
  it('are replaced by their defaults, one by one, and named', () => {
    const { settings, faults } = readSettings({
      vmType: 'sgx',
      sinks: ['f; rm'],
      hostFacts: { enable_apicv: 0 },
      codeLens: { enabled: 'no' },
    });
    expect(settings.question).toEqual({ ...DEFAULT_SETTINGS.question, host: { enable_apicv: '0' } });
    expect(settings.codeLens).toBe(true);
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      'kvmLens.vmType',
      'kvmLens.sinks',
      'kvmLens.codeLens.enabled',
    ]);
    for (const nonsense of [null, 7, [], 'x', undefined])
      expect(readSettings(nonsense).settings).toEqual(DEFAULT_SETTINGS);
  });
});
