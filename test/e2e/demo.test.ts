/** `npm run demo`, as a new user runs it: the whole story, and nothing left behind. Needs neither Go nor a cluster. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startControlPlane, waitFor } from '../cluster/control-plane.ts';
import { root } from '../tools/source-files.ts';

function startDemo(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, ['hub/cli/main.ts', 'demo', ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return { child, exited, text: () => text };
}

/** Command lines of running processes that name the folder. */
function processesOf(folder: string): readonly string[] {
  const { stdout } = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line.includes(folder));
}

describe('the demo', () => {
  it('tells its story to the end and exits 0', async () => {
    const demo = startDemo(['--once']);
    expect(await demo.exited, demo.text()).toBe(0);
    expect(demo.text()).toContain('All of it happened.');
    expect(demo.text()).toMatch(/undone \d+\.\d+ s after the edit/);
    expect(demo.text()).toContain('kubectl-edit');
    expect(demo.text()).toMatch(/takes it back by itself: .*timed out progressing/);
    expect(demo.text()).toMatch(
      /payments 2\.0\.3 runs in (\S+) again[^\n]*\n[^\n]*the others never saw it: (?:(?!\1)\S+ ?){3}/,
    );
    expect(demo.text()).toMatch(
      /may no more without a second look: Degraded, score 93, 1 overlay in 8 objects/,
    );
    expect(demo.text()).toContain(
      '/spec/minReplicas: 3 by apps/shop/base/autoscaler.yaml:10,\n    1 by apps/shop/overlays/clusters/eu-2/kustomization.yaml:10',
    );
    expect(demo.text()).toMatch(/eu-2 may take over again: Ready, score 100, no difference/);
  }, 180_000);

  it('stays up until it is told to end, and leaves nothing behind', async () => {
    const demo = startDemo([]);
    await waitFor('the demo to stay up', () => demo.text().includes('stays up until'), 180_000);
    const folder = /Git\s+(\S+)\/work /.exec(demo.text())?.[1] ?? '';
    expect(existsSync(folder)).toBe(true);
    const [, api, token] = /API\s+(\S+)\s+Token\s+(\S+)/.exec(demo.text()) ?? [];
    const answer = await fetch(`${api}/api/v1/clusters`, { headers: { authorization: `Bearer ${token}` } });
    expect(((await answer.json()) as { items: unknown[] }).items).toHaveLength(4);
    demo.child.kill('SIGINT');
    expect(await demo.exited).toBe(0);
    expect(existsSync(folder)).toBe(false);
    expect(processesOf(folder)).toEqual([]);
  }, 240_000);

  it('runs against clusters of the kubeconfig, and takes its things away again', async (context) => {
    const planes = [await startControlPlane({ name: 'first' }), await startControlPlane({ name: 'second' })];
    const [first, second] = planes;
    if (!first || !second) return context.skip('needs Go or KUBEBUILDER_ASSETS');
    try {
      const env = {
        KUBECONFIG: `${first.kubeconfig}:${second.kubeconfig}`,
        PATH: `${dirname(first.kubectl)}:${process.env['PATH']}`,
      };
      const demo = startDemo(['--once', '--contexts', 'first,second'], env);
      expect(await demo.exited, demo.text()).toBe(0);
      expect(demo.text()).toContain('Left out with your own clusters');
      const left = spawnSync(
        second.kubectl,
        ['--kubeconfig', second.kubeconfig, 'get', 'namespace', 'shop', '-o', 'jsonpath={.status.phase}'],
        { encoding: 'utf8' },
      );
      expect(left.stdout).not.toBe('Active');
      const again = startDemo(['--once', '--contexts', 'second'], env);
      expect(await again.exited).toBe(1);
      expect(again.text()).toContain('which the demo would take over');
    } finally {
      await Promise.all([first.stop(), second.stop()]);
    }
  }, 240_000);
});
