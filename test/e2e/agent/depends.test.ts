/** Applications that wait for others, on a real API server. */
import { afterAll, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Agent, type Bed, type Manifest, startBed } from './agent-bed.ts';
import { configMap, endJob, jobHook, waitForJob, waitsFor } from './hook-bed.ts';

const bed = await startBed('agent-depends');
const at = bed as Bed;
afterAll(() => bed?.stop());

function deployment(name: string, version: string): Manifest {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: version }] } };
  const spec = { replicas: 1, selector: { matchLabels: labels }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: 'default' }, spec };
}
async function makeReady(name: string): Promise<void> {
  const live = await at.get('apps/v1', 'Deployment', 'default', name);
  const observedGeneration = live?.metadata['generation'];
  const status = {
    observedGeneration,
    replicas: 1,
    updatedReplicas: 1,
    readyReplicas: 1,
    availableReplicas: 1,
  };
  const patch = JSON.stringify({ status });
  await at.kubectl('patch', 'deployment', name, '--subresource=status', '--type=merge', '-p', patch);
}
const dataOf = async (name: string) =>
  (await at.get('v1', 'ConfigMap', 'default', name))?.['data'] as Record<string, string> | undefined;
const failures = (agent: Agent) => agent.acks.filter(({ stage }) => stage === 'failed');

describe.skipIf(!bed)('an application that depends on another', () => {
  it('waits for it to be there, applied and healthy; waiting is no failure', async () => {
    const agent = await at.agent();
    agent.desire('web', [configMap('web', { v: '1' })], { dependsOn: ['platform'] });
    await waitsFor(agent, 'web', 'waits for platform: not assigned to this cluster');
    agent.desire('platform', [deployment('platform', 'p:1')]);
    await waitsFor(agent, 'web', 'waits for platform: InProgress');
    expect(agent.applications.get('web')).toMatchObject({
      syncStatus: 'Pending',
      waitsFor: 'platform: InProgress',
    });
    expect(await dataOf('web')).toBeUndefined();
    await makeReady('platform');
    await agent.synced('web');
    expect(failures(agent)).toEqual([]);
    await agent.stop();
  });

  it('stays as it is, healed, while a new version waits; and is not held up once it is applied', async () => {
    const agent = await at.agent();
    const base = { dependsOn: ['base'] };
    agent.desire('base', [deployment('base', 'b:1')]);
    agent.desire('top', [configMap('top', { v: '1' })], base);
    await waitFor(
      'the base',
      async () => (await at.get('apps/v1', 'Deployment', 'default', 'base')) !== undefined,
    );
    await makeReady('base');
    await agent.synced('top');
    agent.desire('base', [deployment('base', 'b:2')]);
    await agent.synced('base');
    // Its own target is applied: what becomes of the base is none of its business.
    await at.kubectl('patch', 'configmap', 'top', '-p', '{"data":{"v":"8"}}');
    await waitFor('it to be healed', async () => (await dataOf('top'))?.['v'] === '1', 15_000);
    agent.desire('top', [configMap('top', { v: '2' })], base);
    await waitsFor(agent, 'top', 'waits for base: InProgress');
    await at.kubectl('patch', 'configmap', 'top', '-p', '{"data":{"v":"9"}}');
    await waitFor('the old version to be healed', async () => (await dataOf('top'))?.['v'] === '1', 15_000);
    await makeReady('base');
    await agent.synced('top');
    expect(await dataOf('top')).toEqual({ v: '2' });
    await agent.stop();
  });

  it('waits for its hooks as well', async () => {
    const agent = await at.agent();
    agent.desire('first', [configMap('first', { v: '1' }), jobHook('first-check', 'post-sync')]);
    agent.desire('second', [configMap('second', { v: '1' })], { dependsOn: ['first'] });
    const run = await waitForJob(at, 'first-check');
    await waitsFor(agent, 'second', 'waits for first');
    expect(await dataOf('second')).toBeUndefined();
    await endJob(at, run, 'Complete');
    await agent.synced('second');
    await agent.stop();
  });

  it('is told of a circle', async () => {
    const agent = await at.agent();
    agent.desire('a', [configMap('a', { v: '1' })], { dependsOn: ['b'], quiet: true });
    agent.desire('b', [configMap('b', { v: '1' })], { dependsOn: ['c'], quiet: true });
    agent.desire('c', [configMap('c', { v: '1' })], { dependsOn: ['a'] });
    await waitsFor(agent, 'a', 'they wait for each other (a -> b -> c -> a)');
    agent.desire('c', [configMap('c', { v: '1' })]);
    await agent.synced('a');
    await agent.stop();
  });
});

describe.skipIf(!bed)('what waits', () => {
  it('for health after the sync fails at its limit, and asks for nothing until then', async () => {
    const clock = createFakeClock(Date.now());
    const agent = await at.agent({ clock });
    const set = [deployment('limit', 'l:1'), jobHook('limit-check', 'post-sync')];
    agent.desire('limit', set, { sync: { waveTimeoutSeconds: 60 } });
    await waitsFor(agent, 'limit', 'waits for wave 0: Deployment default/limit');
    for (let second = 0; second < 55; second += 5) {
      agent.desired.tell(['limit']);
      expect(await agent.requestsDuring(() => clock.advance(5_000))).toEqual({});
    }
    expect(agent.applications.get('limit')?.syncStatus).toBe('Pending');
    await clock.advance(10_000);
    const failed = await agent.synced('limit', 'Failed');
    expect(failed.message).toContain('wave 0 is not healthy after 60 s: Deployment default/limit');
    await makeReady('limit');
    await endJob(at, await waitForJob(at, 'limit-check'), 'Complete');
    await agent.synced('limit');
    await agent.stop();
  });
});
