import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildServer } from '../unit/built-server';
import { EDITOR, ServerClient } from '../unit/server-client';
import { describeTree, treePath } from './trees';

const X86 = 'arch/x86/kvm/x86.c';
const GUARD = 'if (kvm_check_has_quirk(kvm, KVM_X86_QUIRK_IGNORE_GUEST_PAT))';
const CALLER = 'kvm_noncoherent_dma_assignment_start_or_stop(struct kvm *kvm)';

/** An answer from a finished result takes a few milliseconds; this is what a busy machine may make of it. */
const AT_ONCE = 2_000;
const LIMIT = 300_000;

describeTree('7.x', () => {
  let server: ReturnType<typeof buildServer>;
  let client: ServerClient;

  beforeAll(async () => {
    server = buildServer();
    client = new ServerClient(server.path, treePath('7.x') ?? '', LIMIT);
    await client.initialize(EDITOR);
    await client.open(X86);
    expect((await client.settled(0)).state).toBe('ready');
  }, LIMIT);

  afterAll(async () => {
    await client.stop();
    server.remove();
  });

  it('hovers are answered while an analysis runs, and a newer edit takes its place', { timeout: LIMIT }, async () => {
    const before = client.text(X86);
    expect(before).toContain(GUARD);
    const from = client.statuses.length;
    const analysing = (): number => client.statuses.slice(from).filter(({ state }) => state === 'analysing').length;
    await client.change(X86, before.replace(GUARD, 'if (kvm)'));
    await client.until(() => analysing() === 1, 'the first analysis');
    const asked = performance.now();
    expect(await client.hoverText(X86, CALLER)).toContain('TDX: blocked');
    expect(performance.now() - asked).toBeLessThan(AT_ONCE);
    await client.change(X86, `\n\n${before.replace(GUARD, 'if (kvm != NULL)')}`);
    await client.until(() => analysing() === 2, 'the second analysis');
    await client.settled(from);
    // One result: that of the first edit never came.
    expect(client.statuses.slice(from).map(({ state }) => state)).toEqual(['analysing', 'analysing', 'ready']);
    expect(await client.hoverText(X86, CALLER, `\n\n${before}`)).toMatch(/TDX: (reachable|conditional)/);
  });

  it('progress is told with a way to cancel', () => {
    expect(client.requests).toContain('window/workDoneProgress/create');
    const kinds = client.progress.map((params) => (params as { value: { kind: string; cancellable?: boolean } }).value);
    expect(kinds[0]).toMatchObject({ kind: 'begin', cancellable: true });
    expect(kinds.some(({ kind }) => kind === 'end')).toBe(true);
  });
});
