import { type ClientCapabilities, MarkupKind } from 'vscode-languageserver';
import { SHOW_PATH } from './protocol';
import { isRecord } from './settings';

/** What the client declares. Everything else is left out of what it is sent. */
export interface Abilities {
  readonly markdownHover: boolean;
  readonly relatedInformation: boolean;
  readonly codeDescription: boolean;
  readonly diagnosticVersion: boolean;
  readonly codeLensRefresh: boolean;
  readonly configuration: boolean;
  readonly configurationChanges: boolean;
  readonly workspaceFolders: boolean;
  readonly watchedFiles: boolean;
  readonly status: boolean;
  readonly showPath: boolean;
}

export function abilitiesOf(capabilities: ClientCapabilities): Abilities {
  const { textDocument, workspace } = capabilities;
  const published = textDocument?.publishDiagnostics;
  const experimental: unknown = capabilities.experimental;
  const own = isRecord(experimental) ? experimental : {};
  const commands = isRecord(own['commands']) ? own['commands']['commands'] : undefined;
  return {
    markdownHover: textDocument?.hover?.contentFormat?.includes(MarkupKind.Markdown) ?? false,
    relatedInformation: published?.relatedInformation ?? false,
    codeDescription: published?.codeDescriptionSupport ?? false,
    diagnosticVersion: published?.versionSupport ?? false,
    codeLensRefresh: workspace?.codeLens?.refreshSupport ?? false,
    configuration: workspace?.configuration ?? false,
    configurationChanges: workspace?.didChangeConfiguration?.dynamicRegistration ?? false,
    workspaceFolders: workspace?.workspaceFolders ?? false,
    watchedFiles: workspace?.didChangeWatchedFiles?.dynamicRegistration ?? false,
    status: own['kvmLensStatus'] === true,
    showPath: Array.isArray(commands) && commands.includes(SHOW_PATH),
  };
}
