/** Objects that other tools have applied until now: what only they set goes, their marks too, and whatever is theirs beside the object stays. */
import { afterAll, describe, expect, it } from 'vitest';
import { partOfLabel } from '../../../agent/model/inventory.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Bed, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-take-over');
const at = bed as Bed;
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

const configMap = (name: string, data: Record<string, string>, metadata: object = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', ...metadata },
  data,
});
const live = (name: string, kind = 'ConfigMap', apiVersion = 'v1') =>
  at.get(apiVersion, kind, 'default', name);
const managersOf = async (name: string, kind?: string, apiVersion?: string) => {
  const entries = (await live(name, kind, apiVersion))?.metadata['managedFields'] ?? [];
  return (entries as { manager: string; operation: string }[]).map(
    ({ manager, operation }) => `${manager} ${operation}`,
  );
};
const kubectlApply = async (manifest: Manifest) => {
  const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const folder = mkdtempSync(`${tmpdir()}/fairway-take-over-`);
  writeFileSync(`${folder}/manifest.json`, JSON.stringify(manifest));
  await at.kubectl('apply', '-f', `${folder}/manifest.json`);
  rmSync(folder, { recursive: true });
};
const deployment = (env: readonly { name: string; value: string }[], more: object = {}): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default', labels: { team: 'a' } },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: 'example/web:1', env }], ...more },
    },
  },
});

describe.skipIf(!bed)('taking over on a real API server', () => {
  afterAll(() => at.stop());

  it('from kubectl apply: what Git does not say goes, and the annotation that remembers it', async () => {
    await kubectlApply(configMap('cm', { a: 'old', stale: 'x' }, { labels: { old: 'yes' } }));
    await kubectlApply(
      deployment(
        [
          { name: 'A', value: '1' },
          { name: 'STALE', value: '2' },
        ],
        { serviceAccountName: 'stale' },
      ),
    );
    const agent = await at.agent();
    agent.desire('kubectl', [configMap('cm', { a: 'new' }), deployment([{ name: 'A', value: '1' }])]);
    expect((await agent.synced('kubectl')).changes).toEqual({ configured: 2 });
    const map = await live('cm');
    expect([map?.['data'], map?.metadata.annotations, Object.keys(map?.metadata.labels ?? {})]).toEqual([
      { a: 'new' },
      undefined,
      [partOfLabel],
    ]);
    const web = (await live('web', 'Deployment', 'apps/v1')) as unknown as {
      metadata: { annotations?: Record<string, string> };
      spec: {
        replicas: number;
        template: { spec: { serviceAccountName?: string; containers: { env: unknown[] }[] } };
      };
    };
    expect(web.spec.template.spec.containers[0]?.env).toEqual([{ name: 'A', value: '1' }]);
    expect([web.spec.replicas, web.spec.template.spec.serviceAccountName]).toEqual([2, undefined]);
    expect(Object.keys(web.metadata.annotations ?? {})).not.toContain(lastApplied);
    expect([await managersOf('cm'), await managersOf('web', 'Deployment', 'apps/v1')]).toEqual([
      ['fairway Apply'],
      ['fairway Apply'],
    ]);
    expect(await agent.requestsDuring(() => agent.loops.syncNow())).toEqual({});
    await agent.stop();
    const second = await at.agent({ desired: agent.desired });
    expect((await second.synced('kubectl')).changes).toEqual({ unchanged: 2 });
    await second.stop();
  });

  it.each([
    [
      'helm',
      'helm',
      'Update',
      {
        labels: { 'app.kubernetes.io/managed-by': 'Helm' },
        annotations: { 'meta.helm.sh/release-name': 'shop', 'meta.helm.sh/release-namespace': 'default' },
      },
    ],
    [
      'argocd',
      'argocd-controller',
      'Update',
      { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:/ConfigMap:default/x', [lastApplied]: '{}' } },
    ],
    [
      'flux',
      'kustomize-controller',
      'Apply',
      {
        labels: {
          'kustomize.toolkit.fluxcd.io/name': 'shop',
          'kustomize.toolkit.fluxcd.io/namespace': 'flux-system',
        },
      },
    ],
  ] as const)('from %s: its marks go with what only it set', async (name, manager, operation, marks) => {
    const resource = await at.resource('v1', 'ConfigMap');
    const ref = { resource, namespace: 'default', name };
    const theirs = configMap(name, { a: 'old', stale: 'x' }, marks);
    if (operation === 'Apply') await at.admin.apply(ref, theirs as never, { fieldManager: manager });
    else await createAs(manager, theirs);
    const release = `sh.helm.release.v1.${name}.v1`;
    await at.kubectl(
      'create',
      'secret',
      'generic',
      release,
      '--from-literal=release=x',
      '--type=helm.sh/release.v1',
    );
    const before = await live(release, 'Secret');
    const agent = await at.agent();
    agent.desire(name, [configMap(name, { a: 'new' })]);
    await agent.synced(name);
    const taken = await live(name);
    expect([taken?.['data'], taken?.metadata.annotations, Object.keys(taken?.metadata.labels ?? {})]).toEqual(
      [{ a: 'new' }, undefined, [partOfLabel]],
    );
    expect(await managersOf(name)).toEqual(['fairway Apply']);
    expect(await live(release, 'Secret')).toEqual(before);
    await agent.stop();
  });

  it('leaves the fields of controllers and people to them', async () => {
    await kubectlApply(configMap('shared', { a: 'old' }));
    const ref = { resource: await at.resource('v1', 'ConfigMap'), namespace: 'default', name: 'shared' };
    await at.admin.apply(ref, configMap('shared', { theirs: '1' }) as never, {
      fieldManager: 'some-operator',
    });
    const agent = await at.agent();
    agent.desire('shared', [configMap('shared', { a: 'new' })]);
    await agent.synced('shared');
    expect((await live('shared'))?.['data']).toEqual({ a: 'new', theirs: '1' });
    expect((await managersOf('shared')).sort()).toEqual(['fairway Apply', 'some-operator Apply']);
    await agent.stop();
  });

  it('comes to its end in the next agent when one dies in the middle', async () => {
    await kubectlApply(configMap('half', { a: 'old', stale: 'x' }));
    // managedFields tells seconds: the take-over is to be younger than what it takes over.
    const writtenAtMs = Date.now();
    await waitFor('another second', () => Date.now() > writtenAtMs + 1_000);
    let died = false;
    const first = await at.agent({
      wrap: (client) => ({
        ...client,
        async patch() {
          died = true;
          throw new Error('the agent is gone');
        },
      }),
    });
    first.desire('half', [configMap('half', { a: 'new' })]);
    await first.synced('half', 'Failed');
    await first.stop();
    expect([died, (await live('half'))?.['data']]).toEqual([true, { a: 'new', stale: 'x' }]);
    const second = await at.agent({ desired: first.desired });
    await second.synced('half');
    expect((await live('half'))?.['data']).toEqual({ a: 'new' });
    await second.stop();
  });

  it('puts the others back where the API server does not let their fields go', async () => {
    const pvc = (more: object): Manifest => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', namespace: 'default' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...more },
    });
    await kubectlApply(pvc({ storageClassName: 'fast' }));
    const agent = await at.agent();
    agent.desire('stuck', [pvc({})]);
    await agent.synced('stuck');
    const claim = (await live('data', 'PersistentVolumeClaim')) as unknown as {
      spec: { storageClassName: string };
    };
    expect(claim.spec.storageClassName).toBe('fast');
    expect((await managersOf('data', 'PersistentVolumeClaim')).sort()).toEqual([
      'fairway Apply',
      'kubectl-client-side-apply Update',
    ]);
    agent.desire('stuck', [
      { ...pvc({}), metadata: { name: 'data', namespace: 'default', labels: { again: 'yes' } } },
    ]);
    await agent.synced('stuck');
    await agent.stop();
  });

  it('takes nothing where conflicts are to be reported, and says what and whose', async () => {
    await kubectlApply(configMap('reported', { a: 'old', b: 'old', stale: 'x' }));
    const agent = await at.agent();
    agent.desire('reported', [configMap('reported', { a: 'new', b: 'new' })], {
      sync: { conflicts: 'report' },
    });
    const report = await agent.synced('reported', 'Failed');
    expect(report.message).toMatch(
      /^ConfigMap default\/reported: others apply fields of it, and sync.conflicts is report: \.data\.a: conflict with "kubectl-client-side-apply" using v1; \.data\.b: conflict with "kubectl-client-side-apply" using v1$/,
    );
    expect((await live('reported'))?.['data']).toEqual({ a: 'old', b: 'old', stale: 'x' });
    await agent.stop();
  });

  it('asks the object before the application whether it may be taken', async () => {
    for (const name of ['mine', 'yours', 'odd']) await kubectlApply(configMap(name, { a: 'old' }));
    const asked = (name: string, mode: string) =>
      configMap(name, { a: 'new' }, { annotations: { 'fairway.dev/adoption': mode } });
    const agent = await at.agent();
    agent.desire(
      'asked',
      [asked('mine', 'always'), asked('odd', 'perhaps'), configMap('yours', { a: 'new' })],
      { sync: { adoption: 'never' } },
    );
    await agent.synced('asked', 'Failed');
    const messages = [...agent.objects.values()].map(({ key, message }) => [key.name, message]);
    expect(Object.fromEntries(messages)).toEqual({
      mine: '',
      yours: 'it exists already, and adoption is never',
      odd: 'fairway.dev/adoption is "perhaps": expected always, ifNoDiff, never',
    });
    expect([(await live('mine'))?.['data'], (await live('yours'))?.['data']]).toEqual([
      { a: 'new' },
      { a: 'old' },
    ]);
    await agent.stop();
  });
});

/** Creates as a manager that updates. */
async function createAs(manager: string, manifest: Manifest): Promise<void> {
  const { server, ca, token } = at.connection;
  const { request } = await import('node:https');
  await new Promise<void>((resolve, reject) => {
    const call = request(
      `${server}/api/v1/namespaces/default/configmaps?fieldManager=${manager}`,
      {
        method: 'POST',
        ca,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      },
      (response) => {
        response.resume();
        response.on('end', () =>
          response.statusCode === 201 ? resolve() : reject(new Error(String(response.statusCode))),
        );
      },
    );
    call.on('error', reject);
    call.end(JSON.stringify(manifest));
  });
}
