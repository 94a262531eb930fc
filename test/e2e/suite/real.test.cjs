// The extension on a real kernel tree. The tree is not written to: edits stay in buffers.
const assert = require('node:assert/strict');
const vscode = require('vscode');
const { diagnosticAt, diagnostics, edit, find, hoverAt, lensAt, lensesOf, open, until } = require('./editor.cjs');

const X86 = 'arch/x86/kvm/x86.c';
const GUARD = 'kvm_check_has_quirk(kvm, KVM_X86_QUIRK_IGNORE_GUEST_PAT)';
const CALLER = 'static void kvm_noncoherent_dma_assignment_start_or_stop(';

suite('Linux 7.x', () => {
  suiteSetup('the analysis is there', async () => {
    const { document } = await open(X86);
    await until(
      'code lenses',
      () => lensesOf(document),
      (lenses) => lenses.length > 0,
    );
  });

  teardown(() => vscode.commands.executeCommand('workbench.action.files.revert'));

  test('each diagnostic stands at the name of a call, and has a verdict', async () => {
    const { document } = await open(X86);
    const found = diagnostics(document);
    assert.ok(found.length > 0);
    for (const { range, code, message } of found) {
      assert.match(document.getText(range), /^[A-Za-z_]\w*(\(\w+\))?$/, message);
      assert.ok(['reachable', 'conditional', 'unknown'].includes(code.value));
    }
    const direct = diagnosticAt(document, 'kvm_zap_gfn_range(kvm, gfn, gfn+1)');
    assert.match(direct.message, /^TDX: kvm_zap_gfn_range\(\) is reachable\n/);
    assert.match(direct.message, /\noutcome: /);
    assert.ok(direct.relatedInformation.length > 0);
  });

  test('a caller that is cut says by what and why', async () => {
    const { document } = await open(X86);
    const line = find(document, `if (${GUARD})`).line + 1;
    assert.equal(await lensAt(document, CALLER), `TDX: blocked by kvm_check_has_quirk() · x86.c:${line}`);
    const hover = await hoverAt(document, CALLER.slice('static void '.length));
    assert.ok(hover.includes(`cut by \`${GUARD}\``), hover);
    assert.match(hover, /tdx\\_vm\\_init/);
  });

  test('the verdict follows the buffer', async () => {
    const { document, editor } = await open(X86);
    await edit(editor, `if (${GUARD})`, 'if (kvm)');
    await until(
      'an open path',
      () => lensAt(document, CALLER),
      (title) => /^TDX: (reachable|conditional)/.test(title ?? ''),
    );
    assert.ok(document.isDirty);
  });
});
