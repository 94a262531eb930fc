// What the suites ask VS Code, as its own features do.
const assert = require('node:assert/strict');
const vscode = require('vscode');

const PATIENCE = 200_000;

/** Opens a file of the workspace in an editor. */
async function open(file) {
  const uri = vscode.Uri.joinPath(vscode.workspace.workspaceFolders[0].uri, file);
  const document = await vscode.workspace.openTextDocument(uri);
  return { document, editor: await vscode.window.showTextDocument(document) };
}

/** Position of the first place of `text`. */
function find(document, text) {
  const offset = document.getText().indexOf(text);
  assert.ok(offset >= 0, `'${text}' stands in ${document.uri.path}`);
  return document.positionAt(offset);
}

function diagnostics(document) {
  return vscode.languages.getDiagnostics(document.uri).filter(({ source }) => source === 'kvm-lens');
}

function diagnosticAt(document, text) {
  const position = find(document, text);
  return diagnostics(document).find(({ range }) => range.contains(position));
}

async function hoverAt(document, text) {
  const hovers = await vscode.commands.executeCommand(
    'vscode.executeHoverProvider',
    document.uri,
    find(document, text),
  );
  return hovers
    .flatMap((hover) => hover.contents)
    .map((content) => (typeof content === 'string' ? content : content.value))
    .join('\n');
}

async function lensesOf(document) {
  return (await vscode.commands.executeCommand('vscode.executeCodeLensProvider', document.uri, 500)) ?? [];
}

/** The title of the lens above the line of `text`. */
async function lensAt(document, text) {
  const { line } = find(document, text);
  return (await lensesOf(document)).find(({ range }) => range.start.line === line)?.command?.title;
}

/** Asks until the answer is the one that is waited for; the last answer otherwise stands in the error. */
async function until(what, ask, accept = Boolean) {
  const limit = Date.now() + PATIENCE;
  let answer = await ask();
  while (!accept(answer)) {
    if (Date.now() > limit) throw new Error(`${what}: not within ${PATIENCE / 1000} s, but ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    answer = await ask();
  }
  return answer;
}

/** Replaces `from` by `to` in the buffer; nothing is saved. */
async function edit(editor, from, to) {
  const { document } = editor;
  const start = find(document, from);
  const range = new vscode.Range(start, document.positionAt(document.offsetAt(start) + from.length));
  assert.ok(await editor.edit((builder) => builder.replace(range, to)));
}

module.exports = { diagnosticAt, diagnostics, edit, find, hoverAt, lensAt, lensesOf, open, until };
