// The extension on the bundled sample, by the commands with which VS Code itself asks its providers.
const assert = require('node:assert/strict');
const vscode = require('vscode');
const { diagnosticAt, diagnostics, edit, find, hoverAt, lensAt, open, until } = require('./editor.cjs');

const MTRR = 'arch/x86/kvm/mtrr.c';
const X86 = 'arch/x86/kvm/x86.c';
const OPEN = /^TDX: reachable from \d+ entry points?$/;
const SINK_CALL = 'kvm_zap_gfn_range(vcpu->kvm, gpa_to_gfn(start)';

suite('sample', () => {
  suiteSetup('the analysis is there', async () => {
    const { document } = await open(MTRR);
    await until('diagnostics', () => diagnostics(document).length);
  });

  teardown(async () => {
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  test('a reachable call of the sink has a warning with rule page and witness', async () => {
    const { document } = await open(MTRR);
    const diagnostic = diagnosticAt(document, SINK_CALL);
    assert.equal(diagnostic.severity, vscode.DiagnosticSeverity.Warning);
    assert.match(diagnostic.message, /^TDX: kvm_zap_gfn_range\(\) is reachable\nKVM_SET_MSRS -> /);
    assert.equal(document.getText(diagnostic.range), 'kvm_zap_gfn_range');
    assert.equal(diagnostic.code.value, 'reachable');
    const page = await vscode.workspace.openTextDocument(diagnostic.code.target);
    assert.match(page.getText(), /^# reachable/);
    const [first, ...others] = diagnostic.relatedInformation;
    assert.match(first.message, /^KVM_SET_MSRS: kvm_vcpu_ioctl\(\) calls /);
    assert.equal(others.at(-1).location.uri.toString(), document.uri.toString());
  });

  test('files that no editor shows have diagnostics too', () => {
    const all = vscode.languages
      .getDiagnostics()
      .filter(([, list]) => list.some(({ source }) => source === 'kvm-lens'));
    assert.ok(all.some(([uri]) => uri.path.endsWith('/virt/kvm/kvm_main.c')));
  });

  test('a hover tells verdict, path and outcome, or the cut with its proof', async () => {
    const { document } = await open(MTRR);
    const open_ = await hoverAt(document, 'update_mtrr(struct kvm_vcpu');
    assert.match(open_, /TDX: reachable from \d+ entry points?/);
    assert.match(open_, /`KVM_SET_MSRS` -> \[`kvm_vcpu_ioctl\(\)`\]/);
    assert.match(open_, /outcome: /);
    const x86 = await open(X86);
    const cut = await hoverAt(x86.document, 'kvm_noncoherent_dma_assignment_start_or_stop(struct');
    assert.match(cut, /cut by `kvm_check_has_quirk\(kvm, KVM_X86_QUIRK_IGNORE_GUEST_PAT\)`/);
    assert.match(cut, /tdx\\_vm\\_init/);
    assert.match(await hoverAt(x86.document, 'kvm_check_has_quirk(kvm,'), /TDX: false/);
  });

  test('a caller has a code lens', async () => {
    const { document } = await open(X86);
    const line = find(document, 'if (kvm_check_has_quirk(kvm,').line + 1;
    assert.equal(
      await lensAt(document, 'static void kvm_noncoherent_dma_assignment_start_or_stop'),
      `TDX: blocked by kvm_check_has_quirk() · x86.c:${line}`,
    );
    const mtrr = await open(MTRR);
    assert.match(await lensAt(mtrr.document, 'static void update_mtrr'), OPEN);
  });

  test('a guard that is typed cuts the path, and without it the path is open again; nothing is saved', async () => {
    const { document, editor } = await open(MTRR);
    const guard = 'vcpu->kvm->arch.vm_type == KVM_X86_TDX_VM';
    await edit(editor, 'if (!tdp_mmu_enabled)', `if (${guard})`);
    await until(
      'no diagnostics',
      () => diagnostics(document).length,
      (n) => n === 0,
    );
    assert.ok(document.isDirty);
    const line = find(document, guard).line + 1;
    assert.equal(await lensAt(document, 'static void update_mtrr'), `TDX: blocked by ${guard} · mtrr.c:${line}`);
    await edit(editor, `if (${guard})`, 'if (!tdp_mmu_enabled)');
    await until('diagnostics', () => diagnostics(document).length);
    assert.match(await lensAt(document, 'static void update_mtrr'), OPEN);
  });

  test('the VM type is a setting', async () => {
    const { document } = await open(X86);
    const settings = vscode.workspace.getConfiguration('kvmLens');
    const caller = 'static void kvm_noncoherent_dma_assignment_start_or_stop';
    try {
      await settings.update('vmType', 'default', vscode.ConfigurationTarget.Global);
      await until(
        'a verdict for a default VM',
        () => lensAt(document, caller),
        (title) => /^default VM: reachable/.test(title ?? ''),
      );
    } finally {
      await settings.update('vmType', undefined, vscode.ConfigurationTarget.Global);
    }
    await until(
      'a verdict for a TDX VM',
      () => lensAt(document, caller),
      (title) => /^TDX: blocked/.test(title ?? ''),
    );
  });

  test('the path of a function is a list of places to go to', async () => {
    const { document, editor } = await open(MTRR);
    const inside = find(document, 'mtrr_range(vcpu, msr');
    editor.selection = new vscode.Selection(inside, inside);
    const shown = vscode.commands.executeCommand('kvmLens.showPath');
    await until('the first place', async () => {
      await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
      return vscode.window.activeTextEditor?.document.uri.path.endsWith('/virt/kvm/kvm_main.c');
    });
    await shown;
    const { selection, document: main } = vscode.window.activeTextEditor;
    assert.match(main.lineAt(selection.active.line).text, /kvm_arch_vcpu_ioctl\(/);
  });
});
