import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { startControlPlane, waitFor } from './control-plane.ts';

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

  it('with controllers and simulated nodes, a Deployment becomes available', async (context) => {
    const plane = await startControlPlane({ name: 'whole', controllers: true, nodes: 1 });
    if (!plane) return context.skip('needs Go or KUBEBUILDER_ASSETS');
    try {
      const kubectl = (...args: string[]) =>
        spawnSync(plane.kubectl, ['--kubeconfig', plane.kubeconfig, ...args], { encoding: 'utf8' });
      await waitFor(
        'the default service account',
        () => kubectl('get', 'serviceaccount', 'default').status === 0,
      );
      expect(
        kubectl('create', 'deployment', 'web', '--image=registry.example/web:1', '--replicas=2').status,
      ).toBe(0);
      await waitFor(
        'two replicas to be available',
        () =>
          kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.status.availableReplicas}').stdout === '2',
      );
    } finally {
      await plane.stop();
    }
  }, 180_000);
});
