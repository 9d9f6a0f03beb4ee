import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { partOfLabel } from '../../../agent/model/inventory.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Bed, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-apply');
const at = bed as Bed;

export function configMap(namespace: string, name: string, data: Record<string, string>): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}
const namespace = (name: string): Manifest => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

function deployment(ns: string, name: string, spec: Record<string, unknown> = {}): Manifest {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: ns },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: 'web',
              image: 'nginx:1',
              ports: [{ containerPort: 80 }],
              resources: { requests: { cpu: '1000m' } },
            },
          ],
        },
      },
      ...spec,
    },
  };
}

describe.skipIf(!bed)('an agent applying to a real API server', () => {
  afterAll(() => at.stop());
  beforeAll(() => {});

  it('creates, leaves alone, changes and prunes, and sends nothing where nothing differs', async () => {
    const agent = await at.agent();
    const first = [
      namespace('shop'),
      configMap('shop', 'a', { x: '1' }),
      configMap('shop', 'b', { x: '1' }),
      deployment('shop', 'web'),
    ];
    agent.desire('shop', first);
    const report = await agent.synced('shop');
    expect(report.changes).toEqual({ created: 4 });
    expect(report.objectsSynced).toBe(4);
    expect(agent.acks.map(({ stage }) => stage)).toEqual(['applied']);
    expect((await at.get('v1', 'ConfigMap', 'shop', 'a'))?.metadata.labels?.[partOfLabel]).toMatch(
      /^applyset-.{43}-v1$/,
    );

    expect(await agent.requestsDuring(() => agent.loops.syncNow())).toEqual({});
    expect(
      await agent.requestsDuring(async () => {
        agent.desire('shop', first);
        await agent.synced('shop');
      }),
    ).toEqual({});

    const changed = [...first.slice(0, 1), configMap('shop', 'a', { x: '2' }), ...first.slice(2)];
    expect(
      await agent.requestsDuring(async () => {
        agent.desire('shop', changed);
        await agent.synced('shop');
      }),
      // The object, and before it the mark of the target on the parent.
    ).toEqual({ apply: 2 });
    expect(agent.applications.get('shop')?.changes).toEqual({ configured: 1, unchanged: 3 });
    expect((await at.get('v1', 'ConfigMap', 'shop', 'a'))?.['data']).toEqual({ x: '2' });

    agent.desire(
      'shop',
      changed.filter(({ metadata }) => metadata['name'] !== 'b'),
    );
    await agent.synced('shop');
    await waitFor('b to be pruned', async () => (await at.get('v1', 'ConfigMap', 'shop', 'b')) === undefined);
    expect(await at.get('v1', 'ConfigMap', 'shop', 'a')).toBeDefined();
    expect(agent.events.filter(({ type }) => type === 'object.pruned').map(({ key }) => key?.name)).toEqual([
      'b',
    ]);
    await agent.stop();
  });

  it('writes nothing after a restart without memory', async () => {
    const first = await at.agent();
    const manifests = [namespace('again'), configMap('again', 'a', { x: '1' }), deployment('again', 'web')];
    first.desire('again', manifests);
    await first.synced('again');
    await first.stop();
    const second = await at.agent({ desired: first.desired });
    await second.synced('again');
    expect(second.applications.get('again')?.changes).toEqual({ unchanged: 3 });
    const counts = second.client.requestCounts();
    // The Deployment spells a quantity as the API server does not, so only applying can tell: it changes nothing.
    expect(counts['apply'] ?? 0).toBeLessThanOrEqual(1);
    expect(counts['delete'] ?? 0).toBe(0);
    await second.stop();
  });

  it("tells the refusal of one object in the API server's words and applies its neighbours", async () => {
    const agent = await at.agent();
    agent.desire('bad', [
      namespace('bad'),
      configMap('bad', 'a', { x: '1' }),
      deployment('bad', 'wrong', { replicass: 3 }),
      deployment('bad', 'right'),
    ]);
    const report = await agent.synced('bad', 'Failed');
    expect(report.changes).toEqual({ created: 3, failed: 1 });
    expect(report.message).toContain('Deployment bad/wrong');
    expect(report.message).toContain('.spec.replicass');
    expect(agent.objects.get('bad apps/Deployment/bad/wrong')).toMatchObject({
      syncStatus: 'Failed',
      lastAction: 'failed',
    });
    expect(await at.get('apps/v1', 'Deployment', 'bad', 'right')).toBeDefined();
    expect(agent.acks.at(-1)).toMatchObject({ stage: 'failed' });
    await agent.stop();
  });

  it('applies a namespace, a definition and an object of the defined kind in one set', async () => {
    const agent = await at.agent();
    const definition: Manifest = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'boats.harbour.test' },
      spec: {
        group: 'harbour.test',
        scope: 'Namespaced',
        names: { plural: 'boats', singular: 'boat', kind: 'Boat' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: { spec: { type: 'object', properties: { name: { type: 'string' } } } },
              },
            },
          },
        ],
      },
    };
    const boat: Manifest = {
      apiVersion: 'harbour.test/v1',
      kind: 'Boat',
      metadata: { name: 'one' },
      spec: { name: 'Ada' },
    };
    agent.desire('harbour', [boat, definition, namespace('harbour')], { sync: { namespace: 'harbour' } });
    await agent.synced('harbour');
    expect(await at.get('harbour.test/v1', 'Boat', 'harbour', 'one')).toBeDefined();
    agent.desire('harbour', [definition, namespace('harbour')], { sync: { namespace: 'harbour' } });
    await agent.synced('harbour');
    await waitFor(
      'the boat to be pruned',
      async () => (await at.get('harbour.test/v1', 'Boat', 'harbour', 'one')) === undefined,
    );
    await agent.stop();
  });

  it('keeps an inventory by which kubectl could go on, and which it leaves alone as long as it is ours', async () => {
    const agent = await at.agent();
    agent.desire('kept', [namespace('elsewhere'), configMap('elsewhere', 'kept', { x: '1' })]);
    await agent.synced('kept');
    await agent.stop();
    const folder = await mkdtemp(join(tmpdir(), 'fairway-applyset-'));
    const file = join(folder, 'left.json');
    await writeFile(file, JSON.stringify(configMap('fairway-system', 'left', {})));
    const parent = ['-n', 'fairway-system', 'configmap', 'fairway-applyset-kept'];
    const prune = () =>
      at.kubectlWith(
        { KUBECTL_APPLYSET: 'true' },
        ...['apply', '-n', 'fairway-system', '--server-side', '--dry-run=server', '--prune'],
        ...['--applyset=configmap/fairway-applyset-kept', '-f', file],
      );
    try {
      await expect(prune()).rejects.toThrow(/managed by tooling "fairway" instead of "kubectl"/);
      const own = 'applyset.kubernetes.io/tooling=kubectl/v1.36.0';
      await at.kubectl('annotate', ...parent, own, '--overwrite');
      // By its own reading of kinds, namespaces and labels, all of the application is there.
      const pruned = (await prune()).split('\n').filter((line) => line.includes(' pruned '));
      expect(pruned.sort()).toEqual([
        'configmap/kept pruned (server dry run)',
        'namespace/elsewhere pruned (server dry run)',
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('hands an object over between applications without making it anew, and refuses a second claimant', async () => {
    const agent = await at.agent();
    const shared = configMap('default', 'shared', { x: '1' });
    agent.desire('one', [shared, configMap('default', 'one', {})]);
    await agent.synced('one');
    const before = await at.get('v1', 'ConfigMap', 'default', 'shared');
    agent.desire('two', [shared]);
    const refused = await agent.synced('two', 'Failed');
    expect(refused.message).toContain('held by the application one');
    agent.desire('one', [configMap('default', 'one', {})], { quiet: true });
    agent.desire('two', [shared]);
    await agent.synced('two');
    await agent.synced('one');
    const after = await at.get('v1', 'ConfigMap', 'default', 'shared');
    expect(after?.metadata['uid']).toBe(before?.metadata['uid']);
    expect(after?.metadata.labels?.[partOfLabel]).not.toBe(before?.metadata.labels?.[partOfLabel]);
    expect(agent.objects.has('one /ConfigMap/default/shared')).toBe(false);
    await agent.stop();
  });

  it('deletes nothing while deletions are held or a batch is open, and keeps guarded objects', async () => {
    const agent = await at.agent();
    const guarded = configMap('guard', 'guarded', {});
    guarded.metadata['annotations'] = { 'fairway.dev/prune': 'disabled' };
    agent.desire('guard', [namespace('guard'), guarded, configMap('guard', 'free', {})]);
    await agent.synced('guard');
    agent.desired.state.held = true;
    agent.desire('guard', []);
    const held = await agent.synced('guard');
    expect(held.message).toContain('deletions are held');
    agent.desired.state.held = false;
    agent.desired.state.open = true;
    agent.desired.tell([]);
    await waitFor(
      'the open batch to be told',
      () => agent.applications.get('guard')?.message.includes('more assignments') ?? false,
    );
    expect(await at.get('v1', 'ConfigMap', 'guard', 'free')).toBeDefined();
    agent.desired.state.open = false;
    agent.desired.tell([]);
    await waitFor(
      'free to be pruned',
      async () => (await at.get('v1', 'ConfigMap', 'guard', 'free')) === undefined,
    );
    expect(await at.get('v1', 'ConfigMap', 'guard', 'guarded')).toBeDefined();
    await waitFor(
      'the namespace to be told as retained',
      () => agent.objects.get('guard /Namespace//guard')?.syncStatus === 'Retained',
    );
    expect(agent.objects.get('guard /ConfigMap/guard/guarded')?.syncStatus).toBe('Retained');
    await agent.stop();
  });

  it('takes an application out: prunes or orphans, deletes the parent and forgets it', async () => {
    const agent = await at.agent();
    agent.desire('gone', [namespace('gone'), configMap('gone', 'a', {})]);
    agent.desire('left', [configMap('default', 'left', {})]);
    await agent.synced('gone');
    await agent.synced('left');
    agent.desire('gone', [], { removed: true });
    agent.desire('left', [], { removed: true, deletionPolicy: 'orphan' });
    await waitFor('both to be forgotten', () => agent.desired.state.forgotten.length === 2);
    expect(await at.get('v1', 'ConfigMap', 'gone', 'a')).toBeUndefined();
    expect((await at.get('v1', 'Namespace', '', 'gone'))?.metadata.labels?.[partOfLabel]).toBeUndefined();
    const left = await at.get('v1', 'ConfigMap', 'default', 'left');
    expect(left).toBeDefined();
    expect(left?.metadata.labels?.[partOfLabel]).toBeUndefined();
    expect(await at.get('v1', 'ConfigMap', 'fairway-system', 'fairway-applyset-gone')).toBeUndefined();
    await agent.stop();
  });

  it('waits for what an application depends on', async () => {
    const agent = await at.agent();
    agent.desire('second', [configMap('default', 'second', {})], { dependsOn: ['first'] });
    const waiting = await agent.synced('second', 'Pending');
    expect(waiting.waitsFor).toContain('first');
    agent.desire('first', [configMap('default', 'first', {})]);
    await agent.synced('second');
    await agent.stop();
  });
});
