import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('./bin.js', import.meta.url));

function run(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [bin, ...args], (_error, out) =>
      resolve({ code: child.exitCode ?? -1, out }),
    );
  });
}

describe('the launcher', () => {
  it('runs the command on the pinned Node', async () => {
    const { code, out } = await run('version', '-o', 'json');
    expect(code).toBe(0);
    expect((JSON.parse(out) as { node: string }).node).toMatch(/^24\./);
  });

  it('ends with the code of the command', async () => {
    expect((await run('nonsense')).code).toBe(2);
  });
});
