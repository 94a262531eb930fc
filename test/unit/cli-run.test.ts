import { describe, expect, it } from 'vitest';
import type { Terminal } from '../../extension/cli/output';
import { run } from '../../extension/cli/run';
import { SAMPLE } from '../sample';

function terminal(changes: Partial<Terminal> = {}): Terminal & { stdout: string; stderr: string } {
  const caught = {
    cwd: SAMPLE,
    stdout: '',
    stderr: '',
    out: (text: string) => void (caught.stdout += text),
    err: (text: string) => void (caught.stderr += text),
    isTerminal: false,
    stdin: () => Promise.resolve(''),
    clock: () => 0,
    ...changes,
  };
  return caught;
}

describe('a run of the command', () => {
  const broken = { stdin: () => Promise.reject(new TypeError('x is undefined\nsecond line')) };

  it('that meets a defect says so in one line and ends with 3', async () => {
    const caught = terminal(broken);
    expect(await run(['patch', '-'], caught, false)).toBe(3);
    expect(caught.stdout).toBe('');
    expect(caught.stderr).toBe(
      'kvm-lens: a defect of kvm-lens: TypeError: x is undefined (KVM_LENS_DEBUG=1 shows where)\n',
    );
  });

  it('shows the stack of a defect to whoever wants to mend it', async () => {
    const caught = terminal(broken);
    await run(['patch', '-'], caught, true);
    expect(caught.stderr).toContain('cli-run.test.ts');
  });

  it('shows progress on a terminal, and takes it away again', async () => {
    const caught = terminal({ isTerminal: true });
    expect(await run(['graph', '--format', 'json'], caught, false)).toBe(0);
    expect(caught.stderr).toMatch(/reading 1 of \d+ files/);
    expect(caught.stderr.endsWith('\r\x1b[K')).toBe(true);
    expect(() => JSON.parse(caught.stdout) as unknown).not.toThrow();
  });
});
