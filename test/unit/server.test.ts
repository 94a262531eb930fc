import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ClientCapabilities, DiagnosticSeverity, MarkupKind } from 'vscode-languageserver/node';
import { PATH, type PathResult } from '../../extension/server/protocol';
import { SAMPLE } from '../sample';
import { buildServer } from './built-server';
import { EDITOR, positionOf, ServerClient } from './server-client';

const MTRR = 'arch/x86/kvm/mtrr.c';
const X86 = 'arch/x86/kvm/x86.c';
const MMU = 'arch/x86/kvm/mmu/mmu.c';
const SINK_CALL = 'kvm_zap_gfn_range(vcpu->kvm, gpa_to_gfn(start)';

let server: ReturnType<typeof buildServer>;
let folder: string;
const clients: ServerClient[] = [];

beforeAll(() => {
  server = buildServer();
  folder = mkdtempSync(join(tmpdir(), 'kvm-lens-tree-'));
  cpSync(SAMPLE, join(folder, 'sample'), { recursive: true });
});

afterEach(async () => {
  for (const client of clients.splice(0)) expect(await client.stop()).toBe(0);
});

afterAll(() => {
  server.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function start(
  capabilities: ClientCapabilities,
  root = 'sample',
  settings: object = {},
  path = server.path,
): Promise<ServerClient> {
  const client = new ServerClient(path, join(folder, root));
  clients.push(client);
  await client.initialize(capabilities, settings);
  return client;
}

describe('an editor on the sample', () => {
  it('gets a warning on a call that a TD reaches, with the rule and the path to it', async () => {
    const client = await start(EDITOR);
    const status = await client.settled(0);
    expect(status).toMatchObject({ state: 'ready', vm: 'tdx' });
    expect(status.counts?.reachable).toBeGreaterThan(0);

    const { line, character } = positionOf(client.text(MTRR), SINK_CALL);
    const diagnostic = client.diagnostics(MTRR).find((each) => each.range.start.line === line);
    expect(diagnostic).toMatchObject({
      range: { start: { line, character }, end: { line, character: character + 'kvm_zap_gfn_range'.length } },
      severity: DiagnosticSeverity.Warning,
      source: 'kvm-lens',
      code: 'reachable',
    });
    expect(diagnostic?.message).toContain('TDX: kvm_zap_gfn_range() is reachable');
    expect(diagnostic?.codeDescription?.href).toMatch(/^file:.*docs\/rules\/reachable\.md$/);
    const steps = diagnostic?.relatedInformation ?? [];
    expect(steps[0]?.message).toMatch(/^KVM_SET_MSRS: kvm_vcpu_ioctl\(\) calls /);
    expect(steps.at(-1)?.location.uri).toBe(client.uri(MTRR));
    expect(steps.at(-1)?.message).toMatch(/calls update_mtrr\(\)/);
  });

  it('gets information on a call that is open under a condition only, and nothing on one that is cut', async () => {
    const client = await start(EDITOR);
    await client.settled(0);
    const text = client.text('arch/x86/kvm/lapic.c');
    const at = positionOf(text, 'kvm_set_apicv_inhibit(');
    const conditional = client.diagnostics('arch/x86/kvm/lapic.c').find((each) => each.range.start.line === at.line);
    expect(conditional).toMatchObject({ severity: DiagnosticSeverity.Information, code: 'conditional' });
    expect(conditional?.message).toContain('only if kvzalloc() fails');
    const cut = positionOf(client.text(X86), 'kvm_zap_gfn_range(kvm, gpa_to_gfn(0)');
    expect(client.diagnostics(X86).filter((each) => each.range.start.line === cut.line)).toEqual([]);
  });

  it('gets a lens on each caller, in the words of the contract', async () => {
    const client = await start(EDITOR);
    await client.settled(0);
    const lenses = (await client.lenses(X86)) ?? [];
    const titleAt = (text: string): string | undefined => {
      const { line } = positionOf(client.text(X86), text);
      return lenses.find((lens) => lens.range.start.line === line)?.command?.title;
    };
    const guard = positionOf(client.text(X86), 'if (kvm_check_has_quirk(kvm,').line + 1;
    expect(titleAt('static void kvm_noncoherent_dma_assignment_start_or_stop')).toBe(
      `TDX: blocked by kvm_check_has_quirk() · x86.c:${guard}`,
    );
    const mtrr = (await client.lenses(MTRR)) ?? [];
    expect(mtrr[0]?.command?.title).toMatch(/^TDX: reachable from \d+ entry points?$/);
    expect(mtrr[0]?.command).toMatchObject({ command: 'kvmLens.showPath' });
    // The command's argument leads to the path.
    const path = await client.connection.sendRequest<PathResult>(PATH, mtrr[0]?.command?.arguments?.[0] as object);
    expect(path.title).toBe(`update_mtrr() · ${mtrr[0]?.command?.title ?? ''}`);
    expect(path.steps.at(-1)).toMatchObject({
      label: 'update_mtrr() calls kvm_zap_gfn_range()',
      uri: client.uri(MTRR),
      range: { start: positionOf(client.text(MTRR), SINK_CALL) },
    });
  });

  it('can ask about a function, a call, a guard and the sink', async () => {
    const client = await start(EDITOR);
    await client.open(MTRR);
    await client.open(X86);
    await client.open(MMU);
    await client.settled(0);
    const definition = await client.hoverText(MTRR, 'update_mtrr(struct kvm_vcpu');
    expect(definition).toMatch(/^\*\*TDX: reachable from \d+ entry points?\*\*, `update_mtrr\(\)`/);
    expect(definition).toMatch(/`KVM_SET_MSRS` -> \[`kvm_vcpu_ioctl\(\)`\]\(file:.*#L\d+\)/);
    expect(definition).toContain('outcome: ');

    const hover = await client.hover(MTRR, SINK_CALL);
    const { line, character } = positionOf(client.text(MTRR), SINK_CALL);
    expect(hover?.range).toEqual({
      start: { line, character },
      end: { line, character: character + 'kvm_zap_gfn_range'.length },
    });
    expect(hover?.contents).toMatchObject({ kind: MarkupKind.Markdown });

    const cut = await client.hoverText(X86, 'kvm_noncoherent_dma_assignment_start_or_stop(struct');
    expect(cut).toMatch(
      /cut by `kvm_check_has_quirk\(kvm, KVM_X86_QUIRK_IGNORE_GUEST_PAT\)`.*false, the path needs true/,
    );
    expect(cut).toContain('tdx\\_vm\\_init()');

    const guard = await client.hoverText(X86, 'kvm_check_has_quirk(kvm,');
    expect(guard).toMatch(/^\*\*TDX: false\*\*, `kvm_check_has_quirk/);
    expect(guard).toContain('kvm_noncoherent_dma_assignment_start_or_stop()');

    expect(await client.hoverText(MMU, 'kvm_zap_gfn_range(struct kvm')).toMatch(
      /^\*\*\d+ of \d+ direct callers can be reached\*\* by a TDX VM/,
    );
    expect(await client.hover(MTRR, 'gpa_t *start')).toBeNull();
  });

  it('sees what the buffer holds, saved or not', async () => {
    const client = await start(EDITOR);
    await client.open(MTRR);
    await client.settled(0);
    const before = client.text(MTRR);
    expect(client.diagnostics(MTRR)).not.toEqual([]);

    const guarded = before.replace(
      '\tif (!tdp_mmu_enabled)\n\t\treturn;\n',
      '\tif (vcpu->kvm->arch.vm_type == KVM_X86_TDX_VM)\n\t\treturn;\n',
    );
    expect(guarded).not.toBe(before);
    let from = client.statuses.length;
    await client.change(MTRR, guarded);
    expect((await client.settled(from)).state).toBe('ready');
    expect(client.diagnostics(MTRR)).toEqual([]);
    const line = positionOf(guarded, 'if (vcpu->kvm->arch.vm_type').line + 1;
    const titles = (await client.lenses(MTRR))?.map((lens) => lens.command?.title);
    expect(titles).toContain(`TDX: blocked by vcpu->kvm->arch.vm_type == KVM_X86_TDX_VM · mtrr.c:${line}`);
    expect(await client.hoverText(MTRR, 'vcpu->kvm->arch.vm_type', guarded)).toMatch(/^\*\*TDX: true\*\*/);

    from = client.statuses.length;
    await client.change(MTRR, before);
    await client.settled(from);
    expect(client.diagnostics(MTRR).map((each) => each.code)).toContain('reachable');

    // Edits that are thrown away with the document are gone.
    from = client.statuses.length;
    await client.change(MTRR, guarded);
    await client.settled(from);
    expect(client.diagnostics(MTRR)).toEqual([]);
    from = client.statuses.length;
    await client.close(MTRR);
    await client.settled(from);
    expect(client.diagnostics(MTRR)).not.toEqual([]);
  });

  it('can ask about a KVM_BUG_ON() that is typed into the sink', async () => {
    const client = await start(EDITOR);
    await client.open(MMU);
    await client.settled(0);
    const before = client.text(MMU);
    const bugged = before.replace(
      '\tif (tdp_mmu_enabled)\n\t\tflush',
      '\tKVM_BUG_ON(kvm_gfn_direct_bits(kvm), kvm);\n\tif (tdp_mmu_enabled)\n\t\tflush',
    );
    expect(bugged).not.toBe(before);
    const from = client.statuses.length;
    await client.change(MMU, bugged);
    await client.settled(from);
    const line = positionOf(bugged, 'KVM_BUG_ON(kvm_gfn').line + 1;
    const said = `KVM_BUG_ON() at mmu/mmu.c:${line}, VM dead`;
    const plain = (text: string): string => text.replaceAll('\\', '');
    expect(plain(await client.hoverText(MMU, 'KVM_BUG_ON(kvm_gfn', bugged))).toContain(said);
    expect(plain(await client.hoverText(MMU, 'kvm_zap_gfn_range(struct kvm', bugged))).toContain(said);
    await client.open(MTRR);
    expect(plain(await client.hoverText(MTRR, SINK_CALL))).toContain(said);
    expect(client.diagnostics(MTRR)[0]?.message).toContain(said);
  });

  it('shows the last result at its moved place until the next one is there', async () => {
    const client = await start(EDITOR);
    await client.open(MTRR);
    await client.settled(0);
    const lensBefore = (await client.lenses(MTRR))?.[0];
    const moved = `/* one\n * two\n */\n${client.text(MTRR)}`;
    const from = client.statuses.length;
    await client.change(MTRR, moved);
    const lensAfter = (await client.lenses(MTRR))?.[0];
    expect(client.statuses.slice(from).some(({ state }) => state === 'ready')).toBe(false);
    expect(lensAfter?.command?.title).toBe(lensBefore?.command?.title);
    expect(lensAfter?.range.start.line).toBe((lensBefore?.range.start.line ?? 0) + 3);
    expect(await client.hoverText(MTRR, 'update_mtrr(struct kvm_vcpu', moved)).toContain('TDX: reachable');
    expect(await client.hover(MTRR, 'one', moved)).toBeNull();
    await client.settled(from);
    const { line } = positionOf(moved, SINK_CALL);
    expect(client.diagnostics(MTRR).map((each) => each.range.start.line)).toContain(line);
  });

  it('answers for the VM type and the sinks of its settings', async () => {
    const client = await start(EDITOR, 'sample', { vmType: 'default' });
    await client.settled(0);
    const titles = ((await client.lenses(X86)) ?? []).map((lens) => lens.command?.title ?? '');
    expect(titles.every((title) => title.startsWith('default VM: '))).toBe(true);

    let from = client.statuses.length;
    const configure = (kvmLens: object): Promise<void> =>
      client.connection.sendNotification('workspace/didChangeConfiguration', { settings: { kvmLens } });
    await configure({ vmType: 'tdx', codeLens: { enabled: false } });
    await client.settled(from);
    expect(await client.lenses(X86)).toBeNull();
    expect(client.diagnostics(MTRR)).not.toEqual([]);

    from = client.statuses.length;
    await configure({ sinks: ['kvm_zap_gfn_rage'] });
    const failed = await client.settled(from);
    expect(failed.state).toBe('failed');
    expect(failed.message).toContain('kvm_zap_gfn_range');
    expect(client.diagnostics(MTRR)).toEqual([]);
  });
});

describe('a plain client', () => {
  it('that declares nothing gets diagnostics and hovers without what it could not show', async () => {
    const client = await start({});
    await client.until(() => client.diagnostics(MTRR).length > 0, 'diagnostics');
    expect(client.statuses).toEqual([]);
    for (const diagnostic of client.diagnostics(MTRR)) {
      expect(diagnostic.codeDescription).toBeUndefined();
      expect(diagnostic.relatedInformation).toBeUndefined();
    }
    expect(client.published.get(client.uri(MTRR))?.version).toBeUndefined();
    await client.open(MTRR);
    const hover = await client.hover(MTRR, 'update_mtrr(struct kvm_vcpu');
    expect(hover?.contents).toMatchObject({ kind: MarkupKind.PlainText });
    expect(await client.hoverText(MTRR, 'update_mtrr(struct kvm_vcpu')).toMatch(
      /^TDX: reachable from \d+ entry points?, update_mtrr\(\)\nKVM_SET_MSRS -> kvm_vcpu_ioctl\(\) -> /,
    );
    expect((await client.lenses(MTRR))?.[0]?.command?.command).toBe('');
    expect(client.requests).toEqual([]);
    expect(client.progress).toEqual([]);
  });

  it('is told once that there is no kernel tree, and keeps getting answers', async () => {
    mkdirSync(join(folder, 'plain'), { recursive: true });
    writeFileSync(join(folder, 'plain/main.c'), 'int main(void) { return 0; }\n');
    const client = await start(EDITOR, 'plain');
    await client.open('main.c');
    expect(await client.hover('main.c', 'main')).toBeNull();
    expect(await client.lenses('main.c')).toBeNull();
    await client.close('main.c');
    await client.open('main.c');
    expect(await client.hover('main.c', 'main')).toBeNull();
    expect(client.statuses).toHaveLength(1);
    expect(client.statuses[0]).toMatchObject({ state: 'failed' });
    expect(client.statuses[0]?.message).toContain('arch/x86/kvm');
  });

  it('finds the tree of a document that lies in no folder of its workspace', async () => {
    const client = await start(EDITOR, 'plain');
    await client.until(() => client.statuses.length > 0, 'a status');
    const from = client.statuses.length;
    await client.open(`../sample/${MTRR}`);
    expect(await client.settled(from)).toMatchObject({ state: 'ready', tree: join(folder, 'sample') });
    await client.close(`../sample/${MTRR}`);
    await client.until(() => client.diagnostics(`../sample/${MTRR}`).length === 0, 'the end of the diagnostics');
  });

  it('is told that the analysis failed, with the fault in the log', async () => {
    const broken = buildServer(['grammars']);
    try {
      const client = await start(EDITOR, 'sample', {}, broken.path);
      expect(await client.settled(0)).toMatchObject({
        state: 'failed',
        message: expect.stringContaining('output') as string,
      });
      expect(client.log.join('\n')).toMatch(/ENOENT.*tree-sitter-c\.wasm/);
      await client.open(MTRR);
      expect(await client.hover(MTRR, 'update_mtrr(struct kvm_vcpu')).toBeNull();
      expect(await client.lenses(MTRR)).toBeNull();
    } finally {
      broken.remove();
    }
  });

  it('cannot kill the server with nonsense', async () => {
    const client = await start(EDITOR);
    await client.settled(0);
    const { connection } = client;
    const answerOf = (method: string, params: unknown): Promise<unknown> =>
      connection.sendRequest(method, params).catch((error: unknown) => error);
    expect(await answerOf('textDocument/hover', {})).toBeNull();
    expect(await answerOf('textDocument/hover', { textDocument: { uri: 7 }, position: 'here' })).toBeNull();
    expect(await answerOf('textDocument/codeLens', { textDocument: { uri: 'file://elsewhere/x.c' } })).toBeNull();
    expect(await answerOf(PATH, { uri: 'untitled:Untitled-1', line: 1e9 })).toBeNull();
    expect(await answerOf(PATH, null)).toBeNull();
    expect(await answerOf('kvmLens/noSuchRequest', {})).toBeInstanceOf(Error);
    await connection.sendNotification('textDocument/didChange', { textDocument: { uri: client.uri(MTRR) } });
    await connection.sendNotification('textDocument/didOpen', {});
    await connection.sendNotification('workspace/didChangeWatchedFiles', { changes: [{ uri: client.uri(MTRR) }] });
    await connection.sendNotification('workspace/didChangeConfiguration', {
      settings: { kvmLens: { vmType: 7, sinks: 'x' } },
    });
    client.process.stdin?.write('No-Length: 5\r\n\r\n');
    client.process.stdin?.write('Content-Length: 5\r\n\r\n{"a":');
    await client.open(MTRR, '\u0000\ud800 {{{{ #if \\\n');
    await client.change(MTRR, client.text(MTRR));
    await client.until(() => client.log.some((line) => line.includes('kvmLens.vmType')), 'a word on the bad setting');
    const from = client.statuses.length;
    await connection.sendNotification('kvmLens/analyse');
    expect((await client.settled(from)).state).toBe('ready');
    expect(await client.hoverText(MTRR, 'update_mtrr(struct kvm_vcpu')).toContain('TDX: reachable');
  });
});
