import { commands, type Disposable, type QuickPickItem, Range, Uri, window } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { PATH, type PathParams, type PathResult, type PathStep, SHOW_PATH } from '../../server/protocol';

/**
 * `kvmLens.showPath`: the sites of a caller's witness, or the guards that cut it, to choose from; the editor follows
 * the choice. From a code lens for its caller, from the palette for the function that the cursor is in.
 */
export function showPath(client: LanguageClient): Disposable {
  return commands.registerCommand(SHOW_PATH, async (argument?: PathParams) => {
    const params = argument ?? atCursor();
    const path = params === undefined ? null : await client.sendRequest<PathResult | null>(PATH, params);
    if (path === null) {
      void window.showInformationMessage('KVM Lens: put the cursor into a function that can call the sink.');
      return;
    }
    await pickStep(path);
  });
}

function atCursor(): PathParams | undefined {
  const editor = window.activeTextEditor;
  if (editor === undefined) return undefined;
  return { uri: editor.document.uri.toString(), line: editor.selection.active.line };
}

async function pickStep({ title, steps }: PathResult): Promise<void> {
  const items = steps.map((step): QuickPickItem & { readonly step: PathStep } => ({
    label: step.label,
    description: step.place,
    ...(step.detail === undefined ? {} : { detail: step.detail }),
    step,
  }));
  const picked = await window.showQuickPick(items, {
    title,
    placeHolder: steps.length === 0 ? 'no path from an entry point' : 'from the entry point to the sink',
    matchOnDescription: true,
    onDidSelectItem: (item) => void reveal(item, true),
  });
  if (picked !== undefined) await reveal(picked, false);
}

async function reveal(item: QuickPickItem | string, preserveFocus: boolean): Promise<void> {
  if (typeof item === 'string' || !('step' in item)) return;
  const { uri, range } = item.step as PathStep;
  const selection = new Range(range.start.line, range.start.character, range.end.line, range.end.character);
  await window.showTextDocument(Uri.parse(uri), { selection, preserveFocus, preview: true });
}
