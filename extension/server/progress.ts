import type { Connection, WorkDoneProgressServerReporter } from 'vscode-languageserver';

/** An analysis after an edit is quick; only one that takes longer than this is worth a progress, in milliseconds. */
const WORTH_SHOWING = 800;

/**
 * The progress of one analysis in the client's window, with cancel; nothing if the client declares none. It may end
 * before the client has opened it.
 */
export class ProgressDisplay {
  private reporter: WorkDoneProgressServerReporter | undefined;
  private ended = false;
  private readonly delay: NodeJS.Timeout;

  constructor(
    private readonly connection: Connection,
    private readonly title: string,
    private readonly cancel: () => void,
  ) {
    this.delay = setTimeout(() => void this.open(), WORTH_SHOWING);
  }

  report(done: number, total: number): void {
    this.reporter?.report(Math.round((100 * done) / Math.max(1, total)), `${done} of ${total} files`);
  }

  end(): void {
    this.ended = true;
    clearTimeout(this.delay);
    this.reporter?.done();
    this.reporter = undefined;
  }

  private async open(): Promise<void> {
    try {
      const reporter = await this.connection.window.createWorkDoneProgress();
      if (this.ended) {
        reporter.done();
        return;
      }
      this.reporter = reporter;
      reporter.begin(this.title, 0, undefined, true);
      reporter.token.onCancellationRequested(this.cancel);
    } catch (error) {
      this.connection.console.warn(`no progress: ${String(error)}`);
    }
  }
}
