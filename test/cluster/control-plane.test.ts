import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { startControlPlane } from './control-plane.ts';

describe('startControlPlane', () => {
  it('runs two API servers apart from one another on one etcd, and one survives a restart', async (context) => {
    const planes = [await startControlPlane({ name: 'one' }), await startControlPlane({ name: 'two' })];
    const [one, two] = planes;
    if (!one || !two) return context.skip('needs Go or KUBEBUILDER_ASSETS');
    try {
      const kubectl = (plane: typeof one, ...args: string[]) =>
        spawnSync(plane.kubectl, ['--kubeconfig', plane.kubeconfig, ...args], { encoding: 'utf8' });
      expect(kubectl(one, 'create', 'namespace', 'shop').status).toBe(0);
      expect(kubectl(two, 'get', 'namespace', 'shop').status).not.toBe(0);
      await one.restart();
      expect(kubectl(one, 'get', 'namespace', 'shop', '-o', 'name').stdout.trim()).toBe('namespace/shop');
    } finally {
      await Promise.all([one.stop(), two.stop()]);
    }
  }, 180_000);
});
