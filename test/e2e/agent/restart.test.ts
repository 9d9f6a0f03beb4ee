/** An agent that starts again with its records: it reads only what has changed, and knows what happened while it was away. */
import { afterAll, describe, expect, it } from 'vitest';
import { partOfLabel } from '../../../agent/model/inventory.ts';
import type { JsonObject } from '../../../shared/manifest/object.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Agent, type Bed, createMemoryStorage, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-restart');
const at = bed as Bed;

const web: Manifest = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      // A quantity that the API server spells otherwise.
      spec: { containers: [{ name: 'web', image: 'nginx:1', resources: { requests: { cpu: '1000m' } } }] },
    },
  },
};
const settings = (a: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings' },
  data: { a },
});
const password: Manifest = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'password' },
  data: { word: 'b25l' },
};
const space = (name: string): Manifest => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

async function start(ns: string, sync: NonNullable<Parameters<Agent['desire']>[2]>['sync'] = {}) {
  const storage = createMemoryStorage();
  const agent = await at.agent({ storage });
  const desire = (agentNow: Agent, manifests: readonly Manifest[]) =>
    agentNow.desire(ns, manifests, { sync: { namespace: ns, ...sync } });
  const all = [space(ns), web, settings('1'), password];
  desire(agent, all);
  await agent.synced(ns);
  await agent.loops.idle();
  await agent.stop();
  const again = () => at.agent({ desired: agent.desired, storage });
  return { agent, storage, again, desire, all };
}
const live = async (apiVersion: string, kind: string, ns: string, name: string) =>
  at.get(apiVersion, kind, ns, name);
const replicas = async (ns: string) =>
  ((await live('apps/v1', 'Deployment', ns, 'web'))?.['spec'] as JsonObject | undefined)?.['replicas'];
const found = (agent: Agent, type = 'drift.found') => agent.events.filter((event) => event.type === type);

describe.skipIf(!bed)('an agent that starts again on a real API server', () => {
  afterAll(() => at.stop());

  it('reads and writes no object of an unchanged cluster', async () => {
    const { again, agent } = await start('same');
    const second = await again();
    const report = await second.synced('same');
    await second.loops.idle();
    expect(report.changes).toEqual({ unchanged: 4 });
    expect(report.objectsSynced).toBe(4);
    expect(report.appliedAtMs).toBe(agent.applications.get('same')?.appliedAtMs);
    const { get = 0, apply = 0, patch = 0 } = second.client.requestCounts();
    expect({ get, apply, patch }).toEqual({ get: 0, apply: 0, patch: 0 });
    expect(second.events).toEqual([]);
    expect(second.objects.get('same apps/Deployment/same/web')?.liveDigest).toBe(
      agent.objects.get('same apps/Deployment/same/web')?.liveDigest,
    );
    await at.kubectl('-n', 'same', 'scale', 'deployment', 'web', '--replicas=5');
    await waitFor('drift to be healed as ever', async () => (await replicas('same')) === 2);
    await second.stop();
  });

  it('heals and attributes what was changed and deleted while it was away', async () => {
    const { again } = await start('changed');
    await at.kubectl('-n', 'changed', 'scale', 'deployment', 'web', '--replicas=5');
    await at.kubectl('-n', 'changed', 'delete', 'configmap', 'settings');
    await at.kubectl('-n', 'changed', 'patch', 'secret', 'password', '-p', '{"data":{"word":"dHdv"}}');
    const second = await again();
    await waitFor('all to be healed', () => found(second, 'drift.healed').length === 3);
    const told = found(second).map(({ message }) => message);
    expect(told.find((text) => text.startsWith('Deployment'))).toMatch(
      /replicas 2 -> 5 by kubectl \(Update scale\)/,
    );
    expect(told.find((text) => text.startsWith('ConfigMap'))).toBe('ConfigMap changed/settings: deleted');
    expect(told.find((text) => text.startsWith('Secret'))).toMatch(/\/data\/word changed by kubectl-patch/);
    expect(await replicas('changed')).toBe(2);
    expect((await live('v1', 'ConfigMap', 'changed', 'settings'))?.['data']).toEqual({ a: '1' });
    expect((await live('v1', 'Secret', 'changed', 'password'))?.['data']).toEqual({ word: 'b25l' });
    await second.stop();
  });

  it.each(['report', 'off'] as const)('leaves drift where it is in mode %s', async (selfHeal) => {
    const ns = `mode-${selfHeal}`;
    const { again } = await start(ns, { selfHeal });
    await at.kubectl('-n', ns, 'scale', 'deployment', 'web', '--replicas=5');
    await at.kubectl('-n', ns, 'delete', 'configmap', 'settings');
    const second = await again();
    const report = await second.synced(ns, selfHeal === 'report' ? 'Drifted' : 'Synced');
    await second.loops.idle();
    expect(await replicas(ns)).toBe(5);
    expect(await live('v1', 'ConfigMap', ns, 'settings')).toBeUndefined();
    expect(found(second)).toHaveLength(selfHeal === 'report' ? 2 : 0);
    if (selfHeal === 'off') return second.stop();
    expect(report.message).toBe(`ConfigMap ${ns}/settings: deleted (and 1 more)`);
    expect(second.objects.get(`${ns} apps/Deployment/${ns}/web`)?.message).toContain('2 -> 5 by kubectl');
    await second.stop();
  });

  it('applies a manifest that changed meanwhile, which is no drift, and prunes what left', async () => {
    const { agent, again, desire } = await start('newer');
    desire(agent, [space('newer'), web, settings('2')]);
    const second = await again();
    await second.synced('newer');
    expect((await live('v1', 'ConfigMap', 'newer', 'settings'))?.['data']).toEqual({ a: '2' });
    await waitFor(
      'the Secret to go',
      async () => (await live('v1', 'Secret', 'newer', 'password')) === undefined,
    );
    expect(found(second)).toEqual([]);
    await second.stop();
  });

  it('starts without records it cannot read, as if it had none', async () => {
    const { again, storage } = await start('spoilt');
    storage.content = storage.content?.slice(0, -1);
    await at.kubectl('-n', 'spoilt', 'scale', 'deployment', 'web', '--replicas=5');
    const second = await again();
    await second.synced('spoilt');
    expect(await replicas('spoilt')).toBe(2);
    const labels = (await live('apps/v1', 'Deployment', 'spoilt', 'web'))?.metadata.labels;
    expect(labels?.[partOfLabel]).toBeDefined();
    await second.stop();
  });
});
