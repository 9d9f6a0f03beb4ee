/** What could delete, overwrite or leave behind what it should not: odd moments and odd clusters, on a real API server. */
import { afterAll, describe, expect, it } from 'vitest';
import { partOfLabel } from '../../../agent/model/inventory.ts';
import type { JsonObject } from '../../../shared/manifest/object.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Bed, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-hazards');
const at = bed as Bed;

const configMap = (name: string, data: Record<string, string>, namespace = 'default'): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});
const secret = (name: string, word: string, namespace = 'default'): Manifest => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  data: { word },
});
const service = (name: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { ports: [{ port: 80, protocol: 'TCP' }] },
});
const live = (kind: string, name: string, namespace = 'default') => at.get('v1', kind, namespace, name);
const definition = (plural: string, kind: string): Manifest => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.hazard.example` },
  spec: {
    group: 'hazard.example',
    names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
});

afterAll(() => bed?.stop());

describe.skipIf(!bed)('inventories', () => {
  it('of applications that are told of later are known too, to an agent without memory', async () => {
    const first = await at.agent();
    first.desire('one', [configMap('one', { a: '1' })]);
    first.desire('two', [configMap('two', { a: '1' }), secret('two', 'b25l')]);
    first.desire('three', [service('three')]);
    for (const name of ['one', 'two', 'three']) await first.synced(name);
    await first.stop();
    const second = await at.agent();
    second.desired.state.generation = 10;
    second.desire('one', [configMap('one', { a: '1' })]);
    await second.synced('one');
    // The Secret left the set while nobody looked; the application three was taken out.
    second.desire('two', [configMap('two', { a: '1' })]);
    second.desire('three', [], { removed: true });
    await second.synced('two');
    await waitFor('the Secret to go', async () => (await live('Secret', 'two')) === undefined);
    await waitFor('the Service to go', async () => (await live('Service', 'three')) === undefined);
    await waitFor('three to be forgotten', () => second.desired.state.forgotten.includes('three'));
    await second.stop();
  });

  it('hold no copies that others made of an object, label and all', async () => {
    const agent = await at.agent();
    agent.desire('copied', [configMap('original', { a: '1' })]);
    await agent.synced('copied');
    const label = (await live('ConfigMap', 'original'))?.metadata.labels?.[partOfLabel];
    await at.kubectl('create', 'configmap', 'copy');
    await at.kubectl('label', 'configmap', 'copy', `${partOfLabel}=${label}`);
    agent.desire('copied', [configMap('original', { a: '2' })]);
    await agent.synced('copied');
    await agent.loops.idle();
    agent.desire('copied', [], { removed: true });
    await waitFor('the application to be forgotten', () => agent.desired.state.forgotten.includes('copied'));
    expect(await live('ConfigMap', 'original')).toBeUndefined();
    expect(await live('ConfigMap', 'copy')).toBeDefined();
    await agent.stop();
  });

  it('of a definition that somebody deleted are empty, and hold nothing up', async () => {
    let ended = 0;
    const agent = await at.agent({
      wrap: (client) => ({
        ...client,
        watch: (request, onEvent, signal) =>
          client.watch(request, onEvent, signal).catch((caught: unknown) => {
            if (request.resource.kind === 'Gadget') ended += 1;
            throw caught;
          }),
      }),
    });
    const gadget: Manifest = {
      apiVersion: 'hazard.example/v1',
      kind: 'Gadget',
      metadata: { name: 'g', namespace: 'default' },
    };
    agent.desire('gadgets', [definition('gadgets', 'Gadget')]);
    await agent.synced('gadgets');
    agent.desire('users', [configMap('user', { a: '1' }), gadget]);
    await agent.synced('users');
    agent.desire('gadgets', [], { removed: true });
    await waitFor('gadgets to be forgotten', () => agent.desired.state.forgotten.includes('gadgets'));
    await at.kubectl('delete', 'crd', 'gadgets.hazard.example');
    await waitFor('its watch to end', () => ended > 0);
    agent.desire('users', [configMap('user', { a: '2' })]);
    await agent.synced('users');
    agent.desire('users', [], { removed: true });
    await waitFor('users to be forgotten', () => agent.desired.state.forgotten.includes('users'), 20_000);
    expect(await live('ConfigMap', 'user')).toBeUndefined();
    await agent.stop();
  });
});

describe.skipIf(!bed)('an aggregated API server that is away', () => {
  it('leaves its kinds in the inventory, and the application that has them in the cluster', async () => {
    const spec = (gone: string): Manifest => ({
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: `v1.${gone}` },
      spec: {
        group: gone,
        version: 'v1',
        groupPriorityMinimum: 100,
        versionPriority: 1,
        insecureSkipTLSVerify: true,
        service: { name: 'nobody', namespace: 'default' },
      },
    });
    const resource = await at.resource('apiregistration.k8s.io/v1', 'APIService');
    const ref = { resource, namespace: '', name: 'v1.away.example' };
    await at.admin.apply(ref, spec('away.example') as unknown as JsonObject);
    await waitFor('discovery to know it', async () => {
      await at.admin.discover({ refresh: true });
      return at.admin.staleGroups().has('away.example');
    });
    const first = await at.agent();
    first.desire('away', [configMap('away', { a: '1' })]);
    await first.synced('away');
    await first.stop();
    // An object of its kinds was applied while it was there.
    const parent = ['-n', 'fairway-system', 'configmap', 'fairway-applyset-away'];
    const kinds = 'applyset.kubernetes.io/contains-group-kinds=ConfigMap,Thing.away.example';
    await at.kubectl('annotate', '--overwrite', ...parent, kinds);
    const second = await at.agent();
    second.desired.state.generation = 10;
    second.desire('away', [], { removed: true });
    await waitFor('it to be told', () =>
      /Thing is incomplete/.test(second.applications.get('away')?.message ?? ''),
    );
    expect(second.desired.state.forgotten).toEqual([]);
    expect(await live('ConfigMap', 'away')).toBeDefined();
    await at.admin.delete(ref);
    await waitFor('it to be forgotten', () => second.desired.state.forgotten.includes('away'));
    expect(await live('ConfigMap', 'away')).toBeUndefined();
    await second.stop();
  });
});

describe.skipIf(!bed)('deletions', () => {
  it('stop when the target changes in their midst', async () => {
    let onDelete = () => {};
    const agent = await at.agent({
      wrap: (client) => ({
        ...client,
        async delete(ref, options) {
          onDelete();
          await client.delete(ref, options);
        },
      }),
    });
    const all = [configMap('midst', { a: '1' }), service('midst')];
    agent.desire('midst', all);
    await agent.synced('midst');
    const uid = (await live('ConfigMap', 'midst'))?.metadata['uid'];
    // Services go first. The second thought comes while that is under way.
    onDelete = () => {
      onDelete = () => {};
      agent.desire('midst', all);
    };
    agent.desire('midst', []);
    await waitFor('the second thought', () => agent.desired.applications().get('midst')?.generation === 3);
    await agent.synced('midst');
    expect((await live('ConfigMap', 'midst'))?.metadata['uid']).toBe(uid);
    await waitFor('the Service to be back', async () => (await live('Service', 'midst')) !== undefined);
    await agent.stop();
  });

  it('stop when they are held in their midst', async () => {
    let onDelete = () => {};
    const agent = await at.agent({
      wrap: (client) => ({
        ...client,
        async delete(ref, options) {
          onDelete();
          await client.delete(ref, options);
        },
      }),
    });
    agent.desire('held', [configMap('held', { a: '1' }), service('held')]);
    await agent.synced('held');
    onDelete = () => {
      agent.desired.state.held = true;
    };
    agent.desire('held', []);
    await waitFor('the Service to go', async () => (await live('Service', 'held')) === undefined);
    await agent.synced('held');
    await agent.loops.idle();
    expect(await live('ConfigMap', 'held')).toBeDefined();
    agent.desired.state.held = false;
    agent.desired.tell([]);
    await waitFor('the rest to go', async () => (await live('ConfigMap', 'held')) === undefined);
    await agent.stop();
  });

  it('spare a namespace in which the application itself has objects', async () => {
    const agent = await at.agent();
    const namespace: Manifest = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'own', annotations: { 'fairway.dev/prune': 'allowed' } },
    };
    agent.desire('own', [namespace, configMap('own', { a: '1' }, 'own')]);
    await agent.synced('own');
    const uid = (await live('ConfigMap', 'own', 'own'))?.metadata['uid'];
    agent.desire('own', [configMap('own', { a: '2' }, 'own')]);
    await agent.synced('own');
    await agent.loops.idle();
    expect((await live('Namespace', 'own', ''))?.metadata['deletionTimestamp']).toBeUndefined();
    expect((await live('ConfigMap', 'own', 'own'))?.metadata['uid']).toBe(uid);
    expect(agent.objects.get('own /Namespace//own')?.syncStatus).toBe('Retained');
    await agent.stop();
  });
});

describe.skipIf(!bed)('one object', () => {
  it('whose drift cannot be undone holds up none of its neighbours', async () => {
    const agent = await at.agent();
    agent.desire('frozen', [configMap('frozen', { a: '1' }), configMap('neighbour', { a: '1' })]);
    await agent.synced('frozen');
    // Once immutable, always immutable: the API server refuses to take the field away.
    await at.kubectl('patch', 'configmap', 'frozen', '-p', '{"immutable":true}');
    await waitFor('the drift to be found', () => agent.events.some(({ type }) => type === 'drift.found'));
    agent.desire('frozen', [configMap('frozen', { a: '1' }), configMap('neighbour', { a: '2' })]);
    await waitFor('the neighbour to be changed', async () => {
      const found = (await live('ConfigMap', 'neighbour'))?.['data'] as { a?: string } | undefined;
      return found?.a === '2';
    });
    const row = () => agent.objects.get('frozen /ConfigMap/default/frozen');
    await waitFor('it to be told', () => /immutable/.test(row()?.message ?? ''));
    expect(row()?.syncStatus).toBe('Drifted');
    const before = agent.client.requestCounts()['patch'] ?? 0;
    for (let round = 0; round < 5; round += 1) agent.loops.syncNow('frozen');
    await agent.loops.idle();
    expect((agent.client.requestCounts()['patch'] ?? 0) - before).toBeLessThan(3);
    await agent.stop();
  });

  it('that is in a set twice under two names is told of, and not applied back and forth', async () => {
    const agent = await at.agent();
    const bare: Manifest = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'twice' },
      data: { a: '2' },
    };
    agent.desire('twice', [configMap('twice', { a: '1' }), bare]);
    const report = await agent.synced('twice', 'Failed');
    expect(report.message).toMatch(/ConfigMap default\/twice: .*twice/);
    const spent = await agent.requestsDuring(() => agent.loops.syncNow('twice'));
    expect(spent['apply']).toBeUndefined();
    await agent.stop();
  });

  it('of a kind that may not be watched is not adopted where adoption is never', async () => {
    const own = 'unseeing';
    const beside = 'unseeing-agent';
    await at.kubectl('create', 'namespace', own);
    await at.kubectl('create', 'namespace', beside);
    await at.kubectl('-n', own, 'create', 'serviceaccount', 'agent');
    for (const [namespace, role, verbs, resource] of [
      [beside, 'maps', 'get,list,watch,create,patch,update,delete', 'configmaps'],
      [own, 'secrets', 'get,create,patch,update,delete', 'secrets'],
    ] as const) {
      await at.kubectl('-n', namespace, 'create', 'role', role, `--verb=${verbs}`, `--resource=${resource}`);
      const subject = [`--role=${role}`, `--serviceaccount=${own}:agent`];
      await at.kubectl('-n', namespace, 'create', 'rolebinding', role, ...subject);
    }
    const token = (await at.kubectl('-n', own, 'create', 'token', 'agent')).trim();
    await at.kubectl('-n', own, 'create', 'secret', 'generic', 'theirs', '--from-literal=word=two');
    await at.kubectl('-n', own, 'create', 'secret', 'generic', 'foreign', '--from-literal=word=two');
    await at.kubectl('-n', own, 'label', 'secret', 'foreign', `${partOfLabel}=applyset-somebody-else-v1`);
    const agent = await at.agent({ token, namespace: beside });
    agent.desire('never', [secret('theirs', 'b25l', own), secret('ours', 'b25l', own)], {
      sync: { adoption: 'never' },
    });
    const report = await agent.synced('never', 'Failed');
    expect(report.message).toBe(`Secret ${own}/theirs: it exists already, and adoption is never`);
    agent.desire('always', [secret('foreign', 'b25l', own)]);
    expect((await agent.synced('always', 'Failed')).message).toMatch(/belongs to another ApplySet/);
    for (const name of ['theirs', 'foreign'])
      expect((await live('Secret', name, own))?.['data']).toEqual({ word: 'dHdv' });
    expect(await live('Secret', 'ours', own)).toBeDefined();
    await agent.stop();
  });
});
