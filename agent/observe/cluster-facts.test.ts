import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../shared/manifest/object.ts';
import { requestFacts } from './capacity-facts.ts';
import {
  backupFacts,
  classFacts,
  definitionFacts,
  imageFacts,
  kubeletVersions,
  unmanagedFacts,
} from './cluster-facts.ts';
import { trimPod } from './fact-shapes.ts';
import { certificateFacts, createFingerprints, readHeldValues } from './held-values.ts';

const object = (kind: string, name: string, rest: object = {}, metadata: object = {}): KubeObject =>
  ({ apiVersion: 'v1', kind, metadata: { name, namespace: 'shop', ...metadata }, ...rest }) as KubeObject;
const sha = (digit: string) => `sha256:${digit.repeat(64)}`;

describe('facts of a cluster', () => {
  it('have the newest backup that has worked, of each schedule, volume and replication', () => {
    const labels = { 'velero.io/schedule-name': 'nightly' };
    const backup = (name: string, phase: string, completionTimestamp: string) =>
      object('Backup', name, { status: { phase, completionTimestamp } }, { labels });
    const snapshot = (readyToUse: boolean, creationTime: string) => ({
      spec: { source: { persistentVolumeClaimName: 'disk' } },
      status: { readyToUse, creationTime },
    });
    expect(
      backupFacts([
        backup('a', 'Completed', '2026-01-02T00:00:00Z'),
        backup('b', 'Completed', '2026-01-03T00:00:00Z'),
        backup('c', 'Failed', '2026-01-04T00:00:00Z'),
        object('VolumeSnapshot', 's1', snapshot(true, '2026-01-01T00:00:00Z')),
        object('VolumeSnapshot', 's2', snapshot(false, '2026-01-05T00:00:00Z')),
        object('ReplicationSource', 'r', { status: { lastSyncTime: '2026-01-06T00:00:00Z' } }),
        object('ReplicationSource', 'new', {}),
        object('ReplicationSource', 'paused', { spec: { paused: true } }),
        object('Schedule', 'nightly', {}),
        object('Schedule', 'weekly', {}),
      ]),
    ).toEqual([
      ['Backup nightly', '2026-01-03T00:00:00.000Z'],
      ['VolumeSnapshot shop/disk', '2026-01-01T00:00:00.000Z'],
      ['ReplicationSource shop/r', '2026-01-06T00:00:00.000Z'],
      ['ReplicationSource shop/new', ''],
      ['Backup weekly', ''],
    ]);
  });

  it('have the versions of definitions that are served, written and still lying there', () => {
    const definition = object('CustomResourceDefinition', 'shops.example.com', {
      spec: {
        versions: [
          { name: 'v1', served: true, storage: true },
          { name: 'v1beta1', served: true, storage: false },
          { name: 'v1alpha1', served: false, storage: false },
        ],
      },
      status: { storedVersions: ['v1beta1', 'v1'] },
    });
    const told = { served: ['v1', 'v1beta1'], storage: 'v1', stored: ['v1', 'v1beta1'] };
    expect(definitionFacts([definition])).toEqual([['shops.example.com', told]]);
  });

  it('have what nobody applies and nothing has made', () => {
    const labels = { 'applyset.kubernetes.io/part-of': 'applyset-x-v1' };
    expect(
      unmanagedFacts([
        object('Deployment', 'debug'),
        object('Deployment', 'web', {}, { labels }),
        object('Service', 'made', {}, { ownerReferences: [] }),
        object('ServiceAccount', 'default'),
      ]),
    ).toEqual([['Deployment shop/debug', true]]);
  });

  it('have the releases of kubelets, each once', () => {
    const node = (kubeletVersion: string) =>
      object('Node', 'n', { status: { nodeInfo: { kubeletVersion } } });
    expect(kubeletVersions([node('v1.33.1'), node('v1.32.0'), node('v1.33.1'), object('Node', 'x')])).toEqual(
      ['v1.32.0', 'v1.33.1'],
    );
  });

  it('say of a certificate that cannot be read just that', () => {
    const broken = { type: 'kubernetes.io/tls', data: { 'tls.crt': Buffer.from('no').toString('base64') } };
    const certificates = [object('Certificate', 'c', { status: { notAfter: '2026-05-01T00:00:00Z' } })];
    const held = [object('Secret', 't', broken), object('Secret', 'o')];
    certificates.push(object('Certificate', 'never'));
    expect(
      certificateFacts(
        held.map((one) => readHeldValues(one)),
        certificates,
      ),
    ).toEqual([
      ['Secret shop/t', 'it cannot be read'],
      ['Certificate shop/c', '2026-05-01T00:00:00Z'],
      ['Certificate shop/never', ''],
    ]);
  });

  it('have each image as pods name it with the digests that run, of init containers and sidecars too', () => {
    const pod = (phase: string, image: string, imageID: string, more: object = {}) =>
      object('Pod', 'p', {
        spec: { containers: [{ name: 'a', image }], initContainers: [{ name: 'i', image: 'init:1' }] },
        status: {
          phase,
          // The runtime knows it under another name.
          containerStatuses: [{ name: 'a', image: `docker.io/library/${image}`, imageID }],
          initContainerStatuses: [{ name: 'i', image: 'init:1', imageID: `init@${sha('d')}` }],
          ephemeralContainerStatuses: [{ name: 'e', image: 'debug:1', imageID: `debug@${sha('e')}` }],
          ...more,
        },
      });
    const pods = [
      pod('Running', 'web:1', `x/web@${sha('b')}`),
      pod('Running', 'web:1', `docker-pullable://x/web@${sha('a')}`),
      pod('Succeeded', 'job:1', `x/job@${sha('c')}`),
      pod('Running', 'odd:1', 'unknown'),
      // Never pulled by digest: an id of the runtime's own.
      pod('Running', 'local:1', sha('f')),
      pod('Pending', 'waits:1', '', { initContainerStatuses: [] }),
    ].flatMap((one) => {
      const trimmed = trimPod(one, true);
      return trimmed ? [[trimmed, 1] as const] : [];
    });
    expect(imageFacts(pods)).toEqual([
      ['web:1', [sha('a'), sha('b')]],
      ['init:1', [sha('d')]],
      ['local:1', [`id:${sha('f')}`]],
    ]);
    expect(requestFacts(pods)[0]).toEqual(['requested', { cpuMillis: 0, memoryBytes: 0, pods: 5 }]);
  });

  it('have nothing of what runs elsewhere but what it takes of its node', () => {
    const spec = { nodeName: 'n', containers: [{ name: 'a', image: 'a', env: [{ name: 'x', value: 'y' }] }] };
    const other = object('Pod', 'p', { spec, status: { phase: 'Running' } });
    expect(trimPod(other, false)).toMatchObject({ node: 'n', spec: { containers: [{ resources: {} }] } });
    expect(JSON.stringify(trimPod(other, false))).not.toContain('image');
    expect(trimPod(other, true)).not.toHaveProperty('node');
    const job = { ...other, metadata: { ...other.metadata, ownerReferences: [{ kind: 'Job' }] } };
    expect(trimPod(job as KubeObject, false)).toBeUndefined();
    expect(trimPod(job as KubeObject, true)).toBeDefined();
  });

  it('have classes with what volumes are mounted by, and which is the default', () => {
    const fast = object(
      'StorageClass',
      'fast',
      { provisioner: 'x', mountOptions: ['ro'] },
      {
        annotations: { 'storageclass.kubernetes.io/is-default-class': 'true', other: 'true' },
      },
    );
    expect(classFacts([fast])).toEqual([['fast', { provisioner: 'x', mountOptions: ['ro'], default: true }]]);
  });

  it('have no age of backups that nobody means to make again', () => {
    const backup = (name: string, schedule?: string) =>
      object(
        'Backup',
        name,
        { status: { phase: 'Completed', completionTimestamp: '2026-01-02T00:00:00Z' } },
        schedule ? { labels: { 'velero.io/schedule-name': schedule } } : {},
      );
    const byHand = [backup('before-upgrade'), backup('once')];
    const at = '2026-01-02T00:00:00.000Z';
    // Where nothing is scheduled, somebody makes them by hand.
    expect(backupFacts(byHand)).toEqual([['Backup by hand', at]]);
    const nightly = object('Schedule', 'nightly');
    const all = [...byHand, backup('n', 'nightly'), backup('old', 'gone'), nightly];
    expect(backupFacts(all)).toEqual([['Backup nightly', at]]);
    // Which schedules there are is not known.
    expect(backupFacts([backup('old', 'gone')], false)).toEqual([['Backup gone', at]]);
  });

  it('leave out Secrets that each cluster makes for itself, and tell equal values by the same salt alone', () => {
    const salts = [new Uint8Array(4), new Uint8Array(4).fill(1)] as const;
    const secret = object('Secret', 'key', { data: { a: 'b25l' } });
    const others = [
      object('Secret', 'sa', { type: 'kubernetes.io/service-account-token' }),
      object('Secret', 'release', { type: 'helm.sh/release.v1' }),
      object('ConfigMap', 'kube-root-ca.crt'),
      object('Secret', 'owned', {}, { ownerReferences: [{}] }),
      object('Secret', 'issued', {}, { annotations: { 'cert-manager.io/certificate-name': 'web' } }),
      object('Secret', 'applied', {}, { labels: { 'applyset.kubernetes.io/part-of': 'applyset-x-v1' } }),
    ];
    const told = (objects: readonly KubeObject[], salt: Uint8Array) =>
      createFingerprints(salt)(objects.map((one) => readHeldValues(one)));
    const [first] = told([secret, ...others], salts[0]);
    expect(told([secret, ...others], salts[0])).toHaveLength(1);
    expect(told([object('Secret', 'key', { data: { a: 'b25l' } })], salts[0])[0]).toEqual(first);
    expect(told([secret], salts[1])[0]).not.toEqual(first);
    // The same values elsewhere do not show as the same.
    expect(told([object('Secret', 'other', { data: { a: 'b25l' } })], salts[0])[0]?.[1]).not.toBe(first?.[1]);
  });
});
