/** Waves on a real API server; health is written by hand, as a controller would, so that each moment can be looked at. */
import { afterAll, describe, expect, it } from 'vitest';
import type { KubeClient } from '../../../agent/kube/kube-client.ts';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Agent, type Bed, createMemoryStorage, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-waves');
const at = bed as Bed;
afterAll(() => bed?.stop());

function inWave(wave: number, manifest: Manifest): Manifest {
  const annotations = { 'fairway.dev/wave': String(wave) };
  return { ...manifest, metadata: { ...manifest.metadata, annotations } };
}
function configMap(name: string, data: Record<string, string>): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data };
}
function deployment(name: string, image: string): Manifest {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image }] } },
    },
  };
}

/** As the Deployment controller would. */
async function report(name: string, ready: number): Promise<void> {
  const live = await at.get('apps/v1', 'Deployment', 'default', name);
  const status = {
    observedGeneration: live?.metadata['generation'],
    replicas: 3,
    updatedReplicas: 3,
    readyReplicas: ready,
    availableReplicas: ready,
  };
  await at.kubectl(
    'patch',
    'deployment',
    name,
    '--subresource=status',
    '--type=merge',
    '-p',
    JSON.stringify({ status }),
  );
}
const dataOf = async (name: string) => (await at.get('v1', 'ConfigMap', 'default', name))?.['data'];
const waitsFor = (agent: Agent, application: string, text: string) =>
  waitFor(
    `${application}: ${text}`,
    () => agent.applications.get(application)?.message.includes(text) ?? false,
    15_000,
  );

describe.skipIf(!bed)('waves', () => {
  it('go on when the one before is healthy, and say what it lacks', async () => {
    const agent = await at.agent();
    agent.desire('shop', [
      inWave(-2, configMap('shop-first', { v: '1' })),
      inWave(-1, deployment('shop-db', 'db:1')),
      inWave(3, configMap('shop-last', { v: '1' })),
    ]);
    await waitsFor(agent, 'shop', 'waits for wave -1: Deployment default/shop-db: ');
    expect(agent.applications.get('shop')?.syncStatus).toBe('Pending');
    expect(await dataOf('shop-first')).toEqual({ v: '1' });
    expect(await dataOf('shop-last')).toBeUndefined();
    await report('shop-db', 1);
    await waitsFor(agent, 'shop', '1 of 3 available');
    expect(agent.acks).toEqual([]);
    expect(agent.objects.get('shop /ConfigMap/default/shop-last')).toMatchObject({
      syncStatus: 'Pending',
      message: expect.stringContaining('waits for wave -1'),
    });
    await report('shop-db', 3);
    const done = await agent.synced('shop');
    expect(done.changes).toEqual({ created: 3 });
    expect(await dataOf('shop-last')).toEqual({ v: '1' });
    expect(agent.acks.map(({ stage }) => stage)).toEqual(['applied', 'healthy']);
    await agent.stop();
  });

  it('leave what was applied before in place, and heal it, while a new version waits', async () => {
    const agent = await at.agent();
    const old = [inWave(0, deployment('heal-db', 'db:1')), inWave(1, configMap('heal-last', { v: '1' }))];
    const leaving = inWave(1, configMap('heal-leaves', { v: '1' }));
    agent.desire('heal', [...old, leaving]);
    await waitsFor(agent, 'heal', 'waits for wave 0');
    await report('heal-db', 3);
    await agent.synced('heal');
    agent.desire('heal', [
      inWave(0, deployment('heal-db', 'db:2')),
      inWave(1, configMap('heal-last', { v: '2' })),
    ]);
    await waitsFor(agent, 'heal', 'waits for wave 0');
    for (const name of ['heal-last', 'heal-leaves']) {
      await at.kubectl('patch', 'configmap', name, '-p', '{"data":{"v":"9"}}');
      await waitFor(`${name} to be healed`, async () => (await dataOf(name))?.['v' as never] === '1', 15_000);
    }
    await at.kubectl('delete', 'configmap', 'heal-leaves');
    await waitFor('it to be made again', async () => (await dataOf('heal-leaves')) !== undefined, 15_000);
    expect(agent.events.filter(({ type }) => type === 'drift.healed')).toHaveLength(3);
    expect(agent.applications.get('heal')).toMatchObject({ syncStatus: 'Pending' });
    await report('heal-db', 3);
    await agent.synced('heal');
    expect(await dataOf('heal-last')).toEqual({ v: '2' });
    await waitFor('what left the set to go', async () => (await dataOf('heal-leaves')) === undefined, 15_000);
    await agent.stop();
  });

  it('hold up nothing that is applied: an agent started anew with its records heals a later wave', async () => {
    const storage = createMemoryStorage();
    const first = await at.agent({ storage });
    const manifests = [
      inWave(0, deployment('anew-db', 'db:1')),
      inWave(1, configMap('anew-last', { v: '1' })),
    ];
    first.desire('anew', manifests);
    await waitsFor(first, 'anew', 'waits for wave 0');
    await report('anew-db', 3);
    await first.synced('anew');
    await first.stop();
    await report('anew-db', 0);
    await at.kubectl('patch', 'configmap', 'anew-last', '-p', '{"data":{"v":"9"}}');
    const second = await at.agent({ storage, desired: first.desired });
    await waitFor('it to be healed', async () => (await dataOf('anew-last'))?.['v' as never] === '1', 15_000);
    await second.synced('anew');
    await second.stop();
    // Without records it is not known what was applied: what differs from the set waits, what does not is known to be right.
    const third = await at.agent({ desired: first.desired });
    await third.synced('anew');
    await third.stop();
  });

  it('keep the old version in memory: an agent that starts anew while the new one waits heals the old', async () => {
    const storage = createMemoryStorage();
    const first = await at.agent({ storage });
    const version = (v: string) => [
      inWave(0, deployment('kept-db', `db:${v}`)),
      inWave(1, configMap('kept-last', { v })),
    ];
    first.desire('kept', version('1'));
    await waitsFor(first, 'kept', 'waits for wave 0');
    await report('kept-db', 3);
    await first.synced('kept');
    first.desire('kept', version('2'));
    await waitsFor(first, 'kept', 'waits for wave 0');
    await first.stop();
    await at.kubectl('patch', 'configmap', 'kept-last', '-p', '{"data":{"v":"9"}}');
    const second = await at.agent({ storage, desired: first.desired });
    await waitFor('it to be healed', async () => (await dataOf('kept-last'))?.['v' as never] === '1', 15_000);
    expect(second.applications.get('kept')?.syncStatus).toBe('Pending');
    await report('kept-db', 3);
    await second.synced('kept');
    expect(await dataOf('kept-last')).toEqual({ v: '2' });
    // What is applied is all that is kept.
    expect(second.desired.state.blobs.size).toBe(2);
    await second.stop();
  });

  it('are read again where they cannot be watched', async () => {
    const clock = createFakeClock(Date.now());
    const blind = (client: KubeClient): KubeClient => ({
      ...client,
      async discover(options) {
        const all = await client.discover(options);
        return all.map((one) => (one.kind === 'Deployment' ? { ...one, verbs: ['get', 'patch'] } : one));
      },
    });
    const agent = await at.agent({ clock, wrap: blind });
    agent.desire('blind', [
      inWave(0, deployment('blind-db', 'db:1')),
      inWave(1, configMap('blind-last', { v: '1' })),
    ]);
    await waitsFor(agent, 'blind', 'waits for wave 0');
    await report('blind-db', 3);
    await agent.loops.idle();
    expect(await dataOf('blind-last')).toBeUndefined();
    await clock.advance(11_000);
    await agent.synced('blind');
    expect(await dataOf('blind-last')).toEqual({ v: '1' });
    await agent.stop();
  });

  it('fail when they take too long, and go on all the same when they are healthy after all', async () => {
    const clock = createFakeClock(Date.now());
    const agent = await at.agent({ clock });
    agent.desire(
      'slow',
      [inWave(0, deployment('slow-db', 'db:1')), inWave(1, configMap('slow-last', { v: '1' }))],
      { sync: { waveTimeoutSeconds: 60 } },
    );
    await waitsFor(agent, 'slow', 'waits for wave 0');
    expect(await agent.requestsDuring(() => clock.advance(59_000))).toEqual({});
    await clock.advance(2_000);
    const failed = await agent.synced('slow', 'Failed');
    expect(failed.message).toContain('wave 0 is not healthy after 60 s: Deployment default/slow-db: ');
    expect(agent.acks.map(({ stage }) => stage)).toEqual(['failed']);
    expect(await dataOf('slow-last')).toBeUndefined();
    await report('slow-db', 3);
    await agent.synced('slow');
    await agent.stop();
  });

  it('are not applied after one with an object that is refused', async () => {
    const agent = await at.agent();
    const service: Manifest = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'refused', namespace: 'default' },
      spec: { ports: [{ port: 99_999 }] },
    };
    agent.desire('refused', [service, inWave(1, configMap('refused-last', { v: '1' }))]);
    const report = await agent.synced('refused', 'Failed');
    expect(report.message).toMatch(/^Service default\/refused: .*99999/);
    expect(agent.objects.get('refused /ConfigMap/default/refused-last')?.message).toMatch(
      /^waits for wave 0: Service default\/refused: /,
    );
    expect(await dataOf('refused-last')).toBeUndefined();
    agent.desire('refused', [
      { ...service, spec: { ports: [{ port: 80 }] } },
      inWave(1, configMap('refused-last', { v: '1' })),
    ]);
    await agent.synced('refused');
    await agent.stop();
  });
});
