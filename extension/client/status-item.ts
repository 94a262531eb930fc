import { MarkdownString, StatusBarAlignment, ThemeColor, window } from 'vscode';
import type { StatusParams } from '../server/protocol';
import type { StatusSink } from './language-client';

/** The item in the status bar: what the analysis is at, and how many callers have which verdict. */
export function createStatusItem(): StatusSink & { dispose(): void } {
  const item = window.createStatusBarItem('kvmLens.status', StatusBarAlignment.Left, 0);
  item.name = 'KVM Lens';
  item.command = 'kvmLens.analyse';
  return {
    show(status) {
      // Most C projects are no kernels: there the item would only be in the way.
      if (status.tree === undefined) {
        item.hide();
        return;
      }
      item.text = textOf(status);
      item.tooltip = tooltipOf(status);
      item.accessibilityInformation = { label: `KVM Lens: ${status.message}` };
      item.backgroundColor = status.state === 'failed' ? new ThemeColor('statusBarItem.warningBackground') : undefined;
      item.show();
    },
    dispose() {
      item.dispose();
    },
  };
}

function textOf({ state, counts, vm }: StatusParams): string {
  const open = (counts?.reachable ?? 0) + (counts?.conditional ?? 0);
  const all = Object.values(counts ?? {}).reduce((sum, n) => sum + n, 0);
  const title = `KVM ${vm === undefined || vm === 'default' ? 'default VM' : vm.toUpperCase()}`;
  switch (state) {
    case 'analysing':
      return `$(sync~spin) ${title}`;
    case 'ready':
      return `$(target) ${title}: ${open} of ${all} callers open`;
    case 'failed':
      return `$(warning) ${title}`;
  }
}

function tooltipOf({ message, counts, tree }: StatusParams): MarkdownString {
  const tooltip = new MarkdownString();
  tooltip.appendText(message);
  for (const [verdict, n] of Object.entries(counts ?? {})) tooltip.appendMarkdown(`\n- ${n} ${verdict}`);
  if (tree !== undefined) tooltip.appendMarkdown('\n\n').appendText(tree);
  tooltip.appendMarkdown('\n\nClick to analyse again.');
  return tooltip;
}
