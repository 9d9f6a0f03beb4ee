/** Ways to change an object, each found and undone, on a real API server; those that drift.test.ts does not show already. */
import { writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../shared/manifest/object.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Bed, createMemoryStorage, type Manifest, startBed } from './agent-bed.ts';
import { type Drifting, settings, startDrifting, web } from './drift-bed.ts';

const bed = await startBed('agent-detection');
const at = bed as Bed;
afterAll(() => bed?.stop());

const start = (options?: Parameters<typeof startDrifting>[1], manifests?: readonly Manifest[]) =>
  startDrifting(at, options, manifests);

const containers = '/spec/template/spec/containers';
const dataOf = async ({ get }: Drifting) => (await get(settings))['data'];
async function scratch(object: unknown): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'fairway-detection-')), 'object.json');
  writeFileSync(path, JSON.stringify(object));
  return path;
}
/** Every write that others made is undone, none was told twice, and only the watch was needed. */
async function end({ agent, events }: Drifting, healed: number) {
  expect(events('drift.healed')).toHaveLength(healed);
  expect(events('drift.found')).toHaveLength(healed);
  expect(agent.loops.metrics.driftMissedByWatch).toBe(0);
  await agent.stop();
}

describe.skipIf(!bed)('drift by', () => {
  it('replacing the whole object', async () => {
    const one = await start();
    const live = await one.get(settings);
    await one.kubectl('replace', '-f', await scratch({ ...live, data: { a: '9' } }));
    const drift = await one.healed();
    expect(drift.fields).toEqual([
      { path: '/data/a', desired: '"1"', live: '"9"' },
      { path: '/data/b', desired: '"2"', live: undefined },
    ]);
    expect(drift.managers).toMatchObject([{ name: 'kubectl-replace', operation: 'Update' }]);
    expect(await dataOf(one)).toEqual({ a: '1', b: '2' });
    await end(one, 1);
  });

  it('applying as another manager, by force', async () => {
    const one = await start();
    const other = { ...settings, data: { a: '9' } };
    await one.kubectl(
      'apply',
      '--server-side',
      '--force-conflicts',
      '--field-manager=ops',
      '-f',
      await scratch(other),
    );
    const drift = await one.healed();
    expect(drift.fields).toEqual([{ path: '/data/a', desired: '"1"', live: '"9"' }]);
    expect(drift.managers).toMatchObject([{ name: 'ops', operation: 'Apply' }]);
    expect(await dataOf(one)).toEqual({ a: '1', b: '2' });
    await end(one, 1);
  });

  it('updating under our own name', async () => {
    const one = await start();
    await one.kubectl(
      'patch',
      'configmap',
      'settings',
      '--field-manager=fairway',
      '-p',
      '{"data":{"a":"9"}}',
    );
    const drift = await one.healed();
    expect(drift.managers).toMatchObject([{ name: 'fairway', operation: 'Update' }]);
    expect(await dataOf(one)).toEqual({ a: '1', b: '2' });
    await end(one, 1);
  });

  it('applying under our own name, so that fields are lost and taken on', async () => {
    const one = await start();
    const live = await one.get(settings);
    const body = {
      ...settings,
      metadata: { ...settings.metadata, namespace: one.ns, labels: live.metadata.labels },
      data: { a: '1', c: '3' },
    };
    await at.admin.apply(await one.ref(settings), body as unknown as JsonObject);
    const drift = await one.healed();
    expect(drift.fields).toEqual([
      { path: '/data/b', desired: '"2"', live: undefined },
      { path: '/data/c', live: '"3"' },
    ]);
    expect(await dataOf(one)).toEqual({ a: '1', b: '2' });
    await end(one, 1);
  });

  it('the scale subresource', async () => {
    const one = await start();
    await one.kubectl('scale', 'deployment', 'web', '--replicas=5');
    const drift = await one.healed();
    expect(drift).toMatchObject({
      fields: [{ path: '/spec/replicas', desired: '2', live: '5' }],
      managers: [{ operation: 'Update scale' }],
    });
    await end(one, 1);
  });

  it('removing an item of a list, and one of a list within', async () => {
    const one = await start();
    const patch = [
      { op: 'remove', path: '/spec/template/spec/containers/1' },
      { op: 'remove', path: '/spec/template/spec/containers/0/ports/1' },
    ];
    await one.kubectl('patch', 'deployment', 'web', '--type=json', '-p', JSON.stringify(patch));
    const paths = (await one.healed()).fields.map(({ path }) => path);
    expect(paths).toContain(`${containers}/[name=side]`);
    expect(paths).toContain(`${containers}/[name=web]/ports/[containerPort=81,protocol=TCP]`);
    const { template } = (await one.get(web))['spec'] as unknown as {
      template: { spec: { containers: { name: string; ports?: object[] }[] } };
    };
    expect(template.spec.containers.map(({ name, ports = [] }) => [name, ports.length])).toEqual([
      ['web', 2],
      ['side', 0],
    ]);
    await end(one, 1);
  });

  it('adding an item to a list of values', async () => {
    const role: Manifest = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'reader' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    };
    const one = await start({}, [role]);
    await one.kubectl(
      'patch',
      'role',
      'reader',
      '--type=json',
      '-p',
      '[{"op":"add","path":"/rules/0/verbs/-","value":"delete"}]',
    );
    expect((await one.healed()).fields[0]?.path).toBe('/rules');
    expect((await one.get(role))['rules']).toEqual(role['rules']);
    await end(one, 1);
  });

  it('stripping managedFields while changing a value', async () => {
    const one = await start();
    await one.kubectl(
      'patch',
      'configmap',
      'settings',
      '--type=merge',
      '-p',
      '{"metadata":{"managedFields":[{}]},"data":{"a":"9"}}',
    );
    const drift = await one.healed();
    expect(drift.fields).toContainEqual({ path: '/data/a', desired: '"1"', live: '"9"' });
    expect(await dataOf(one)).toEqual({ a: '1', b: '2' });
    const entries = (await one.get(settings)).metadata['managedFields'] as unknown as {
      manager: string;
      operation: string;
    }[];
    expect(entries).toContainEqual(expect.objectContaining({ manager: 'fairway', operation: 'Apply' }));
    await end(one, 1);
  });

  it('stripping managedFields of an object whose defaults are nobody’s', async () => {
    const service: Manifest = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    };
    const one = await start({}, [service]);
    const strip = '{"metadata":{"managedFields":[{}]},"spec":{"selector":{"app":"other"}}}';
    await one.kubectl('patch', 'service', 'web', '--type=merge', '-p', strip);
    await one.healed();
    one.agent.loops.checkNow();
    await one.agent.loops.idle();
    expect(((await one.get(service))['spec'] as JsonObject)['selector']).toEqual({ app: 'web' });
    await end(one, 1);
  });

  it('an admission policy that rewrites our value during somebody else’s write', async () => {
    const one = await start();
    const match = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': one.ns } } };
    const apiVersion = (await at.kubectl('api-versions')).includes('admissionregistration.k8s.io/v1\n')
      ? 'v1'
      : 'v1beta1';
    const policy = {
      apiVersion: `admissionregistration.k8s.io/${apiVersion}`,
      kind: 'MutatingAdmissionPolicy',
      metadata: { name: one.ns },
      spec: {
        reinvocationPolicy: 'Never',
        matchConstraints: {
          resourceRules: [
            { apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['configmaps'] },
          ],
        },
        matchConditions: [
          {
            name: 'poked',
            expression: 'has(object.metadata.annotations) && "poke" in object.metadata.annotations',
          },
        ],
        mutations: [
          {
            patchType: 'ApplyConfiguration',
            applyConfiguration: { expression: 'Object{data: {"a": "rewritten"}}' },
          },
        ],
      },
    };
    const binding = {
      apiVersion: policy.apiVersion,
      kind: 'MutatingAdmissionPolicyBinding',
      metadata: { name: one.ns },
      spec: { policyName: one.ns, matchResources: match },
    };
    await at.kubectl(
      'apply',
      '-f',
      await scratch({ apiVersion: 'v1', kind: 'List', items: [policy, binding] }),
    );
    const dry = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'dry', namespace: one.ns, annotations: { poke: '1' } },
      data: { a: '1' },
    };
    await at.kubectl('create', '-f', await scratch(dry));
    await waitFor(
      'the policy to be in force',
      async () =>
        (await one.kubectl(
          'annotate',
          'configmap',
          'dry',
          '--overwrite',
          `poke=${Math.random()}`,
          '-o',
          'jsonpath={.data.a}',
        )) === 'rewritten',
      15_000,
    );
    await one.kubectl('annotate', 'configmap', 'settings', 'poke=1');
    const drift = await one.healed();
    expect(drift.fields).toContainEqual({ path: '/data/a', desired: '"1"', live: '"rewritten"' });
    await waitFor(
      'the value to be ours',
      async () => JSON.stringify(await dataOf(one)) === '{"a":"1","b":"2"}',
    );
    await one.agent.stop();
  }, 40_000);

  it('a definition that turns a list from atomic to set, and whoever adds to it then', async () => {
    const versions = (listType: string) => [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  tags: { type: 'array', 'x-kubernetes-list-type': listType, items: { type: 'string' } },
                },
              },
            },
          },
        },
      },
    ];
    const definition = (listType: string): Manifest => ({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'tagged.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'tagged', singular: 'tagged', kind: 'Tagged' },
        versions: versions(listType),
      },
    });
    const tagged: Manifest = {
      apiVersion: 'example.com/v1',
      kind: 'Tagged',
      metadata: { name: 'one' },
      spec: { tags: ['a', 'b'] },
    };
    const one = await start({}, [definition('atomic'), tagged]);
    const space: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: one.ns } };
    one.agent.desire(one.ns, [space, definition('set'), tagged], { sync: { namespace: one.ns } });
    await one.agent.synced(one.ns);
    one.agent.loops.checkNow();
    await one.agent.loops.idle();
    expect(one.events('drift.found')).toEqual([]);
    // The API server takes up a definition a moment after it has been written.
    await waitFor('the list to be a set', async () => {
      const path = await scratch({
        ...tagged,
        metadata: { name: 'probe', namespace: one.ns },
        spec: { tags: ['x', 'x'] },
      });
      return at.kubectl('create', '--dry-run=server', '-f', path).then(
        () => false,
        () => true,
      );
    });
    await one.kubectl(
      'patch',
      'tagged',
      'one',
      '--type=json',
      '-p',
      '[{"op":"add","path":"/spec/tags/-","value":"c"},{"op":"remove","path":"/spec/tags/0"}]',
    );
    await one.healed();
    const tags = async () => ((await one.get(tagged))['spec'] as { tags: Json[] }).tags;
    await waitFor(
      'the tags to be ours',
      async () => JSON.stringify([...(await tags())].sort()) === '["a","b"]',
    );
    await one.agent.stop();
  });

  it('changes made while it was away, with records', async () => {
    const storage = createMemoryStorage();
    const one = await start({ agent: { storage } });
    await one.agent.stop();
    await one.kubectl('patch', 'configmap', 'settings', '-p', '{"data":{"a":"9"}}');
    await one.kubectl('scale', 'deployment', 'web', '--replicas=7');
    const second = await at.agent({ storage, desired: one.agent.desired });
    await second.synced(one.ns);
    await waitFor(
      'both to be healed',
      () => second.events.filter(({ type }) => type === 'drift.healed').length === 2,
    );
    expect(await dataOf(one)).toEqual({ a: '1', b: '2' });
    await second.stop();
  });

  it('deleting what somebody makes anew in another form', async () => {
    const one = await start();
    await one.kubectl('delete', 'deployment', 'web');
    await at.kubectl('-n', one.ns, 'create', 'deployment', 'web', '--image=evil:1').catch(() => '');
    await waitFor('it to be ours', async () => {
      const live = await at.get('apps/v1', 'Deployment', one.ns, 'web');
      return JSON.stringify(live?.['spec'] ?? {}).includes('"web:1"');
    });
    await one.healed();
    await one.agent.stop();
  });
});
