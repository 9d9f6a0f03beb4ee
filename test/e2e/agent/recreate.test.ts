/** What cannot be changed in place, on a real API server with its controllers, scheduler and simulated nodes. */
import { afterAll, describe, expect, it } from 'vitest';
import type { KubeClient } from '../../../agent/kube/kube-client.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Agent, type Bed, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-recreate', { controllers: true, nodes: 1 });
const at = bed as Bed;
afterAll(() => bed?.stop());

const yes = { 'fairway.dev/recreate': 'true' };
function object(apiVersion: string, kind: string, name: string, rest: object, annotations = {}): Manifest {
  return { apiVersion, kind, metadata: { name, namespace: 'default', annotations }, ...rest };
}
const container = (image: string) => ({ name: 'main', image });
function deployment(name: string, label: string, annotations = {}): Manifest {
  const labels = { app: label };
  const template = { metadata: { labels }, spec: { containers: [container('web:1')] } };
  const spec = { replicas: 1, selector: { matchLabels: labels }, template };
  return object('apps/v1', 'Deployment', name, { spec }, annotations);
}
function job(name: string, image: string, annotations = {}): Manifest {
  const template = { spec: { restartPolicy: 'Never', containers: [container(image)] } };
  return object('batch/v1', 'Job', name, { spec: { template } }, annotations);
}
function statefulSet(name: string, storage: string, whenDeleted = 'Retain'): Manifest {
  const labels = { app: name };
  const claim = {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
  };
  const spec = {
    serviceName: name,
    replicas: 0,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [container('db:1')] } },
    volumeClaimTemplates: [claim],
    persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled: 'Retain' },
  };
  return object('apps/v1', 'StatefulSet', name, { spec }, yes);
}
const service = (name: string, spec: object, annotations = {}) =>
  object('v1', 'Service', name, { spec }, annotations);
const secret = (name: string, value: string, annotations = {}) =>
  object('v1', 'Secret', name, { immutable: true, stringData: { value } }, annotations);

const uidOf = async (apiVersion: string, kind: string, name: string) =>
  (await at.get(apiVersion, kind, 'default', name))?.metadata['uid'];
const isOver = ({ applications, desired }: Agent, name: string) =>
  applications.get(name)?.syncStatus === 'Synced' &&
  applications.get(name)?.generation === desired.applications().get(name)?.generation;
const row = (agent: Agent, application: string, key: string) => agent.objects.get(`${application} ${key}`);

describe.skipIf(!bed)('what cannot be changed in place', () => {
  it.each([
    [
      'a Deployment selector',
      'apps/Deployment/default/immutable',
      'spec.selector',
      (v: string, yes = {}) => deployment('immutable', v, yes),
    ],
    [
      'a Job template',
      'batch/Job/default/immutable',
      'spec.template',
      (v: string, yes = {}) => job('immutable', v, yes),
    ],
    [
      'a Service address',
      '/Service/default/immutable',
      'spec.clusterIPs[0]',
      (v: string, yes = {}) =>
        service(
          'immutable',
          {
            type: 'NodePort',
            clusterIP: v === 'a' ? '10.0.0.50' : '10.0.0.51',
            ports: [{ port: 80, nodePort: 30_080 }],
          },
          yes,
        ),
    ],
    [
      'an immutable Secret',
      '/Secret/default/immutable',
      'data',
      (v: string, yes = {}) => secret('immutable', v, yes),
    ],
    [
      'a binding of a role',
      'rbac.authorization.k8s.io/RoleBinding/default/immutable',
      'roleRef',
      (v: string, yes = {}) =>
        object(
          'rbac.authorization.k8s.io/v1',
          'RoleBinding',
          'immutable',
          { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: v }, subjects: [] },
          yes,
        ),
    ],
  ])('%s: a condition names the field, and consent makes it anew', async (what, key, field, make) => {
    const agent = await at.agent({ namespace: `fairway-${what.replaceAll(' ', '-').toLowerCase()}` });
    const { apiVersion, kind } = make('a');
    agent.desire('change', [make('a')]);
    await agent.synced('change');
    const uid = await uidOf(apiVersion, kind, 'immutable');
    agent.desire('change', [make('b')]);
    const refused = await agent.synced('change', 'Failed');
    expect(refused.message).toContain(`cannot be changed in place: ${field}`);
    expect(refused.message).toContain('with fairway.dev/recreate: "true" it is deleted and made anew');
    expect(await uidOf(apiVersion, kind, 'immutable')).toBe(uid);
    agent.desire('change', [make('b', yes)]);
    // Its pods go first.
    await waitFor('it to be made anew', async () => {
      const now = await uidOf(apiVersion, kind, 'immutable');
      return now !== undefined && now !== uid;
    });
    const done = await agent.synced('change');
    expect(done.changes).toEqual({ recreated: 1 });
    expect(row(agent, 'change', key)).toMatchObject({ lastAction: 'recreated', syncStatus: 'Synced' });
    expect(await uidOf(apiVersion, kind, 'immutable')).not.toBe(uid);
    expect(agent.events.filter(({ type }) => type.startsWith('drift'))).toEqual([]);
    agent.desire('change', [], { removed: true });
    await waitFor('it to go', () => agent.desired.state.forgotten.includes('change'));
    await agent.stop();
  });

  it('is made anew by the word of the application, but where the object says no', async () => {
    const agent = await at.agent();
    const no = { 'fairway.dev/recreate': 'false' };
    const argo = { 'argocd.argoproj.io/sync-options': 'Prune=false, Force=true' };
    agent.desire('word', [secret('word', 'a'), secret('word-no', 'a', no)], { sync: { recreate: true } });
    agent.desire('argo', [secret('argo', 'a', argo)]);
    await agent.synced('word');
    await agent.synced('argo');
    agent.desire('word', [secret('word', 'b'), secret('word-no', 'b', no)], { sync: { recreate: true } });
    agent.desire('argo', [secret('argo', 'b', argo)]);
    expect((await agent.synced('word', 'Failed')).changes).toEqual({ recreated: 1, failed: 1 });
    expect((await agent.synced('argo')).changes).toEqual({ recreated: 1 });
    // Neither the old nor the new value is told.
    expect(JSON.stringify([...agent.objects.values()])).not.toMatch(/YQ==|Yg==/);
    await agent.stop();
  });

  it('is made anew by the next agent when one dies between deleting and making', async () => {
    for (let n = 1; n <= 8; n += 1) {
      const name = `dies-${n}`;
      const first = await at.agent();
      first.desire(name, [secret(name, 'a', yes)]);
      await first.synced(name);
      await first.stop();
      let sent = 0;
      const dying = (client: KubeClient): KubeClient => {
        const count = <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) => {
          return async (...args: A): Promise<R> => {
            sent += 1;
            if (sent > n) throw new FairwayError('unavailable', 'the agent is dead');
            return call(...args);
          };
        };
        const { get, apply, create } = client;
        return {
          ...client,
          get: count(get),
          apply: count(apply),
          create: count(create),
          delete: count(client.delete),
        };
      };
      const second = await at.agent({ desired: first.desired, wrap: dying });
      second.desire(name, [secret(name, 'b', yes)]);
      await waitFor('it to die or to be done', () => sent > n || isOver(second, name), 15_000);
      await second.stop();
      const third = await at.agent({ desired: first.desired });
      await third.synced(name);
      const live = await at.get('v1', 'Secret', 'default', name);
      expect([n, live?.['data']]).toEqual([n, { value: 'Yg==' }]);
      expect(third.events.filter(({ type }) => type.startsWith('drift'))).toEqual([]);
      await third.stop();
    }
  }, 60_000);

  it('is never deleted where data would go with it', async () => {
    const agent = await at.agent();
    const claim = (storageClassName: string) =>
      object(
        'v1',
        'PersistentVolumeClaim',
        'data',
        {
          spec: {
            accessModes: ['ReadWriteOnce'],
            storageClassName,
            resources: { requests: { storage: '1Gi' } },
          },
        },
        yes,
      );
    agent.desire('data', [claim('a'), statefulSet('db', '1Gi', 'Delete'), statefulSet('safe', '1Gi')]);
    await agent.synced('data');
    const uids = () =>
      Promise.all([
        uidOf('v1', 'PersistentVolumeClaim', 'data'),
        uidOf('apps/v1', 'StatefulSet', 'db'),
        uidOf('apps/v1', 'StatefulSet', 'safe'),
      ]);
    const before = await uids();
    agent.desire('data', [claim('b'), statefulSet('db', '2Gi', 'Delete'), statefulSet('safe', '2Gi')]);
    await agent.synced('data', 'Failed');
    await waitFor(
      'the one without data to be made anew',
      async () => (await uids())[2] !== before[2],
      15_000,
    );
    expect((await uids()).slice(0, 2)).toEqual(before.slice(0, 2));
    expect(row(agent, 'data', '/PersistentVolumeClaim/default/data')?.message).toContain(
      'a PersistentVolumeClaim is never deleted to be made anew',
    );
    expect(row(agent, 'data', 'apps/StatefulSet/default/db')?.message).toContain(
      'its PersistentVolumeClaims would be deleted with it',
    );
    await agent.stop();
  });

  it('is told from a mistake: what would be refused as a new object is not deleted', async () => {
    const agent = await at.agent();
    agent.desire('mistake', [service('mistake', { ports: [{ port: 80 }] }, yes)]);
    await agent.synced('mistake');
    const uid = await uidOf('v1', 'Service', 'mistake');
    agent.desire('mistake', [service('mistake', { clusterIP: 'None', ports: [{ port: 99_999 }] }, yes)]);
    const refused = await agent.synced('mistake', 'Failed');
    expect(refused.message).toContain('spec.ports[0].port');
    expect(refused.message).not.toContain('in place');
    // A port that another Service holds would be lost with the object.
    agent.desire('other', [service('other', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_081 }] })]);
    await agent.synced('other');
    const port = { type: 'NodePort', clusterIP: '10.0.0.99', ports: [{ port: 80, nodePort: 30_081 }] };
    agent.desire('mistake', [service('mistake', port, yes)]);
    expect((await agent.synced('mistake', 'Failed')).message).not.toContain('is made anew');
    expect(await uidOf('v1', 'Service', 'mistake')).toBe(uid);
    await agent.stop();
  });

  it('waits for finalizers of the old one, and names them', async () => {
    const agent = await at.agent();
    const held = (value: string) => ({
      ...secret('held', value, yes),
      metadata: { name: 'held', namespace: 'default', annotations: yes, finalizers: ['foo.example/bar'] },
    });
    agent.desire('held', [held('a')]);
    await agent.synced('held');
    const uid = await uidOf('v1', 'Secret', 'held');
    agent.desire('held', [held('b')]);
    await waitFor(
      'the finalizer to be named',
      () =>
        /is made anew: waits for finalizer foo\.example\/bar of Secret default\/held since 20/.test(
          agent.applications.get('held')?.message ?? '',
        ),
      15_000,
    );
    await at.kubectl('patch', 'secret', 'held', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
    const done = await agent.synced('held');
    expect(done.changes).toEqual({ recreated: 1 });
    expect(await uidOf('v1', 'Secret', 'held')).not.toBe(uid);
    expect(agent.events.filter(({ type }) => type.startsWith('drift'))).toEqual([]);
    await agent.stop();
  });
});
