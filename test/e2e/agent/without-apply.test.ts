/** A kind of an aggregated API server that knows no server-side apply, behind a real API server: applied, healed, changed and pruned all the same. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../shared/manifest/object.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Bed, type Manifest, startBed } from './agent-bed.ts';
import { type OldApiServer, oldGroup, startOldApiServer } from './old-api-server.ts';

const bed = await startBed('agent-without-apply');
const at = bed as Bed;

const gauge = (name: string, spec: JsonObject, labels: Record<string, string> = {}): Manifest => ({
  apiVersion: `${oldGroup}/v1`,
  kind: 'Gauge',
  metadata: { name, namespace: 'default', labels },
  spec,
});
const live = (name: string) => at.get(`${oldGroup}/v1`, 'Gauge', 'default', name);
const specOf = async (name: string) => (await live(name))?.['spec'];

describe.skipIf(!bed)('a kind without server-side apply, behind a real API server', () => {
  let server: OldApiServer;

  beforeAll(async () => {
    server = await startOldApiServer();
    const put = async (manifest: Manifest) => {
      const { apiVersion, kind, metadata } = manifest;
      const resource = await at.resource(apiVersion, kind);
      const namespace = String(metadata['namespace'] ?? '');
      await at.admin.apply(
        { resource, namespace, name: String(metadata['name']) },
        manifest as unknown as JsonObject,
      );
    };
    await put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'old-api', namespace: 'default' },
      spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port: server.port }] },
    });
    await put({
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: `v1.${oldGroup}` },
      spec: {
        group: oldGroup,
        version: 'v1',
        groupPriorityMinimum: 100,
        versionPriority: 1,
        insecureSkipTLSVerify: true,
        service: { name: 'old-api', namespace: 'default', port: server.port },
      },
    });
    await waitFor(
      'the kind to be served',
      async () => (await at.admin.discover({ refresh: true })).some(({ group }) => group === oldGroup),
      60_000,
    );
  }, 120_000);
  afterAll(async () => {
    await at.stop();
    await server.close();
  });

  it('is made, told apart from nothing to do, changed field by field, and taken away', async () => {
    const agent = await at.agent();
    agent.desire('gauges', [
      gauge('one', { min: 1, max: 9, list: ['a', 'b'] }, { tier: 'x' }),
      gauge('two', { min: 2 }),
    ]);
    expect((await agent.synced('gauges')).changes).toEqual({ created: 2 });
    expect(await specOf('one')).toEqual({ min: 1, max: 9, list: ['a', 'b'] });
    expect(server.calls.filter((call) => call === 'create')).toHaveLength(2);
    expect(await agent.requestsDuring(() => agent.loops.syncNow())).toEqual({});
    // What somebody else set stays, what leaves the manifest goes.
    await at.kubectl(
      'patch',
      'gauge',
      'one',
      '--type=merge',
      '-p',
      '{"spec":{"min":1,"max":9,"list":["a","b"],"theirs":7}}',
    );
    agent.desire('gauges', [gauge('one', { min: 3, list: ['b'] }), gauge('two', { min: 2 })]);
    await agent.synced('gauges');
    await waitFor(
      'the new version',
      async () => JSON.stringify(await specOf('one')) === JSON.stringify({ min: 3, list: ['b'], theirs: 7 }),
    );
    expect((await live('one'))?.metadata.labels).not.toHaveProperty('tier');
    agent.desire('gauges', [gauge('one', { min: 3, list: ['b'] })]);
    await agent.synced('gauges');
    await waitFor('two to go', async () => (await live('two')) === undefined);
    await agent.stop();
  }, 60_000);

  it('is healed when somebody changes a field of ours or deletes it', async () => {
    const agent = await at.agent();
    agent.desire('healed', [gauge('kept', { min: 1, max: 2 })]);
    await agent.synced('healed');
    await at.kubectl('patch', 'gauge', 'kept', '--type=merge', '-p', '{"spec":{"min":8,"max":2}}');
    await waitFor(
      'it to be put right',
      async () => ((await specOf('kept')) as { min?: number } | undefined)?.min === 1,
      20_000,
    );
    await waitFor('it to be told', () => agent.events.some(({ type }) => type === 'drift.healed'));
    const [found] = agent.events.filter(({ type }) => type === 'drift.found');
    expect(found?.drift?.fields).toEqual([{ path: '/spec/min', desired: '1', live: '8' }]);
    await at.kubectl('delete', 'gauge', 'kept');
    await waitFor('it to be made again', async () => (await specOf('kept')) !== undefined, 20_000);
    await agent.stop();
  }, 60_000);

  it('is found as it should be by an agent without memory, which writes nothing', async () => {
    const first = await at.agent();
    first.desire('known', [gauge('known', { min: 1, deep: { a: 1, b: [1, 2] } })]);
    await first.synced('known');
    await first.stop();
    const before = await live('known');
    const second = await at.agent({ desired: first.desired });
    expect((await second.synced('known')).changes).toEqual({ unchanged: 1 });
    expect((await live('known'))?.metadata['resourceVersion']).toBe(before?.metadata['resourceVersion']);
    expect(second.events.filter(({ type }) => type.startsWith('drift'))).toEqual([]);
    await second.stop();
  }, 60_000);
});
