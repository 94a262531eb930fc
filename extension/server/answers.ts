import type { CodeLens, Hover, Position } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Abilities } from './abilities';
import { codeLensesOf } from './code-lens';
import { explainSpot, toHover } from './hover';
import { markupFor } from './markup';
import { callerAround, pathResult } from './path-steps';
import type { PathParams, PathResult } from './protocol';
import type { Sessions } from './sessions';

/** The answers of the server: each from the last finished result of the document's tree, `null` if there is none. */

export function answerHover(
  sessions: Sessions,
  document: TextDocument | undefined,
  position: Position,
  can: Abilities,
): Hover | null {
  const located = document === undefined ? undefined : sessions.locate(document.uri);
  const findings = located?.session.findings;
  if (document === undefined || located === undefined || findings === undefined) return null;
  const { session, file } = located;
  const places = sessions.places(session);
  const line = session.lineMap(file, document.getText()).toAnalysed(position.line);
  if (places === undefined || line === undefined) return null;
  const text = document
    .getText({ start: { line: position.line, character: 0 }, end: { line: position.line + 1, character: 0 } })
    .trimEnd();
  const spot = { file, line, text, character: position.character };
  const explained = explainSpot(findings, spot, markupFor(can.markdownHover, places));
  return explained === undefined ? null : toHover(explained, position.line);
}

export function answerCodeLens(sessions: Sessions, uri: string, can: Abilities): CodeLens[] | null {
  const located = sessions.locate(uri);
  const findings = located?.session.findings;
  if (located === undefined || findings === undefined) return null;
  const places = sessions.places(located.session);
  return places === undefined ? null : codeLensesOf(findings, located.file, places, can.showPath);
}

export function answerPath(sessions: Sessions, { uri, id, line }: PathParams): PathResult | null {
  const located = sessions.locate(uri);
  const findings = located?.session.findings;
  const places = located === undefined ? undefined : sessions.places(located.session);
  if (located === undefined || findings === undefined || places === undefined) return null;
  const { session, file } = located;
  const text = sessions.buffers(session.root).get(file)?.getText();
  const analysed = text === undefined || line === undefined ? line : session.lineMap(file, text).toAnalysed(line);
  const caller =
    id !== undefined
      ? findings.caller(id)
      : analysed === undefined
        ? undefined
        : callerAround(findings, file, analysed);
  return caller === undefined ? null : pathResult(findings, caller, places);
}
