import { afterAll, describe, expect, it } from 'vitest';
import { partOfLabel } from '../../../agent/model/inventory.ts';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import type { JsonObject } from '../../../shared/manifest/object.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Agent, type Bed, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-drift');
const at = bed as Bed;

const web: Manifest = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', labels: { tier: 'front' } },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: 'nginx:1', resources: { requests: { cpu: '1000m' } } }] },
    },
  },
};
const autoscaler: Manifest = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'web' },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' },
    minReplicas: 3,
    maxReplicas: 9,
  },
};
const settings: Manifest = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings' },
  data: { a: '1' },
};
const password: Manifest = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'password' },
  data: { word: 'b25l' },
};

let count = 0;
async function start(
  sync: NonNullable<Parameters<Agent['desire']>[2]>['sync'] = {},
  options?: Parameters<Bed['agent']>[0],
) {
  count += 1;
  const ns = `drift-${count}`;
  const agent = await at.agent(options);
  const space: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ns } };
  const all = [space, web, autoscaler, settings, password];
  agent.desire(ns, all, { sync: { namespace: ns, ...sync } });
  await agent.synced(ns);
  const get = async (kind: string) => {
    const names = {
      Deployment: 'web',
      HorizontalPodAutoscaler: 'web',
      ConfigMap: 'settings',
      Secret: 'password',
    };
    const versions = {
      Deployment: 'apps/v1',
      HorizontalPodAutoscaler: 'autoscaling/v2',
      ConfigMap: 'v1',
      Secret: 'v1',
    };
    const known = kind as keyof typeof names;
    return at.get(versions[known], kind, ns, names[known]);
  };
  const found = (type = 'drift.found') => agent.events.filter((event) => event.type === type);
  const healed = async (times = 1) => {
    await waitFor('the drift to be healed', () => found('drift.healed').length >= times, 10_000);
    return found('drift.healed').at(-1)!.drift!;
  };
  return { agent, ns, get, found, healed, all };
}

const replicasOf = (object: JsonObject | undefined) =>
  (object?.['spec'] as JsonObject | undefined)?.['replicas'];

describe.skipIf(!bed)('drift on a real API server', () => {
  afterAll(() => at.stop());

  it('finds, attributes and undoes an autoscaler changed from 3/9 to 4/12 by hand', async () => {
    const { agent, ns, get, healed, found } = await start();
    await at.kubectl(
      '-n',
      ns,
      'patch',
      'hpa',
      'web',
      '--type=merge',
      '-p',
      '{"spec":{"minReplicas":4,"maxReplicas":12}}',
    );
    const drift = await healed();
    expect(drift.kind).toBe('changed');
    expect(drift.fields).toEqual([
      { path: '/spec/maxReplicas', desired: '9', live: '12' },
      { path: '/spec/minReplicas', desired: '3', live: '4' },
    ]);
    expect(drift.managers).toMatchObject([{ name: 'kubectl-patch', operation: 'Update' }]);
    expect(drift.managers[0]?.timeMs).toBeGreaterThan(Date.now() - 60_000);
    expect(drift.healedAtMs).toBeGreaterThanOrEqual(drift.foundAtMs);
    expect((await get('HorizontalPodAutoscaler'))?.['spec']).toMatchObject({
      minReplicas: 3,
      maxReplicas: 9,
    });
    expect(found()).toHaveLength(1);
    const words =
      'HorizontalPodAutoscaler \\S+/web: /spec/maxReplicas 9 -> 12, /spec/minReplicas 3 -> 4 by kubectl-patch \\(Update\\) at \\d\\d:\\d\\d:\\d\\dZ';
    expect(found()[0]?.message).toMatch(new RegExp(`^${words}$`));
    expect(found('drift.healed')[0]?.message).toMatch(
      new RegExp(`^${words}; undone after \\d+(\\.\\d)? m?s$`),
    );
    await agent.stop();
  });

  it('tells two edits on each others heels, each by its own manager', async () => {
    const { agent, ns, get, found } = await start();
    const ref = {
      resource: await at.resource('autoscaling/v2', 'HorizontalPodAutoscaler'),
      namespace: ns,
      name: 'web',
    };
    agent.desired.state.pauses = [{ application: ns, untilMs: undefined, reason: 'looking' }];
    agent.desired.tell([]);
    await agent.loops.idle();
    await at.kubectl('-n', ns, 'patch', 'hpa', 'web', '--type=merge', '-p', '{"spec":{"minReplicas":4}}');
    await at.admin.patch(ref, { spec: { maxReplicas: 12 } }, 'merge');
    agent.desired.state.pauses = [];
    agent.desired.tell([]);
    await waitFor('the drift to be healed', () => found('drift.healed').length === 1);
    const { message } = found('drift.healed')[0]!;
    expect(message).toContain('/spec/maxReplicas 9 -> 12, /spec/minReplicas 3 -> 4 by ');
    expect(message).toContain('kubectl-patch (Update) at ');
    expect(message).toContain('fairway (Update) at ');
    expect((await get('HorizontalPodAutoscaler'))?.['spec']).toMatchObject({
      minReplicas: 3,
      maxReplicas: 9,
    });
    await agent.stop();
  });

  it('heals an update, a scale and an apply in our own name', async () => {
    const { agent, ns, get, healed } = await start();
    await at.kubectl('-n', ns, 'scale', 'deployment', 'web', '--replicas=7');
    const scaled = await healed(1);
    expect(scaled.fields).toEqual([{ path: '/spec/replicas', desired: '2', live: '7' }]);
    expect(scaled.managers).toMatchObject([{ name: 'kubectl', operation: 'Update scale' }]);
    await at.kubectl('-n', ns, 'set', 'image', 'deployment/web', 'web=nginx:9');
    const image = await healed(2);
    expect(image.fields).toEqual([
      { path: '/spec/template/spec/containers/[name=web]/image', desired: '"nginx:1"', live: '"nginx:9"' },
    ]);
    const ref = { resource: await at.resource('apps/v1', 'Deployment'), namespace: ns, name: 'web' };
    const live = (await get('Deployment'))!;
    const body = { ...web, metadata: { ...web.metadata, namespace: ns, labels: live.metadata.labels } };
    await at.admin.apply(ref, { ...body, spec: { ...(web['spec'] as object), replicas: 1 } } as never);
    await healed(3);
    await waitFor('replicas to be 2', async () => replicasOf(await get('Deployment')) === 2);
    await agent.stop();
  });

  it('removes what a person adds: a ConfigMap key, a label, a sidecar', async () => {
    const { agent, ns, get, healed } = await start();
    await at.kubectl('-n', ns, 'patch', 'configmap', 'settings', '-p', '{"data":{"b":"2"}}');
    const key = await healed(1);
    expect(key).toMatchObject({ kind: 'foreign', fields: [{ path: '/data/b', live: '"2"' }] });
    expect(agent.events.at(-1)?.message).toMatch(
      /: \/data\/b "2" added by kubectl-patch \(Update\) at .*Z; undone after /,
    );
    expect((await get('ConfigMap'))?.['data']).toEqual({ a: '1' });
    await at.kubectl('-n', ns, 'label', 'deployment', 'web', 'extra=yes');
    await healed(2);
    expect((await get('Deployment'))?.metadata.labels?.['extra']).toBeUndefined();
    const sidecar = { spec: { template: { spec: { containers: [{ name: 'side', image: 'side:1' }] } } } };
    await at.kubectl('-n', ns, 'patch', 'deployment', 'web', '-p', JSON.stringify(sidecar));
    await healed(3);
    const spec = (await get('Deployment'))?.['spec'] as unknown as {
      template: { spec: { containers: { name: string }[] } };
    };
    expect(spec.template.spec.containers.map(({ name }) => name)).toEqual(['web']);
    await agent.stop();
  });

  it('leaves a rollout restart to run', async () => {
    const { agent, ns, get, found } = await start();
    const { suspicions } = agent.loops.metrics;
    await at.kubectl('-n', ns, 'rollout', 'restart', 'deployment/web');
    await waitFor('the write to be looked at', () => agent.loops.metrics.suspicions > suspicions);
    await agent.loops.idle();
    const live = (await get('Deployment')) as { spec?: { template?: { metadata?: object } } } | undefined;
    expect(live?.spec?.template?.metadata).toHaveProperty([
      'annotations',
      'kubectl.kubernetes.io/restartedAt',
    ]);
    expect(found()).toEqual([]);
    await agent.stop();
  });

  it('reports and leaves what another controller adds', async () => {
    const { agent, ns, get, found, all } = await start();
    const ref = { resource: await at.resource('v1', 'ConfigMap'), namespace: ns, name: 'settings' };
    const body = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings', namespace: ns },
      data: { c: '3' },
    };
    await at.admin.apply(ref, body, { fieldManager: 'operator' });
    await waitFor('the addition to be told', () => found().length === 1);
    expect(found()[0]?.drift).toMatchObject({
      kind: 'foreign',
      managers: [{ name: 'operator', operation: 'Apply' }],
    });
    expect((await get('ConfigMap'))?.['data']).toEqual({ a: '1', c: '3' });
    // What it goes on writing there is no news.
    for (const c of ['4', '5', '6']) {
      const { suspicions } = agent.loops.metrics;
      await at.admin.apply(ref, { ...body, data: { c } }, { fieldManager: 'operator' });
      await waitFor('the write to be looked at', () => agent.loops.metrics.suspicions > suspicions);
      await agent.loops.idle();
    }
    expect(found()).toHaveLength(1);
    await at.admin.apply(ref, body, { fieldManager: 'operator' });
    // A new manifest leaves the addition where it is, so nothing has been healed.
    const changed = all.map((manifest) =>
      manifest === settings ? { ...settings, data: { a: '2' } } : manifest,
    );
    agent.desire(ns, changed, { sync: { namespace: ns } });
    await agent.synced(ns);
    expect((await get('ConfigMap'))?.['data']).toEqual({ a: '2', c: '3' });
    expect(found('drift.healed')).toHaveLength(0);
    await agent.stop();
  });

  it('brings back what was deleted, deleted and made anew, or lost its label', async () => {
    const { agent, ns, get, healed } = await start();
    await at.kubectl('-n', ns, 'delete', 'configmap', 'settings');
    expect((await healed(1)).kind).toBe('deleted');
    expect(agent.events.at(-1)?.message).toMatch(/^ConfigMap \S+\/settings: deleted; undone after /);
    expect((await get('ConfigMap'))?.['data']).toEqual({ a: '1' });
    await at.kubectl('-n', ns, 'label', 'configmap', 'settings', `${partOfLabel}-`);
    const lost = await healed(2);
    expect(lost.fields[0]?.path).toBe('/metadata/labels/applyset.kubernetes.io~1part-of');
    expect((await get('ConfigMap'))?.metadata.labels?.[partOfLabel]).toBeDefined();
    await at.kubectl('-n', ns, 'delete', 'secret', 'password');
    await at
      .kubectl('-n', ns, 'create', 'secret', 'generic', 'password', '--from-literal=word=evil')
      .catch(() => '');
    await healed(3);
    await waitFor(
      'the secret to be as desired',
      async () => (((await get('Secret'))?.['data'] ?? {}) as JsonObject)['word'] === 'b25l',
    );
    await agent.stop();
  });

  it("never tells a Secret's values", async () => {
    const { agent, ns, healed, get } = await start();
    await at.kubectl('-n', ns, 'patch', 'secret', 'password', '-p', '{"data":{"word":"dHdv"}}');
    const drift = await healed();
    expect(drift.fields).toEqual([{ path: '/data/word', desired: undefined, live: undefined }]);
    expect(JSON.stringify([agent.events, [...agent.objects.values()]])).not.toMatch(/dHdv|b25l/);
    expect((await get('Secret'))?.['data']).toEqual({ word: 'b25l' });
    await agent.stop();
  });

  it('only reports in mode report, and heals when the mode becomes enforce', async () => {
    const { agent, ns, get, found, all } = await start({ selfHeal: 'report' });
    await at.kubectl('-n', ns, 'scale', 'deployment', 'web', '--replicas=5');
    await agent.synced(ns, 'Drifted');
    expect(replicasOf(await get('Deployment'))).toBe(5);
    agent.loops.checkNow();
    await agent.loops.idle();
    expect(found()).toHaveLength(1);
    agent.desire(ns, all, { sync: { namespace: ns } });
    await agent.synced(ns);
    await waitFor('the drift to be healed', async () => replicasOf(await get('Deployment')) === 2);
    await agent.stop();
  });

  it('does nothing while paused, and heals once it is over', async () => {
    const { agent, ns, get, found } = await start();
    agent.desired.state.pauses = [{ application: ns, untilMs: undefined, reason: 'looking' }];
    agent.desired.tell([]);
    await at.kubectl('-n', ns, 'scale', 'deployment', 'web', '--replicas=5');
    await waitFor('the pause to be told', () => agent.applications.get(ns)?.message === 'paused: looking');
    await agent.loops.idle();
    expect(replicasOf(await get('Deployment'))).toBe(5);
    expect(found()).toHaveLength(0);
    agent.desired.state.pauses = [];
    agent.desired.tell([]);
    await waitFor('the drift to be healed', async () => replicasOf(await get('Deployment')) === 2);
    await agent.stop();
  });

  it('ignores status updates without a read', async () => {
    const { agent, ns } = await start();
    const spent = await agent.requestsDuring(async () => {
      for (let replicas = 0; replicas < 5; replicas += 1)
        await at.kubectl(
          '-n',
          ns,
          'patch',
          'deployment',
          'web',
          '--subresource=status',
          '--type=merge',
          '-p',
          JSON.stringify({ status: { observedGeneration: 1, replicas: 10 + replicas, updatedReplicas: 3 } }),
        );
      await waitFor(
        'the last status to be seen',
        () => agent.objects.get(`${ns} apps/Deployment/${ns}/web`)?.message === '11 old replicas are left',
      );
    });
    expect(spent).toEqual({});
    await agent.stop();
  });

  it('backs off from a field that is fought over, names the other and recovers', async () => {
    const clock = createFakeClock(Date.now());
    const { agent, ns, get, healed, found } = await start({}, { contest: { correctionsMax: 2 }, clock });
    const ref = { resource: await at.resource('apps/v1', 'Deployment'), namespace: ns, name: 'web' };
    for (let round = 1; round <= 3; round += 1) {
      await at.admin.patch(ref, { spec: { replicas: 10 + round } }, 'merge');
      await healed(round);
    }
    await at.kubectl('-n', ns, 'scale', 'deployment', 'web', '--replicas=20');
    const report = await agent.synced(ns, 'Contested');
    expect(report.message).toMatch(/: fairway and kubectl both set \/spec\/replicas \(put right 3 times\): /);
    expect(replicasOf(await get('Deployment'))).toBe(20);
    // In small steps: requests under way run in real time, and their limits are on this clock.
    await waitFor('the fight to be over', async () => {
      await clock.advance(1_000);
      return found('drift.healed').length >= 4;
    });
    await agent.synced(ns);
    expect(replicasOf(await get('Deployment'))).toBe(2);
    await agent.stop();
  });

  it('leaves an excepted field to others, and hands it over without a dip', async () => {
    const { agent, ns, get, found, all } = await start();
    await at.kubectl('-n', ns, 'scale', 'deployment', 'web', '--replicas=5');
    await waitFor('replicas to be 2 again', async () => replicasOf(await get('Deployment')) === 2);
    const ignore = [{ group: 'apps', kind: 'Deployment', paths: ['/spec/replicas'], managers: [] }];
    agent.desire(ns, all, { sync: { namespace: ns, ignore } });
    await agent.synced(ns);
    expect(replicasOf(await get('Deployment'))).toBe(2);
    const before = found().length;
    const spent = await agent.requestsDuring(async () => {
      await at.kubectl('-n', ns, 'scale', 'deployment', 'web', '--replicas=6');
    });
    expect(spent['apply'] ?? 0).toBe(0);
    expect(replicasOf(await get('Deployment'))).toBe(6);
    expect(found()).toHaveLength(before);
    await agent.stop();
  });

  it('goes on watching after the API server was away', async () => {
    const { agent, ns, get } = await start();
    await at.restart();
    await at.kubectl('-n', ns, 'scale', 'deployment', 'web', '--replicas=5');
    await waitFor('the drift to be healed', async () => replicasOf(await get('Deployment')) === 2, 40_000);
    await agent.stop();
  }, 60_000);

  it('finds what was changed while it was away, without a record', async () => {
    const { agent, ns, get } = await start();
    await agent.stop();
    await at.kubectl('-n', ns, 'scale', 'deployment', 'web', '--replicas=5');
    await at.kubectl('-n', ns, 'delete', 'configmap', 'settings');
    const second = await at.agent({ desired: agent.desired });
    await second.synced(ns);
    const told = second.events.find(({ type }) => type === 'drift.healed');
    expect(told?.drift).toMatchObject({
      fields: [{ path: '/spec/replicas', desired: '2', live: '5' }],
      managers: [{ name: 'kubectl', operation: 'Update scale' }],
    });
    expect(replicasOf(await get('Deployment'))).toBe(2);
    expect((await get('ConfigMap'))?.['data']).toEqual({ a: '1' });
    await second.stop();
  });
});
